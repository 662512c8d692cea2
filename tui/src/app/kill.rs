//! Asking which signal a process is sent, and whether that is meant.

use llmtop_parsers::Timestamp;

use super::{App, Code, Effect, Key};
use crate::kill::Kill;
use crate::store::{ProcessKey, Store};
use crate::view::processes::RowKey;
use crate::view::{Offers, Pane, Reader, Role, Span, connections};

/// The signals, with their keys.
const CHOICES: [(char, &str, Kill); 3] =
    [('s', "stop", Kill::Stop), ('c', "go on", Kill::Continue), ('t', "end", Kill::Terminate)];

/// The process that a signal is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Victim {
    /// Its id.
    pub pid: u32,
    /// Its name, as captured.
    pub comm: String,
    /// When it started, which tells it from others of that id.
    pub started: Option<Timestamp>,
}

/// A signal that is being chosen.
#[derive(Debug)]
pub(super) struct Asking {
    victim: Victim,
    /// The one chosen, which is to be confirmed.
    chosen: Option<Kill>,
}

impl Asking {
    /// What the footer says meanwhile.
    pub(super) fn offers(&self) -> Offers {
        let Victim { pid, comm, .. } = &self.victim;
        let way_out = |word| std::iter::once(("Esc".to_owned(), word));
        let (about, keys) = match self.chosen {
            None => {
                let choices = CHOICES.iter().map(|&(key, word, _)| (key.to_string(), word));
                let keys = Offers::of(choices.chain(way_out("back")));
                (format!("signal to {pid} {comm}:"), keys)
            }
            Some(kill) => {
                let yes = std::iter::once(("y".to_owned(), "yes"));
                let keys = Offers::of(yes.chain(way_out("no")));
                (format!("{} to {pid} {comm}?", kill.name()), keys)
            }
        };
        Offers { about: vec![Span::shown(&about, Role::Warning)], ..keys }
    }
}

impl App {
    /// Asks which signal the process is to be sent.
    pub(super) fn ask_for_signal(&mut self, store: &Store) {
        if !self.options.live {
            let why = "this was recorded: its processes are not here to be signalled";
            return self.tell(why, Role::Warning);
        }
        let reader = self.viewpoint.reader(store).within(self.narrowed.part(store));
        let process = self.watched(&reader).and_then(|key| reader.process(key));
        let Some(totals) = process else {
            let ended = matches!(self.main.processes.selected, Some(RowKey::Ended(_)));
            let of_list = self.pages.is_empty() && self.main.focus == Pane::Processes;
            let why = if of_list && ended { "these have ended" } else { "no process is selected" };
            return self.tell(why, Role::Warning);
        };
        let process = &totals.process;
        if totals.ended.is_some() {
            let text = format!("process {} has ended", process.pid);
            return self.tell(&text, Role::Warning);
        }
        let victim = Victim {
            pid: process.pid,
            comm: process.comm.clone(),
            started: process.started.map(|at| Timestamp(at.0)),
        };
        self.asking = Some(Asking { victim, chosen: None });
    }

    /// Whose exchange, connection or row the person is looking at.
    fn watched(&self, reader: &Reader<'_>) -> Option<ProcessKey> {
        let of_subject = || reader.exchange(self.subject()?).map(|record| record.process);
        if !self.pages.is_empty() {
            return of_subject();
        }
        match self.main.focus {
            Pane::Processes => self.main.processes.process(),
            Pane::Exchanges | Pane::Answer => of_subject(),
            Pane::Connections => {
                let open = connections::open(reader, self.main.lists_all());
                open.get(self.main.connections.selected).map(|connection| connection.process)
            }
        }
    }

    /// The key that chooses a signal, or says that it is meant. Any other ends it.
    pub(super) fn answer_signal(&mut self, asking: Asking, key: Key, effects: &mut Vec<Effect>) {
        let Code::Char(pressed) = key.code else { return };
        if key.ctrl || key.alt {
            return;
        }
        match asking.chosen {
            Some(kill) if pressed == 'y' => effects.push(Effect::Kill(kill, asking.victim)),
            Some(_) => {}
            None => {
                let chosen = CHOICES.iter().find(|(letter, ..)| *letter == pressed);
                self.asking = chosen.map(|&(.., kill)| Asking { chosen: Some(kill), ..asking });
            }
        }
    }
}
