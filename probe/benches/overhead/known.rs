//! Where a program is probed, found once.

use std::time::Duration;

use llmtop_probe::live::Discover;
use llmtop_probe::{Discovery, FileId, Target, Tls};

/// Discovery that has found what it will.
#[derive(Clone)]
pub(crate) struct Known(pub(crate) Vec<Target>);

impl Known {
    /// What a running process has mapped of one stack, if anything yet.
    pub(crate) fn of(pid: u32, tls: Tls) -> Option<Self> {
        let mut discovery = Discovery::new();
        let mut found = discovery.exec(pid, true);
        found.extend(discovery.settled(Duration::from_secs(120)));
        found.retain(|target| target.stacks.iter().any(|stack| stack.tls == tls));
        (!found.is_empty()).then_some(Self(found))
    }
}

impl Discover for Known {
    fn initial(&mut self) -> Vec<Target> {
        self.0.clone()
    }
    fn exec(&mut self, _: u32, _: bool) -> Vec<Target> {
        Vec::new()
    }
    fn mapped(&mut self, _: u32, _: bool) -> Vec<Target> {
        Vec::new()
    }
    fn rescan(&mut self) -> Vec<Target> {
        Vec::new()
    }
    fn settled(&mut self) -> Vec<Target> {
        Vec::new()
    }
    fn scanned(&mut self) -> Vec<Target> {
        Vec::new()
    }
    fn wake_by(&mut self, _: Box<dyn Fn() + Send>) {}
    fn retired(&mut self) -> Vec<FileId> {
        Vec::new()
    }
}
