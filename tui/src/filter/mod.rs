//! The filter language: `proc:claude tokens>5000 !status:200 text:/regex/ (a or b)`.
//!
//! One language for `--filter`, the screen and `export`. A filter is parsed
//! once ([`Filter::parse`]) into tests that are compiled, and then judges
//! exchanges ([`Filter::matches`]) without input, output or a clock. What can
//! be asked is one table ([`KEYS`]): completion, help, documentation and error
//! messages are all made from it.
//!
//! ```text
//! filter = and { ("or" | "||") and }
//! and    = not { ["and" | "&&"] not }
//! not    = { "not" | "!" } term
//! term   = "(" filter ")" | "@" NAME | KEY op value | value
//! op     = ":" | "=" | "!=" | "<" | "<=" | ">" | ">="
//! value  = WORD | '"' text '"' | "/" regex "/" ["i"]
//! ```

mod ast;
mod complete;
mod error;
mod key;
mod parse;
mod read;
mod test;
mod value;

use std::collections::BTreeMap;
use std::fmt;

pub use complete::{Candidate, Completion, complete, values, word_start};
pub use error::FilterError;
pub use key::{KEYS, Key, Kind, reference};
pub use parse::LONGEST;
pub use read::{Figure, Flag, Texts};

use crate::store::Seen;
use ast::Expr;

/// What a filter may name besides keys.
#[derive(Clone, Debug)]
pub struct Names {
    /// Filters that are used as `@name`.
    pub saved: BTreeMap<String, String>,
    /// The number of a user, by name.
    pub uid_of: fn(&str) -> Option<u32>,
}

impl Default for Names {
    /// No saved filters, and users by number only.
    fn default() -> Self {
        Names { saved: BTreeMap::new(), uid_of: |_| None }
    }
}

/// A filter, ready to judge exchanges. Its `Display` is its text in one
/// canonical form, which parses to the same filter.
#[derive(Clone, Debug)]
pub struct Filter {
    expr: Expr,
}

impl Filter {
    /// Reads a filter. An empty text is the filter that everything passes.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn parse(text: &str, names: &Names) -> Result<Self, FilterError> {
        Ok(Filter { expr: parse::parse(text, names)? })
    }

    /// Whether it lets everything pass, having no terms.
    pub fn is_empty(&self) -> bool {
        matches!(&self.expr, Expr::And(parts) if parts.is_empty())
    }

    /// Whether an exchange passes, by what is known of it now.
    pub fn matches(&self, seen: &Seen<'_>) -> bool {
        self.expr.holds(seen)
    }

    /// Whether an exchange passes, once that cannot change any more; `None`:
    /// it depends on what is still to come.
    pub fn decide(&self, seen: &Seen<'_>) -> Option<bool> {
        self.expr.decide(seen)
    }

    /// About how many bytes [`matches`](Self::matches) looks at.
    pub fn cost(&self, seen: &Seen<'_>) -> usize {
        /// What finding the facts of an exchange comes to.
        const FACTS: usize = 768;
        FACTS + if self.expr.is_heavy() { read::size(seen) } else { 0 }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}

#[cfg(test)]
mod tests;
