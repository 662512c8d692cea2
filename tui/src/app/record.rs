//! Recording from the screen.

use super::prompt::{Prompt, Purpose};
use super::{App, Effect};
use crate::store::{Recording, Session, Status};
use crate::view::{Role, format};

/// Whether anything is recorded, or can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tape {
    /// Nothing is.
    #[default]
    Rests,
    /// Something is.
    Runs,
    /// Nothing comes any more that could be.
    Over,
}

impl Tape {
    pub(super) fn of(session: &Session) -> Self {
        match (&session.status, &session.recording) {
            (Status::Ended | Status::Failed(_), _) => Tape::Over,
            (_, Recording::To(_)) => Tape::Runs,
            _ => Tape::Rests,
        }
    }
}

impl App {
    /// Asks for a file to record to, or ends the recording.
    pub(super) fn record(&mut self, effects: &mut Vec<Effect>) {
        match self.tape {
            Tape::Runs => effects.push(Effect::Record(None)),
            Tape::Over => self.tell("nothing comes any more that could be recorded", Role::Warning),
            Tape::Rests => {
                let clock = format::clock(self.viewpoint.moment(), self.options.utc_offset);
                let name = format!("llmtop-{}.llmtop", clock.replace(':', ""));
                self.prompt = Some(Prompt::begun(Purpose::Record, &name));
            }
        }
    }
}
