//! Credentials never leave: values of credential headers, query parameters and
//! command-line arguments
//! become `<redacted:FINGERPRINT>`, so that "which key was it" can still be
//! answered.
//!
//! The fingerprint is the first four hexadecimal digits of the SHA-256 of the
//! credential itself, without the scheme word (`Bearer`) and without percent
//! encoding: one key has one fingerprint wherever it is sent, and 16 bits tell
//! a handful of keys apart without helping anybody to guess one.

mod args;

use std::borrow::Cow;
use std::fmt::Write as _;

pub use args::args;
use sha2::{Digest, Sha256};

use crate::percent;

/// Names that are credentials although no word of theirs says so.
const NAMES: &[&str] = &["chatgpt-account-id", "x-cursor-checksum", "www-authenticate"];

/// Words that make a name a credential's: `X-Auth-Token`, `set-cookie`.
const WORDS: &[&str] = &[
    "authorization",
    "cookie",
    "cookie2",
    "credential",
    "credentials",
    "jwt",
    "passwd",
    "password",
    "secret",
    "signature",
];

/// What makes the word `key` after it a credential; `idempotency-key` is none.
const BEFORE_KEY: &[&str] =
    &["access", "api", "auth", "functions", "master", "private", "secret", "subscription"];

/// What makes the word `token` a counted thing: `x-time-per-token`,
/// `input-token-count`.
const AROUND_COUNTED: &[&str] = &["per", "count", "limit", "remaining", "reset", "usage"];

/// Query parameters that are credentials, though a header of the name is not.
const PARAMETERS: &[&str] = &["key", "sig", "auth", "pass", "pwd"];

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
    let (scheme, credential) = match value.split_once(' ') {
        Some((scheme, rest)) if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) => {
            (Some(scheme), rest.trim_start())
        }
        _ => (None, value),
    };
    // Gateways have names of their own for the field, but this is how keys are put there.
    let bears = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"));
    if !bears && !is_credential(name) {
        return Cow::Borrowed(value);
    }
    match (scheme, redacted(credential)) {
        (_, None) => Cow::Borrowed(value),
        (None, Some(redacted)) => Cow::Owned(redacted),
        (Some(scheme), Some(redacted)) => Cow::Owned(format!("{scheme} {redacted}")),
    }
}

/// The subprotocols that a WebSocket offers, without the credentials among them: browsers
/// can set no other field. `openai-insecure-api-key.sk-...` is how OpenAI's library sends
/// them, `base64url.bearer.authorization.k8s.io.TOKEN` how Kubernetes' does, and
/// `access_token, TOKEN` is usual, too.
fn subprotocols(value: &str) -> Cow<'_, str> {
    let names = |name: &str| {
        let word = name.rsplit(['.', '-']).next().unwrap_or_default().to_ascii_lowercase();
        is_credential(name) || SCHEMES.contains(&word.as_str())
    };
    let mut hidden = false;
    let mut announced = false;
    let mut hide = |offer: &str| {
        let text = offer.trim();
        let dot = text.match_indices('.').map(|(at, _)| at + 1).find(|at| names(&text[..at - 1]));
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

/// A request target or URL, fit to be shown: without the credentials of its
/// user information, query and fragment. The rest stays as it is on the wire.
pub fn url(url: &str) -> Cow<'_, str> {
    let mut out = String::new();
    // Bytes of `url` that `out` stands for.
    let mut done = 0;
    let mut replace = |from: usize, to: usize| {
        if let Some(redacted) = redacted(&percent::decoded(&url[from..to])) {
            out.push_str(&url[done..from]);
            out.push_str(&redacted);
            done = to;
        }
    };
    let path = match url.find("://") {
        Some(scheme) if !url[..scheme].contains(['/', '?', '#']) => {
            let authority = scheme + 3;
            let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
            if let Some(at) = url[authority..end].rfind('@') {
                replace(authority, authority + at);
            }
            end
        }
        _ => 0,
    };
    let mut at = url[path..].find(['?', '#']).map_or(url.len(), |at| path + at + 1);
    while at < url.len() {
        let end = url[at..].find(['&', ';', '?', '#']).map_or(url.len(), |end| at + end);
        if let Some(equals) = url[at..end].find('=') {
            let name = percent::decoded(&url[at..at + equals]);
            let exact = PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(&name));
            if exact || is_credential(&name) {
                replace(at + equals + 1, end);
            }
        }
        at = end + 1;
    }
    if done == 0 {
        return Cow::Borrowed(url);
    }
    out.push_str(&url[done..]);
    Cow::Owned(out)
}

/// Whether a header or parameter of this name holds a credential.
pub fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if NAMES.contains(&name.as_str()) {
        return true;
    }
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    words.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).and_then(|at| words.get(at)).unwrap_or(&"");
        let after = words.get(at + 1).unwrap_or(&"");
        match *word {
            "key" => BEFORE_KEY.contains(before),
            "token" => !AROUND_COUNTED.contains(before) && !AROUND_COUNTED.contains(after),
            // `X-Auth`; but `auth-type` says how.
            "auth" => at + 1 == words.len(),
            word if WORDS.contains(&word) => true,
            // `csrftoken`, `xapikey`: but `tokens` are counted things.
            word => ["token", "apikey", "accesskey"].iter().any(|end| word.ends_with(end)),
        }
    })
}

/// The first four hexadecimal digits of the SHA-256.
fn fingerprint(credential: &str) -> String {
    let digest = Sha256::digest(credential.as_bytes());
    let mut hex = String::with_capacity(4);
    for byte in digest.iter().take(2) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// `None`: nothing to hide, or hidden before.
fn redacted(credential: &str) -> Option<String> {
    let hidden = credential.strip_prefix("<redacted:").and_then(|rest| rest.strip_suffix('>'));
    let hidden = hidden.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if credential.is_empty() || hidden {
        return None;
    }
    Some(format!("<redacted:{}>", fingerprint(credential)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `<redacted:...>` makes of a credential, computed apart.
    fn hidden(credential: &str) -> String {
        let hex: String =
            Sha256::digest(credential).iter().map(|byte| format!("{byte:02x}")).collect();
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
        }
    }
}
