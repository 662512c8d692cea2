//! Messages about llmtop itself, on stderr, or on the screen while that has the terminal.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

/// Sends messages to stderr from now on: warnings, with `verbose` 1 also
/// information, with 2 everything. Called once.
pub fn init(verbose: u8) {
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(match verbose {
            0 => LevelFilter::Warn,
            1 => LevelFilter::Info,
            _ => LevelFilter::Debug,
        });
    }
}

/// What is told of warnings.
pub type Told = Box<dyn Fn(&str) + Send>;

static ELSEWHERE: Mutex<Option<Told>> = Mutex::new(None);

/// Has warnings, and no other messages, told to `elsewhere` from now on, since stderr is
/// the screen's terminal; with `None` all go to stderr again. `elsewhere` must not log.
pub fn divert(elsewhere: Option<Told>) {
    *ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner) = elsewhere;
}

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries speak up only when they have something to warn of.
        metadata.target().starts_with("llmtop") || metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = record.level().as_str().to_ascii_lowercase();
            let text = record.args().to_string();
            if let Some(elsewhere) = &*ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner) {
                if record.level() <= log::Level::Warn {
                    elsewhere(&text);
                }
                return;
            }
            let text = llmtop_parsers::escape::visible(&text);
            // Nobody is left to be told that stderr is gone.
            let _ = writeln!(std::io::stderr().lock(), "llmtop: {level}: {text}");
        }
    }

    fn flush(&self) {}
}
