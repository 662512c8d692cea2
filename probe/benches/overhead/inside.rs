//! What the kernel says that it spent inside of programs, whoever else has some in the
//! same places.

use std::collections::{BTreeMap, HashSet};
use std::os::fd::OwnedFd;

use aya::programs::loaded_programs;
use aya::sys::{Stats, enable_stats};

/// A program, its runs in a call, and nanoseconds in a run.
pub(crate) type Spent = (String, f64, f64);

/// Watches programs that are loaded from now on.
pub(crate) struct Inside {
    before: HashSet<u32>,
    _enabled: OwnedFd,
}

impl Inside {
    pub(crate) fn watch() -> Self {
        let before = loaded_programs().flatten().map(|program| program.id()).collect();
        Self { before, _enabled: enable_stats(Stats::RunTime).unwrap() }
    }

    /// Runs and nanoseconds of each so far.
    pub(crate) fn spent(&self) -> BTreeMap<String, (u64, u64)> {
        let mut spent = BTreeMap::new();
        for program in loaded_programs().flatten().filter(|p| !self.before.contains(&p.id())) {
            let name = program.name_as_str().unwrap_or_default().to_owned();
            let (runs, time) = spent.entry(name).or_insert((0, 0));
            *runs += program.run_count();
            *time += u64::try_from(program.run_time().as_nanos()).unwrap();
        }
        spent
    }
}
