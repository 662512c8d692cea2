//! Go's `crypto/tls`: `(*Conn).Write`, `Read`, `Close`, and where handshakes begin.
//!
//! A return probe would replace a return address, which Go's runtime looks at when
//! it walks and moves stacks: so the functions' own `ret` instructions are probed.
//! A goroutine passes from thread to thread between two instructions, and its stack
//! to another place; what stays is the address of its `g`, in `r14` by Go's internal
//! ABI (`cmd/compile/abi-internal.md`), and how far a frame is from the stack's high
//! end. Both together name a call: the `ret` that leaves a frame finds what the entry
//! of just that frame kept. An entry that runs again, the stack having grown, keeps
//! the same under the same name.
//!
//! `Read` needs no entry: it keeps its arguments where its caller left room for them,
//! above the return address, which the user side has proven of its code. So a call is
//! understood that was made before the probes were there: programs wait for their
//! answers inside of it.

use aya_ebpf::EbpfContext;
use aya_ebpf::bindings::pt_regs;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use llmtop_probe_common::{
    Conn, ConnKey, GoCall, GoFrame, MAX_SERVER_NAME, conn_flags, direction, tls, writing,
};

use crate::maps::GO_CALLS;
use crate::{calls, connect, conns, deliver, emit, file, filter, memory, openssl, socket};

/// `conn.net.Conn` within `tls.Conn`, of which it is the first field: where the
/// pointer to the value is.
const CONN_VALUE: u64 = 8;
/// `pfd.Sysfd` within `net.netFD`.
const SYSFD: u64 = 16;
/// `family` within `net.netFD`, which `sotype` follows.
const FAMILY: u64 = 56;
const SOCK_STREAM: u64 = 1;
/// `config` within `tls.Conn`, before Go 1.21 and since. Where it was before lies now what
/// is zero until versions are agreed on.
const CONFIG: [u64; 2] = [72, 80];
/// `ServerName` within `tls.Config`.
const SERVER_NAME: u64 = 128;
/// Connections that wrap one another, followed down to the socket.
const MAX_WRAPPED: usize = 4;

/// Entry of `func (c *Conn) Write(b []byte) (int, error)`, before its frame is made.
#[uprobe]
pub fn go_write(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    if !filter::wanted(pid) {
        return 0;
    }
    let registers = registers(&ctx);
    let Some(stack) = stack(registers.g) else { return 0 };
    // What does not escape lies on the goroutine's own stack, and moves with it.
    let moves = registers.rbx >= stack.low && registers.rbx < stack.high;
    let call = GoCall {
        object: registers.rax,
        buffer: if moves { stack.high - registers.rbx } else { registers.rbx },
        len: registers.rcx,
        begun: emit::now(),
        moves: u64::from(moves),
    };
    if GO_CALLS.insert(frame(&registers, &stack, pid), call, 0).is_err() {
        calls::untracked();
        return 0;
    }
    // Its bytes are told when it returns, and what answers them may be read by
    // another thread before that. Writers wait for one another, so that of two the
    // first to return may say too early that nobody writes: a flag left standing
    // by one that never returns would be worse.
    let key = ConnKey { object: registers.rax, pid, reserved: 0 };
    if let Some(conn) = conn(&key, conns::cookie(&ctx, tls::GO), pid_tgid, 0) {
        conn.writing = writing::UNDER_WAY;
    }
    0
}

/// A `ret` of the same.
#[uprobe]
pub fn go_write_return(ctx: ProbeContext) -> u32 {
    wrote::<true>(&ctx)
}
/// The same for kernels without `bpf_loop` (before 5.17).
#[uprobe]
pub fn go_write_return_bounded(ctx: ProbeContext) -> u32 {
    wrote::<false>(&ctx)
}

