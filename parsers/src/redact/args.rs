//! Credentials that were given on a command line: every user of the machine
//! can read them in `/proc`, but nobody expects them in an export.

use std::borrow::Cow;

use super::{header, is_credential, redacted, url};

/// Options after which a user's name and password come: curl's and wget's.
const USER: &[&str] = &["-u", "-U", "--user", "--proxy-user"];

/// The arguments of a process, fit to be shown: without the credentials of
/// header lines (`-H 'x-api-key: ...'`), of assignments and options
/// (`API_KEY=...`, `--token ...`), of URLs, and of `--user name:password`.
pub fn args<S: AsRef<str>>(args: &[S]) -> Vec<Cow<'_, str>> {
    let mut before = "";
    let mut shown = Vec::with_capacity(args.len());
    for arg in args {
        let arg = arg.as_ref();
        shown.push(argument(before, arg));
        before = arg;
    }
    shown
}

fn argument<'a>(before: &str, arg: &'a str) -> Cow<'a, str> {
    if let Some(option) = before.strip_prefix("--").filter(|option| !option.contains('='))
        && is_credential(option)
        && !arg.starts_with('-')
    {
        return redacted(arg).map_or(Cow::Borrowed(arg), Cow::Owned);
    }
    if USER.contains(&before)
        && let Some((user, password)) = arg.split_once(':')
        && let Some(password) = redacted(password)
    {
        return Cow::Owned(format!("{user}:{password}"));
    }
    if let Some((option, value)) = assignment(arg)
        && let Some(value) = redacted(value)
    {
        return Cow::Owned(format!("{option}={value}"));
    }
    if let Some((option, name, value)) = header_line(arg) {
        let blank = value.len() - value.trim_start().len();
        return match header(name, &value[blank..]) {
            Cow::Borrowed(_) => Cow::Borrowed(arg),
            Cow::Owned(value_shown) => {
                Cow::Owned(format!("{option}{name}:{}{value_shown}", &value[..blank]))
            }
        };
    }
    url(arg)
}

/// `NAME=value` or `--name=value` of a credential.
fn assignment(arg: &str) -> Option<(&str, &str)> {
    let (name, value) = arg.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (name.chars().all(is_name) && is_credential(name.trim_start_matches('-')))
        .then_some((name, value))
}

/// `Name: value` of a credential, also right behind its option: `-HName: value`,
/// `--header=Name: value`.
fn header_line(arg: &str) -> Option<(&str, &str, &str)> {
    let (name, value) = arg.split_once(':')?;
    let at = match name.strip_prefix("-H") {
        Some(_) => 2,
        None if name.starts_with("--") => name.find('=')? + 1,
        None => 0,
    };
    let (option, name) = name.split_at(at);
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!name.is_empty() && name.chars().all(is_token) && is_credential(name))
        .then_some((option, name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_on_a_command_line_are_hidden() {
        // The first four digits of the SHA-256 of `abc`: FIPS 180-4's example.
        let hidden = "<redacted:ba78>";
        let cases: &[(&[&str], &str)] = &[
            (&["curl", "-H", "Authorization: Bearer abc"], "Authorization: Bearer HIDDEN"),
            (&["curl", "-Hx-api-key:abc"], "-Hx-api-key:HIDDEN"),
            (&["wget", "--header=X-Api-Key: abc"], "--header=X-Api-Key: HIDDEN"),
            (&["curl", "-H", "content-type: application/json"], "content-type: application/json"),
            (&["env", "OPENAI_API_KEY=abc"], "OPENAI_API_KEY=HIDDEN"),
            (&["tool", "--api-key=abc"], "--api-key=HIDDEN"),
            (&["tool", "--api-key", "abc"], "HIDDEN"),
            (&["tool", "--token", "--verbose"], "--verbose"),
            (&["tool", "--max-tokens=12"], "--max-tokens=12"),
            (&["curl", "-u", "me:abc"], "me:HIDDEN"),
            (&["curl", "https://h/v1?key=abc&alt=sse"], "https://h/v1?key=HIDDEN&alt=sse"),
            (&["python", "-c", "print(1)"], "print(1)"),
        ];
        for (given, last) in cases {
            let shown = args(given);
            assert_eq!(shown.len(), given.len(), "{given:?}");
            assert_eq!(*shown.last().unwrap(), last.replace("HIDDEN", hidden), "{given:?}");
        }
    }
}
