//! What an exchange is about, in a line.

use std::collections::HashMap;

use llmtop_parsers::Body;
use llmtop_parsers::llm::{Message, Part};

use crate::store::{ExchangeId, Record, messages};

/// Bytes of a body that is read for its gist.
const READ: usize = 256 << 10;

/// Bytes read for gists in one frame; the rest waits for the next.
const BUDGET: usize = 256 << 10;

/// Columns of a gist.
const LONGEST: usize = 240;

/// Gists that are kept.
const KEPT: usize = 4096;

/// The last words of the person (or the tool) that each exchange answers.
/// Reading them means parsing the request, so they are kept, and a frame
/// reads no more than it has time for.
#[derive(Debug, Default)]
pub struct Gists {
    known: HashMap<ExchangeId, String>,
    budget: usize,
    behind: bool,
}

impl Gists {
    /// A frame begins.
    pub fn begin(&mut self) {
        self.budget = BUDGET;
        self.behind = false;
    }

    /// Whether some had to wait for the next frame.
    pub fn behind(&self) -> bool {
        self.behind
    }

    /// What was asked: the first line's worth of it. Empty while unknown.
    pub fn prompt(&mut self, record: &Record) -> &str {
        if !self.known.contains_key(&record.id)
            && let Some(body) = &record.exchange.request.body
        {
            if self.budget == 0 {
                self.behind = true;
                return "";
            }
            self.budget = self.budget.saturating_sub(body.bytes.len().clamp(4096, READ));
            if self.known.len() >= KEPT {
                self.known.clear();
            }
            let dialect = record.exchange.dialect.filter(|_| body.bytes.len() <= READ);
            let asked = dialect.and_then(|dialect| asked(dialect, body, LONGEST));
            self.known.insert(record.id, asked.unwrap_or_default());
        }
        self.known.get(&record.id).map_or("", String::as_str)
    }
}

/// What a request's body asks last, by a person or a tool (after `↳`), in at most `width`
/// columns. `None`: it does not tell. All of it is parsed.
pub fn asked(dialect: &str, body: &Body, width: usize) -> Option<String> {
    last_words(&messages(dialect, body)?, width)
}

fn last_words(messages: &[Message], width: usize) -> Option<String> {
    let behind =
        |not: &[&str]| messages.iter().rev().find(|message| !not.contains(&message.role.as_str()));
    // Claude Code tells of its surroundings behind what the person wrote.
    let last = behind(&["assistant", "system", "developer"]).or_else(|| behind(&["assistant"]))?;
    let text = last.parts.iter().rev().find_map(|part| match part {
        // Agents put reminders beside what the person wrote.
        Part::Text(text) if text.trim_start().starts_with('<') && last.parts.len() > 1 => None,
        Part::Text(text) => Some(text.clone()),
        Part::ToolResult { text, .. } => Some(format!("↳ {text}")),
        _ => None,
    })?;
    Some(super::gist(&text, width)).filter(|asked| !asked.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_last() {
        let text = |text: &str| Part::Text(text.to_owned());
        let asked = Message::new("user", vec![text("<system-reminder>"), text("why?")]);
        let answered = Message::new("assistant", vec![text("because")]);
        let around = Message::new("system", vec![text("# Environment")]);
        let cases: [(&[&Message], Option<&str>); 4] = [
            (&[&asked], Some("why?")),
            (&[&around, &asked, &answered], Some("why?")),
            (&[&asked, &around], Some("why?")),
            (&[&around], Some("# Environment")),
        ];
        for (messages, expected) in cases {
            let messages: Vec<_> = messages.iter().map(|&message| message.clone()).collect();
            assert_eq!(last_words(&messages, 40).as_deref(), expected, "{messages:?}");
        }
    }
}
