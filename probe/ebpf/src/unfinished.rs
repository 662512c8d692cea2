//! What a test needs: a record that has its place in the ring, and is not written to its end
//! for as long as the test wants. Behind it stand others that are.

use core::ptr::null_mut;

use aya_ebpf::cty::c_void;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::bpf_loop;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;
use llmtop_probe_common::{Header, unfinished};

use crate::emit::BPF_RB_NO_WAKEUP;
use crate::maps::{EVENTS, UNFINISHED};

/// Looks by the two loops, one inside the other: some seconds, though the test end before.
const LOOKS: [u32; 2] = [1 << 13, 1 << 16];

/// A thread begins a system call that is in [`UNFINISHED`].
#[raw_tracepoint(tracepoint = "sys_enter")]
pub fn unfinished_record(_: RawTracePointContext) -> i32 {
    let thread = bpf_get_current_pid_tgid();
    if state(thread) != unfinished::ASKED {
        return 0;
    }
    let Some(entry) = EVENTS.reserve::<Header>(0) else { return 0 };
    let _ = UNFINISHED.insert(thread, unfinished::HELD, 0);
    // SAFETY: the callbacks' signature is the helper's.
    unsafe { bpf_loop(LOOKS[0], looks as *mut c_void, null_mut(), 0) };
    entry.discard(BPF_RB_NO_WAKEUP);
    0
}

extern "C" fn looks(_: u64, _: *mut c_void) -> i64 {
    // SAFETY: as above.
    unsafe { bpf_loop(LOOKS[1], look as *mut c_void, null_mut(), 0) };
    look(0, null_mut())
}

extern "C" fn look(_: u64, _: *mut c_void) -> i64 {
    i64::from(state(bpf_get_current_pid_tgid()) != unfinished::HELD)
}

#[inline(always)]
fn state(thread: u64) -> u32 {
    // SAFETY: the value is read at once.
    unsafe { UNFINISHED.get(thread) }.copied().unwrap_or(0)
}
