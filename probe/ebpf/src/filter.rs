//! Capture filters: whose calls are looked at at all.

use aya_ebpf::helpers::bpf_get_current_uid_gid;
use llmtop_probe_common::Filters;

use crate::maps::{INSIDE, NAMED, PIDS, SETTINGS, UIDS};

/// Whether the current thread's calls are captured.
#[inline(always)]
pub fn wanted(pid: u32) -> bool {
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
    if filters.has(Filters::COMMS) && NAMED.get_ptr(pid).is_none() {
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
