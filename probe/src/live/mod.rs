//! The live source: kernel programs attached to the TLS libraries of the
//! machine's processes, and to the system calls that move bytes.
//!
//! Two threads. The reader ([`Live`]'s `run`) takes records from the ring buffer,
//! turns them into captures and offers them; it waits for nobody. The watcher
//! looks at processes that execute or map something new, and attaches what it
//! finds. Nothing is pinned: when this process ends, however it ends, the kernel
//! takes programs, maps and probes away.

mod attach;
mod backlog;
mod containers;
mod counters;
mod endings;
mod facts;
mod filters;
mod maps;
mod places;
mod reader;
mod ring;
mod shared;
mod stdio;
mod uprobes;
mod watcher;

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use llmtop_probe_common::{Offsets, Settings};

use crate::{
    Control, Discovery, Error, FileId, Outlet, Source, Target, Totals, kernel, object, privileges,
};
use attach::Attacher;
use containers::Containers;
pub use filters::Filters;
use reader::Reader;
use shared::Shared;
use watcher::{Event, Watcher};

/// How long the start waits for the files of running processes to be searched, the
/// first time: what is known already is captured meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// What may be chosen of live capture.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Size of the ring buffer in bytes, rounded up to a power of two; `None`:
    /// from the machine's memory, 16 to 64 MiB.
    pub ring_bytes: Option<u32>,
    /// Whose calls are captured.
    pub filters: Filters,
    /// Whether JSON-RPC on standard input and output is captured, too.
    pub stdio: bool,
}

/// What live capture asks of discovery: which files to probe, and which no
/// longer. Calls take their time; they are made from the watcher's thread.
pub trait Discover: Send {
    /// Everything there is now.
    fn initial(&mut self) -> Vec<Target>;
    /// What is new since a process executed a program. `wanted`: somebody will miss what it
    /// says before that is found.
    fn exec(&mut self, pid: u32, wanted: bool) -> Vec<Target>;
    /// What is new since a process mapped code.
    fn mapped(&mut self, pid: u32, wanted: bool) -> Vec<Target>;
    /// What is new and no event told.
    fn rescan(&mut self) -> Vec<Target>;
    /// What else running processes use, once all that takes long is known or too
    /// long has passed.
    fn settled(&mut self) -> Vec<Target>;
    /// What is new since the function of [`wake_by`](Self::wake_by) was called.
    fn scanned(&mut self) -> Vec<Target>;
    /// Has `wake` called, on any thread, when there is something to ask for.
    fn wake_by(&mut self, wake: Box<dyn Fn() + Send>);
    /// Files whose probes can go.
    fn retired(&mut self) -> Vec<FileId>;
}

impl Discover for Discovery {
    fn initial(&mut self) -> Vec<Target> {
        Self::initial(self)
    }
    fn exec(&mut self, pid: u32, wanted: bool) -> Vec<Target> {
        Self::exec(self, pid, wanted)
    }
    fn mapped(&mut self, pid: u32, wanted: bool) -> Vec<Target> {
        Self::mapped(self, pid, wanted)
    }
    fn rescan(&mut self) -> Vec<Target> {
        Self::rescan(self)
    }
    fn settled(&mut self) -> Vec<Target> {
        Self::settled(self, PATIENCE)
    }
    fn scanned(&mut self) -> Vec<Target> {
        Self::scanned(self)
    }
    fn wake_by(&mut self, wake: Box<dyn Fn() + Send>) {
        Self::wake_by(self, wake);
    }
    fn retired(&mut self) -> Vec<FileId> {
        Self::retired(self)
    }
}

/// Live capture, attached and ready to [`run`](Source::run).
pub struct Live {
    reader: Reader,
    watcher: Watcher,
    events: mpsc::Sender<Event>,
    shared: Arc<Shared>,
    attached: Vec<Target>,
    problems: Vec<String>,
}

