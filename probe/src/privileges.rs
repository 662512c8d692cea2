//! What capture needs of the kernel and of the user who starts it, and how the
//! rest is given up.
//!
//! Driving contract: [`check`] says at once whether capture can work;
//! [`prepare`] then does what only a fully privileged process can, and gives up
//! every capability not needed later. Capabilities belong to threads, so
//! [`prepare`] comes before the first thread is started.

use std::path::Path;

use caps::{CapSet, Capability};
use rustix::mount::{MountFlags, mount};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Error;

/// What capture needs, and for what. Each was found to be needed, by leaving it
/// out; together they suffice.
///
/// `CAP_BPF` and `CAP_PERFMON` would be enough to load and attach, had Linux not
/// gone back, in 2025 and in its stable branches too, to asking for
/// `CAP_SYS_ADMIN`, which includes them, for every uprobe.
pub const NEEDED: [(Capability, &str); 3] = [
    (Capability::CAP_SYS_ADMIN, "load kernel programs and attach probes"),
    (Capability::CAP_SYS_PTRACE, "look into /proc of other users' processes, and at their sockets"),
    (Capability::CAP_DAC_READ_SEARCH, "open other users' programs, and tracefs"),
];

/// Kept where it was given, though capture works without.
const USEFUL: [Capability; 7] = [
    Capability::CAP_BPF,
    Capability::CAP_PERFMON,
    // Files written for the user behind sudo: created in that user's
    // directories, and given to that user.
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_CHOWN,
    // Signals that a person sends to other users' processes.
    Capability::CAP_KILL,
    // Pagers and editors, which run as the user behind sudo.
    Capability::CAP_SETUID,
    Capability::CAP_SETGID,
];

/// The oldest kernel with a BPF ring buffer.
const OLDEST: (u32, u32) = (5, 8);
const LOCKDOWN: &str = "/sys/kernel/security/lockdown";
const UPROBES: &str = "/sys/bus/event_source/devices/uprobe/type";
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// `PROC_USER_INIT_INO`: what the kernel calls the first user namespace.
const FIRST_USER_NAMESPACE: &str = "user:[4026531837]";
/// `PROC_PID_INIT_INO`.
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// Whether capture can work here.
///
/// # Errors
/// [`Error::Unsupported`]: the first thing that is missing, and the remedy.
pub fn check() -> Result<(), Error> {
    System::read().verdict()
}

/// Mounts tracefs where it is missing, lifts the limits on locked memory and descriptors, and drops every capability that
/// capture does not need.
///
/// # Errors
/// [`Error::Unsupported`] like [`check`]; [`Error::Io`] where tracefs cannot be
/// mounted or a capability cannot be dropped.
pub fn prepare() -> Result<(), Error> {
    check()?;
    if tracefs().is_none() {
        mount("tracefs", TRACEFS[0], "tracefs", MountFlags::empty(), None)
            .map_err(std::io::Error::from)?;
    }
    raise_limits();
    drop_unneeded()
}

/// Lifts the limit on locked memory, to which kernels before 5.11 charge maps, and that on
/// descriptors, of which each probed file costs some.
pub(crate) fn raise_limits() {
    let unlimited = Rlimit { current: None, maximum: None };
    if let Err(error) = setrlimit(Resource::Memlock, unlimited) {
        log::debug!("raising the limit of locked memory: {error}");
    }
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        log::debug!("raising the limit of descriptors: {error}");
    }
}

/// Drops what capture does not need from this thread and those it starts.
///
/// # Errors
/// [`Error::Io`] where the kernel refuses.
pub fn drop_unneeded() -> Result<(), Error> {
    let keep = |c: &Capability| NEEDED.iter().any(|(n, _)| n == c) || USEFUL.contains(c);
    let refused = |e: caps::errors::CapsError| std::io::Error::other(e.to_string());
    // First the bounding set, while dropping from it is still allowed: without
    // it, a program that this one executes as root would have everything again.
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP).unwrap_or(false) {
        let bounding = caps::read(None, CapSet::Bounding).map_err(refused)?;
        for capability in bounding.into_iter().filter(|c| !keep(c)) {
            caps::drop(None, CapSet::Bounding, capability).map_err(refused)?;
        }
    }
    for set in [CapSet::Ambient, CapSet::Inheritable] {
        caps::clear(None, set).map_err(refused)?;
    }
    let mut kept = caps::read(None, CapSet::Permitted).map_err(refused)?;
    kept.retain(keep);
    caps::set(None, CapSet::Effective, &kept).map_err(refused)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(refused)?;
    Ok(())
}

