//! What the benches compare with: programs that do nothing, which is the price of being
//! there at all.

use aya_ebpf::macros::{raw_tracepoint, uprobe, uretprobe};
use aya_ebpf::programs::{ProbeContext, RawTracePointContext, RetProbeContext};

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
