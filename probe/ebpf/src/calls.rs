//! Calls under way: what a function's entry knows is kept for its return, as
//! only the return knows how much was moved.
//!
//! One entry a thread, kept while the thread lives, so that the two probes of a
//! call cost one lookup each and neither inserts nor deletes. It has room for a
//! call and one made inside it: node writes its first request in a callback of
//! the `SSL_read` that finds the handshake done.

use aya_ebpf::bindings::pt_regs;
use llmtop_probe_common::{Call, Thread};

use crate::maps::{NO_THREAD, STATS, THREADS};

/// [`Call::kind`]: a call is under way.
pub const ACTIVE: u32 = 1;
/// It reads.
pub const READ: u32 = 2;
/// A return of zero says that the other end closed.
pub const ZERO_IS_END: u32 = 4;
/// It moves what was told before: neither it nor the calls inside it tell anything.
pub const TOLD: u32 = 8;

/// Remembers a call. One that is made by another on the same stack, for the
/// same object and in the same direction, is not remembered: the outer one
/// reports what both move, once. `true`: it is remembered, and will [`leave`].
#[inline(always)]
pub fn enter(pid_tgid: u64, call: &Call) -> bool {
    let Some(thread) = THREADS.get_ptr_mut(pid_tgid) else {
        let begun = begin(pid_tgid, call, -1);
        if !begun {
            untracked();
        }
        return begun;
    };
    // SAFETY: the element stays valid for this program's run, and only this
    // thread's programs use it.
    let thread = unsafe { &mut *thread };
    if thread.call.kind != 0 && call.stack < thread.call.stack {
        let reads = |call: &Call| call.kind & READ;
        if thread.call.object == call.object && reads(&thread.call) == reads(call) {
            return false;
        }
        if thread.outer.kind != 0 {
            untracked();
            return false;
        }
        thread.outer = thread.call;
    } else {
        // Whatever was under way has been left without a return (`longjmp`,
        // another stack).
        thread.outer.kind = 0;
    }
    thread.call = *call;
    thread.wrote = 0;
    true
}

/// Remembers a thread of which nothing is known. `false`: there was no room.
#[inline(never)]
pub fn begin(pid_tgid: u64, call: &Call, received_fd: i32) -> bool {
    if let Some(none) = NO_THREAD.get(0) {
        let _ = THREADS.insert(pid_tgid, none, 0);
    }
    let Some(thread) = THREADS.get_ptr_mut(pid_tgid) else { return false };
    // SAFETY: as in `enter`.
    let thread = unsafe { &mut *thread };
    thread.call = *call;
    thread.received_fd = received_fd;
    true
}

/// The thread whose innermost call returns here, if any. Whoever takes it ends
/// the call with [`end`].
#[inline(always)]
pub fn leave(pid_tgid: u64, stack: u64) -> Option<&'static mut Thread> {
    // SAFETY: as in `enter`.
    let thread = unsafe { &mut *THREADS.get_ptr_mut(pid_tgid)? };
    if thread.outer.kind != 0 && returned(thread.outer.stack, stack) {
        // The inner one was left without a return.
        end(thread);
    }
    if thread.call.kind == 0 || !returned(thread.call.stack, stack) {
        return None;
    }
    Some(thread)
}

/// What is kept of a thread, whatever it is inside of.
#[inline(always)]
pub fn thread(pid_tgid: u64) -> Option<&'static mut Thread> {
    let thread = match THREADS.get_ptr_mut(pid_tgid) {
        Some(thread) => thread,
        None if begin(pid_tgid, &Call::default(), -1) => THREADS.get_ptr_mut(pid_tgid)?,
        None => return None,
    };
    // SAFETY: as in `enter`.
    Some(unsafe { &mut *thread })
}

/// The innermost call is over.
#[inline(always)]
pub fn end(thread: &mut Thread) {
    thread.call = thread.outer;
    thread.outer.kind = 0;
}

/// Counts a call that could not be followed.
pub fn untracked() {
    if let Some(stats) = STATS.get_ptr_mut(0) {
        // SAFETY: the kernel returned a live element.
        unsafe { (*stats).untracked_calls += 1 };
    }
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