/// What matters of the machine and of this process's rights.
#[derive(Clone, Debug, serde::Serialize)]
pub struct System {
    /// The kernel's release, such as `6.1.0-18-amd64`.
    pub kernel: String,
    /// The instruction set, such as `x86_64`.
    pub machine: String,
    /// The needed capabilities that are held.
    pub held: Vec<String>,
    /// The needed capabilities that are missing.
    pub missing: Vec<String>,
    /// The user id is 0.
    pub root: bool,
    /// Capabilities count outside this process's user namespace.
    pub first_user_namespace: bool,
    /// Process ids here are those that the kernel reports.
    pub first_pid_namespace: bool,
    /// The kernel's lockdown mode, where it has any: `none`, `integrity`,
    /// `confidentiality`.
    pub lockdown: Option<String>,
    /// The kernel describes its types: without, sockets without TLS are not covered.
    pub btf: bool,
    /// Where tracefs is mounted.
    pub tracefs: Option<String>,
    /// The kernel can probe programs (`CONFIG_UPROBE_EVENTS`).
    pub uprobes: bool,
    /// The kernel has `bpf_loop` (5.17), for the largest writes.
    pub bpf_loop: bool,
    /// Where a call's return is probed, the program makes a system call that filters of
    /// such calls (seccomp) do not know: some kill it for that.
    pub returns_are_filtered: bool,
}

impl System {
    /// Looks at the machine as it is now.
    pub fn read() -> Self {
        let name = rustix::system::uname();
        let kernel = name.release().to_string_lossy().into_owned();
        let effective = caps::read(None, CapSet::Effective).unwrap_or_default();
        let (held, missing): (Vec<_>, Vec<_>) =
            NEEDED.iter().map(|&(capability, _)| capability).partition(|c| effective.contains(c));
        let names = |of: Vec<Capability>| of.iter().map(|c| c.to_string().to_lowercase()).collect();
        let namespace = |kind: &str, first: &str| {
            let link = std::fs::read_link(format!("/proc/self/ns/{kind}"));
            link.map_or(true, |link| link == Path::new(first))
        };
        let lockdown = std::fs::read_to_string(LOCKDOWN).ok();
        Self {
            machine: name.machine().to_string_lossy().into_owned(),
            held: names(held),
            missing: names(missing),
            root: rustix::process::geteuid().is_root(),
            first_user_namespace: namespace("user", FIRST_USER_NAMESPACE),
            first_pid_namespace: namespace("pid", FIRST_PID_NAMESPACE),
            lockdown: lockdown.as_deref().and_then(chosen).map(str::to_owned),
            btf: Path::new("/sys/kernel/btf/vmlinux").exists(),
            tracefs: tracefs().map(str::to_owned),
            uprobes: Path::new(UPROBES).exists(),
            bpf_loop: version(&kernel).is_some_and(|v| v >= (5, 17)),
            returns_are_filtered: cfg!(target_arch = "x86_64") && filters_returns(&kernel),
            kernel,
        }
    }

    /// Whether capture can work.
    ///
    /// # Errors
    /// [`Error::Unsupported`]: the first thing that is missing, and the remedy.
    pub fn verdict(&self) -> Result<(), Error> {
        let Some((missing, remedy)) = self.problem() else {
            return Ok(());
        };
        Err(Error::Unsupported { missing, remedy })
    }

    fn problem(&self) -> Option<(String, String)> {
        let problem = |missing: String, remedy: &str| Some((missing, remedy.to_owned()));
        if version(&self.kernel).is_some_and(|v| v < OLDEST) {
            let missing = format!("Linux {} is too old", self.kernel);
            return problem(missing, "llmtop needs Linux 5.8 or later");
        }
        if !self.first_user_namespace {
            let missing = "a user namespace, where root has no rights over the kernel";
            return problem(
                missing.to_owned(),
                "run `sudo llmtop` outside of the rootless container",
            );
        }
        if !self.missing.is_empty() {
            let missing = format!("missing privileges: {}", self.missing.join(", "));
            return Some((missing, self.privilege_remedy()));
        }
        if self.lockdown.as_deref() == Some("confidentiality") {
            return problem(
                "the kernel is locked down (confidentiality)".to_owned(),
                "boot with lockdown=integrity, or with Secure Boot off",
            );
        }
        if !self.uprobes {
            return problem(
                "this kernel cannot probe programs".to_owned(),
                "use a kernel with CONFIG_UPROBE_EVENTS=y, as distributions ship",
            );
        }
        None
    }

    fn privilege_remedy(&self) -> String {
        if self.root {
            return "run the container with --privileged --pid=host, or llmtop outside of it"
                .to_owned();
        }
        let exe = std::env::current_exe().unwrap_or_else(|_| "llmtop".into());
        let names: Vec<_> = NEEDED.iter().map(|(c, _)| c.to_string().to_lowercase()).collect();
        format!("run `sudo llmtop`, or once `sudo setcap {}+ep {}`", names.join(","), exe.display())
    }
}

