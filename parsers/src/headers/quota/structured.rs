//! `RateLimit` and `RateLimit-Policy`, as structured fields: lists of named items
//! with parameters (the IETF's draft-ietf-httpapi-ratelimit-headers, from -09 on; RFC 9651,
//! section 3.1). Hugging Face's have a string more in a policy, before the name:
//! `"fixed window";"api";q=500;w=300`.
//!
//! The drafts -07 and -08 name nothing: `RateLimit` is a dictionary, `limit=100,
//! remaining=50, reset=5` (seconds), and `RateLimit-Policy` a list of numbers,
//! `100;w=60`. No item of theirs is a string, and every later one has one.

use super::fact::Fact;

/// Whether a header, its name in lower case, is one of the two.
pub(super) fn is_structured(name: &str) -> bool {
    matches!(name, "ratelimit" | "ratelimit-policy")
}

/// What one of the two tells: of what, and which fact. `alone`: no other header has
/// this name.
pub(super) fn read<'a>(name: &str, value: &'a str, alone: bool) -> Vec<(&'a str, Fact)> {
    let items = || outside_strings(value, b',');
    if items().any(|item| outside_strings(item, b';').any(|member| string(member).is_some())) {
        return items().flat_map(named).collect();
    }
    let facts = match name {
        "ratelimit" => items().filter_map(entry).collect(),
        // Which of several is meant by the other field is not told.
        _ if alone && items().nth(1).is_none() => policy(value),
        _ => Vec::new(),
    };
    facts.into_iter().map(|fact| (UNNAMED, fact)).collect()
}

/// What the earlier drafts' limit is of.
const UNNAMED: &str = "requests";

/// An item of a list, which says of what it is.
fn named(item: &str) -> impl Iterator<Item = (&str, Fact)> {
    let mut what = None;
    outside_strings(item, b';').filter_map(move |member| {
        what = string(member).or(what);
        Some((what?, parameter(member)?))
    })
}

/// An entry of the earlier drafts' dictionary.
fn entry(item: &str) -> Option<Fact> {
    let (key, value) = item.split(';').next()?.split_once('=')?;
    let count: u64 = value.trim().parse().ok()?;
    Some(match key.trim() {
        "limit" => Fact::Limit(Some(count)),
        "remaining" => Fact::Remaining(Some(count)),
        "reset" => Fact::ResetsAfter(count.checked_mul(1000)),
        _ => return None,
    })
}

/// The earlier drafts' only policy: how much, and in which window.
fn policy(item: &str) -> Vec<Fact> {
    let (quota, parameters) = item.split_once(';').unwrap_or((item, ""));
    let Ok(quota) = quota.trim().parse() else { return Vec::new() };
    let window = outside_strings(parameters, b';')
        .filter(|member| member.trim_start().starts_with("w="))
        .filter_map(parameter);
    std::iter::once(Fact::Limit(Some(quota))).chain(window).collect()
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
        let requests = |limit, remaining, seconds, window_minutes| {
            named("requests", limit, remaining, seconds, window_minutes)
        };
        let cases: [(&[_], _); 12] = [
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
            // A period alone, none at all.
            (
                &[
                    ("RateLimit-Policy", r#""a";w=60, 100;w=60"#),
                    ("RateLimit", r#"",;";";;,"";r=1, "x;r=-1"#),
                ],
                vec![],
            ),
            // The earlier drafts'.
            (
                &[("RateLimit", "limit=100, remaining=50, reset=5")],
                vec![requests(Some(100), Some(50), Some(5), None)],
            ),
            (
                &[
                    ("RateLimit-Policy", "100;comment=\"a,b;c\";w=3600"),
                    ("RateLimit", "remaining=0,reset=10;x=1 , limit=100;w=1"),
                ],
                vec![requests(Some(100), Some(0), Some(10), Some(60))],
            ),
            // Of several policies, which one is meant is not told; the last entry
            // of a name counts.
            (
                &[
                    ("RateLimit-Policy", "10;w=60, 5000;w=86400"),
                    ("RateLimit", "limit=1, limit=10, remaining=9"),
                ],
                vec![requests(Some(10), Some(9), None, None)],
            ),
            (&[("RateLimit-Policy", "10;w=60"), ("RateLimit-Policy", "5000;w=86400")], vec![]),
            // A later list is none of theirs, whatever else is in it.
            (
                &[("RateLimit", r#""a";r=1, limit=100, remaining=50"#)],
                vec![named("a", None, Some(1), None, None)],
            ),
            (&[("RateLimit", "LIMIT=100, remaining=-1, reset=soon, limit=1e3, r=5")], vec![]),
            (&[("RateLimit-Policy", "w=60"), ("RateLimit-Policy", "limit=100")], vec![]),
        ];
        for (headers, expected) in cases {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let headers: Vec<_> = headers.iter().map(owned).collect();
            assert_eq!(limits(&headers), expected, "{headers:?}");
        }
    }
}
