//! The capture behind the screen, on a thread of its own: the screen is there before
//! the probes are.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use anyhow::Context;
use llmtop_probe::Control;
use rustix::process::{Signal, getpid, kill_process};

use super::signals;
use super::source::Prepared;
use crate::cli::Cli;
use crate::config::Config;
use crate::pipeline::{self, Engine, Options, Outcome};
use crate::sink::Sink;
use crate::store::{Shared, Status};

/// Everything that a capture begins with.
pub(super) struct Plan {
    pub(super) prepared: Prepared,
    pub(super) cli: Cli,
    pub(super) config: Config,
    pub(super) options: Options,
    pub(super) sinks: Vec<Box<dyn Sink>>,
    pub(super) shared: Arc<Shared>,
}

/// A capture that runs, or is about to.
pub(super) struct Capture {
    steering: Arc<Steering>,
    thread: JoinHandle<anyhow::Result<()>>,
}

/// The way to a capture's control, which is there once it has begun.
#[derive(Default)]
struct Steering(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Waiting,
    Runs(Arc<dyn Control>),
    Stopped,
}

impl Plan {
    /// Begins. Where that fails, the screen says why.
    pub(super) fn begin(self) -> anyhow::Result<Capture> {
        let steering = Arc::<Steering>::default();
        let steers = Arc::clone(&steering);
        let shared = Arc::clone(&self.shared);
        let ends_by_itself = self.cli.flow.duration.is_some() || self.cli.flow.count.is_some();
        let body = move || {
            let ended = self.run(&steers);
            if let (Err(why), State::Waiting) = (&ended, &*steers.state()) {
                shared.session().status = Status::Failed(format!("{why:#}"));
                shared.changed();
            }
            let replaced = matches!(*steers.state(), State::Stopped);
            if ends_by_itself && !replaced {
                // The way in which everybody else ends the screen, too.
                let _ = kill_process(getpid(), Signal::TERM);
            }
            ended
        };
        let thread = Builder::new().name("capture".into()).spawn(body);
        Ok(Capture { steering, thread: thread.context("cannot start a thread")? })
    }

    fn run(self, steering: &Steering) -> anyhow::Result<()> {
        let Plan { prepared, cli, config, options, sinks, shared } = self;
        let opened = prepared.open(&cli, &config)?;
        let control = opened.source.control();
        if !steering.begins(&control) {
            return Ok(());
        }
        shared.session().opened(opened.session);
        shared.changed();
        let engine = Engine::new(options, shared, sinks, Some(control), opened.lookup);
        let running = pipeline::start(opened.source, engine)?;
        signals::stop_after(cli.flow.duration, running.control())?;
        running.join().and_then(Outcome::into_result)
    }
}

impl Capture {
    /// Whether it has not begun, and may take a while still.
    pub(super) fn is_starting(&self) -> bool {
        matches!(*self.steering.state(), State::Waiting) && !self.thread.is_finished()
    }

    /// Ends it, and tells what came of it. What has not begun is not waited for: it
    /// may be looking through files, and ends with the process.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        if self.steering.stop() || self.thread.is_finished() {
            return self.thread.join().map_err(|_| anyhow::anyhow!("the pipeline failed"))?;
        }
        Ok(())
    }
}

impl Steering {
    /// It has begun. `false`: nobody wants it any more.
    fn begins(&self, control: &Arc<dyn Control>) -> bool {
        let mut state = self.state();
        if matches!(*state, State::Stopped) {
            return false;
        }
        *state = State::Runs(Arc::clone(control));
        true
    }

    /// Stops it. `false`: it has not begun.
    fn stop(&self) -> bool {
        match std::mem::replace(&mut *self.state(), State::Stopped) {
            State::Runs(control) => {
                control.stop();
                true
            }
            State::Waiting | State::Stopped => false,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
