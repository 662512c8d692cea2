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
    /// Those of the sources that were watched before.
    pub earlier_problems: Vec<String>,
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
        remember(&mut self.problems, problem);
    }

    /// Another source is watched from now on. What is recorded, and what was missed, is
    /// not forgotten.
    pub fn turn_to(&mut self, next: Session) {
        let Session { recording, problems, mut earlier_problems, .. } = std::mem::take(self);
        problems.iter().for_each(|problem| remember(&mut earlier_problems, problem));
        *self = Session { recording, earlier_problems, ..next };
    }

    /// The source was opened, of which this is known now. What was said meanwhile stays.
    pub fn opened(&mut self, facts: Session) {
        let Session { recording, problems, earlier_problems, .. } = std::mem::take(self);
        *self = Session { recording, earlier_problems, ..facts };
        problems.iter().for_each(|problem| self.warn(problem));
    }

    /// All that was missed, of whichever source, each once.
    pub fn all_problems(&self) -> Vec<String> {
        let mut all = self.earlier_problems.clone();
        let new = self.problems.iter().filter(|problem| !self.earlier_problems.contains(problem));
        all.extend(new.cloned());
        all
    }
}

fn remember(problems: &mut Vec<String>, problem: &str) {
    if problems.iter().any(|known| known == problem) {
        return;
    }
    if problems.len() >= MOST {
        problems.remove(MOST / 2);
    }
    problems.push(problem.to_owned());
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
    use super::{MOST, Recording, Session};

    #[test]
    fn problems_belong_to_their_source_and_none_is_lost() {
        let named = |source: &str| Session { source: source.into(), ..Session::default() };
        let mut session = Session { recording: Recording::To("file".into()), ..named("live") };
        session.warn("one program is not covered");
        session.opened(Session { problems: vec!["no BTF".into()], ..named("live") });
        assert_eq!(session.problems, ["no BTF", "one program is not covered"]);
        session.turn_to(named("a.rec"));
        assert_eq!((session.source.as_str(), session.problems.len()), ("a.rec", 0));
        session.warn("it was cut off");
        session.warn("no BTF");
        session.opened(named("a.rec"));
        assert_eq!(session.problems, ["it was cut off", "no BTF"]);
        let all = ["no BTF", "one program is not covered", "it was cut off"];
        assert_eq!(session.all_problems(), all);
        session.turn_to(named("b.rec"));
        assert_eq!(session.all_problems(), all);
        assert_eq!(session.recording, Recording::To("file".into()));
    }

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
