//! What llmtop is compared with: at the places where it looks at what a process moves,
//! programs that do nothing, or nothing but copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use aya::Ebpf;
use aya::maps::RingBuf;
use aya::programs::UProbe;
use aya::programs::uprobe::{UProbeAttachLocation, UProbeScope};
use llmtop_probe::{Abi, Function, Target};

use crate::measured::{empty_syscall_exit, programs};

/// Programs at the places; gone when dropped.
pub(crate) struct Without {
    _bpf: Ebpf,
    reader: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Without {
    /// Empty programs.
    pub(crate) fn anything(targets: &[Target]) -> Self {
        let mut bpf = programs();
        empty_syscall_exit(&mut bpf);
        attach(&mut bpf, targets, "empty_entry");
        Self { _bpf: bpf, reader: None }
    }

    /// Programs that copy, of functions `(object, buffer, length)`, as much as llmtop
    /// does, and somebody who reads that.
    pub(crate) fn all_but_the_copy(targets: &[Target]) -> Self {
        let mut bpf = programs();
        empty_syscall_exit(&mut bpf);
        attach(&mut bpf, targets, "copying_entry");
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
        Self { _bpf: bpf, reader: Some((ended, thread)) }
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

/// Attaches where llmtop would, with `entry` where it looks at arguments.
fn attach(bpf: &mut Ebpf, targets: &[Target], entry: &str) {
    for name in [entry, "empty_entry", "empty_return"] {
        let program: &mut UProbe = bpf.program_mut(name).unwrap().try_into().unwrap();
        if program.fd().is_err() {
            program.load().unwrap();
        }
    }
    for target in targets {
        let sites = target.stacks.iter().flat_map(|stack| &stack.sites);
        for site in sites.filter(|s| matches!(s.function, Function::Write | Function::Read)) {
            let mut probe = |name: &str, offset| {
                let program: &mut UProbe = bpf.program_mut(name).unwrap().try_into().unwrap();
                let location = UProbeAttachLocation::AbsoluteOffset(offset);
                program.attach(location, &target.path, UProbeScope::AllProcesses).unwrap();
            };
            for &offset in &site.returns {
                probe("empty_entry", offset);
            }
            let complete_at_the_entry = site.function == Function::Write && site.abi.is_record();
            if site.returns.is_empty() && !complete_at_the_entry {
                probe("empty_return", site.start);
            }
            if site.abi != Abi::Spilled {
                probe(entry, site.entry);
            }
        }
    }
}
