//! The whole document as text, to be read elsewhere.

use super::{DEEPEST, JsonDocument, Kind};

impl JsonDocument {
    /// A value a line, indented, whatever is folded: as sent, not yet fit for a
    /// terminal.
    pub fn whole(&mut self) -> String {
        while self.lay_out(usize::MAX) {}
        let mut out = String::new();
        for line in &self.lines {
            if line.kind != Kind::Continues {
                if !out.is_empty() {
                    out.push('\n');
                }
                out.push_str(&"  ".repeat(usize::from(line.depth.min(DEEPEST))));
            }
            out.push_str(self.text(line.start as usize..line.end as usize));
        }
        out.push('\n');
        out
    }
}
