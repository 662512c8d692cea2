//! Which protocol bytes are, told from how they begin.

use memchr::memchr;

/// Methods that a connection is recognised by. A message of a connection that
/// is known to be HTTP may have any.
const METHODS: [&[u8]; 9] =
    [b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"CONNECT", b"TRACE"];

/// The client's connection preface of HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A start line longer than this is judged by its beginning.
const LINE: usize = 512;

/// Which message begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// HTTP/1 request line.
    Request,
    /// HTTP/1 status line.
    Response,
}

/// Whether bytes begin as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Yes,
    No,
    /// Not enough bytes to tell.
    Partial,
}

/// What the first bytes of a direction are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    Http1(Kind),
    Http2,
    Other,
    /// Not enough bytes to tell.
    Partial,
}

/// Judges the first bytes of a direction.
pub(crate) fn first(bytes: &[u8]) -> First {
    let bytes = skip_empty_lines(bytes);
    let http2 = preface(bytes).or(settings(bytes));
    let verdicts = [
        (start_line(Kind::Request, bytes, true), First::Http1(Kind::Request)),
        (start_line(Kind::Response, bytes, true), First::Http1(Kind::Response)),
        (http2, First::Http2),
    ];
    let of = |wanted| verdicts.iter().find(|(verdict, _)| *verdict == wanted);
    match (of(Match::Yes), of(Match::Partial)) {
        (Some((_, first)), _) => *first,
        (None, Some(_)) => First::Partial,
        (None, None) => First::Other,
    }
}

/// Empty lines before a start line are to be ignored (RFC 9112, section 2.2).
pub(crate) fn skip_empty_lines(bytes: &[u8]) -> &[u8] {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    &bytes[blank..]
}

/// Whether bytes begin with a start line. `strict`: nothing else says that
/// this is HTTP, so only what surely is one counts.
pub(crate) fn start_line(kind: Kind, bytes: &[u8], strict: bool) -> Match {
    match kind {
        Kind::Request => request_line(bytes, strict),
        Kind::Response => status_line(bytes),
    }
}

/// RFC 9112, section 3: `method SP request-target SP HTTP-version CRLF`.
fn request_line(bytes: &[u8], strict: bool) -> Match {
    let known = |method: &[u8]| METHODS.iter().any(|known| known.starts_with(method));
    let Some(space) = memchr(b' ', &bytes[..bytes.len().min(32)]) else {
        let method = &bytes[..bytes.len().min(32)];
        let plausible = method.iter().all(|byte| is_token(*byte)) && method.len() < 32;
        return if plausible && (!strict || known(method)) { Match::Partial } else { Match::No };
    };
    let (method, rest) = (&bytes[..space], &bytes[space + 1..]);
    let is_method = !method.is_empty() && method.iter().all(|byte| is_token(*byte));
    if !is_method || (strict && !METHODS.contains(&method)) {
        return Match::No;
    }
    let target = rest.trim_ascii_start();
    let begins_well = match target.first() {
        None => return Match::Partial,
        Some(b'/' | b'*') => true,
        Some(byte) => byte.is_ascii_alphanumeric() || matches!(byte, b'[' | b'_'),
    };
    if !begins_well {
        return Match::No;
    }
    let Some(end) = target.iter().take(LINE).position(|byte| *byte <= b' ' || *byte == 0x7F) else {
        // A long target: that it is one long word after a method is enough.
        return if target.len() >= LINE { Match::Yes } else { Match::Partial };
    };
    if target[end] != b' ' {
        return Match::No;
    }
    version(target[end..].trim_ascii_start(), b"HTTP/1.", |rest| match rest {
        [] | [b'\r'] => Match::Partial,
        [b'\r', b'\n', ..] | [b'\n', ..] => Match::Yes,
        [b' ' | b'\t', ..] if !strict => Match::Yes,
        _ => Match::No,
    })
}

/// RFC 9112, section 4: `HTTP-version SP status-code SP [reason] CRLF`.
fn status_line(bytes: &[u8]) -> Match {
    version(bytes, b"HTTP/1.", |rest| {
        for (at, byte) in rest.iter().take(5).enumerate() {
            let fits = match at {
                0 => *byte == b' ',
                1 => matches!(byte, b'1'..=b'9'),
                2 | 3 => byte.is_ascii_digit(),
                _ => matches!(byte, b' ' | b'\r' | b'\n'),
            };
            if !fits {
                return Match::No;
            }
        }
        if rest.len() < 5 { Match::Partial } else { Match::Yes }
    })
}

/// `HTTP/1.` and a digit; `then` judges what follows.
fn version(bytes: &[u8], prefix: &[u8], then: impl Fn(&[u8]) -> Match) -> Match {
    if bytes.len() <= prefix.len() {
        return if prefix.starts_with(bytes) { Match::Partial } else { Match::No };
    }
    match bytes.strip_prefix(prefix) {
        Some([b'0'..=b'9', rest @ ..]) => then(rest),
        _ => Match::No,
    }
}

fn preface(bytes: &[u8]) -> Match {
    if bytes.starts_with(PREFACE) {
        Match::Yes
    } else if PREFACE.starts_with(bytes) {
        Match::Partial
    } else {
        Match::No
    }
}

/// A server's connection preface: a SETTINGS frame (RFC 9113, section 6.5) on
/// stream 0, of whole settings, at most 64 of them, no acknowledgement.
fn settings(bytes: &[u8]) -> Match {
    let fits = |(at, byte): (usize, &u8)| match at {
        0 => *byte == 0,
        1 => *byte <= 1,
        2 => true,
        3 => *byte == 4,
        _ => *byte == 0,
    };
    if bytes.is_empty() {
        return Match::Partial;
    }
    if !bytes.iter().take(9).enumerate().all(fits) {
        return Match::No;
    }
    if bytes.len() < 9 {
        return Match::Partial;
    }
    let length = u16::from_be_bytes([bytes[1], bytes[2]]);
    if length.is_multiple_of(6) && length <= 6 * 64 { Match::Yes } else { Match::No }
}

impl Match {
    fn or(self, other: Match) -> Match {
        match (self, other) {
            (Match::Yes, _) | (_, Match::Yes) => Match::Yes,
            (Match::Partial, _) | (_, Match::Partial) => Match::Partial,
            _ => Match::No,
        }
    }
}

/// RFC 9110, section 5.6.2.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_the_protocol() {
        let request = First::Http1(Kind::Request);
        let response = First::Http1(Kind::Response);
        for (bytes, expected) in [
            (&b""[..], First::Partial),
            (b"PO", First::Partial),
            (b"OST / HTTP/1.1\r\n", First::Other),
            (b"POST / HTTP/1.1", First::Partial),
            (b"POST / HTTP/1.1\r\n", request),
            (b"\r\nGET http://a/b HTTP/1.0\n", request),
            (b"CONNECT a:443 HTTP/1.1\r\n", request),
            (b"GET / FTP/1.1\r\n", First::Other),
            (b"GET \x01 HTTP/1.1\r\n", First::Other),
            (b"HTTP/1.1 200", First::Partial),
            (b"HTTP/1.1 200 OK\r\n", response),
            (b"HTTP/1.1 200\r\n", response),
            (b"HTTP/1.1 20x OK\r\n", First::Other),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", First::Http2),
            (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", First::Http2),
            (b"\x00\x00\x11\x04\x00\x00\x00\x00\x00", First::Other),
            (b"SSH-2.0-OpenSSH_9.2\r\n", First::Other),
            (b"\x16\x03\x01", First::Other),
        ] {
            assert_eq!(first(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
