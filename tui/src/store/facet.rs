//! By what exchanges are grouped, beside their processes.

use llmtop_parsers::Exchange;

/// A client's name is cut where it is longer, in bytes.
const NAME: usize = 64;

/// A kind of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Facet {
    /// The sub-agent, as its client calls it, or else the client, as it calls itself.
    Agent,
    /// The model, without its date.
    Model,
    /// The provider.
    Provider,
}

impl Facet {
    /// The group of an exchange; `None`: it belongs to none. Without a name: those for
    /// which nothing of the kind is named.
    pub fn of(self, exchange: &Exchange) -> Option<&str> {
        exchange.dialect?;
        match self {
            Facet::Agent => {
                let agent = exchange.request.agent.as_ref();
                let name = agent.and_then(|it| it.kind.as_deref().or(it.id.as_deref()));
                // That nobody is named is a group, too.
                Some(name.or_else(|| client(&exchange.request.headers)).unwrap_or(""))
            }
            Facet::Model => Some(model(exchange)).filter(|name| !name.is_empty()),
            // A server on this machine, or one that is not known.
            Facet::Provider => Some(exchange.provider.unwrap_or("")),
        }
    }

    pub(super) const ALL: [Facet; 3] = [Facet::Agent, Facet::Model, Facet::Provider];
}

/// The model's name without its date: `claude-sonnet-4-5`. As captured.
pub fn model(exchange: &Exchange) -> &str {
    let model = exchange.response.model.as_deref().or(exchange.request.model.as_deref());
    let model = model.unwrap_or("");
    // A path in front (`models/`, an ARN, `org/`) says less than the name.
    let name = model.rsplit('/').next().unwrap_or(model);
    // `-20250929`
    match name.len().checked_sub(9).and_then(|at| name.split_at_checked(at)) {
        Some((short, date))
            if !short.is_empty()
                && date
                    .strip_prefix('-')
                    .is_some_and(|day| day.bytes().all(|digit| digit.is_ascii_digit())) =>
        {
            short
        }
        _ => name,
    }
}

/// What the client of a request with these headers calls itself: the first product of its
/// `User-Agent` (RFC 9110, 10.1.5), without the version: `claude-cli`, `codex_cli_rs`. As
/// captured.
pub fn client(headers: &[(String, String)]) -> Option<&str> {
    let mut named = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
    let said = named.next()?.1.trim();
    let product = said.split(|it: char| it.is_whitespace()).next()?;
    // Some SDKs have the language there: `OpenAI/Python 1.99`.
    let is_version = |text: &str| {
        let text = text.strip_prefix('v').unwrap_or(text);
        text.starts_with(|first: char| first.is_ascii_digit())
    };
    let name = match product.split_once('/') {
        Some((name, rest)) if is_version(rest) => name,
        _ => product,
    };
    let name = (0..=NAME).rev().find_map(|end| name.get(..end))?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_called_by_its_first_product() {
        for (said, name) in [
            ("claude-cli/2.1.80 (external, cli)", Some("claude-cli")),
            ("codex_cli_rs/0.60.1 (Debian 12; x86_64) unknown", Some("codex_cli_rs")),
            ("GeminiCLI/v0.9.0/gemini-2.5-pro (linux; x64)", Some("GeminiCLI")),
            ("AsyncOpenAI/Python 1.99.0", Some("AsyncOpenAI/Python")),
            ("node", Some("node")),
            (" /1.0", None),
            ("", None),
        ] {
            let headers = [("User-Agent".to_owned(), said.to_owned())];
            assert_eq!(client(&headers), name, "{said}");
        }
        assert_eq!(client(&[]), None);
        let headers = [("user-agent".to_owned(), "\u{e9}".repeat(NAME))];
        assert_eq!(client(&headers).map(str::len), Some(NAME));
    }
}
