//! `RateLimit` and `RateLimit-Policy`, as structured fields: lists of named items
//! with parameters (the IETF's draft-ietf-httpapi-ratelimit-headers, from -09 on; RFC 9651,
//! section 3.1). Hugging Face's have a string more in a policy, before the name:
//! `"fixed window";"api";q=500;w=300`.

use super::fact::Fact;

/// Whether a header, its name in lower case, is one of the two.
pub(super) fn is_structured(name: &str) -> bool {
    matches!(name, "ratelimit" | "ratelimit-policy")
}

/// What a list tells: of what, and which fact.
pub(super) fn read(list: &str) -> impl Iterator<Item = (&str, Fact)> {
    outside_strings(list, b',').flat_map(|item| {
        let mut what = None;
        outside_strings(item, b';').filter_map(move |member| {
            what = string(member).or(what);
            Some((what?, parameter(member)?))
        })
    })
}

fn parameter(member: &str) -> Option<Fact> {
    let (key, value) = member.split_once('=')?;
    let count: u64 = value.trim().parse().ok()?;
    Some(match key.trim() {
        "q" => Fact::Limit(Some(count)),
        "r" => Fact::Remaining(Some(count)),
        "t" => Fact::ResetsAfter(count.checked_mul(1000)),
        // One of seconds is no number of minutes.
        "w" => Fact::WindowMinutes(count.is_multiple_of(60).then_some(count / 60)),
        _ => return None,
    })
}

/// What stands between the quotes of a string, escapes as they are.
fn string(member: &str) -> Option<&str> {
    let text = member.trim().strip_prefix('"')?.strip_suffix('"')?;
    (!text.is_empty()).then_some(text)
}

/// The pieces between separators that are not inside a string.
fn outside_strings(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter: char| {
        let was_escaped = std::mem::take(&mut escaped);
        match letter {
            '\\' if quoted => escaped = !was_escaped,
            '"' if !was_escaped => quoted = !quoted,
            _ => {}
        }
        !quoted && letter == char::from(separator)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{RateLimit, limits};

    #[test]
    fn lists_tell_of_several() {
        let named = |name, limit, remaining, seconds: Option<u64>, window_minutes| RateLimit {
            limit,
            remaining,
            resets_after_ms: seconds.map(|seconds| seconds * 1000),
            window_minutes,
            ..RateLimit::named(name)
        };
        let huggingface = named("api", Some(500), Some(496), Some(105), Some(5));
        let burst = named("burst", Some(10), Some(8), Some(1), None);
        let daily = named("daily", Some(5000), Some(4998), Some(69_076), Some(1440));
        let cases: [(&[_], _); 5] = [
            (
                &[
                    ("RateLimit", r#""api";r=496;t=105"#),
                    ("RateLimit-Policy", r#""fixed window";"api";q=500;w=300"#),
                ],
                vec![huggingface],
            ),
            (
                &[
                    ("ratelimit-policy", r#""burst";q=10;w=10, "daily" ; q=5000; w=86400"#),
                    ("ratelimit", r#""burst";r=8;t=1,"daily";r=4998;t=69076"#),
                ],
                vec![burst, daily],
            ),
            // Separators inside a string, units and whose it is.
            (
                &[("RateLimit", r#""a,\";b";r=1;pk=:cHNk:;qu="requests""#)],
                vec![named(r#"a,\";b"#, None, Some(1), None, None)],
            ),
            // In two lines, as HTTP allows.
            (
                &[("RateLimit", r#""a";r=1"#), ("RateLimit", r#""b";r=2;t=99999999999999999999"#)],
                vec![named("a", None, Some(1), None, None), named("b", None, Some(2), None, None)],
            ),
            // A period alone, an earlier draft's, none at all.
            (
                &[
                    ("RateLimit-Policy", r#""a";w=60, 100;w=60"#),
                    ("RateLimit", "limit=100, remaining=50, reset=5"),
                    ("RateLimit", r#"",;";";;,"";r=1, "x;r=-1"#),
                ],
                vec![],
            ),
        ];
        for (headers, expected) in cases {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let headers: Vec<_> = headers.iter().map(owned).collect();
            assert_eq!(limits(&headers), expected, "{headers:?}");
        }
    }
}
