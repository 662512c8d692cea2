//! Which names are those of credentials.

/// Names that are credentials although no word of theirs says so.
const NAMES: &[&str] = &["chatgpt-account-id", "x-cursor-checksum", "www-authenticate"];

/// Ends of words that make a name a credential's: `set-cookie`, `csrftoken`,
/// `xapikey`, `PGPASSWORD`. Of `token` and `key` as words of their own see below.
const ENDS: &[&str] = &[
    "accesskey",
    "apikey",
    "authorization",
    "cookie",
    "cookie2",
    "credential",
    "credentials",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "signature",
    "token",
];

/// Words that do so at a name's end: `X-Auth`; but `auth-type` says how.
const LAST: &[&str] = &["auth", "authentication", "bearer", "pass"];

/// What makes the word `key` after it a credential wherever it stands:
/// `API_KEY_2`.
const BEFORE_KEY: &[&str] =
    &["access", "api", "auth", "functions", "master", "private", "secret", "subscription"];

/// What makes the word `key` after it none at a name's end, where that of any
/// service or gateway is one: `x-litellm-key`, but `idempotency-key`.
const BEFORE_OTHER_KEY: &[&str] = &[
    "cache",
    "idempotency",
    "partition",
    "public",
    "routing",
    "sort",
    "ssl",
    "surrogate",
    "tls",
    "websocket",
];

/// What makes the word `token` a counted thing: `x-time-per-token`,
/// `input-token-count`.
const AROUND_COUNTED: &[&str] = &["per", "count", "limit", "remaining", "reset", "usage"];

/// Query parameters that are credentials, though a header of the name is not.
const PARAMETERS: &[&str] = &["key", "sig", "auth", "pass", "pwd"];

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
        let last = at + 1 == words.len();
        match *word {
            "key" => {
                let other = before.is_empty() || BEFORE_OTHER_KEY.contains(before);
                BEFORE_KEY.contains(before) || last && !other
            }
            "token" => !AROUND_COUNTED.contains(before) && !AROUND_COUNTED.contains(after),
            // But `tokens` are counted things.
            word => (last && LAST.contains(&word)) || ENDS.iter().any(|end| word.ends_with(end)),
        }
    })
}

/// The same of a parameter in a query.
pub(super) fn is_parameter(name: &str) -> bool {
    PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name)) || is_credential(name)
}
