//! Folding: what a bracket opens is hidden.

use super::{JsonDocument, Kind};

impl JsonDocument {
    /// The last line that is not shown for this one is folded.
    pub(super) fn hidden_by(&self, line: usize) -> Option<usize> {
        let folded = self.folded.contains(&line);
        folded.then(|| self.lines[line].pair as usize).filter(|&pair| pair > line)
    }

    /// Folds or unfolds what a line opens, closes, or is in. Returns the line
    /// that opens it.
    pub fn toggle(&mut self, line: usize) -> Option<usize> {
        let opener = self.opener(line)?;
        if !self.folded.remove(&opener) {
            self.folded.insert(opener);
        }
        Some(opener)
    }

    /// Folds everything below the top level; unfolds it if anything is folded.
    pub fn toggle_all(&mut self) {
        if self.folded.is_empty() {
            let below = self.lines.iter().enumerate();
            let below = below.filter(|(_, line)| line.kind == Kind::Opens && line.depth == 1);
            self.folded = below.map(|(at, _)| at).collect();
        } else {
            self.folded.clear();
        }
    }

    /// Unfolds whatever hides a line.
    pub fn unhide(&mut self, line: usize) {
        let lines = &self.lines;
        self.folded.retain(|&opener| {
            lines.get(opener).is_none_or(|it| !(opener < line && line <= it.pair as usize))
        });
    }

    /// The line that opens what a line is in, or itself does.
    pub(super) fn opener(&self, line: usize) -> Option<usize> {
        let mut at = line;
        match self.lines.get(at)?.kind {
            Kind::Opens => return Some(at),
            Kind::Closes => return Some(self.lines[at].pair as usize),
            _ => {}
        }
        loop {
            at = at.checked_sub(1)?;
            match self.lines[at].kind {
                Kind::Opens => return Some(at),
                Kind::Closes => at = self.lines[at].pair as usize,
                _ => {}
            }
        }
    }
}
