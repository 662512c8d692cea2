//! Credentials never leave: values of credential headers, query parameters and
//! command-line arguments become `<redacted:FINGERPRINT>`, so that "which key was
//! it" can still be answered.
//!
//! The fingerprint is the first four hexadecimal digits of the SHA-256 of the
//! credential itself, without the scheme word (`Bearer`) and without percent
//! encoding: one key has one fingerprint wherever it is sent, and 16 bits tell
//! a handful of keys apart without helping anybody to guess one.

mod args;
mod hidden;
mod names;
mod options;
mod text;
mod url;

use std::borrow::Cow;

pub use args::args;
pub use names::is_credential;
pub use url::url;

use hidden::{Hidden, redacted};
use text::{Form, text};

/// Words before a credential that are none themselves: the `auth-scheme`s of
/// RFC 9110 section 11.1 in use. Only these: a key that is followed by a blank
/// must not pass for a scheme.
const SCHEMES: &[&str] = &[
    "apikey",
    "aws4-hmac-sha256",
    "basic",
    "bearer",
    "digest",
    "dpop",
    "key",
    "negotiate",
    "oauth",
    "sharedaccesssignature",
    "token",
];

/// The value of a header, fit to be shown. A scheme word (`Bearer`, `Basic`)
/// stays.
pub fn header<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if name.eq_ignore_ascii_case("sec-websocket-protocol") {
        return subprotocols(value);
    }
    let mut hidden = Hidden::of(value);
    if name.eq_ignore_ascii_case("host") {
        url::hide_user(&mut hidden, 0..value.len());
    } else if is_credential(name) {
        let credential = behind_scheme(value);
        hidden.hide(credential..value.len(), &value[credential..]);
    } else {
        // Gateways have names of their own for the field, but keys are put there as
        // everywhere; and where one came from or has to go is a URL.
        return text(value, Form::Value);
    }
    hidden.finish()
}

/// Where a credential begins behind its scheme word, if it has one.
fn behind_scheme(value: &str) -> usize {
    // No scheme is longer, and a blank is not to be looked for in all of a text.
    match value.bytes().take(32).position(|byte| byte == b' ') {
        Some(blank) if is_scheme(&value[..blank]) => {
            value.len() - value[blank..].trim_start().len()
        }
        _ => 0,
    }
}

fn is_scheme(word: &str) -> bool {
    SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(word))
}

