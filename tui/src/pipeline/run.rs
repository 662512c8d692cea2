//! The threads: a source on one, the pipeline on another.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::Context;
use llmtop_parsers::Timestamp;
use llmtop_probe::{Capture, Control, Error, Source, Totals};

use super::Engine;
use super::channel::{Bounds, Received, Receiver, channel};
use crate::sink;
use crate::store::Status;

/// Without captures, the pipeline looks at its deadlines this often.
const TICK: Duration = Duration::from_millis(25);
/// Without deadlines, too, it has nothing to do but to know roughly what time it is.
const REST: Duration = Duration::from_secs(1);

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What the source moved, or what ended it before its time.
    pub source: Result<Totals, Error>,
    /// What ended the sinks.
    pub sinks: io::Result<()>,
}

impl Outcome {
    /// What to tell of it, if anything went wrong.
    ///
    /// # Errors
    /// What ended the run before its time.
    pub fn into_result(self) -> anyhow::Result<()> {
        self.sinks?;
        self.source?;
        Ok(())
    }
}

/// A pipeline that runs.
pub struct Running {
    control: Arc<dyn Control>,
    pipeline: JoinHandle<Outcome>,
}

/// Starts the threads.
///
/// # Errors
/// Where there can be no more threads.
pub fn start(source: Box<dyn Source>, engine: Engine) -> anyhow::Result<Running> {
    let control = source.control();
    let (mut sender, receiver) = channel(Bounds::default());
    let reader = Builder::new()
        .name("reader".into())
        .spawn(move || source.run(&mut sender))
        .context("cannot start a thread")?;
    let steering = Arc::clone(&control);
    let pipeline = Builder::new()
        .name("pipeline".into())
        .spawn(move || run(engine, receiver, reader, &*steering))
        .context("cannot start a thread")?;
    Ok(Running { control, pipeline })
}

impl Running {
    /// The handle by which the source is steered.
    pub fn control(&self) -> Arc<dyn Control> {
        Arc::clone(&self.control)
    }

    /// Whether everything ended.
    pub fn is_finished(&self) -> bool {
        self.pipeline.is_finished()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// Where the pipeline panicked.
    pub fn join(self) -> anyhow::Result<Outcome> {
        self.pipeline.join().map_err(|_| anyhow::anyhow!("the pipeline failed; please report this"))
    }
}

fn run(
    mut engine: Engine,
    receiver: Receiver,
    reader: JoinHandle<Result<Totals, Error>>,
    control: &dyn Control,
) -> Outcome {
    let pumped = pump(&mut engine, &receiver);
    if pumped.is_err() {
        control.stop();
        // What is captured until the source stands still is recorded still.
        loop {
            match receiver.receive(REST) {
                Received::Captures(captures) => record(&mut engine, captures),
                Received::Nothing => {}
                Received::Ended => break,
            }
        }
    }
    drop(receiver);
    let source = reader
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the reader failed; please report this").into()));
    let totals = source.as_ref().copied().unwrap_or_default();
    let sinks = sink::graver(pumped, engine.finish(&totals));
    let failed = source.as_ref().err().map(ToString::to_string);
    let failed = failed.or_else(|| sinks.as_ref().err().map(ToString::to_string));
    engine.conclude(failed.map_or(Status::Ended, Status::Failed), &totals);
    Outcome { source, sinks }
}

/// Moves captures until the source ends.
fn pump(engine: &mut Engine, receiver: &Receiver) -> io::Result<()> {
    let mut patience = TICK;
    loop {
        match receiver.receive(patience) {
            Received::Captures(captures) => {
                let mut captures = captures.into_iter();
                if let Err(error) = captures.try_for_each(|capture| engine.capture(capture)) {
                    record(engine, captures);
                    return Err(error);
                }
                engine.tick(engine.now())?;
                patience = TICK;
            }
            Received::Nothing => {
                // Not the wall clock: after a pause of the whole process, the
                // source has first to deliver what happened meanwhile.
                let waited = u64::try_from(patience.as_nanos()).unwrap_or(0);
                engine.tick(Timestamp(engine.now().0.saturating_add(waited)))?;
                engine.idle()?;
                patience = if engine.waits() { TICK } else { REST };
            }
            Received::Ended => return Ok(()),
        }
    }
}

/// Records what is not looked at any more, because a sink failed already.
fn record(engine: &mut Engine, captures: impl IntoIterator<Item = Capture>) {
    for capture in captures {
        // That of a sink which failed is known.
        let _ = engine.record(&capture);
    }
}
