//! A recording that is begun and ended while everything else goes on.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use llmtop_probe::{Capture, Totals};

use super::{Recorder, Sink};

/// Where a recording is made, while one is. Its clones are the same: the screen has one
/// to begin and end it by, and the pipeline another, to write by.
#[derive(Clone, Default)]
pub struct Tape(Arc<Mutex<Option<Running>>>);

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
        Tape(Arc::new(Mutex::new(running)))
    }

    /// Records from now on. One that is made already is ended.
    ///
    /// # Errors
    /// What went wrong with that.
    pub fn begin(&self, recorder: Recorder) -> io::Result<()> {
        let before = self.stop();
        let (briefed, whole, totals) = (false, false, Totals::default());
        *self.running() = Some(Running { recorder, briefed, whole, totals });
        before
    }

    /// Ends the recording, if there is one.
    ///
    /// # Errors
    /// What went wrong with it, once.
    pub fn stop(&self) -> io::Result<()> {
        let Some(Running { mut recorder, totals, .. }) = self.running().take() else {
            return Ok(());
        };
        recorder.end(&totals, 0)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Tape {
    fn wants_briefing(&mut self) -> bool {
        let mut running = self.running();
        running.as_mut().is_some_and(|running| !std::mem::replace(&mut running.briefed, true))
    }

    fn capture(&mut self, capture: &Capture) -> io::Result<()> {
        let mut running = self.running();
        let Some(Running { recorder, totals, .. }) = running.as_mut() else { return Ok(()) };
        totals.count(capture);
        recorder.capture(capture)
    }

    fn idle(&mut self) -> io::Result<()> {
        self.running().as_mut().map_or(Ok(()), |running| running.recorder.idle())
    }

    fn end(&mut self, totals: &Totals, exchanges: u64) -> io::Result<()> {
        let Some(mut running) = self.running().take() else { return Ok(()) };
        let totals = if running.whole { totals } else { &running.totals };
        running.recorder.end(totals, exchanges)
    }
}