/// The subprotocols that a WebSocket offers, without the credentials among them: browsers
/// can set no other field. `openai-insecure-api-key.sk-...` is how OpenAI's library sends
/// them, `base64url.bearer.authorization.k8s.io.TOKEN` how Kubernetes' does, and
/// `access_token, TOKEN` is usual, too.
fn subprotocols(value: &str) -> Cow<'_, str> {
    let names = |name: &str| {
        let word = name.rsplit(['.', '-']).next().unwrap_or_default();
        is_credential(name) || is_scheme(word)
    };
    let mut hidden = false;
    let mut announced = false;
    let mut hide = |offer: &str| {
        let text = offer.trim();
        // Each label by itself: of all before a dot it would take long in a long value.
        let mut label = 0;
        let dot = text.match_indices('.').map(|(at, _)| at + 1).find(|at| {
            let from = std::mem::replace(&mut label, *at);
            names(&text[from..at - 1])
        });
        let from = if announced { Some(0) } else { dot };
        announced = from.is_none() && names(text);
        match from.and_then(|from| Some((from, redacted(&text[from..])?))) {
            Some((from, redacted)) => {
                hidden = true;
                format!("{}{redacted}", &text[..from])
            }
            None => text.to_owned(),
        }
    };
    let offers: Vec<_> = value.split(',').map(&mut hide).collect();
    if hidden { Cow::Owned(offers.join(", ")) } else { Cow::Borrowed(value) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest as _;

    use super::*;

    /// What `<redacted:...>` makes of a credential, computed apart.
    fn hidden(credential: &str) -> String {
        let hex: String =
            sha2::Sha256::digest(credential).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("<redacted:{}>", &hex[..4])
    }

    #[test]
    fn the_fingerprint_is_the_head_of_sha_256() {
        // FIPS 180-4's own example.
        assert_eq!(header("x-api-key", "abc"), "<redacted:ba78>");
    }

    #[test]
    fn credential_headers_are_hidden() {
        let cases = [
            ("Authorization", "Bearer sk-1", format!("Bearer {}", hidden("sk-1"))),
            ("authorization", "Basic dTpw", format!("Basic {}", hidden("dTpw"))),
            ("AUTHORIZATION", "sk-1", hidden("sk-1")),
            ("authorization", "sk-1 more", hidden("sk-1 more")),
            ("Proxy-Authorization", "Basic dTpw", format!("Basic {}", hidden("dTpw"))),
            ("X-Api-Key", "sk-1", hidden("sk-1")),
            ("api-key", "sk-1", hidden("sk-1")),
            ("x-goog-api-key", "sk 1", hidden("sk 1")),
            ("x-auth-token", "t", hidden("t")),
            ("X-Access-Token", "t", hidden("t")),
            ("cookie", "a=b; c=d", hidden("a=b; c=d")),
            ("Set-Cookie", "a=b", hidden("a=b")),
            ("x-amz-security-token", "t", hidden("t")),
            ("X-CSRFToken", "t", hidden("t")),
            ("chatgpt-account-id", "id", hidden("id")),
            ("x-cursor-checksum", "sum", hidden("sum")),
            ("www-authenticate", "Bearer realm=x", format!("Bearer {}", hidden("realm=x"))),
            ("Ocp-Apim-Subscription-Key", "k", hidden("k")),
            ("my-gateway-api-key", "k", hidden("k")),
            ("Helicone-Auth", "Bearer k", format!("Bearer {}", hidden("k"))),
            ("x-auth", "k", hidden("k")),
            ("authentication", "k", hidden("k")),
            ("X-MCP-Proxy-Auth", "Bearer k", format!("Bearer {}", hidden("k"))),
            ("X-RapidAPI-Key", "k", hidden("k")),
            ("x-litellm-key", "k", hidden("k")),
            ("x-gateway", "Bearer k", format!("Bearer {}", hidden("k"))),
            ("referer", "https://h/x?key=k&a=b", format!("https://h/x?key={}&a=b", hidden("k"))),
            ("Location", "/x?access_token=k", format!("/x?access_token={}", hidden("k"))),
            ("referer", "https://u:p@h/", format!("https://{}@h/", hidden("u:p"))),
            (
                "link",
                "<https://h/?sig=k>; rel=next",
                format!("<https://h/?sig={}>; rel=next", hidden("k")),
            ),
            ("Host", "u:p@h:1", format!("{}@h:1", hidden("u:p"))),
            (
                "Sec-WebSocket-Protocol",
                "realtime, openai-insecure-api-key.sk-1.2, openai-beta.realtime-v1",
                format!(
                    "realtime, openai-insecure-api-key.{}, openai-beta.realtime-v1",
                    hidden("sk-1.2")
                ),
            ),
            ("sec-websocket-protocol", "access_token,t", format!("access_token, {}", hidden("t"))),
            (
                "sec-websocket-protocol",
                "base64url.bearer.authorization.k8s.io.dA",
                format!("base64url.bearer.{}", hidden("authorization.k8s.io.dA")),
            ),
        ];
        for (name, value, expected) in cases {
            assert_eq!(header(name, value), expected, "{name}");
            assert_eq!(header(name, &expected), expected, "{name}, a second time");
        }
    }

    #[test]
    fn other_headers_are_not_touched() {
        let names = [
            ":authority",
            "x-auth-type",
            "x-litellm-key-tpm-limit",
            "surrogate-key",
            "x-prompt-cache-key",
            "anthropic-ratelimit-tokens-remaining",
            "content-type",
            "idempotency-key",
            "sec-websocket-key",
            "sec-websocket-protocol",
            "user-agent",
            "x-claude-code-session-id",
            "X-Amzn-Bedrock-Input-Token-Count",
            "x-prompt-tokens",
            "x-time-per-token",
            "x-ratelimit-limit-tokens",
        ];
        for name in names {
            assert!(matches!(header(name, "value"), Cow::Borrowed("value")), "{name}");
        }
    }

    #[test]
    fn credentials_of_urls_are_hidden() {
        let k = hidden("k 1");
        let cases = [
            ("/v1/models?key=k%201&alt=sse", format!("/v1/models?key={k}&alt=sse")),
            ("/x?alt=sse&KEY=k%201", format!("/x?alt=sse&KEY={k}")),
            ("/x?%6Bey=k%201", format!("/x?%6Bey={k}")),
            ("/x?access%5Ftoken=k%201#end", format!("/x?access%5Ftoken={k}#end")),
            ("/x?api_key=k%201;a=b", format!("/x?api_key={k};a=b")),
            ("/x#access_token=k%201", format!("/x#access_token={k}")),
            (
                "/x?X-Amz-Signature=k%201&X-Amz-Date=1",
                format!("/x?X-Amz-Signature={k}&X-Amz-Date=1"),
            ),
            ("/x?X-Amz-Credential=k%201", format!("/x?X-Amz-Credential={k}")),
            ("/x?a=1?sig=k%201", format!("/x?a=1?sig={k}")),
            ("https://k%201@host/p?q=1", format!("https://{k}@host/p?q=1")),
            ("https://u:p@w@host:1/a@b", format!("https://{}@host:1/a@b", hidden("u:p@w"))),
        ];
        for (from, to) in cases {
            assert_eq!(url(from), to, "{from}");
            assert_eq!(url(&to), to, "{from}, a second time");
        }
        for value in
            ["text/html; charset=utf-8", "https://h/x?a=b#c", "Sun, 29 Nov 2026 12:00:00 GMT"]
        {
            assert!(matches!(header("x", value), Cow::Borrowed(_)), "{value}");
        }
        for same in
            ["/v1/messages?beta=true", "/", "", "*", "/x?key=", "/x?monkey=1", "/a?b=c://d@e"]
        {
            assert!(matches!(url(same), Cow::Borrowed(_)), "{same}");
        }
    }

    proptest! {
        #[test]
        fn a_key_in_a_query_never_survives(
            before in "[a-z&=?%#;]{0,12}", secret in "[A-Z0-9]{12}", after in "[a-z&=?#;]{0,12}"
        ) {
            let text = format!("/p?{before}&key={secret}&{after}");
            prop_assert!(!url(&text).contains(&secret), "{}", url(&text));
        }

        #[test]
        fn any_text_is_survived(text in "\\PC*") {
            let _ = url(&text);
            let _ = header("authorization", &text);
            let _ = header("sec-websocket-protocol", &text);
            let _ = header("host", &text);
            let _ = header("referer", &text);
        }
    }
}
