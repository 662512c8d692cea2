//! Programs into the kernel, probes into files.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aya::Ebpf;
use aya::programs::raw_trace_point::RawTracePointLink;
use aya::programs::trace_point::TracePointLink;
use aya::programs::{RawTracePoint, TracePoint};
use llmtop_probe_common::tls;
use rustix::time::ClockId;

use super::places::{self, Place};
use super::reader::now;
use super::shared::Shared;
use super::uprobes::{Link, Uprobes, drop_together};
use crate::object::{self, Multi};
use crate::{Error, FileId, Target, stack};

/// Program, category and events.
const TRACEPOINTS: &[(&str, &str, &[&str])] = &[
    ("exec", "sched", &["sched_process_exec"]),
    ("exit", "sched", &["sched_process_exit"]),
    ("newtask", "task", &["task_newtask"]),
    ("execve_enter", "syscalls", &["sys_enter_execve"]),
    ("execveat_enter", "syscalls", &["sys_enter_execveat"]),
    ("mmap_enter", "syscalls", &["sys_enter_mmap"]),
    ("connect_enter", "syscalls", &["sys_enter_connect"]),
    ("connect_exit", "syscalls", &["sys_exit_connect"]),
    ("accept_enter", "syscalls", &["sys_enter_accept", "sys_enter_accept4"]),
    ("accept_exit", "syscalls", &["sys_exit_accept", "sys_exit_accept4"]),
    ("close_enter", "syscalls", &["sys_enter_close"]),
    #[cfg(target_arch = "x86_64")]
    ("dup_enter", "syscalls", &["sys_enter_dup2", "sys_enter_dup3"]),
    // Others never had the call without flags.
    #[cfg(not(target_arch = "x86_64"))]
    ("dup_enter", "syscalls", &["sys_enter_dup3"]),
    ("tcp_state", "sock", &["inet_sock_set_state"]),
];

/// The same of events that not every kernel has: `close_range` came with Linux
/// 5.9.
const OPTIONAL_TRACEPOINTS: &[(&str, &str, &[&str])] =
    &[("close_range_enter", "syscalls", &["sys_enter_close_range"])];

/// Programs for the event that a system call returns, and for kernels without
/// `bpf_loop`.
const SYSCALL_EXIT: [&str; 2] = ["syscall_exit", "syscall_exit_bounded"];

/// The most files that are probed, of up to nine descriptors each. A machine with many
/// containers has some hundred.
const MAX_FILES: usize = 4096;

/// What is attached to a file. Dropping it detaches that.
#[derive(Default)]
struct Attached {
    links: Vec<Link>,
    /// How many places of it: a link may be for many.
    places: usize,
}

/// Owns the programs and every link. Dropping it detaches all.
pub(super) struct Attacher {
    // Before the programs: links go first.
    files: HashMap<FileId, Attached>,
    tracepoints: Vec<TracePointLink>,
    syscall_exit: Option<RawTracePointLink>,
    uprobes: Uprobes,
    bpf: Ebpf,
    /// Which of the programs that send transfers: 1 where the kernel has no
    /// `bpf_loop`.
    bounded: usize,
    /// How many targets there were.
    targets: u32,
    shared: Arc<Shared>,
}

impl Attacher {
    /// Loads the programs for transfers.
    pub(super) fn new(
        mut bpf: Ebpf,
        multi: Option<Multi>,
        shared: Arc<Shared>,
    ) -> Result<Self, Error> {
        let bounded = usize::from(!places::bpf_loop());
        if bounded == 1 {
            log::info!("no bpf_loop, calls are captured up to 512 KiB");
        }
        let uprobes = Uprobes::load(&mut bpf, multi, &places::programs(bounded))?;
        Ok(Self {
            files: HashMap::new(),
            tracepoints: Vec::new(),
            syscall_exit: None,
            uprobes,
            bpf,
            bounded,
            targets: 0,
            shared,
        })
    }

