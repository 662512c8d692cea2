//! What the benches compare with: programs that do nothing, which is the price of being
//! there at all, and one that does nothing but copy.

use aya_ebpf::macros::{raw_tracepoint, uprobe, uretprobe};
use aya_ebpf::programs::{ProbeContext, RawTracePointContext, RetProbeContext};
use llmtop_probe_common::Transfer;

use crate::emit;

/// Does nothing at an entry.
#[uprobe]
pub fn empty_entry(_: ProbeContext) -> u32 {
    0
}
/// Does nothing at a return.
#[uretprobe]
pub fn empty_return(_: RetProbeContext) -> u32 {
    0
}
/// Does nothing where a system call returns.
#[raw_tracepoint(tracepoint = "sys_exit")]
pub fn empty_syscall_exit(_: RawTracePointContext) -> i32 {
    0
}

/// `f(object, buffer, length)`: copies what is in the buffer, of a chunk's size at most.
/// Whether the function has filled it is all the same.
#[uprobe]
pub fn copying_entry(ctx: ProbeContext) -> u32 {
    emit::chunk(&mut Transfer {
        buffer: ctx.arg(1).unwrap_or(0),
        left: ctx.arg::<u64>(2).unwrap_or(0) as u32 as u64,
        wakeup: emit::wakeup(),
        ..Transfer::default()
    });
    0
}
