//! How a message's body ends (RFC 9112, section 6.3).

use super::head::Head;
use crate::Finding;

/// How a message's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    Empty,
    /// After so many bytes, at least one.
    Length(u64),
    /// As the chunked coding says.
    Chunked,
    /// With the connection.
    Close,
    /// A response that another will follow for the same request (1xx).
    Interim,
    /// HTTP ends here: what follows belongs to another protocol.
    Upgrade,
    /// Nobody can tell: the head contradicts itself.
    Unknown,
}

/// The framing of a request.
pub(crate) fn of_request(head: &Head, findings: &mut Vec<Finding>) -> Framing {
    let codings = transfer_codings(head);
    if codings.is_empty() {
        return match length(head, findings) {
            Ok(None | Some(0)) => Framing::Empty,
            Ok(Some(length)) => Framing::Length(length),
            Err(()) => Framing::Unknown,
        };
    }
    warn_of_both(head, findings);
    if ends_chunked(&codings) {
        Framing::Chunked
    } else {
        findings.push(finding("a request whose transfer coding does not end in chunked"));
        Framing::Unknown
    }
}

/// The framing of a response to a request with `method`, where that is known.
pub(crate) fn of_response(
    head: &Head,
    status: u16,
    method: Option<&str>,
    findings: &mut Vec<Finding>,
) -> Framing {
    match (status, method) {
        (101, _) | (200..=299, Some("CONNECT")) => return Framing::Upgrade,
        (100..=199, _) => return Framing::Interim,
        (204 | 304, _) | (_, Some("HEAD")) => return Framing::Empty,
        _ => {}
    }
    let codings = transfer_codings(head);
    if codings.is_empty() {
        return match length(head, findings) {
            Ok(None) => Framing::Close,
            Ok(Some(0)) => Framing::Empty,
            Ok(Some(length)) => Framing::Length(length),
            Err(()) => Framing::Unknown,
        };
    }
    warn_of_both(head, findings);
    if ends_chunked(&codings) { Framing::Chunked } else { Framing::Close }
}

/// The codings of the content, in the order they were applied, lower case:
/// `Content-Encoding`, then what `Transfer-Encoding` adds besides `chunked`.
pub(crate) fn content_codings(head: &Head) -> Vec<String> {
    list(head, "content-encoding")
        .chain(transfer_codings(head))
        .filter(|coding| !matches!(coding.as_str(), "identity" | "chunked" | "aws-chunked" | ""))
        .collect()
}

fn transfer_codings(head: &Head) -> Vec<String> {
    list(head, "transfer-encoding").filter(|coding| coding != "identity").collect()
}

fn list<'a>(head: &'a Head, name: &'a str) -> impl Iterator<Item = String> + 'a {
    head.values(name)
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|coding| !coding.is_empty())
}

fn ends_chunked(codings: &[String]) -> bool {
    codings.last().is_some_and(|coding| coding == "chunked")
}

fn warn_of_both(head: &Head, findings: &mut Vec<Finding>) {
    if head.values("content-length").next().is_some() {
        findings.push(finding("both Transfer-Encoding and Content-Length: the former holds"));
    }
    if head.minor == 0 {
        findings.push(finding("Transfer-Encoding in HTTP/1.0"));
    }
}

/// The length, if one is said. `Err`: it is no number, or two that differ.
fn length(head: &Head, findings: &mut Vec<Finding>) -> Result<Option<u64>, ()> {
    let mut length = None;
    let values = head.values("content-length").flat_map(|value| value.split(','));
    for (nth, value) in values.enumerate() {
        let value = value.trim();
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let Some(number) = value.parse::<u64>().ok().filter(|_| digits) else {
            findings.push(finding("a Content-Length that is no number"));
            return Err(());
        };
        if length.is_some_and(|length| length != number) {
            findings.push(finding("Content-Length twice, and different"));
            return Err(());
        }
        if nth == 1 {
            findings.push(finding("Content-Length twice"));
        }
        length = Some(number);
    }
    Ok(length)
}

fn finding(detail: &str) -> Finding {
    Finding { kind: "ambiguous_framing", detail: detail.into() }
}
