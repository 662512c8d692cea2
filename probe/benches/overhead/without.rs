//! What llmtop is compared with: at the places where it looks at what a process moves,
//! programs that do nothing, or nothing but copy.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use aya::Ebpf;
use aya::maps::{HashMap, RingBuf};
use aya::programs::UProbe;
use aya::programs::uprobe::{UProbeAttachLocation, UProbeScope};
use llmtop_probe::{Abi, Function, Site, Target};

use crate::measured::{attach_syscall_exit, object, programs};
use crate::object::{self, Multi};

/// What runs at a site: at the entry, at the return, at its own return instructions.
type Programs = [&'static str; 3];
const NOTHING: Programs = ["empty_entry", "empty_return", "empty_entry"];

/// Programs at the places; gone when dropped.
pub(crate) struct Without {
    // Before the programs: links go first.
    _links: Vec<OwnedFd>,
    _bpf: Ebpf,
    reader: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Without {
    /// Empty programs.
    pub(crate) fn anything(targets: &[Target]) -> Self {
        let mut bpf = programs();
        attach_syscall_exit(&mut bpf, "empty_syscall_exit");
        let links = attach(&mut bpf, targets, |_| NOTHING);
        Self { _links: links, _bpf: bpf, reader: None }
    }

    /// Programs that copy as much as llmtop does, and somebody who reads that. Of system
    /// calls, those of `pids`.
    pub(crate) fn all_but_the_copy(targets: &[Target], pids: &[u32]) -> Self {
        let mut bpf = programs();
        let mut observed: HashMap<_, u32, u8> =
            HashMap::try_from(bpf.map_mut("PIDS").unwrap()).unwrap();
        for pid in pids {
            observed.insert(pid, 1u8, 0).unwrap();
        }
        let exit = if targets.is_empty() { "copying_syscall_exit" } else { "empty_syscall_exit" };
        attach_syscall_exit(&mut bpf, exit);
        let links = attach(&mut bpf, targets, copying);
        let mut ring = RingBuf::try_from(bpf.take_map("EVENTS").unwrap()).unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while !end.load(Ordering::Relaxed) {
                while let Some(record) = ring.next() {
                    bytes.clear();
                    bytes.extend_from_slice(&record);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Self { _links: links, _bpf: bpf, reader: Some((ended, thread)) }
    }
}

impl Drop for Without {
    fn drop(&mut self) {
        if let Some((ended, thread)) = self.reader.take() {
            ended.store(true, Ordering::Relaxed);
            thread.join().unwrap();
        }
    }
}

/// What copies at a site.
fn copying(site: &Site) -> Programs {
    match (site.function, site.abi) {
        (_, Abi::Returned | Abi::Flagged) => ["copying_returned", "copying_return", ""],
        (_, Abi::Typed) => ["copying_typed", "copying_return", ""],
        (_, Abi::BehindArgument4) => ["copying_arg4", "copying_return", ""],
        (_, Abi::BehindArgument5) => ["copying_arg5", "copying_return", ""],
        (Function::Write, Abi::Record) => ["copying_encrypt", "", ""],
        (_, Abi::Record) => ["empty_entry", "copying_decrypt_return", ""],
        (_, Abi::Goroutine) => ["copying_go_write", "", "empty_entry"],
        (_, Abi::Spilled) => ["", "", "copying_go_read"],
        // Not of those that are measured.
        (_, Abi::OwnedRecord | Abi::None) => NOTHING,
    }
}

/// Attaches where llmtop would, and as it would.
fn attach(bpf: &mut Ebpf, targets: &[Target], run: fn(&Site) -> Programs) -> Vec<OwnedFd> {
    let mut multi = object::multi(&object(), bpf);
    let mut links = Vec::new();
    for target in targets {
        let sites = target.stacks.iter().flat_map(|stack| &stack.sites);
        for site in sites.filter(|s| matches!(s.function, Function::Write | Function::Read)) {
            let [entry, end, own] = run(site);
            let complete_at_the_entry = site.function == Function::Write && site.abi.is_record();
            let mut probe = |program, places: &[u64]| {
                if let Some(multi) = &mut multi {
                    links.extend(link(multi, program, target, places));
                } else {
                    for &place in places {
                        event(bpf, program, target, place);
                    }
                }
            };
            if !site.returns.is_empty() {
                probe(own, &site.returns);
            } else if !complete_at_the_entry {
                probe(end, &[site.start]);
            }
            if site.abi != Abi::Spilled {
                probe(entry, &[site.entry]);
            }
        }
    }
    links
}

/// By a link for all of them.
fn link(
    multi: &mut Multi,
    program: &'static str,
    target: &Target,
    places: &[u64],
) -> Option<OwnedFd> {
    multi.load(program).unwrap();
    Some(multi.link(program, &target.path, places, 0).unwrap())
}

/// By a perf event of its own.
fn event(bpf: &mut Ebpf, program: &str, target: &Target, place: u64) {
    let program: &mut UProbe = bpf.program_mut(program).unwrap().try_into().unwrap();
    if program.fd().is_err() {
        program.load().unwrap();
    }
    let place = UProbeAttachLocation::AbsoluteOffset(place);
    program.attach(place, &target.path, UProbeScope::AllProcesses).unwrap();
}
