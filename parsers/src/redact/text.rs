//! Credentials inside any text: a header's value, an argument, a script, JSON.

use std::borrow::Cow;
use std::ops::Range;

use super::hidden::hidden_at_start;
use super::names::is_parameter;
use super::options::{Holds, is_blank, is_name, is_option};
use super::{Hidden, behind_scheme, is_credential, url};

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One value: behind a name at its beginning (`PASSWORD=...`, `Cookie: ...`)
    /// there is nothing else.
    Value,
    /// Commands of a shell.
    Script,
}

/// The text without credentials: those of URLs in it, and what stands behind
/// the name of one.
pub(super) fn text(text: &str, form: Form) -> Cow<'_, str> {
    match in_urls(text) {
        Cow::Borrowed(text) => behind_names(text, form),
        Cow::Owned(shown) => Cow::Owned(behind_names(&shown, form).into_owned()),
    }
}

fn in_urls(text: &str) -> Cow<'_, str> {
    let mut hidden = Hidden::of(text);
    let mut from = 0;
    // Apart by what RFC 3986 has no place for, and quotes: one byte each.
    for part in text.split(|c| is_blank(c) || is_quote(c) || matches!(c, '<' | '>' | '\\')) {
        url::hide(&mut hidden, from..from + part.len());
        from += part.len() + 1;
    }
    hidden.finish()
}

fn behind_names(text: &str, form: Form) -> Cow<'_, str> {
    let mut hidden = Hidden::of(text);
    for (at, separator) in text.match_indices(|c| matches!(c, ':' | '=' | ',') || is_blank(c)) {
        if at >= hidden.done()
            && let Some(credential) = behind(text, at, separator, form)
        {
            hidden.hide(credential.clone(), &text[credential]);
        }
    }
    hidden.finish()
}

/// The credential behind the separator that is `at`, if there is one.
fn behind(text: &str, at: usize, separator: &str, form: Form) -> Option<Range<usize>> {
    let assigns = matches!(separator, ":" | "=");
    // Of what is quoted twice, quotes have backslashes.
    let closing = |c: char| is_quote(c) || c == '\\' || (assigns && matches!(c, ' ' | '\t'));
    let before = text[..at].trim_end_matches(closing);
    let lead = before.trim_end_matches(is_name);
    let name = &before[lead.len()..];
    if name.is_empty() {
        return None;
    }
    let skipped = |c: char| match c {
        ' ' | '\t' | '\\' => true,
        '=' => separator == "=",
        c => !assigns && is_blank(c),
    };
    let rest = text[at + 1..].trim_start_matches(skipped);
    let holds = holds(lead, name, separator, rest)?;
    if hidden_at_start(rest).is_some() {
        return None;
    }

    let is_open = before.len() == at;
    let is_value = form == Form::Value && is_open && lead.chars().all(|c| is_name(c) || c == '=');
    let own = rest.chars().next().filter(|c| is_quote(*c));
    let quote = own.or(lead.chars().next_back().filter(|c| is_open && is_quote(*c)));
    let rest = if own.is_some() { &rest[1..] } else { rest };
    let value = match quote {
        _ if is_value => rest,
        Some(quote) => rest.split(quote).next().unwrap_or_default(),
        None => {
            let word = behind_scheme(rest);
            let ends = |c: char| is_blank(c) || is_quote(c) || ";,&|)}]".contains(c);
            &rest[..rest[word..].find(ends).map_or(rest.len(), |end| word + end)]
        }
    };
    let value = value.trim_end_matches('\\');
    let from = text.len() - rest.len();
    holds.credential(value).map(|credential| from + credential..from + value.len())
}

/// What a name has behind its separator; `lead`: the text before the name.
fn holds(lead: &str, name: &str, separator: &str, rest: &str) -> Option<Holds> {
    let header = name.strip_prefix("-H").unwrap_or(name);
    match separator {
        ":" | "=" if is_credential(header) => Some(Holds::Credential),
        "=" if lead.ends_with(['?', '&', '#']) && is_parameter(name) => Some(Holds::Credential),
        "=" => Holds::option(name),
        // `-uNAME:PASSWORD`, and no URL.
        ":" => {
            let user = name.starts_with("-u") || name.starts_with("-U");
            (user && !rest.starts_with("//")).then_some(Holds::Credential)
        }
        _ => {
            let begins = lead.chars().next_back().is_none_or(|c| is_blank(c) || is_quote(c));
            Holds::option(name).filter(|_| begins && !is_option(rest))
        }
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`')
}
