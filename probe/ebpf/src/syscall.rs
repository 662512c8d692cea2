//! The system calls that move bytes, seen where they return: only the return
//! knows how much was moved, and the registers still hold what was asked for.
//!
//! One program for all of them, on the raw event: what the kernel would prepare
//! for an event a call costs more than telling the calls apart here.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use aya_ebpf::macros::raw_tracepoint;
use aya_ebpf::programs::RawTracePointContext;

use crate::maps::MOVED;
use crate::plain::shape;
use crate::{descriptors, file, filter, keys, plain, socket};

/// `recv`: look, and leave it there.
const MSG_PEEK: u64 = 0x2;
/// `recv`: of TCP, throw it away.
const MSG_TRUNC: u64 = 0x20;
/// Beside the stream: urgent bytes; what the kernel says of what was sent.
const MSG_OOB: u64 = 0x1;
const MSG_ERRQUEUE: u64 = 0x2000;

/// `raw_syscalls:sys_exit`
#[raw_tracepoint(tracepoint = "sys_exit")]
pub fn syscall_exit(ctx: RawTracePointContext) -> i32 {
    leave::<true>(&ctx)
}
/// The same for kernels without `bpf_loop` (before 5.17).
#[raw_tracepoint(tracepoint = "sys_exit")]
pub fn syscall_exit_bounded(ctx: RawTracePointContext) -> i32 {
    leave::<false>(&ctx)
}

#[inline(always)]
fn leave<const LOOP: bool>(ctx: &RawTracePointContext) -> i32 {
    let Some((call, result)) = Call::of(ctx) else { return 0 };
    let read = match call.number {
        READ | READV | PREADV2 | RECVFROM | RECVMSG => true,
        WRITE | WRITEV | PWRITEV2 | SENDTO | SENDMSG | SENDFILE | SPLICE => false,
        _ => return 0,
    };
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    if !filter::wanted_on_stdio(pid) {
        return 0;
    }
    if call.number == SPLICE {
        plain::unseen(pid_tgid, call.arguments[0] as i32, true, result);
        plain::unseen(pid_tgid, call.arguments[2] as i32, false, result);
        return 0;
    }
    let fd = call.arguments[0] as i32;
    if call.number == SENDFILE {
        plain::unseen(pid_tgid, fd, false, result);
        return 0;
    }
    let seen = descriptors::seen(pid, fd);
    if seen == descriptors::OTHER {
        return 0;
    }
    // What carries HTTP is under no TLS.
    if seen != descriptors::HTTP {
        if !read {
            keys::wrote(socket::wrote(pid_tgid, fd), fd, pid_tgid);
        } else if result > 0 {
            socket::received(pid_tgid, fd);
        }
    }
    let [_, second, third, fourth] = call.arguments;
    let (shape, len, flags) = match call.number {
        READ | WRITE => (shape::BUFFER, third, 0),
        READV | WRITEV | PREADV2 | PWRITEV2 => (shape::VECTOR, third, 0),
        RECVFROM | SENDTO => (shape::BUFFER, third, fourth),
        _ => (shape::MESSAGE, 0, third),
    };
    let beside = if read { MSG_PEEK | MSG_OOB | MSG_ERRQUEUE } else { MSG_OOB };
    let is_tls = seen == descriptors::TLS || seen == descriptors::RECORDS;
    let is_plain = seen == descriptors::HTTP || result > 0 && !is_tls;
    if flags & beside != 0 || !is_plain || !file::is_known() {
        return 0;
    }
    if read && flags & MSG_TRUNC != 0 {
        plain::unseen(pid_tgid, fd, true, result);
        return 0;
    }
    let Some(moved) = MOVED.get_ptr_mut(0) else { return 0 };
    // SAFETY: the element is this processor's, and no other call uses it while
    // this one is left.
    let moved = unsafe { &mut *moved };
    moved.pid_tgid = pid_tgid;
    moved.result = result;
    moved.at = second;
    moved.len = len;
    moved.fd = fd;
    moved.seen = seen;
    moved.read = u8::from(read);
    moved.shape = shape;
    plain::moved::<LOOP>(moved);
    0
}

/// A call that returns.
pub struct Call {
    number: u64,
    pub arguments: [u64; 4],
}

