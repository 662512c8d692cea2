//! Another llmtop has probes in the same places, and what runs there would be measured.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aya::programs::loaded_programs;

/// Between two looks for one that has not ended, and looks after which that is said.
const NAP: Duration = Duration::from_millis(200);
const SAID_AFTER: u32 = 50;

/// Programs that run where system calls return: one a llmtop, and one of this bench.
fn observers() -> usize {
    // As the kernel keeps them.
    let names = ["syscall_exit", "syscall_exit_bo", "empty_syscall_e", "copying_syscall"];
    let names = names.map(str::as_bytes);
    loaded_programs().flatten().filter(|program| names.contains(&program.name())).count()
}

/// What `measure` gives when it has one program there at most, and nobody else has any:
/// waits for that, and does it again where another came in between.
pub(crate) fn alone<T>(mut measure: impl FnMut() -> T) -> T {
    loop {
        let mut waits = 0;
        while observers() > 0 {
            waits += 1;
            if waits == SAID_AFTER {
                eprintln!("another llmtop runs: waiting until it has ended");
            }
            std::thread::sleep(NAP);
        }
        let (ended, disturbed) = (AtomicBool::new(false), AtomicBool::new(false));
        let measured = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    disturbed.fetch_or(observers() > 1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            let measured = measure();
            ended.store(true, Ordering::Relaxed);
            measured
        });
        if !disturbed.load(Ordering::Relaxed) {
            return measured;
        }
    }
}
