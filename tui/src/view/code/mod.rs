//! Code in an answer, coloured by the grammars of syntect.
//!
//! That takes longer than a frame may, and captured text decides how long: so it is
//! done by a [thread](worker) of its own, a run of code at a time, and code is plain
//! until it comes back. A run is what stands between two fences within a piece of a
//! text; while it grows, only what is new of it is read.

mod grammar;
mod worker;

use std::collections::HashMap;
use std::ops::Range;

use super::text::Source;
use super::{Role, floor};
use grammar::{Line, Progress};
use worker::Errand;

/// Runs that are kept: more than a screen shows.
const RUNS: usize = 32;

/// Which run: of a text, from a byte on.
pub(super) type Place = (Source, usize);

/// The runs that were visible lately.
#[derive(Debug, Default)]
pub(super) struct Colours {
    runs: HashMap<Place, Run>,
}

/// A run as far as it was read.
#[derive(Debug)]
struct Run {
    language: String,
    /// Whole lines and, at the end, perhaps the beginning of one.
    lines: Vec<Line>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing is being done: read so far, of a run that was so long.
    Rests(Box<Progress>, usize),
    Away(Errand),
    /// There is no grammar for it, or it takes too long.
    Plain,
}

impl Colours {
    /// The parts of a line that begins at a byte of a run, in order; all of it.
    pub(super) fn line(
        &mut self,
        place: Place,
        (language, run): (&str, &str),
        begins: usize,
        line: &str,
    ) -> Vec<(Range<usize>, Role)> {
        if self.runs.len() >= RUNS && !self.runs.contains_key(&place) {
            self.runs.clear();
        }
        let known = self.runs.entry(place).or_insert_with(|| Run::of(language));
        if known.language != language {
            *known = Run::of(language);
        }
        known.extend(run);
        known.parts(begins, line)
    }

    /// Whether some of what was asked for is plain still, and will not stay so.
    pub(super) fn awaited(&self) -> bool {
        self.runs.values().any(|run| matches!(run.state, State::Away(_)))
    }

    /// Texts for which `stays` is false are not what they were.
    pub(super) fn retain(&mut self, stays: impl Fn(&Source) -> bool) {
        self.runs.retain(|(source, _), _| stays(source));
    }
}

impl Run {
    fn of(language: &str) -> Self {
        let state = match language {
            "" => State::Plain,
            _ => State::Rests(Box::new(Progress::new(language)), 0),
        };
        Run { language: language.to_owned(), lines: Vec::new(), state }
    }

    /// Takes what was read, and has read what is new.
    fn extend(&mut self, run: &str) {
        if let State::Away(errand) = &self.state
            && let Some((done, seen)) = errand.take()
        {
            self.state = match done {
                Some(done) => {
                    // The last line may have been read when it was not whole.
                    let from = done.from;
                    self.lines.retain(|line| line.begins < from);
                    self.lines.extend(done.lines);
                    State::Rests(done.progress, seen)
                }
                None => State::Plain,
            };
        }
        let State::Rests(progress, seen) = &self.state else { return };
        if *seen >= run.len() {
            return;
        }
        let next = match run.get(progress.read()..) {
            Some(new) => worker::send(progress.clone(), new.to_owned(), run.len()),
            // Another text stands there now.
            None => None,
        };
        self.state = next.map_or(State::Plain, State::Away);
    }

    fn parts(&self, begins: usize, line: &str) -> Vec<(Range<usize>, Role)> {
        let plain = if matches!(self.state, State::Plain) { Role::Code } else { Role::Text };
        let known = self.lines.binary_search_by_key(&begins, |line| line.begins);
        let known = known.ok().and_then(|at| self.lines.get(at));
        let mut at = 0;
        let mut parts = Vec::new();
        for &(end, role) in known.map_or(&[][..], |line| &line.parts) {
            // It may have been another line when it was read.
            let end = floor(line, end.into());
            if end > at {
                parts.push((at..end, role));
                at = end;
            }
        }
        if at < line.len() {
            parts.push((at..line.len(), plain));
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Colours, Role, Source};

    const PLACE: (Source, usize) = (Source::Own(0), 0);

    /// What the first line of a run is made of, once it was read.
    fn first(colours: &mut Colours, language: &str, run: &str) -> Vec<(String, Role)> {
        let line = run.lines().next().unwrap();
        loop {
            let parts = colours.line(PLACE, (language, run), 0, line);
            if !colours.awaited() {
                return parts.into_iter().map(|(at, role)| (line[at].to_owned(), role)).collect();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn code_is_coloured_once_it_was_read() {
        let mut colours = Colours::default();
        let at_once = colours.line(PLACE, ("rust", "let x = 1;\n"), 0, "let x = 1;");
        assert_eq!(at_once, [(0..10, Role::Text)]);
        let parts = first(&mut colours, "rust", "let x = 1;\n");
        assert_eq!(parts.first(), Some(&("let".to_owned(), Role::Keyword)));
        assert!(parts.contains(&("1".to_owned(), Role::JsonNumber)), "{parts:?}");
    }

    #[test]
    fn a_line_that_grows_is_read_again() {
        let mut colours = Colours::default();
        let text = "return \"a\" # why\nx = 2\n";
        for end in 1..text.len() {
            first(&mut colours, "python", &text[..end]);
        }
        let whole = first(&mut Colours::default(), "python", text);
        assert_eq!(first(&mut colours, "python", text), whole);
        assert_eq!(whole.first(), Some(&("return".to_owned(), Role::Keyword)));
        assert_eq!(whole.last(), Some(&("# why".to_owned(), Role::Comment)));
    }

    #[test]
    fn what_has_no_grammar_is_plain() {
        for language in ["", "no such language"] {
            let parts = first(&mut Colours::default(), language, "let x = 1;\n");
            assert_eq!(parts, [("let x = 1;".to_owned(), Role::Code)], "{language}");
        }
    }

    #[test]
    fn runs_that_are_not_looked_at_are_forgotten() {
        let mut colours = Colours::default();
        for at in 0..1000 {
            colours.line((Source::Own(at), 0), ("rust", "fn"), 0, "fn");
        }
        assert!(colours.runs.len() <= super::RUNS);
    }
}