#[cfg(bpf_target_arch = "x86_64")]
mod abi {
    pub const READ: u64 = 0;
    pub const WRITE: u64 = 1;
    pub const READV: u64 = 19;
    pub const WRITEV: u64 = 20;
    pub const SENDFILE: u64 = 40;
    pub const SENDTO: u64 = 44;
    pub const RECVFROM: u64 = 45;
    pub const SENDMSG: u64 = 46;
    pub const RECVMSG: u64 = 47;
    pub const SPLICE: u64 = 275;
    pub const PREADV2: u64 = 327;
    pub const PWRITEV2: u64 = 328;

    /// `struct pt_regs`, from `r10` to `cs`.
    #[derive(Clone, Copy, Default)]
    #[repr(C)]
    pub struct Registers {
        pub r10: u64,
        r9: u64,
        r8: u64,
        ax: u64,
        cx: u64,
        pub dx: u64,
        pub si: u64,
        pub di: u64,
        pub orig_ax: u64,
        ip: u64,
        pub cs: u64,
    }
    /// Where that begins.
    pub const OFFSET: u64 = 7 * 8;
    /// The code segment of 32-bit programs, whose calls have other numbers.
    pub const USER32_CS: u64 = 0x23;
}

#[cfg(bpf_target_arch = "aarch64")]
mod abi {
    pub const READ: u64 = 63;
    pub const WRITE: u64 = 64;
    pub const READV: u64 = 65;
    pub const WRITEV: u64 = 66;
    pub const SENDFILE: u64 = 71;
    pub const SPLICE: u64 = 76;
    pub const SENDTO: u64 = 206;
    pub const RECVFROM: u64 = 207;
    pub const SENDMSG: u64 = 211;
    pub const RECVMSG: u64 = 212;
    pub const PREADV2: u64 = 286;
    pub const PWRITEV2: u64 = 287;

    /// `struct pt_regs`, from `pstate` to `syscallno`.
    #[derive(Clone, Copy, Default)]
    #[repr(C)]
    pub struct Registers {
        pub pstate: u64,
        pub orig_x0: u64,
        pub syscallno: i32,
        unused: u32,
    }
    /// Where that begins.
    pub const OFFSET: u64 = 33 * 8;
    /// In `pstate`: a 32-bit program, whose calls have other numbers.
    pub const PSR_MODE32_BIT: u64 = 0x10;
}

use abi::*;

impl Call {
    /// The call of the event, and its result.
    #[inline(always)]
    pub fn of(ctx: &RawTracePointContext) -> Option<(Self, i64)> {
        // SAFETY: the event's arguments are a `struct pt_regs *` and the result.
        let (registers, result) = unsafe {
            let arguments = ctx.as_ptr().cast::<u64>();
            (*arguments, *arguments.add(1) as i64)
        };
        Some((Self::read(registers)?, result))
    }

    /// Whether its arguments are a descriptor, a buffer and a length.
    #[inline(always)]
    pub fn moves_a_buffer(&self) -> bool {
        matches!(self.number, READ | WRITE | RECVFROM | SENDTO)
    }

    #[cfg(bpf_target_arch = "x86_64")]
    #[inline(always)]
    fn read(registers: u64) -> Option<Self> {
        let registers: Registers = read(registers + OFFSET)?;
        if registers.cs == USER32_CS {
            return None;
        }
        let arguments = [registers.di, registers.si, registers.dx, registers.r10];
        Some(Self { number: registers.orig_ax, arguments })
    }

    /// The first argument's register holds the result by now; the kernel keeps
    /// a copy.
    #[cfg(bpf_target_arch = "aarch64")]
    #[inline(always)]
    fn read(registers: u64) -> Option<Self> {
        let state: Registers = read(registers + OFFSET)?;
        if state.pstate & PSR_MODE32_BIT != 0 {
            return None;
        }
        let [_, x1, x2, x3]: [u64; 4] = read(registers)?;
        Some(Self { number: state.syscallno as u64, arguments: [state.orig_x0, x1, x2, x3] })
    }
}

/// Reads from kernel memory.
#[inline(always)]
fn read<T: Copy + Default>(at: u64) -> Option<T> {
    let mut value = T::default();
    // SAFETY: writes the value's size to a local of plain integers.
    let failed = unsafe {
        bpf_probe_read_kernel((&raw mut value).cast(), size_of::<T>() as u32, at as *const _)
    };
    (failed == 0).then_some(value)
}
