//! How full a model's context window is.

use llmtop_parsers::price::Match;
use llmtop_parsers::{Exchange, UsageSource, usage};

use super::{Reader, Role, Span, format};

/// From here on, an agent is about to run out of it.
const NEARLY_FULL: f64 = 80.0;

/// Below that, nobody needs to know.
const WORTH: f64 = 5.0;

/// The same in tokens, where the window is not known.
const WORTH_TOKENS: u64 = 10_000;

/// What an exchange left in the context window: question and answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill {
    /// Tokens, as the API counted them.
    pub tokens: u64,
    /// They were estimated from the text.
    pub estimated: bool,
    /// The window's tokens. `None`: not known for this model.
    pub window: Option<u64>,
    /// The window is another provider's for the same model.
    pub elsewhere: bool,
}

/// How full the window was after an exchange. `None`: its tokens are not known.
pub fn fill(reader: &Reader<'_>, exchange: &Exchange) -> Option<Fill> {
    if exchange.only_counts() {
        return None;
    }
    let tokens = usage::in_context(exchange)?;
    let window = reader.store().prices().window(exchange);
    Some(Fill {
        tokens,
        estimated: exchange.usage.source == UsageSource::Estimated,
        window: window.map(|window| window.tokens).filter(|&tokens| tokens > 0),
        elsewhere: window.is_some_and(|window| window.matched == Match::ModelAlone),
    })
}

impl Fill {
    /// Whether it is worth a place beside other facts.
    pub fn is_worth_telling(&self) -> bool {
        self.percent().map_or(self.tokens >= WORTH_TOKENS, |percent| percent >= WORTH)
    }

    /// Per cent of the window.
    pub fn percent(&self) -> Option<f64> {
        self.window.map(|window| 100.0 * self.tokens as f64 / window as f64)
    }

    /// `23%`, marked where a part of it is not sure. `None`: not known.
    pub fn share(&self) -> Option<Span> {
        let percent = self.percent()?;
        let role = if percent >= NEARLY_FULL { Role::Warning } else { Role::Dim };
        let figure = format!("{percent:.0}%");
        Some(Span::new(format::about(self.estimated || self.elsewhere, &figure), role))
    }

    /// `context 46k of 200k, 23%`; `of ?` where the window is not known.
    pub fn spans(&self) -> Vec<Span> {
        let tokens = format::about(self.estimated, &format::count(self.tokens));
        let window = self
            .window
            .map_or("?".to_owned(), |window| format::about(self.elsewhere, &format::count(window)));
        let mut spans = vec![Span::new(format!("context {tokens} of {window}"), Role::Dim)];
        if let Some(share) = self.share() {
            spans.push(Span::new(", ", Role::Dim));
            spans.push(share);
        }
        spans
    }
}
