//! The facts of a session: what is watched, and how far that is.

use llmtop_probe::Untracked;

/// What the header says of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// What is being watched: `live`, or the recording's name.
    pub source: String,
    /// The capture filters, as given: `pid 4242`, `process node`.
    pub filters: Vec<String>,
    /// What happens is played from a recording: its times are not ours.
    pub recorded: bool,
    /// Probes in place now.
    pub probes: usize,
    /// What was not captured, of no connection that is known.
    pub untracked: Untracked,
    /// What could not be attached, and what was missed since, a line each.
    pub problems: Vec<String>,
    /// The recording being written.
    pub recording: Recording,
    /// How far the source is.
    pub status: Status,
    /// Bytes the source moved and deliberately did not copy.
    pub ignored_bytes: u64,
}

/// Problems that are remembered; of more, the first and the last.
const MOST: usize = 64;

impl Session {
    /// Remembers a problem, once.
    pub fn warn(&mut self, problem: &str) {
        if self.problems.iter().any(|known| known == problem) {
            return;
        }
        if self.problems.len() >= MOST {
            self.problems.remove(MOST / 2);
        }
        self.problems.push(problem.to_owned());
    }
}

/// What is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// Nothing.
    #[default]
    None,
    /// Everything, to the file of this name.
    To(String),
    /// Nothing any more: what failed, in one line that names the file.
    Failed(String),
}

/// How far a source is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not ready; what is being done: `starting: ...`.
    Starting(String),
    /// Everything runs.
    #[default]
    Running,
    /// The source is exhausted (a recording), or was ended.
    Ended,
    /// It ended before its time, and why.
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::{MOST, Session};

    #[test]
    fn problems_are_remembered_once_and_not_without_end() {
        let mut session = Session::default();
        for number in 0..1000 {
            session.warn(&format!("problem {number}"));
            session.warn("problem 0");
        }
        assert_eq!(session.problems.len(), MOST);
        assert_eq!(session.problems.first().unwrap(), "problem 0");
        assert_eq!(session.problems.last().unwrap(), "problem 999");
    }
}
