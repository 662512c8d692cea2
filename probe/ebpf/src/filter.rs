//! Capture filters: whose calls are looked at at all.

use aya_ebpf::helpers::bpf_get_current_uid_gid;
use aya_ebpf::helpers::generated::bpf_get_current_cgroup_id;
use llmtop_probe_common::Filters;

use crate::maps::{CGROUPS, NAMED, PIDS, SETTINGS, UIDS};

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
    if filters.has(Filters::CGROUPS) {
        // SAFETY: the helper has no preconditions.
        let cgroup = unsafe { bpf_get_current_cgroup_id() };
        if CGROUPS.get_ptr(cgroup).is_none() {
            return false;
        }
    }
    true
}