/// Where tracefs is mounted and can be looked into.
fn tracefs() -> Option<&'static str> {
    let mounted = |path: &&str| Path::new(path).join("events").exists();
    TRACEFS.into_iter().find(mounted)
}

/// The word in brackets: `none [integrity] confidentiality`.
fn chosen(text: &str) -> Option<&str> {
    text.split_once('[')?.1.split_once(']').map(|(word, _)| word)
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Whether a kernel has `uretprobe`, the system call by which returns are probed since 6.11,
/// and looks at filters for it: until 6.14, 6.13.3 and 6.12.14. Distributions may have
/// mended theirs.
fn filters_returns(release: &str) -> bool {
    let third = release.split(|c: char| !c.is_ascii_digit()).nth(2);
    let third = third.and_then(|number| number.parse().ok()).unwrap_or(0);
    match version(release) {
        Some((6, 11)) => true,
        Some((6, 12)) => third < 14,
        Some((6, 13)) => third < 3,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_whose_filters_see_returns() {
        for release in ["6.11.0-29-generic", "6.12.13-amd64", "6.12-rc1", "6.13.2", "6.13.0+"] {
            assert!(filters_returns(release), "{release}");
        }
        for release in ["6.10.14", "6.12.14", "6.12.117+deb12", "6.13.3", "6.14.0", "5.8.0", ""] {
            assert!(!filters_returns(release), "{release}");
        }
    }

    fn able() -> System {
        System {
            kernel: "6.1.0-18-amd64".to_owned(),
            machine: "x86_64".to_owned(),
            held: Vec::new(),
            missing: Vec::new(),
            root: false,
            first_user_namespace: true,
            first_pid_namespace: true,
            lockdown: None,
            btf: false,
            tracefs: Some(TRACEFS[0].to_owned()),
            uprobes: true,
            bpf_loop: true,
            returns_are_filtered: false,
        }
    }

    fn check(change: fn(&mut System), expected: Option<&str>) {
        let mut system = able();
        change(&mut system);
        let line = system.verdict().err().map(|e| e.to_string());
        match expected {
            None => assert_eq!(line, None),
            Some(expected) => {
                let line = line.unwrap();
                assert!(line.contains(expected), "{line}");
                assert!(!line.contains('\n'));
            }
        }
    }

    #[test]
    fn verdicts() {
        check(|_| {}, None);
        check(|s| s.kernel = "5.8.0".to_owned(), None);
        check(|s| s.kernel = "5.4.0-42-generic".to_owned(), Some("5.8 or later"));
        check(|s| s.kernel = "4.19.0".to_owned(), Some("Linux 4.19.0 is too old"));
        check(
            |s| s.missing = vec!["cap_sys_admin".to_owned()],
            Some("cap_sys_admin; run `sudo llmtop`"),
        );
        check(
            |s| s.missing = vec!["cap_sys_admin".to_owned()],
            Some("setcap cap_sys_admin,cap_sys_ptrace,"),
        );
        check(
            |s| {
                s.missing = vec!["cap_sys_admin".to_owned()];
                s.root = true;
            },
            Some("--privileged"),
        );
        check(|s| s.first_user_namespace = false, Some("rootless"));
        check(|s| s.lockdown = Some("integrity".to_owned()), None);
        check(|s| s.lockdown = Some("confidentiality".to_owned()), Some("locked down"));
        check(|s| s.uprobes = false, Some("CONFIG_UPROBE_EVENTS"));
    }

    #[test]
    fn texts() {
        assert_eq!(chosen("none [integrity] confidentiality\n"), Some("integrity"));
        assert_eq!(chosen("none"), None);
        assert_eq!(version("6.18.44-fc-v669"), Some((6, 18)));
        assert_eq!(version("5.8"), Some((5, 8)));
        assert_eq!(version("rubbish"), None);
    }

    #[test]
    fn dropped_for_good() {
        // On a thread of its own: capabilities are a thread's.
        let kept = std::thread::spawn(|| {
            let before = caps::read(None, CapSet::Permitted).unwrap();
            drop_unneeded().unwrap();
            let after = caps::read(None, CapSet::Permitted).unwrap();
            assert!(!after.contains(&Capability::CAP_SYS_MODULE));
            assert_eq!(after, caps::read(None, CapSet::Effective).unwrap());
            for (needed, _) in NEEDED {
                assert_eq!(after.contains(&needed), before.contains(&needed), "{needed}");
            }
        });
        kept.join().unwrap();
    }
}
