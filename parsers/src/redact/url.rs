//! Credentials inside URLs.

use std::borrow::Cow;
use std::ops::Range;

use super::Hidden;
use super::names::is_parameter;
use crate::percent;

/// A request target or URL, fit to be shown: without the credentials of its
/// user information, query and fragment. The rest stays as it is on the wire.
pub fn url(url: &str) -> Cow<'_, str> {
    let mut hidden = Hidden::of(url);
    hide(&mut hidden, 0..url.len());
    hidden.finish()
}

/// Hides the credentials of a URL that is a part of a text.
pub(super) fn hide(hidden: &mut Hidden<'_>, part: Range<usize>) {
    let url = &hidden.text()[..part.end];
    let find =
        |from: usize, ends: &[char]| url[from..].find(ends).map_or(url.len(), |at| from + at);
    let path = match url[part.start..].find("://") {
        Some(scheme) if find(part.start, &['/', '?', '#']) > part.start + scheme => {
            let authority = part.start + scheme + 3;
            let end = find(authority, &['/', '?', '#']);
            hide_user(hidden, authority..end);
            end
        }
        _ => part.start,
    };
    let mut at = find(path, &['?', '#']) + 1;
    while at < url.len() {
        let end = find(at, &['&', ';', '?', '#']);
        if let Some(equals) = url[at..end].find('=') {
            let value = at + equals + 1..end;
            if is_parameter(&percent::decoded(&url[at..at + equals])) {
                hidden.hide(value.clone(), &percent::decoded(&url[value]));
            }
        }
        at = end + 1;
    }
}

/// Hides the user information of an authority (RFC 3986, section 3.2.1).
pub(super) fn hide_user(hidden: &mut Hidden<'_>, authority: Range<usize>) {
    let text = &hidden.text()[authority.clone()];
    if let Some(at) = text.rfind('@') {
        hidden.hide(authority.start..authority.start + at, &percent::decoded(&text[..at]));
    }
}
