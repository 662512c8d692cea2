//! JSON text as tokens, and their colours.

use std::ops::Range;

use super::Kind;
use crate::view::{Role, Span};

/// Bytes of a line that are coloured token by token; a longer line is one
/// long string there.
pub(super) const COLOURED: usize = 512;

/// The next byte that is not white space.
pub(super) fn next_token(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter().position(|byte| !byte.is_ascii_whitespace()).map(|skipped| from + skipped)
}

/// The end of the token at `at`: a string, a colon, or a bare word.
pub(super) fn token_end(bytes: &[u8], at: usize) -> usize {
    match bytes[at] {
        b'"' => {
            let mut end = at + 1;
            while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(end..).unwrap_or(&[])) {
                end += found;
                if bytes[end] == b'"' {
                    return end + 1;
                }
                end += 2;
            }
            bytes.len()
        }
        b'{' | b'}' | b'[' | b']' | b',' | b':' => at + 1,
        _ => {
            let stops = |byte: &u8| byte.is_ascii_whitespace() || b"{}[],:\"".contains(byte);
            bytes[at..].iter().position(stops).map_or(bytes.len(), |length| at + length.max(1))
        }
    }
}

/// A line's tokens with their roles, by range.
pub(super) fn tokens(text: &str, kind: Kind) -> Vec<(Range<usize>, Role)> {
    if kind == Kind::Continues {
        return vec![(0..text.len(), Role::JsonString)];
    }
    let bytes = text.as_bytes();
    let mut out: Vec<(Range<usize>, Role)> = Vec::new();
    let mut from = 0;
    while let Some(at) = next_token(bytes, from) {
        let end = token_end(bytes, at);
        let role = match bytes[at] {
            b'"' => Role::JsonString,
            b'{' | b'}' | b'[' | b']' | b',' => Role::JsonPunctuation,
            b':' => {
                // The string before it was a key.
                if let Some((_, role)) = out.last_mut() {
                    *role = Role::JsonKey;
                }
                Role::JsonPunctuation
            }
            b'-' | b'0'..=b'9' => Role::JsonNumber,
            _ => Role::JsonLiteral,
        };
        out.push((at..end, role));
        from = end;
    }
    out
}

/// A short line: its tokens, with one blank after a colon.
pub(super) fn coloured(text: &str, kind: Kind, spans: &mut Vec<Span>) {
    for (range, role) in tokens(text, kind) {
        let token = text.get(range).unwrap_or("");
        if token == ":" {
            spans.push(Span::new(": ", role));
        } else {
            spans.push(Span::shown(token, role));
        }
    }
}

/// One row of a long line, which begins at byte `from` of the line.
pub(super) fn partly_coloured(
    head: &str,
    row: &str,
    from: usize,
    kind: Kind,
    spans: &mut Vec<Span>,
) {
    let mut done = 0;
    let mut last = Role::JsonString;
    for (range, role) in tokens(head, kind) {
        last = role;
        // The last token of the head may go on beyond it.
        let end = if range.end >= head.len() { usize::MAX } else { range.end };
        let to = end.saturating_sub(from).min(row.len());
        if to > done
            && let Some(piece) = row.get(done..to)
        {
            match (piece, row.as_bytes().get(to)) {
                // The blank after a colon, as in a short line.
                (":", Some(next)) if *next != b' ' => spans.push(Span::new(": ", role)),
                _ => spans.push(Span::shown(piece, role)),
            }
            done = to;
        }
    }
    if let Some(rest) = row.get(done..).filter(|rest| !rest.is_empty()) {
        spans.push(Span::shown(rest, last));
    }
}
