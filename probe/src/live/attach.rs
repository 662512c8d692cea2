//! Programs into the kernel, probes into files.

use std::collections::HashMap;
use std::sync::Arc;

use aya::Ebpf;
use aya::programs::raw_trace_point::RawTracePointLink;
use aya::programs::trace_point::TracePointLink;
use aya::programs::uprobe::{UProbeAttachLocation, UProbeAttachPoint, UProbeLink, UProbeScope};
use aya::programs::{RawTracePoint, TracePoint, UProbe};
use llmtop_probe_common::tls;
use rustix::time::ClockId;

use super::reader::now;
use super::shared::Shared;
use crate::{Abi, Error, FileId, Function, Site, Target, Tls, object};

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

const ENTRIES: &[&str] = &[
    "write_returned",
    "write_arg4",
    "write_arg5",
    "read_returned",
    "read_arg4",
    "read_internal",
    "free",
    "set_fd",
    "ctrl",
    "gnutls_read",
    "gnutls_handshake",
    "gnutls_server_name",
    "gnutls_uncork",
    "nss_read",
    "nss_handshake",
    "nss_server_name",
    #[cfg(target_arch = "x86_64")]
    "go_write",
    #[cfg(target_arch = "x86_64")]
    "go_handshake",
    #[cfg(target_arch = "x86_64")]
    "go_close",
    "rustls_decrypt",
    "rustls_decrypt_return",
];

/// Programs that send transfers of any length, each with the one for kernels without
/// `bpf_loop`.
const TRANSFER_RETURN: [&str; 2] = ["transfer_return", "transfer_return_bounded"];
const GO_WRITE_RETURN: [&str; 2] = ["go_write_return", "go_write_return_bounded"];
const GO_READ_RETURN: [&str; 2] = ["go_read_return", "go_read_return_bounded"];
const RUSTLS_ENCRYPT: [&str; 2] = ["rustls_encrypt", "rustls_encrypt_bounded"];
const TRANSFERS: &[[&str; 2]] = &[
    TRANSFER_RETURN,
    RUSTLS_ENCRYPT,
    #[cfg(target_arch = "x86_64")]
    GO_WRITE_RETURN,
    #[cfg(target_arch = "x86_64")]
    GO_READ_RETURN,
];

/// Owns the programs and every link. Dropping it detaches all.
pub(super) struct Attacher {
    // Before the programs: links go first.
    links: HashMap<FileId, Vec<UProbeLink>>,
    tracepoints: Vec<TracePointLink>,
    syscall_exit: Option<RawTracePointLink>,
    bpf: Ebpf,
    /// Which of the programs that send transfers: 1 where the kernel has no
    /// `bpf_loop`.
    bounded: usize,
    cookies: bool,
    /// How many targets there were.
    targets: u32,
    shared: Arc<Shared>,
}

impl Attacher {
    /// Loads the programs for transfers.
    pub(super) fn new(bpf: Ebpf, shared: Arc<Shared>) -> Result<Self, Error> {
        let mut this = Self {
            links: HashMap::new(),
            tracepoints: Vec::new(),
            syscall_exit: None,
            bpf,
            bounded: 0,
            cookies: aya::features().bpf_cookie(),
            targets: 0,
            shared,
        };
        for name in ENTRIES {
            this.uprobe(name)?
                .load()
                .map_err(|error| object::kernel(&format!("loading {name}"), &error))?;
        }
        if let Err(error) = this.uprobe(TRANSFER_RETURN[0])?.load() {
            log::info!("no bpf_loop, calls are captured up to 512 KiB: {error}");
            this.bounded = 1;
        }
        for names in TRANSFERS {
            let name = names[this.bounded];
            let program = this.uprobe(name)?;
            if program.fd().is_err() {
                program
                    .load()
                    .map_err(|error| object::kernel(&format!("loading {name}"), &error))?;
            }
        }
        Ok(this)
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
        if self.links.contains_key(&target.file) {
            return Vec::new();
        }
        let (mut links, mut problems) = (Vec::new(), Vec::new());
        // One probe comes after another, some milliseconds apart, and what is seen
        // before the last is seen by halves: the reader drops it.
        self.targets = self.targets % tls::MAX_TARGET + 1;
        for stack in &target.stacks {
            let cookie = tls::cookie(tls_code(stack.tls), self.targets);
            for site in &stack.sites {
                if let Err(error) = self.site(target, stack.tls, cookie, site, &mut links) {
                    problems.push(format!("{}: {}: {error}", target.shown_path, site.symbol));
                }
            }
        }
        self.shared.attached(self.targets, now(ClockId::Boottime));
        self.links.insert(target.file, links);
        problems
    }

    /// Takes the probes of a file away.
    pub(super) fn detach(&mut self, file: FileId) {
        self.links.remove(&file);
    }