    /// Attaches to the kernel's own events. Answers with what failed: capture
    /// works without them, but knows less.
    pub(super) fn tracepoints(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, category, events) in TRACEPOINTS {
            for event in *events {
                if let Err(error) = self.tracepoint(name, category, event) {
                    problems.push(format!("{category}:{event}: {error}"));
                }
            }
        }
        for (name, category, events) in OPTIONAL_TRACEPOINTS {
            for event in *events {
                if let Err(error) = self.tracepoint(name, category, event) {
                    log::info!("{category}:{event}: {error}");
                }
            }
        }
        let attached = self.syscall_exit(SYSCALL_EXIT[0]).or_else(|error| {
            log::info!("{error}");
            self.syscall_exit(SYSCALL_EXIT[1])
        });
        if let Err(error) = attached {
            problems.push(format!("HTTP without TLS is not seen: {error}"));
        }
        problems
    }

    /// Attaches to a file, once. Answers with what failed.
    pub(super) fn attach(&mut self, target: &Target) -> Vec<String> {
        if self.files.contains_key(&target.file) {
            return Vec::new();
        }
        if target.handle.as_ref().is_some_and(|handle| !handle.is_unchanged()) {
            // The next look at everything finds what it has become.
            return vec![format!("{}: written to while it was looked at", target.shown_path)];
        }
        if self.files.len() >= MAX_FILES {
            return vec![format!("{}: more files than can be probed", target.shown_path)];
        }
        // One probe comes after another, some milliseconds apart, and what is seen
        // before the last is seen by halves: the reader drops it.
        self.targets = self.targets % tls::MAX_TARGET + 1;
        let mut attached = Attached::default();
        let stacks = target.stacks.iter();
        let problems = stacks.flat_map(|stack| self.stack(target, stack, &mut attached)).collect();
        self.shared.attached(self.targets, now(ClockId::Boottime));
        self.files.insert(target.file, attached);
        self.count();
        problems
    }

    /// Takes the probes of a file away.
    pub(super) fn detach(&mut self, file: FileId) {
        drop_together(self.files.remove(&file).unwrap_or_default().links);
        self.count();
    }

    /// Tells how many probes there are.
    fn count(&self) {
        self.shared.set_probes(self.files.values().map(|file| file.places).sum());
    }

    /// Attaches to the functions of one stack. Answers with what failed.
    fn stack(
        &mut self,
        target: &Target,
        stack: &stack::Found,
        attached: &mut Attached,
    ) -> Vec<String> {
        let cookie = tls::cookie(places::tls_code(stack.tls), self.targets);
        let mut problems = Vec::new();
        let mut failed = BTreeSet::new();
        // Returns first: an entry without its return would leave calls open.
        let returns = places::returns(stack, self.bounded);
        for (program, mut places) in returns.into_iter().chain(places::entries(stack, self.bounded))
        {
            places.retain(|place| !failed.contains(&place.site));
            let mut link = |places: &[Place]| {
                let offsets: Vec<_> = places.iter().map(|place| place.offset).collect();
                self.uprobes.link(&mut self.bpf, program, target, cookie, &offsets)
            };
            if let Ok(all) = link(&places) {
                attached.links.extend(all);
                attached.places += places.len();
                continue;
            }
            // One that is refused takes the others with it.
            for place in &places {
                match link(std::slice::from_ref(place)) {
                    Ok(one) => {
                        attached.links.extend(one);
                        attached.places += 1;
                    }
                    Err(error) => {
                        failed.insert(place.site);
                        let symbol = &place.symbol;
                        problems.push(format!("{}: {symbol}: {error}", target.shown_path));
                    }
                }
            }
        }
        problems
    }

    fn tracepoint(&mut self, name: &str, category: &str, event: &str) -> Result<(), Error> {
        let program = self.bpf.program_mut(name).ok_or_else(|| absent(name))?;
        let program: &mut TracePoint =
            program.try_into().map_err(|error| object::kernel(name, &error))?;
        let failed = |error| object::kernel(&format!("attaching {name}"), &error);
        if program.fd().is_err() {
            program.load().map_err(failed)?;
        }
        let id = program.attach(category, event).map_err(failed)?;
        self.tracepoints.push(program.take_link(id).map_err(failed)?);
        Ok(())
    }

    fn syscall_exit(&mut self, name: &str) -> Result<(), Error> {
        let program = self.bpf.program_mut(name).ok_or_else(|| absent(name))?;
        let program: &mut RawTracePoint =
            program.try_into().map_err(|error| object::kernel(name, &error))?;
        let failed = |error| object::kernel(&format!("attaching {name}"), &error);
        program.load().map_err(failed)?;
        let id = program.attach("sys_exit").map_err(failed)?;
        self.syscall_exit = Some(program.take_link(id).map_err(failed)?);
        Ok(())
    }
}

impl Drop for Attacher {
    fn drop(&mut self) {
        drop_together(self.files.drain().flat_map(|(_, file)| file.links).collect());
        drop_together(std::mem::take(&mut self.tracepoints));
    }
}

pub(super) fn absent(name: &str) -> Error {
    Error::Kernel {
        what: format!("the program {name}"),
        why: "not in the kernel programs".to_owned(),
    }
}
