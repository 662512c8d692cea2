//! Audio and images inside JSON: counted, not kept.

use memchr::memchr;

/// Strings of base64 from this length on are left out: keys, ids and tokens of
/// all kinds are shorter.
const LONG: usize = 512;

/// Finds long strings of base64 (RFC 4648 section 4) in JSON text. `keep` gets
/// what is not of them, `leave_out` the length of each, in order; what is kept
/// is JSON as before, with empty strings.
pub(super) fn elide(json: &[u8], mut step: impl FnMut(Piece<'_>)) {
    if json.len() < LONG {
        return step(Piece::Kept(json));
    }
    let mut kept = 0;
    let mut at = 0;
    while let Some(quote) = memchr(b'"', &json[at..]) {
        let start = at + quote + 1;
        let length = json[start..].iter().take_while(|byte| is_base64(**byte)).count();
        let end = start + length;
        if length >= LONG && json.get(end) == Some(&b'"') {
            step(Piece::Kept(&json[kept..start]));
            step(Piece::LeftOut(length as u64));
            kept = end;
        }
        // Of any other string, find the end: past what an escape hides.
        at = string_end(json, end);
    }
    step(Piece::Kept(&json[kept..]));
}

/// A piece of a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Kept(&'a [u8]),
    LeftOut(u64),
}

/// Where the string that goes on at `at` is over, its quote included.
fn string_end(json: &[u8], at: usize) -> usize {
    let mut at = at;
    while let Some(found) = json[at..].iter().position(|byte| matches!(byte, b'"' | b'\\')) {
        at += found + 1;
        if json[at - 1] == b'"' {
            return at;
        }
        at = (at + 1).min(json.len());
    }
    json.len()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elided(json: &str) -> (String, Vec<u64>) {
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        elide(json.as_bytes(), |piece| match piece {
            Piece::Kept(bytes) => kept.extend_from_slice(bytes),
            Piece::LeftOut(length) => left_out.push(length),
        });
        (String::from_utf8(kept).unwrap(), left_out)
    }

    #[test]
    fn long_base64_is_left_out_and_nothing_else() {
        let (long, short) = ("QUJD".repeat(128), "QUJD".repeat(127));
        let text = "word ".repeat(200);
        for (json, kept, left_out) in [
            (format!("{{\"audio\":\"{long}\"}}"), "{\"audio\":\"\"}".to_owned(), vec![512]),
            (format!("[\"{long}\",\"{long}=\"]"), "[\"\",\"\"]".to_owned(), vec![512, 513]),
            (format!("[\"{short}\"]"), format!("[\"{short}\"]"), vec![]),
            (format!("[\"{text}\"]"), format!("[\"{text}\"]"), vec![]),
            // Inside a string, a quote is no beginning.
            (format!("[\"a\\\"{long}\"]"), format!("[\"a\\\"{long}\"]"), vec![]),
            (format!("[\"a\\\\\",\"{long}\"]"), "[\"a\\\\\",\"\"]".to_owned(), vec![512]),
            (format!("\"{long}"), format!("\"{long}"), vec![]),
            (String::new(), String::new(), vec![]),
        ] {
            assert_eq!(elided(&json), (kept, left_out), "{json}");
        }
    }
}
