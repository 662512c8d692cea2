//! A recording that is begun and ended while everything else goes on.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use llmtop_probe::{Capture, Totals};

use super::{Recorder, Sink};

/// Where a recording is made, while one is. Its clones are the same: the screen has one
/// to begin and end it by, and the pipeline another, to write by.
#[derive(Clone, Default)]
pub struct Tape(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// What went wrong with the first recording that failed.
    failed: Option<String>,
}

struct Running {
    recorder: Recorder,
    /// It has, or needs not, what was there before it began.
    briefed: bool,
    /// It has everything, from the source's beginning on.
    whole: bool,
    totals: Totals,
}

impl Tape {
    /// One with a recording that began before the source did, if any.
    pub fn new(recorder: Option<Recorder>) -> Self {
        let running = recorder.map(|recorder| Running {
            recorder,
            briefed: true,
            whole: true,
            totals: Totals::default(),
        });
        Tape(Arc::new(Mutex::new(State { running, failed: None })))
    }

    /// Records from now on. One that is made already is ended.
    pub fn begin(&self, recorder: Recorder) {
        // What went wrong with it is kept.
        let _ = self.stop();
        let (briefed, whole, totals) = (false, false, Totals::default());
        self.state().running = Some(Running { recorder, briefed, whole, totals });
    }

    /// Ends the recording, if there is one.
    ///
    /// # Errors
    /// What went wrong with it, once.
    pub fn stop(&self) -> io::Result<()> {
        self.state().end(None)
    }

    /// What came of all recordings, those that were ended long ago included.
    ///
    /// # Errors
    /// What went wrong with the first that failed.
    pub fn result(&self) -> io::Result<()> {
        self.state().failed.clone().map_or(Ok(()), |what| Err(io::Error::other(what)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Ends the recording; `source` is what its source moved, where that ended.
    fn end(&mut self, source: Option<(&Totals, u64)>) -> io::Result<()> {
        let Some(Running { mut recorder, whole, totals, .. }) = self.running.take() else {
            return Ok(());
        };
        let (moved, exchanges) = source.filter(|_| whole).unwrap_or((&totals, 0));
        let ended = recorder.end(moved, exchanges);
        if let Err(error) = &ended {
            self.failed.get_or_insert_with(|| error.to_string());
        }
        ended
    }
}

impl Sink for Tape {
    fn wants_briefing(&mut self) -> bool {
        let mut state = self.state();
        state.running.as_mut().is_some_and(|running| !std::mem::replace(&mut running.briefed, true))
    }

    fn capture(&mut self, capture: &Capture) -> io::Result<()> {
        let mut state = self.state();
        let Some(Running { recorder, totals, .. }) = &mut state.running else { return Ok(()) };
        totals.count(capture);
        recorder.capture(capture)
    }

    fn idle(&mut self) -> io::Result<()> {
        self.state().running.as_mut().map_or(Ok(()), |running| running.recorder.idle())
    }

    fn end(&mut self, totals: &Totals, exchanges: u64) -> io::Result<()> {
        self.state().end(Some((totals, exchanges)))
    }
}
