//! Credentials that were given on a command line: every user of the machine
//! can read them in `/proc`, but nobody expects them in an export.

use std::borrow::Cow;

use super::Hidden;
use super::options::{Holds, is_option};
use super::text::{Form, text};

/// The arguments of a process, fit to be shown: without the credentials of
/// header lines (`-H 'x-api-key: ...'`), of assignments and options
/// (`API_KEY=...`, `--token ...`), of URLs, and of `--user name:password`; also
/// where they are inside a script (`sh -c '...'`) or JSON.
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
    let holds = Holds::option(before).filter(|_| !is_option(arg));
    if let Some(credential) = holds.and_then(|holds| holds.credential(arg)) {
        let mut hidden = Hidden::of(arg);
        hidden.hide(credential..arg.len(), &arg[credential..]);
        return hidden.finish();
    }
    text(arg, if announces_script(before) { Form::Script } else { Form::Value })
}

/// `-c`, `-lc`: what shells and interpreters have before a script.
fn announces_script(option: &str) -> bool {
    let letters = option.strip_prefix('-').and_then(|letters| letters.strip_suffix('c'));
    letters.is_some_and(|letters| letters.chars().all(|c| c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            (&["curl", "-H", "Authorization:Bearer abc"], "Authorization:Bearer HIDDEN"),
            (&["curl", "-HAuthorization: abc"], "-HAuthorization: HIDDEN"),
            (&["curl", "-H", "X-Gateway: Bearer abc"], "X-Gateway: Bearer HIDDEN"),
            (&["env", "PASSWORD=abc"], "PASSWORD=HIDDEN"),
            (&["docker", "--env=OPENAI_API_KEY=abc"], "--env=OPENAI_API_KEY=HIDDEN"),
            (&["docker", "-eOPENAI_API_KEY=abc"], "-eOPENAI_API_KEY=HIDDEN"),
            (&["tool", "-api-key", "abc"], "HIDDEN"),
            (&["tool", "-api-key=abc"], "-api-key=HIDDEN"),
            (&["tool", "--openai-key", "abc"], "HIDDEN"),
            (&["tool", "--header", "Bearer abc"], "Bearer HIDDEN"),
            (&["curl", "--oauth2-bearer", "abc"], "HIDDEN"),
            (&["curl", "-ume:abc"], "-ume:HIDDEN"),
            (&["curl", "--user=me:abc"], "--user=me:HIDDEN"),
            (&["curl", "-b", "abc"], "abc"),
            (&["curl", "--proxy=http://abc@h:1/"], "--proxy=http://HIDDEN@h:1/"),
            (&["tool", r#"{"api_key":"abc"}"#], r#"{"api_key":"HIDDEN"}"#),
            (&["tool", r#"{"api_key" : "abc", "a":1}"#], r#"{"api_key" : "HIDDEN", "a":1}"#),
            (&["tool", r#"{"args":["--api-key","abc"]}"#], r#"{"args":["--api-key","HIDDEN"]}"#),
            (&["tool", r#"{"args":["--key-id", "abc"]}"#], r#"{"args":["--key-id", "abc"]}"#),
            (&["python", "-c", "print(1)"], "print(1)"),
            (&["python", "-c", "ask(api_key='abc', n=1)"], "ask(api_key='HIDDEN', n=1)"),
            // What only sounds like one.
            (&["tool", "--auth-type", "abc"], "abc"),
            (&["tool", "--auth-type=abc"], "--auth-type=abc"),
            (&["tool", "--max-tokens", "12"], "12"),
            (&["tool", "idempotency-key: abc"], "idempotency-key: abc"),
            (&["tool", "--token", "-v"], "-v"),
            (&["pip", "-U", "https://h/abc"], "https://h/abc"),
            (&["tool", "-url=https://h/abc"], "-url=https://h/abc"),
            (&["tool", "https://h/a:b?c=d"], "https://h/a:b?c=d"),
        ];
        for (given, last) in cases {
            let shown = args(given);
            assert_eq!(shown.len(), given.len(), "{given:?}");
            assert_eq!(*shown.last().unwrap(), last.replace("HIDDEN", hidden), "{given:?}");
        }
    }

    #[test]
    fn credentials_inside_scripts_are_hidden() {
        let cases = [
            "curl -H 'Authorization: Bearer abc' https://h/",
            r#"curl -H "Authorization: Bearer abc" -d '{"model":"m"}'"#,
            r#"sh -c \"curl -H \\\"x-api-key: abc\\\"\""#,
            "curl -H Authorization:abc https://h/",
            "curl -u me:abc -ume:abc --user 'me:abc' https://h/",
            "curl -b abc=1",
            "curl 'https://h/v1?key=abc&alt=sse'; x",
            "curl https://abc@h/v1 | x",
            "export OPENAI_API_KEY=abc; x",
            "OPENAI_API_KEY=abc x --verbose",
            "A=1 OPENAI_API_KEY=\"abc\" x",
            "x --api-key abc --token=abc && y",
            "x --api-key 'abc'\ny -secret \\\n  abc",
            "cat <<E\napi_key: abc\nE",
        ];
        for script in cases {
            let expected = script.replace("abc=1", "abc").replace("abc", "<redacted:ba78>");
            let shown =
                last(&["sh", "-lc", script]).replace(&hidden_of("abc=1"), "<redacted:ba78>");
            assert_eq!(shown, expected, "{script}");
        }
    }

    fn last(given: &[&str]) -> String {
        args(given).pop().unwrap().into_owned()
    }

    fn hidden_of(credential: &str) -> String {
        super::super::hidden::redacted(credential).unwrap()
    }

    proptest! {
        #[test]
        fn a_credential_on_a_command_line_never_survives(
            before in "[a-z \"'`;:=,?&<>{}]{0,12}",
            how in 0..FORMS.len(),
            secret in "[A-Z0-9]{12}",
            after in "[ \"'`;,&)}\\]][a-z \"'`;:=,?&<>{}-]{0,12}",
        ) {
            let text = format!("{before} {}{after}", FORMS[how].replace("SECRET", &secret));
            for option in ["-c", "-x"] {
                let shown = last(&[option, &text]);
                prop_assert!(!shown.contains(&secret), "{shown}");
                let again = last(&[option, &shown]);
                prop_assert_eq!(&again, &shown);
            }
        }

        #[test]
        fn any_arguments_are_survived(all in prop::collection::vec("\\PC*|[-a-z\"'`:= ,é\\\\]*", 0..4)) {
            prop_assert_eq!(args(&all).len(), all.len());
        }
    }

    const FORMS: &[&str] = &[
        "x-api-key: SECRET",
        "Authorization:Bearer SECRET",
        "OPENAI_API_KEY=SECRET",
        "--env=OPENAI_API_KEY=SECRET",
        "--token SECRET",
        "-api-key SECRET",
        "Bearer SECRET",
        "https://SECRET@h/",
        "https://h/?a=b&key=SECRET",
        "{\"api_key\": \"SECRET\"",
        "token = 'SECRET'",
    ];
}
