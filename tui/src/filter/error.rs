//! What is wrong with a filter, and where.

use std::fmt;
use std::ops::Range;

use llmtop_parsers::escape;
use unicode_width::UnicodeWidthStr;

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// Bytes of the text; empty where something is missing.
    pub at: Range<usize>,
    /// What is wrong there, in one line.
    pub message: String,
}

impl FilterError {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        FilterError { at, message: message.into() }
    }

    /// The column in characters, from 1.
    pub fn column(&self, text: &str) -> usize {
        text.get(..self.at.start).unwrap_or(text).chars().count() + 1
    }

    /// The message, the text, and a line of carets under the place; fit for a
    /// terminal.
    pub fn explain(&self, text: &str) -> String {
        let shown = |text: &str| escape::visible(text).replace(['\n', '\t'], " ");
        let before = shown(text.get(..self.at.start).unwrap_or(text));
        let here = shown(text.get(self.at.clone()).unwrap_or(""));
        format!(
            "filter, column {}: {}\n  {}\n  {:indent$}{}",
            self.column(text),
            shown(&self.message),
            shown(text),
            "",
            "^".repeat(here.width().max(1)),
            indent = before.width(),
        )
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FilterError {}
