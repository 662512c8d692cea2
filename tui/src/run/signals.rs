//! SIGINT, SIGTERM, SIGHUP and the end of `--duration`: the source is asked
//! to stop, and everything ends in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use llmtop_probe::Control;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Signals that come so close to the first are the same one again.
const TOGETHER: Duration = Duration::from_millis(200);

/// Signals from before there is anything to stop wait here.
pub(super) struct Pending(Signals);

/// Takes over the signals.
pub(super) fn take() -> anyhow::Result<Pending> {
    Ok(Pending(Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot handle signals")?))
}

impl Pending {
    /// From now on the first signal stops the source; a later one ends the
    /// process at once, should that hang. What comes with the first is no other:
    /// `timeout` and shells signal both a process and its group.
    pub(super) fn stop(mut self, control: Arc<dyn Control>) -> anyhow::Result<()> {
        thread("signals", move || {
            let mut signals = self.0.forever();
            if signals.next().is_none() {
                return;
            }
            control.stop();
            let first = Instant::now();
            if let Some(signal) = signals.find(|_| first.elapsed() > TOGETHER) {
                std::process::exit(128 + signal);
            }
        })
    }
}

/// Stops the source after a while.
pub(super) fn stop_after(
    duration: Option<Duration>,
    control: Arc<dyn Control>,
) -> anyhow::Result<()> {
    let Some(duration) = duration else { return Ok(()) };
    thread("duration", move || {
        std::thread::sleep(duration);
        control.stop();
    })
}

/// A thread that ends with the process.
fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
        .context("cannot start a thread")
}
