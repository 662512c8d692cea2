//! What the benches compare with, too: programs that find the bytes of a call where
//! llmtop finds them, copy them into the ring, and do nothing else. Whose they are, of
//! which connection, and whether any were lost is not asked. Less is not to be had.
//!
//! What an entry knows is kept for the return in one place for all: the benches run one
//! thread at a time.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::{raw_tracepoint, uprobe, uretprobe};
use aya_ebpf::programs::{ProbeContext, RawTracePointContext, RetProbeContext};
use llmtop_probe_common::Transfer;

use crate::maps::{COPYING, PIDS};
use crate::records::{Borrowed, Pieces, Records};
use crate::{emit, memory, syscall};

/// A call under way.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Asked {
    /// The caller's buffer.
    buffer: u64,
    /// Where the callee writes how much it moved, or 0: it returns that.
    moved_at: u64,
}

/// `f(object, buffer, ...)`, which returns how much it moved.
#[uprobe]
pub fn copying_returned(ctx: ProbeContext) -> u32 {
    asked(argument(&ctx, 1), 0)
}
/// `f(object, type, buffer, ...)`, which returns how much it moved.
#[uprobe]
pub fn copying_typed(ctx: ProbeContext) -> u32 {
    asked(argument(&ctx, 2), 0)
}
/// `f(object, buffer, length, moved)`
#[uprobe]
pub fn copying_arg4(ctx: ProbeContext) -> u32 {
    asked(argument(&ctx, 1), argument(&ctx, 3))
}
/// `f(object, buffer, length, flags, moved)`
#[uprobe]
pub fn copying_arg5(ctx: ProbeContext) -> u32 {
    asked(argument(&ctx, 1), argument(&ctx, 4))
}

/// The return of each of them.
#[uretprobe]
pub fn copying_return(ctx: RetProbeContext) -> u32 {
    let returned = ctx.ret::<u64>() as i32;
    let Some(asked) = COPYING.get(0) else { return 0 };
    if returned > 0 {
        let returned = u64::from(returned as u32);
        let moved = if asked.moved_at == 0 { returned } else { memory::word(asked.moved_at) };
        copy(asked.buffer, moved);
    }
    0
}

/// rustls's `encrypt`.
#[uprobe]
pub fn copying_encrypt(ctx: ProbeContext) -> u32 {
    if let Some(plain) = Borrowed::plain(argument(&ctx, 2))
        && let Pieces::One(buffer) = plain.pieces
    {
        copy(buffer, plain.len);
    }
    0
}
/// The return of rustls's `decrypt`.
#[uretprobe]
pub fn copying_decrypt_return(ctx: RetProbeContext) -> u32 {
    if let Some(opened) = Borrowed::opened(ctx.ret::<u64>()) {
        copy(opened.payload, opened.len);
    }
    0
}

/// Entry of Go's `Write`.
#[cfg(bpf_target_arch = "x86_64")]
#[uprobe]
pub fn copying_go_write(ctx: ProbeContext) -> u32 {
    // SAFETY: the context of a probe is a readable `pt_regs`.
    let (buffer, len) = unsafe { ((*ctx.regs).rbx, (*ctx.regs).rcx) };
    copy(buffer, len);
    0
}
/// A `ret` of Go's `Read`.
#[cfg(bpf_target_arch = "x86_64")]
#[uprobe]
pub fn copying_go_read(ctx: ProbeContext) -> u32 {
    // SAFETY: as above.
    let (stack, moved) = unsafe { ((*ctx.regs).rsp, (*ctx.regs).rax) };
    if moved != 0 {
        copy(memory::word(stack + 16), moved);
    }
    0
}

/// A system call of a process in [`PIDS`] returns: one with a descriptor, a buffer and a
/// length.
#[raw_tracepoint(tracepoint = "sys_exit")]
pub fn copying_syscall_exit(ctx: RawTracePointContext) -> i32 {
    let Some((call, result)) = syscall::Call::of(&ctx) else { return 0 };
    let pid = (bpf_get_current_pid_tgid() >> 32) as u32;
    if call.moves_a_buffer() && result > 0 && PIDS.get_ptr(pid).is_some() {
        copy(call.arguments[1], result as u64);
    }
    0
}

#[inline(always)]
fn argument(ctx: &ProbeContext, n: usize) -> u64 {
    ctx.arg(n).unwrap_or(0)
}

#[inline(always)]
fn asked(buffer: u64, moved_at: u64) -> u32 {
    if let Some(call) = COPYING.get_ptr_mut(0) {
        // SAFETY: the kernel returned a live element.
        unsafe { *call = Asked { buffer, moved_at } };
    }
    0
}

/// Copies a chunk's size at most.
#[inline(always)]
fn copy(buffer: u64, len: u64) {
    let transfer = Transfer { buffer, left: len, ..Transfer::default() };
    emit::chunk(&mut { transfer });
}
