//! Capture filters: whose calls are looked at at all.

use aya_ebpf::helpers::bpf_get_current_uid_gid;
use llmtop_probe_common::{Filters, named};

use crate::maps::{INSIDE, NAMED, PIDS, SETTINGS, UIDS};

/// Whether the current thread's calls are captured.
#[inline(always)]
pub fn wanted(pid: u32) -> bool {
    passes(pid, named::ITSELF)
}

/// Whether they are on standard input and output: there also those of programs that a wanted
/// name started, as it is at the other end. Only where these are captured at all.
#[inline(always)]
pub fn wanted_on_stdio(pid: u32) -> bool {
    passes(pid, if SETTINGS.load().stdio == 0 { named::ITSELF } else { named::STARTED })
}

/// `name`: the farthest relation to a wanted name that will do.
#[inline(always)]
fn passes(pid: u32, name: u8) -> bool {
    let settings = SETTINGS.load();
    if pid == settings.own_pid {
        return false;
    }
    let filters = Filters(settings.filters);
    if filters.0 == 0 {
        return true;
    }
    if filters.has(Filters::PIDS) && PIDS.get_ptr(pid).is_none() {
        return false;
    }
    if filters.has(Filters::COMMS) && related(pid).is_none_or(|relation| relation > name) {
        return false;
    }
    if filters.has(Filters::UIDS) && UIDS.get_ptr(bpf_get_current_uid_gid() as u32).is_none() {
        return false;
    }
    if filters.has(Filters::CONTAINERS) && INSIDE.get_ptr(pid).is_none() {
        return false;
    }
    true
}

/// What a process has to do with a wanted name: one of [`named`].
#[inline(always)]
pub fn related(pid: u32) -> Option<u8> {
    // SAFETY: copied at once.
    unsafe { NAMED.get(pid) }.copied()
}