impl Live {
    /// Loads the kernel programs and attaches them to everything that discovery
    /// knows now. When it returns, calls are being captured into the ring.
    ///
    /// # Errors
    /// The kernel refused a program, a map, or every probe.
    pub fn start(config: &Config, mut discovery: Box<dyn Discover>) -> Result<Self, Error> {
        privileges::raise_limits();
        let offsets = kernel::offsets();
        let options = object::Options {
            settings: Settings {
                own_pid: std::process::id(),
                filters: config.filters.kinds().0,
                has_cookie: u32::from(aya::features().bpf_cookie()),
                stdio: u32::from(config.stdio),
            },
            offsets: *offsets.as_ref().unwrap_or(&Offsets::default()),
            ring_bytes: ring_bytes(config.ring_bytes),
        };
        let (mut bpf, multi) = object::load(&options)?;
        let mut filters = filters::Maps::take(&mut bpf)?;
        filters.set(&config.filters)?;
        let shared = Arc::new(Shared::new()?);
        let (events, inbox) = mpsc::channel();
        let containers = Containers::take(&mut bpf, &config.filters.containers)?;
        let mut reader = Reader::new(&mut bpf, Arc::clone(&shared), events.clone(), containers)?;
        let mut pipes = stdio::Pipes::take(&mut bpf)?;
        let mut attacher = Attacher::new(bpf, multi, Arc::clone(&shared))?;
        let mut problems = attacher.tracepoints();
        let unseen = if config.stdio { ", nor are standard input and output" } else { "" };
        let why = |why| format!("HTTP without TLS is not seen{unseen}: {why}");
        problems.extend(offsets.err().map(why));
        // Forks are seen from here on, so no descendant can slip away.
        filters.seed(&config.filters)?;
        reader.containers().seed()?;
        if config.stdio {
            pipes.seed();
        }
        let bell = events.clone();
        // Fails where the watcher has ended, and nobody wants to know.
        discovery.wake_by(Box::new(move || {
            let _ = bell.send(Event::Scanned);
        }));
        let mut attached = discovery.initial();
        problems.extend(attached.iter().flat_map(|target| attacher.attach(target)));
        let more = discovery.settled();
        problems.extend(more.iter().flat_map(|target| attacher.attach(target)));
        attached.extend(more);
        attached.iter_mut().for_each(|target| target.handle = None);
        let watcher = Watcher::new(attacher, discovery, inbox, Arc::clone(&shared));
        Ok(Self { reader, watcher, events, shared, attached, problems })
    }

    /// The files whose probes were in place when [`start`](Self::start) returned.
    pub fn attached(&self) -> &[Target] {
        &self.attached
    }

    /// What could not be attached, a line each, for people.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl Source for Live {
    fn run(self: Box<Self>, outlet: &mut dyn Outlet) -> Result<Totals, Error> {
        let Self { reader, watcher, events, shared, .. } = *self;
        let watching = watcher.spawn()?;
        let mut reader = reader;
        let result = reader.run(outlet);
        // Taking probes away costs the kernel grace periods, some of them about a
        // tenth of a second: nobody waits for that. What is moved from here on is
        // neither captured nor counted.
        shared.stop();
        // Fails where the watcher has ended: that is what it is for.
        let _ = events.send(Event::Stop);
        drop(watching);
        result.map(|()| reader.finish(outlet))
    }

    fn control(&self) -> Arc<dyn Control> {
        Arc::<Shared>::clone(&self.shared)
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("attached", &self.attached.len()).finish_non_exhaustive()
    }
}

/// The ring's size: what was asked for, or a 512th of the memory.
fn ring_bytes(asked: Option<u32>) -> u32 {
    const PAGE: u32 = 4096;
    const LARGEST: u32 = 1 << 30;
    let default = || {
        let info = rustix::system::sysinfo();
        let memory = info.totalram.saturating_mul(u64::from(info.mem_unit));
        u32::try_from(memory / 512).unwrap_or(u32::MAX).clamp(16 << 20, 64 << 20)
    };
    asked.unwrap_or_else(default).clamp(PAGE, LARGEST).next_power_of_two().min(LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_are_powers_of_two() {
        assert_eq!(ring_bytes(Some(1)), 4096);
        assert_eq!(ring_bytes(Some(5000)), 8192);
        assert_eq!(ring_bytes(Some(u32::MAX)), 1 << 30);
        let default = ring_bytes(None);
        assert!(default.is_power_of_two() && (16 << 20..=64 << 20).contains(&default));
    }
}
