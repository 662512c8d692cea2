//! Where captures come from.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::Path;

use anyhow::{Context as _, ensure};
use llmtop_probe::endpoint::{self, Owners};
use llmtop_probe::live::{self, Filters};
use llmtop_probe::recording::{Pace, Recording};
use llmtop_probe::{Discovery, Live, Process, Source, privileges, process};

use crate::cli::Cli;
use crate::config::{self, Config};
use crate::pipeline::Lookup;
use crate::store::{Session, Status};

/// Recorded traffic of real clients with a local server.
static DEMO: &[u8] = include_bytes!("../../../assets/demo.llmtop");

/// A source that is ready to run: whatever is captured, is captured from here on.
pub(super) struct Opened {
    pub(super) source: Box<dyn Source>,
    /// What the screen says of it.
    pub(super) session: Session,
    /// Finds out more, where that is possible.
    pub(super) lookup: Option<Box<dyn Lookup>>,
}

impl Opened {
    /// The word for it in the start line.
    pub(super) fn kind(&self) -> &'static str {
        if self.lookup.is_some() { "live" } else { "recording" }
    }
}

/// What can be had at once: an opened recording, or the certainty that privileges and
/// kernel suffice.
pub(super) enum Prepared {
    Recording(Box<Opened>),
    Live,
}

/// Sees to what the command line asks for.
///
/// # Errors
/// The privileges or the kernel do not suffice, a recording is none.
pub(super) fn prepare(cli: &Cli) -> anyhow::Result<Prepared> {
    let opened = match &cli.flow.read {
        Some(path) => recorded(recording(path)?, path.display().to_string()),
        None if cli.flow.demo => {
            // Nobody watches the line modes: they need not take their time.
            let pace = if cli.flow.is_lines() { Pace::Full } else { Pace::Original };
            let demo = Recording::new(Box::new(DEMO)).context("the built-in recording")?;
            recorded(demo.pace(pace), "demo".to_owned())
        }
        None => {
            privileges::check()?;
            ensure_alive(&cli.capture.pids)?;
            return Ok(Prepared::Live);
        }
    };
    Ok(Prepared::Recording(Box::new(opened)))
}

impl Prepared {
    /// What the screen says until it is opened.
    pub(super) fn session(&self) -> Session {
        match self {
            Prepared::Recording(opened) => opened.session.clone(),
            Prepared::Live => Session {
                source: "live".to_owned(),
                status: Status::Starting(starting(running())),
                ..Session::default()
            },
        }
    }

    /// Whether it is this machine, now.
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Prepared::Live)
    }

    /// Drops the capabilities that live capture does not need, for this thread and
    /// those that it starts: what needs them has to be done before.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(super) fn restrict(&self) -> anyhow::Result<()> {
        match self {
            Prepared::Recording(_) => Ok(()),
            Prepared::Live => Ok(privileges::prepare()?),
        }
    }

    /// Opens the source. With live capture this may take a while: the programs that
    /// run are looked through.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(super) fn open(self, cli: &Cli, config: &Config) -> anyhow::Result<Opened> {
        match self {
            Prepared::Recording(opened) => Ok(*opened),
            Prepared::Live => live(cli, config),
        }
    }
}

/// Opens a recording; `-` is standard input.
pub(super) fn recording(path: &Path) -> anyhow::Result<Recording> {
    let opened = if path.as_os_str() == "-" {
        io::stdin().as_fd().try_clone_to_owned().map_err(Into::into).map(File::from)
    } else {
        File::open(path).map_err(Into::into)
    };
    opened.and_then(Recording::from_file).with_context(|| path.display().to_string())
}

fn recorded(recording: Recording, name: String) -> Opened {
    let session = Session { source: name, recorded: true, ..Session::default() };
    Opened { source: Box::new(recording), session, lookup: None }
}

/// How many processes run.
fn running() -> usize {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit()).count()
}

/// What takes its time at the start, on a machine with so many processes.
fn starting(processes: usize) -> String {
    format!("starting: looking through the programs of {processes} processes")
}

/// Attaches the probes.
fn live(cli: &Cli, config: &Config) -> anyhow::Result<Opened> {
    let capture = &cli.capture;
    let filters = Filters {
        pids: capture.pids.clone(),
        comms: capture.processes.clone(),
        uids: capture.users.iter().map(|user| user.uid).collect(),
        containers: capture.containers.clone(),
    };
    let ring_bytes = capture.ring.or(config.ring).map(|size| {
        // Live capture has its own upper bound, far below.
        u32::try_from(size.0).unwrap_or(u32::MAX)
    });
    let stdio = capture.stdio;
    let discovery = config::cache_path().map_or_else(Discovery::new, Discovery::with_cache);
    let live = Live::start(&live::Config { ring_bytes, filters, stdio }, Box::new(discovery))?;
    let named = |what, values: &[String]| -> Vec<String> {
        values.iter().map(|value| format!("{what} {value}")).collect()
    };
    let users: Vec<String> = capture.users.iter().map(|user| user.name.clone()).collect();
    let pids = capture.pids.iter().map(|pid| format!("pid {pid}"));
    let session = Session {
        source: "live".to_owned(),
        filters: pids
            .chain(named("process", &capture.processes))
            .chain(named("container", &capture.containers))
            .chain(named("user", &users))
            .collect(),
        probes: live.control().probes(),
        problems: live.problems().to_vec(),
        ..Session::default()
    };
    let lookup = Some(Box::new(LiveLookup::default()) as Box<dyn Lookup>);
    Ok(Opened { source: Box::new(live), session, lookup })
}

/// Nobody waits for a process that is gone.
fn ensure_alive(pids: &[u32]) -> anyhow::Result<()> {
    let gone = pids.iter().filter(|pid| !Path::new(&format!("/proc/{pid}")).exists());
    let gone: Vec<String> = gone.map(u32::to_string).collect();
    ensure!(
        gone.is_empty(),
        "no process {}: `ps` lists those that run; -c NAME waits for processes of a name",
        gone.join(", ")
    );
    Ok(())
}

/// Asks the running system.
#[derive(Default)]
struct LiveLookup {
    owners: Owners,
}

impl Lookup for LiveLookup {
    fn owner(&mut self, beside: u32, local: SocketAddr, peer: SocketAddr) -> Option<u32> {
        self.owners.owner(beside, local, peer)
    }

    fn client_of_stdio(&mut self, pid: u32) -> Option<u32> {
        endpoint::client_of_stdio(pid)
    }

    fn process(&mut self, pid: u32) -> Option<Process> {
        process::facts(pid)
    }
}
