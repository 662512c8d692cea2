//! Options of a command, and what stands behind them.

use super::{behind_scheme, is_credential};

/// What stands behind a name.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    /// A credential, perhaps behind its scheme.
    Credential,
    /// `name:password`: `-u` of curl and wget.
    User,
    /// `name=value` of cookies, and not a file of them: `-b` of curl.
    Cookies,
}

impl Holds {
    /// What stands behind an option, or behind the scheme of most keys.
    pub(super) fn option(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("bearer") {
            return Some(Holds::Credential);
        }
        let option = name.strip_prefix('-')?.trim_start_matches('-');
        match option {
            "u" | "U" | "user" | "proxy-user" => Some(Holds::User),
            "b" => Some(Holds::Cookies),
            _ if option.chars().all(is_name) && is_credential(option) => Some(Holds::Credential),
            _ => None,
        }
    }

    /// Where in a value the credential begins.
    pub(super) fn credential(self, value: &str) -> Option<usize> {
        match self {
            Holds::Credential => Some(behind_scheme(value)),
            Holds::User => {
                let (user, password) = value.split_once(':')?;
                let is_url = password.starts_with("//");
                (!is_url).then_some(user.len() + 1)
            }
            Holds::Cookies => value.contains('=').then_some(0),
        }
    }
}

/// Whether an option begins here, and not the value of the one before it: a
/// credential may begin with a dash, too.
pub(super) fn is_option(text: &str) -> bool {
    let word = text.split(is_blank).next().unwrap_or_default();
    let is_letter = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic());
    match (word.strip_prefix("--"), word.strip_prefix('-')) {
        (Some(long), _) => is_letter(long),
        (None, Some(short)) => short.is_empty() || (short.len() == 1 && is_letter(short)),
        (None, None) => false,
    }
}

/// Whether names of options, variables and fields have it.
pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

pub(super) fn is_blank(c: char) -> bool {
    c == ' ' || c.is_ascii_control()
}