#[inline(always)]
fn wrote<const LOOP: bool>(ctx: &ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    if !filter::wanted(pid) {
        return 0;
    }
    let registers = registers(ctx);
    let moved = registers.rax;
    let Some(stack) = stack(registers.g) else { return 0 };
    let frame = frame(&registers, &stack, pid);
    // SAFETY: copied at once.
    let Some(call) = (unsafe { GO_CALLS.get(frame) }).copied() else {
        // It began before the probes were there.
        return 0;
    };
    let _ = GO_CALLS.remove(frame);
    let key = ConnKey { object: call.object, pid, reserved: 0 };
    // Of an error the rest of the results tells; what went before it went.
    if moved == 0 || moved > call.len || !deliver::is_length(moved) {
        if let Some(conn) = conns::find(&key) {
            conn.writing = writing::NO;
        }
        return 0;
    }
    let buffer = if call.moves != 0 { stack.high - call.buffer } else { call.buffer };
    let Some(conn) = conn(&key, conns::cookie(ctx, tls::GO), pid_tgid, 0) else {
        conns::untracked(moved);
        return 0;
    };
    told::<LOOP>(conn, direction::SENT, buffer, moved, call.begun, pid_tgid);
    // Not before its chunks are in the ring: whoever reads from now on has them
    // behind it.
    conn.writing = writing::NO;
    0
}

/// A `ret` of `func (c *Conn) Read(b []byte) (int, error)`, where its arguments are
/// above its return address.
#[uprobe]
pub fn go_read_return(ctx: ProbeContext) -> u32 {
    read::<true>(&ctx)
}
/// The same for kernels without `bpf_loop` (before 5.17).
#[uprobe]
pub fn go_read_return_bounded(ctx: ProbeContext) -> u32 {
    read::<false>(&ctx)
}

#[inline(always)]
fn read<const LOOP: bool>(ctx: &ProbeContext) -> u32 {
    let registers = registers(ctx);
    let moved = registers.rax;
    // Nothing, with an error or without: whether the stream ended is not told.
    if moved == 0 || !deliver::is_length(moved) {
        return 0;
    }
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    if !filter::wanted(pid) {
        return 0;
    }
    // The receiver and the buffer: that its length is kept, too, is not proven.
    let Some([object, buffer]) = memory::words(registers.rsp + 8) else {
        conns::untracked(moved);
        return 0;
    };
    let key = ConnKey { object, pid, reserved: 0 };
    let Some(conn) = conn(&key, conns::cookie(ctx, tls::GO), pid_tgid, 0) else {
        conns::untracked(moved);
        return 0;
    };
    told::<LOOP>(conn, direction::RECEIVED, buffer, moved, emit::now(), pid_tgid);
    0
}

/// Entry of `(*Conn).clientHandshake` and `(*Conn).serverHandshake`: the object is
/// new, or is negotiating again.
#[uprobe]
pub fn go_handshake(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    if filter::wanted((pid_tgid >> 32) as u32) {
        handshake(&ctx, pid_tgid);
    }
    0
}

#[inline(always)]
fn handshake(ctx: &ProbeContext, pid_tgid: u64) -> Option<&'static mut Conn> {
    let key = ConnKey { object: registers(ctx).rax, pid: (pid_tgid >> 32) as u32, reserved: 0 };
    if let Some(known) = conns::find(&key) {
        // A collected object's memory, used again without its having been closed:
        // told by its socket.
        let same = inode(descriptor(key.object)) == known.socket;
        if same || known.socket == 0 {
            return Some(known);
        }
        conns::close(&key, pid_tgid, 0);
    }
    conn(&key, conns::cookie(ctx, tls::GO), pid_tgid, conn_flags::FRESH)
}

/// Entry of `(*Conn).clientHandshake`, in versions of Go of which it is known where the
/// name lies.
#[uprobe]
pub fn go_server_name(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    if !filter::wanted((pid_tgid >> 32) as u32) {
        return 0;
    }
    let Some(conn) = handshake(&ctx, pid_tgid) else { return 0 };
    let object = registers(&ctx).rax;
    let config = match memory::word(object + CONFIG[0]) {
        0 => memory::word(object + CONFIG[1]),
        config => config,
    };
    let Some([name, length]) = memory::words(config + SERVER_NAME) else { return 0 };
    if config != 0 && length != 0 && length < MAX_SERVER_NAME as u64 {
        openssl::send_server_name(conn.id, name, length as u32, pid_tgid);
    }
    0
}

