//! A text of which parts are hidden, and what stands in their place.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use sha2::{Digest, Sha256};

/// How what is shown of a credential begins.
const MARK: &str = "<redacted:";

/// What is shown of a text; its parts are hidden from the first to the last.
pub(super) struct Hidden<'a> {
    text: &'a str,
    out: String,
    /// Bytes of the text that `out` stands for.
    done: usize,
}

impl<'a> Hidden<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Hidden { text, out: String::new(), done: 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// How far the text is settled.
    pub(super) fn done(&self) -> usize {
        self.done
    }

    /// Hides a part, which as it is meant is this credential.
    pub(super) fn hide(&mut self, part: Range<usize>, credential: &str) {
        if let Some(redacted) = redacted(credential) {
            self.out.push_str(&self.text[self.done..part.start]);
            self.out.push_str(&redacted);
            self.done = part.end;
        }
    }

    pub(super) fn finish(mut self) -> Cow<'a, str> {
        if self.done == 0 {
            return Cow::Borrowed(self.text);
        }
        self.out.push_str(&self.text[self.done..]);
        Cow::Owned(self.out)
    }
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
pub(super) fn redacted(credential: &str) -> Option<String> {
    let shown = hidden_at_start(credential).is_some_and(|after| after.is_empty());
    if credential.is_empty() || shown {
        return None;
    }
    Some(format!("{MARK}{}>", fingerprint(credential)))
}

/// What is behind a credential that was hidden before.
pub(super) fn hidden_at_start(text: &str) -> Option<&str> {
    let marked = text.strip_prefix(MARK)?;
    let (hex, after) = marked.split_at_checked(4)?;
    let after = after.strip_prefix('>')?;
    hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(after)
}
