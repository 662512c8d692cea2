//! The thread that looks at processes and attaches what it finds, so that the
//! reader need not wait for either.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use llmtop_probe_common::{Header, flags};

use super::Discover;
use super::attach::Attacher;
use super::shared::Shared;
use crate::{Error, Target};

/// What the kernel reported.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// A process executed a program.
    Exec(Reported),
    /// A process is mapping code; it is reported once in 20 ms.
    Mapped(Reported),
    /// Files were looked through.
    Scanned,
    /// Capture ended.
    Stop,
}

/// Of which process it was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reported {
    pub(super) pid: u32,
    /// Whether the filters have its calls.
    pub(super) wanted: bool,
}

impl Reported {
    pub(super) fn of(header: &Header) -> Self {
        Self { pid: header.pid, wanted: header.flags & flags::UNWANTED == 0 }
    }
}

/// When to look at a process that maps code: soon, for those that use it at
/// once, and when all it maps in the reported interval is there.
const LOOKS: [Duration; 2] = [Duration::from_millis(3), Duration::from_millis(30)];
/// When to look at everything.
const RESCAN: Duration = Duration::from_secs(10);
/// Looks planned at most; where more would be, a rescan finds the rest.
const MAX_PLANNED: usize = 1 << 16;

pub(super) struct Watcher {
    attacher: Attacher,
    discovery: Box<dyn Discover>,
    inbox: Receiver<Event>,
    shared: Arc<Shared>,
    planned: BTreeSet<(Instant, Reported)>,
}

impl Watcher {
    pub(super) fn new(
        attacher: Attacher,
        discovery: Box<dyn Discover>,
        inbox: Receiver<Event>,
        shared: Arc<Shared>,
    ) -> Self {
        Self { attacher, discovery, inbox, shared, planned: BTreeSet::new() }
    }

    /// Runs until it is told to stop; then it takes every probe away.
    pub(super) fn spawn(self) -> Result<JoinHandle<()>, Error> {
        let thread = std::thread::Builder::new().name("llmtop-watch".to_owned());
        Ok(thread.spawn(move || self.run())?)
    }

    fn run(mut self) {
        let mut rescan = Instant::now() + RESCAN;
        while !self.shared.stopped() {
            let next = self.planned.first().map_or(rescan, |&(at, _)| at.min(rescan));
            match self.inbox.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Event::Exec(Reported { pid, wanted })) => {
                    let found = self.discovery.exec(pid, wanted);
                    self.attach(&found);
                }
                Ok(Event::Mapped(reported)) => self.plan(reported),
                Ok(Event::Scanned) => {
                    let found = self.discovery.scanned();
                    self.attach(&found);
                }
                Ok(Event::Stop) => return,
                Err(RecvTimeoutError::Timeout) => {}
                // The reader is gone, and with it the reason to go on.
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look();
            if Instant::now() >= rescan {
                let found = self.discovery.rescan();
                self.attach(&found);
                rescan = Instant::now() + RESCAN;
            }
        }
    }

    fn plan(&mut self, reported: Reported) {
        if self.planned.len() < MAX_PLANNED {
            let now = Instant::now();
            self.planned.extend(LOOKS.map(|after| (now + after, reported)));
        }
    }

    /// Looks at the processes whose time has come.
    fn look(&mut self) {
        while let Some(&(at, Reported { pid, wanted })) = self.planned.first() {
            if at > Instant::now() {
                break;
            }
            self.planned.pop_first();
            let found = self.discovery.mapped(pid, wanted);
            self.attach(&found);
        }
    }

    fn attach(&mut self, targets: &[Target]) {
        // First: a file that was written over is retired and a new target.
        for file in self.discovery.retired() {
            self.attacher.detach(file);
        }
        for target in targets {
            log::info!("attaching to {}", target.shown_path);
            for problem in self.attacher.attach(target) {
                log::warn!("{problem}");
            }
        }
    }
}