    fn site(
        &mut self,
        target: &Target,
        tls: Tls,
        cookie: u32,
        site: &Site,
        links: &mut Vec<UProbeLink>,
    ) -> Result<(), Error> {
        // The return first: an entry without its return would leave calls open.
        let ret = match site.function {
            Function::Write => GO_WRITE_RETURN,
            _ => GO_READ_RETURN,
        };
        for &offset in &site.returns {
            links.push(self.link(ret[self.bounded], target, cookie, offset)?);
        }
        let moves = matches!(site.function, Function::Write | Function::Read | Function::Uncork);
        let ret = match (site.function, site.abi) {
            // What is written is complete at the entry.
            (Function::Write, Abi::Record) => None,
            (Function::Read, Abi::Record) => Some("rustls_decrypt_return"),
            _ => Some(TRANSFER_RETURN[self.bounded]).filter(|_| moves && site.returns.is_empty()),
        };
        if let Some(ret) = ret {
            links.push(self.link(ret, target, cookie, site.start)?);
        }
        let entry = match (site.function, site.abi) {
            (Function::Write, Abi::Record) => Some(RUSTLS_ENCRYPT[self.bounded]),
            _ => entry_program(tls, site),
        };
        if let Some(entry) = entry {
            links.push(self.link(entry, target, cookie, site.entry)?);
        }
        Ok(())
    }

    fn link(
        &mut self,
        name: &str,
        target: &Target,
        cookie: u32,
        offset: u64,
    ) -> Result<UProbeLink, Error> {
        let cookie = self.cookies.then(|| u64::from(cookie));
        let program = self.uprobe(name)?;
        let failed = |error| object::kernel(&format!("attaching {name}"), &error);
        let location = UProbeAttachLocation::AbsoluteOffset(offset);
        let point = UProbeAttachPoint { location, cookie };
        let id = program.attach(point, &target.path, UProbeScope::AllProcesses).map_err(failed)?;
        program.take_link(id).map_err(failed)
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

    fn uprobe(&mut self, name: &str) -> Result<&mut UProbe, Error> {
        let program = self.bpf.program_mut(name).ok_or_else(|| absent(name))?;
        program.try_into().map_err(|error| object::kernel(name, &error))
    }
}

fn absent(name: &str) -> Error {
    Error::Kernel {
        what: format!("the program {name}"),
        why: "not in the kernel programs".to_owned(),
    }
}

/// The program for the entry of a function, where that is probed.
fn entry_program(tls: Tls, site: &Site) -> Option<&'static str> {
    let name = match (site.function, site.abi) {
        (_, Abi::Spilled) => return None,
        (Function::Write | Function::Read, Abi::Goroutine) => "go_write",
        (Function::Free, _) if tls == Tls::Go => "go_close",
        (Function::Handshake, _) if tls == Tls::Go => "go_handshake",
        (Function::Handshake, _) if tls == Tls::Nss => "nss_handshake",
        (Function::Handshake, _) => "gnutls_handshake",
        (Function::ServerName, _) if tls == Tls::Nss => "nss_server_name",
        (Function::ServerName, _) => "gnutls_server_name",
        (Function::Uncork, _) => "gnutls_uncork",
        (Function::Write, Abi::BehindArgument4) => "write_arg4",
        (Function::Write, Abi::BehindArgument5) => "write_arg5",
        (Function::Write, _) => "write_returned",
        (Function::Read, Abi::BehindArgument4 | Abi::BehindArgument5) => {
            // The public form answers 0 to every failure, the one inside only
            // to the end of the stream.
            if site.symbol == "SSL_read_ex" { "read_arg4" } else { "read_internal" }
        }
        (Function::Read, Abi::Record) => "rustls_decrypt",
        (Function::Read, Abi::Typed) => "gnutls_read",
        (Function::Read, Abi::Flagged) => "nss_read",
        (Function::Read, _) => "read_returned",
        (Function::Free, _) => "free",
        (Function::SetFd, _) => "set_fd",
        (Function::Ctrl, _) => "ctrl",
    };
    Some(name)
}

fn tls_code(tls: Tls) -> u32 {
    match tls {
        Tls::Boringssl => tls::BORINGSSL,
        Tls::Openssl => tls::OPENSSL,
        Tls::Gnutls => tls::GNUTLS,
        Tls::Nss => tls::NSS,
        Tls::Go => tls::GO,
        Tls::Rustls => tls::RUSTLS,
        _ => tls::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_attached_was_loaded() {
        use Function::{Ctrl, Free, Handshake, Read, ServerName, SetFd, Uncork, Write};
        let abis =
            [Abi::Returned, Abi::BehindArgument4, Abi::BehindArgument5, Abi::Typed, Abi::Flagged];
        let mut expected = vec![(Tls::Go, Free, Abi::None), (Tls::Go, Handshake, Abi::None)];
        expected.extend([ServerName, Handshake].map(|function| (Tls::Nss, function, Abi::None)));
        for function in [Write, Read, Free, Handshake, SetFd, Ctrl, ServerName, Uncork] {
            expected.extend(abis.map(|abi| (Tls::Gnutls, function, abi)));
        }
        for (tls, function, abi) in expected {
            let site = Site {
                function,
                abi,
                symbol: String::new(),
                entry: 0,
                start: 0,
                returns: Vec::new(),
                placement: crate::Placement::Emulated,
                reason: String::new(),
            };
            let program = entry_program(tls, &site).unwrap();
            let exists = cfg!(target_arch = "x86_64") || tls != Tls::Go;
            assert_eq!(ENTRIES.contains(&program), exists, "{program}");
        }
    }
}
