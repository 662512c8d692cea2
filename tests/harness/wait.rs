//! Waiting for what must come. No test asserts speed: [`PATIENCE`] only ends
//! what would hang.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long anything may take on a slow, busy machine before it counts as
/// never coming.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Asks again and again until there is an answer.
///
/// # Panics
/// After [`PATIENCE`], naming `what`.
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for {what}");
        sleep(Duration::from_millis(20));
    }
}
