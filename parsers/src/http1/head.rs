//! A message's head: start line and headers.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Status};

use crate::Finding;
use crate::detect::Kind;

/// Headers beyond this many are dropped.
const HEADERS: usize = 512;

/// The head of a message.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) start: Start,
    /// Minor version: 0 or 1.
    pub(crate) minor: u8,
    /// In wire order.
    pub(crate) headers: Vec<(String, String)>,
    /// What was odd about it.
    pub(crate) findings: Vec<Finding>,
}

/// What a start line says; of HTTP/2, the pseudo-header fields that are known.
#[derive(Debug)]
pub(crate) enum Start {
    /// HTTP/2 has an authority of its own.
    Request {
        method: Option<String>,
        target: Option<String>,
        authority: Option<String>,
    },
    Response {
        status: Option<u16>,
    },
}

impl Head {
    /// Reads a whole head, its empty line included. `None`: it is none.
    pub(crate) fn parse(kind: Kind, bytes: &[u8]) -> Option<Self> {
        if let Some(head) = parse(kind, bytes) {
            return Some(head);
        }
        let (repaired, details) = repair(bytes);
        let mut head = parse(kind, &repaired)?;
        head.findings = details
            .into_iter()
            .map(|detail| Finding { kind: "malformed_head", detail: detail.into() })
            .collect();
        Some(head)
    }

    /// The values of a header, in order.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

fn parse(kind: Kind, bytes: &[u8]) -> Option<Head> {
    let mut slots = [const { MaybeUninit::<Header<'_>>::uninit() }; HEADERS];
    let mut config = ParserConfig::default();
    config
        .allow_multiple_spaces_in_request_line_delimiters(true)
        .allow_multiple_spaces_in_response_status_delimiters(true);
    match kind {
        Kind::Request => {
            let mut request = httparse::Request::new(&mut []);
            let status =
                config.parse_request_with_uninit_headers(&mut request, bytes, &mut slots).ok()?;
            matches!(status, Status::Complete(_)).then_some(())?;
            Some(Head {
                start: Start::Request {
                    method: Some(request.method?.into()),
                    target: Some(request.path?.into()),
                    authority: None,
                },
                minor: request.version?,
                headers: owned(request.headers),
                findings: Vec::new(),
            })
        }
        Kind::Response => {
            let mut response = httparse::Response::new(&mut []);
            let status =
                config.parse_response_with_uninit_headers(&mut response, bytes, &mut slots).ok()?;
            matches!(status, Status::Complete(_)).then_some(())?;
            Some(Head {
                start: Start::Response { status: Some(response.code?) },
                minor: response.version?,
                headers: owned(response.headers),
                findings: Vec::new(),
            })
        }
    }
}

fn owned(headers: &[Header<'_>]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|header| (header.name.into(), String::from_utf8_lossy(header.value).into_owned()))
        .collect()
}

/// Rewrites a head that is not quite one into what most servers take it for,
/// and says what was wrong: folded lines (RFC 9112, section 5.2) are joined,
/// white space before a colon is dropped, lines that are no header are too.
fn repair(bytes: &[u8]) -> (Vec<u8>, Vec<&'static str>) {
    let mut out = Vec::with_capacity(bytes.len());
    let mut details = Vec::new();
    let mut note = |detail| {
        if !details.contains(&detail) {
            details.push(detail);
        }
    };
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let start = lines.next().unwrap_or_default().trim_ascii();
    out.extend(start.iter().map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }));
    let mut count = 0;
    for line in lines {
        let folded = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if folded && count > 0 {
            note("a header folded over lines");
            out.push(b' ');
            push_value(&mut out, line, &mut note);
            continue;
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            note("a line that is no header");
            continue;
        };
        let name = line[..colon].trim_ascii_end();
        if name.len() != colon {
            note("white space before a colon");
        }
        if name.is_empty() || !name.iter().all(|byte| crate::detect::is_token(*byte)) {
            note("a line that is no header");
            continue;
        }
        if count == HEADERS {
            note("too many headers");
            break;
        }
        count += 1;
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        push_value(&mut out, line[colon + 1..].trim_ascii(), &mut note);
    }
    out.extend_from_slice(b"\r\n\r\n");
    (out, details)
}

fn push_value(out: &mut Vec<u8>, value: &[u8], note: &mut impl FnMut(&'static str)) {
    for byte in value {
        if byte.is_ascii_control() && *byte != b'\t' {
            note("a control character in a header");
            out.push(b' ');
        } else {
            out.push(*byte);
        }
    }
}