/// Entry of `(*Conn).Close`.
#[uprobe]
pub fn go_close(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let object = registers(&ctx).rax;
    let key = ConnKey { object, pid: (pid_tgid >> 32) as u32, reserved: 0 };
    conns::close(&key, pid_tgid, 0);
    0
}

/// What the probes need of the registers. Arguments and results are in `rax`,
/// `rbx`, `rcx`.
struct Registers {
    rax: u64,
    rbx: u64,
    rcx: u64,
    rsp: u64,
    g: u64,
}

#[inline(always)]
fn registers(ctx: &ProbeContext) -> Registers {
    let regs: *const pt_regs = ctx.as_ptr().cast();
    // SAFETY: the context of a probe is a readable `pt_regs`.
    unsafe {
        Registers {
            rax: (*regs).rax,
            rbx: (*regs).rbx,
            rcx: (*regs).rcx,
            rsp: (*regs).rsp,
            g: (*regs).r14,
        }
    }
}

/// `runtime.stack`, with which `runtime.g` begins.
struct Stack {
    low: u64,
    high: u64,
}

#[inline(always)]
fn stack(g: u64) -> Option<Stack> {
    let [low, high] = memory::words(g)?;
    Some(Stack { low, high })
}

#[inline(always)]
fn frame(registers: &Registers, stack: &Stack, pid: u32) -> GoFrame {
    GoFrame {
        goroutine: registers.g,
        depth: stack.high.wrapping_sub(registers.rsp),
        pid,
        reserved: 0,
    }
}

/// The connection of an object; its first sign of life and its socket are told.
///
/// Not inlined: the way to the socket needs much of a program's stack.
#[inline(never)]
fn conn(key: &ConnKey, tls: u32, pid_tgid: u64, flags: u32) -> Option<&'static mut Conn> {
    if let Some(conn) = conns::find(key) {
        return Some(conn);
    }
    let conn = conns::open(key, tls, pid_tgid, flags)?;
    let fd = descriptor(key.object);
    if fd >= 0 {
        socket::introduce(conn, fd, pid_tgid);
        conn.socket = inode(fd);
    }
    Some(conn)
}

/// The number of a descriptor's inode, its lower half; 0: unknown.
#[inline(always)]
fn inode(fd: i32) -> u32 {
    if fd < 0 || !file::is_known() {
        return 0;
    }
    file::open(fd).and_then(file::File::number).map_or(0, |number| number as u32)
}

/// The descriptor under a `tls.Conn`, or -1.
///
/// `tls.Conn` begins with the interface `net.Conn`, and so does what wraps one and
/// is used as one. A `*net.TCPConn` points to a `net.netFD`, told by the family and
/// type it holds: anything else is followed as a wrapper, or given up.
#[inline(never)]
fn descriptor(object: u64) -> i32 {
    let mut object = object;
    for _ in 0..MAX_WRAPPED {
        let value = memory::word(object + CONN_VALUE);
        let net_fd = memory::word(value);
        if value == 0 || net_fd == 0 {
            return -1;
        }
        let family = memory::word(net_fd + FAMILY);
        let is_ip = family == u64::from(connect::AF_INET) || family == u64::from(connect::AF_INET6);
        if is_ip && memory::word(net_fd + FAMILY + 8) == SOCK_STREAM {
            return memory::word(net_fd + SYSFD) as i32;
        }
        object = value;
    }
    -1
}

/// Bytes of a connection, by what is kept of the thread.
#[inline(always)]
fn told<const LOOP: bool>(
    conn: &mut Conn,
    side: usize,
    buffer: u64,
    moved: u64,
    time: u64,
    pid_tgid: u64,
) {
    // The thread's, and not this processor's: another thread may come in between.
    let Some(thread) = calls::thread(pid_tgid) else {
        conn.lost[side] += moved;
        conn.moved[side] += moved;
        return;
    };
    deliver::buffer::<LOOP>(thread, conn, side, buffer, moved, time, pid_tgid);
}
