//! Where captures come from.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use llmtop_probe::endpoint::Owners;
use llmtop_probe::recording::{Pace, Recording};
use llmtop_probe::{Process, Source, process};

use crate::cli::Cli;
use crate::config::Config;
use crate::pipeline::Lookup;
use crate::store::Session;

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

/// Opens what the command line asks for.
///
/// # Errors
/// The privileges do not suffice, the kernel refuses, a recording is none.
pub(super) fn open(cli: &Cli, config: &Config) -> anyhow::Result<Opened> {
    match &cli.flow.read {
        Some(path) => Ok(recorded(recording(path)?, path.display().to_string())),
        None if cli.flow.demo => {
            // Nobody watches the line modes: they need not take their time.
            let pace = if cli.flow.is_lines() { Pace::Full } else { Pace::Original(1.0) };
            let demo = Recording::new(Box::new(DEMO)).context("the built-in recording")?;
            Ok(recorded(demo.pace(pace), "demo".to_owned()))
        }
        None => live(cli, config),
    }
}

/// Opens a recording; `-` is standard input.
pub(super) fn recording(path: &Path) -> anyhow::Result<Recording> {
    let opened = if path.as_os_str() == "-" {
        Recording::new(Box::new(io::BufReader::new(io::stdin())))
    } else {
        Recording::open(path)
    };
    opened.with_context(|| path.display().to_string())
}

fn recorded(recording: Recording, name: String) -> Opened {
    let session = Session { source: name, ..Session::default() };
    Opened { source: Box::new(recording), session, lookup: None }
}

fn live(cli: &Cli, config: &Config) -> anyhow::Result<Opened> {
    llmtop_probe::privileges::prepare()?;
    let _ = (cli, config, LiveLookup::default());
    anyhow::bail!("capturing is not there yet; use -r")
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

    fn process(&mut self, pid: u32) -> Option<Process> {
        process::facts(pid)
    }
}
