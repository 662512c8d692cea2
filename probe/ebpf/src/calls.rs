//! Calls under way: what a function's entry knows is kept for its return, as
//! only the return knows how much was moved.
//!
//! One entry a thread, kept while the thread lives, so that the two probes of a
//! call cost one lookup each and neither inserts nor deletes.

use aya_ebpf::bindings::pt_regs;
use llmtop_probe_common::{Thread, Transfer};

use crate::maps::{STATS, THREADS};

/// [`Thread::call`]: a call is under way.
pub const ACTIVE: u32 = 1;
/// It reads.
pub const READ: u32 = 2;
/// A return of zero says that the other end closed.
pub const ZERO_IS_END: u32 = 4;

/// What an entry probe saw.
pub struct Entry {
    pub object: u64,
    pub buffer: u64,
    pub moved_at: u64,
    pub stack: u64,
    pub call: u32,
}

/// Remembers a call. One that is made by another on the same stack is not
/// remembered: the outer one reports what both move, once.
#[inline(always)]
pub fn enter(pid_tgid: u64, entry: &Entry) {
    let Some(thread) = THREADS.get_ptr_mut(pid_tgid) else {
        let thread = Thread {
            object: entry.object,
            buffer: entry.buffer,
            moved_at: entry.moved_at,
            stack: entry.stack,
            call: entry.call,
            inside_fd: -1,
            received_fd: -1,
            wrote: 0,
            wrote_object: 0,
            transfer: Transfer::default(),
        };
        if THREADS.insert(pid_tgid, thread, 0).is_err() {
            if let Some(stats) = STATS.get_ptr_mut(0) {
                // SAFETY: the kernel returned a live element.
                unsafe { (*stats).untracked_calls += 1 };
            }
        }
        return;
    };
    // SAFETY: the element stays valid for this program's run, and only this
    // thread's programs use it.
    let thread = unsafe { &mut *thread };
    if thread.call != 0 && entry.stack < thread.stack {
        return;
    }
    thread.object = entry.object;
    thread.buffer = entry.buffer;
    thread.moved_at = entry.moved_at;
    thread.stack = entry.stack;
    thread.call = entry.call;
    thread.inside_fd = -1;
    thread.wrote = 0;
}

/// The thread whose remembered call returns here, if any. Whoever takes it ends
/// the call.
#[inline(always)]
pub fn leave(pid_tgid: u64, stack: u64) -> Option<&'static mut Thread> {
    // SAFETY: as in `enter`.
    let thread = unsafe { &mut *THREADS.get_ptr_mut(pid_tgid)? };
    if thread.call == 0 || !returned(thread.stack, stack) {
        return None;
    }
    Some(thread)
}

/// Whether a return with this stack pointer is that of a call entered with that
/// one. On x86_64 the return has popped its address; calls made inside return
/// to deeper places.
#[cfg(bpf_target_arch = "x86_64")]
#[inline(always)]
fn returned(entered: u64, stack: u64) -> bool {
    stack > entered
}
/// On aarch64 a return leaves the stack as the call found it.
#[cfg(bpf_target_arch = "aarch64")]
#[inline(always)]
fn returned(entered: u64, stack: u64) -> bool {
    stack >= entered
}

/// The stack pointer.
#[cfg(bpf_target_arch = "x86_64")]
#[inline(always)]
pub fn stack(regs: *const pt_regs) -> u64 {
    // SAFETY: the context of a probe is a readable `pt_regs`.
    unsafe { (*regs).rsp }
}
/// The stack pointer.
#[cfg(bpf_target_arch = "aarch64")]
#[inline(always)]
pub fn stack(regs: *const pt_regs) -> u64 {
    // SAFETY: the context of a probe is a readable `pt_regs`.
    unsafe { (*regs).sp }
}
