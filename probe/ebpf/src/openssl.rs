//! OpenSSL and what has its interface: `SSL_write` and `SSL_read` in their
//! forms, and the calls that say what a connection is.
//!
//! One entry program a form, as attach cookies, which could tell the forms
//! apart, exist only since Linux 5.15; the return learns the form from the
//! entry.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::{bpf_probe_read_user, bpf_probe_read_user_str};
use aya_ebpf::macros::{uprobe, uretprobe};
use aya_ebpf::programs::{ProbeContext, RetProbeContext};
use llmtop_probe_common::{
    Call, Conn, ConnKey, Kind, MAX_SERVER_NAME, ServerName, Thread, conn_flags, direction, flags,
    tls, writing,
};

use crate::{calls, conns, deliver, emit, filter, socket};

/// `SSL_CTRL_MODE`: what `SSL_set_mode` calls, on new objects.
const SSL_CTRL_MODE: u64 = 33;
/// `SSL_CTRL_SET_TLSEXT_HOSTNAME`.
const SSL_CTRL_SET_TLSEXT_HOSTNAME: u64 = 55;

/// `int f(ssl, buf, int num)`
#[uprobe]
pub fn write_returned(ctx: ProbeContext) -> u32 {
    enter(&ctx, calls::ACTIVE, 1, None)
}
/// `int f(ssl, buf, size_t num, size_t *written)`
#[uprobe]
pub fn write_arg4(ctx: ProbeContext) -> u32 {
    enter(&ctx, calls::ACTIVE, 1, Some(3))
}
/// `int f(ssl, buf, size_t num, uint64_t flags, size_t *written)`
#[uprobe]
pub fn write_arg5(ctx: ProbeContext) -> u32 {
    enter(&ctx, calls::ACTIVE, 1, Some(4))
}
/// `int f(ssl, buf, int num)`; 0 is the end of the stream.
#[uprobe]
pub fn read_returned(ctx: ProbeContext) -> u32 {
    enter(&ctx, calls::ACTIVE | calls::READ | calls::ZERO_IS_END, 1, None)
}
/// `int SSL_read_ex(ssl, buf, size_t num, size_t *readbytes)`; 0 is any failure.
#[uprobe]
pub fn read_arg4(ctx: ProbeContext) -> u32 {
    enter(&ctx, calls::ACTIVE | calls::READ, 1, Some(3))
}
/// `int f(ssl, buf, size_t num, size_t *readbytes)`, the function inside both
/// forms; 0 is the end of the stream.
#[uprobe]
pub fn read_internal(ctx: ProbeContext) -> u32 {
    enter(&ctx, calls::ACTIVE | calls::READ | calls::ZERO_IS_END, 1, Some(3))
}

/// A function begins that moves bytes of the object in its first argument, from or to
/// what argument `buffer` points to (counted from zero); how many is in the next.
/// `moved_at`: the argument that
/// points to where it leaves how many; `None`, where it returns that.
#[inline(always)]
pub fn enter(ctx: &ProbeContext, kind: u32, buffer: usize, moved_at: Option<usize>) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    if !filter::wanted((pid_tgid >> 32) as u32) {
        return 0;
    }
    let argument = |n| ctx.arg::<u64>(n).unwrap_or(0);
    // Zero is what a read of nothing returns, too.
    if kind & calls::ZERO_IS_END != 0 && argument(buffer + 1) as u32 == 0 {
        return 0;
    }
    let call = Call {
        object: argument(0),
        buffer: argument(buffer),
        moved_at: moved_at.map_or(0, argument),
        stack: calls::stack(ctx.regs),
        kind,
        inside_fd: -1,
        begun: if kind & calls::READ == 0 { emit::now() } else { 0 },
    };
    let remembered = calls::enter(pid_tgid, &call);
    // Its bytes are told when it returns, and what answers them may be read by
    // another thread before that.
    if remembered && kind & calls::READ == 0 {
        let key = ConnKey { object: call.object, pid: (pid_tgid >> 32) as u32, reserved: 0 };
        if let Some(conn) = conn(&key, ctx, pid_tgid, 0) {
            conn.writing = writing::UNDER_WAY;
        }
    }
    0
}

/// The return of each of them.
#[uretprobe]
pub fn transfer_return(ctx: RetProbeContext) -> u32 {
    leave::<true>(&ctx)
}
/// The same for kernels without `bpf_loop` (before 5.17).
#[uretprobe]
pub fn transfer_return_bounded(ctx: RetProbeContext) -> u32 {
    leave::<false>(&ctx)
}

#[inline(always)]
fn leave<const LOOP: bool>(ctx: &RetProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let Some(thread) = calls::leave(pid_tgid, calls::stack(ctx.regs)) else { return 0 };
    transferred::<LOOP>(ctx, thread, pid_tgid);
    calls::end(thread);
    0
}

#[inline(always)]
fn transferred<const LOOP: bool>(ctx: &RetProbeContext, thread: &mut Thread, pid_tgid: u64) {
    let call = thread.call;
    // An `int`: -1 arrives zero-extended.
    let returned = ctx.ret::<u64>() as i32;
    let read = call.kind & calls::READ != 0;
    let key = ConnKey { object: call.object, pid: (pid_tgid >> 32) as u32, reserved: 0 };
    let Some(moved) = moved(&call, returned) else {
        if returned == 0 && call.kind & calls::ZERO_IS_END != 0 {
            conns::close(&key, pid_tgid, flags::END_OF_STREAM);
        } else if !read && let Some(conn) = conns::find(&key) {
            conn.writing = writing::NO;
            if call.kind & calls::TOLD != 0 {
                socket::after_transfer(thread, conn, false, pid_tgid);
            }
        }
        return;
    };
    let Some(conn) = conn(&key, ctx, pid_tgid, 0) else {
        conns::untracked(moved);
        return;
    };
    let side = if read { direction::RECEIVED } else { direction::SENT };
    let time = if read { emit::now() } else { call.begun };
    if !deliver::buffer::<LOOP>(thread, conn, side, call.buffer, moved, time, pid_tgid) {
        if read {
            thread.received_fd = -1;
        }
        return;
    }
    if !read {
        // Not before its chunks are in the ring: whoever reads from now on has
        // them behind it.
        conn.writing = writing::NO;
    }
    socket::after_transfer(thread, conn, read, pid_tgid);
}

/// How much a call moved, if anything.
#[inline(always)]
fn moved(call: &Call, returned: i32) -> Option<u64> {
    if returned <= 0 || call.kind & calls::TOLD != 0 {
        return None;
    }
    if call.moved_at == 0 {
        return Some(u64::from(returned as u32));
    }
    let mut moved = 0u64;
    // SAFETY: writes eight bytes to a local.
    let failed =
        unsafe { bpf_probe_read_user((&raw mut moved).cast(), 8, call.moved_at as *const _) };
    (failed == 0 && moved != 0 && deliver::is_length(moved)).then_some(moved)
}

/// `void SSL_free(ssl)`: the object's generation ends.
#[uprobe]
pub fn free(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let key = ConnKey {
        object: ctx.arg::<u64>(0).unwrap_or(0),
        pid: (pid_tgid >> 32) as u32,
        reserved: 0,
    };
    conns::close(&key, pid_tgid, 0);
    0
}

/// `int SSL_set_fd(ssl, int fd)`
#[uprobe]
pub fn set_fd(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    if !filter::wanted(pid) {
        return 0;
    }
    let key = ConnKey { object: ctx.arg::<u64>(0).unwrap_or(0), pid, reserved: 0 };
    let fd = ctx.arg::<u64>(1).unwrap_or(0) as i32;
    if let Some(conn) = conn(&key, &ctx, pid_tgid, conn_flags::FRESH) {
        socket::set(conn, fd, pid_tgid);
    }
    0
}

/// `long SSL_ctrl(ssl, int cmd, long larg, void *parg)`
#[uprobe]
pub fn ctrl(ctx: ProbeContext) -> u32 {
    let command = ctx.arg::<u64>(1).unwrap_or(0) as u32 as u64;
    if command != SSL_CTRL_MODE && command != SSL_CTRL_SET_TLSEXT_HOSTNAME {
        return 0;
    }
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    if !filter::wanted(pid) {
        return 0;
    }
    let key = ConnKey { object: ctx.arg::<u64>(0).unwrap_or(0), pid, reserved: 0 };
    let Some(conn) = conn(&key, &ctx, pid_tgid, conn_flags::FRESH) else { return 0 };
    let name = ctx.arg::<u64>(3).unwrap_or(0);
    if command == SSL_CTRL_SET_TLSEXT_HOSTNAME && name != 0 {
        send_server_name(conn.id, name, u32::MAX, pid_tgid);
    }
    0
}

#[repr(C)]
struct NameRecord {
    fixed: ServerName,
    name: [u8; MAX_SERVER_NAME],
}

/// Tells the name at `name`, which ends before a zero byte, and after `most` bytes.
#[inline(always)]
pub fn send_server_name(conn: u64, name: u64, most: u32, pid_tgid: u64) {
    let Some(mut entry) = emit::reserve::<NameRecord>() else { return };
    let record = entry.as_mut_ptr();
    // SAFETY: `record` points to a reserved record, and the helper writes at
    // most the name's size.
    unsafe {
        let len = bpf_probe_read_user_str(
            (&raw mut (*record).name).cast(),
            MAX_SERVER_NAME as u32,
            name as *const _,
        );
        let len = if len > 0 { len as u32 - 1 } else { 0 };
        let len = if len > most { most } else { len };
        (&raw mut (*record).fixed)
            .write(ServerName { header: emit::header(Kind::ServerName, 0, len, pid_tgid), conn });
    }
    entry.submit(emit::wakeup());
}

/// The connection of an object; its first sign of life is told.
#[inline(always)]
pub fn conn<C: EbpfContext>(
    key: &ConnKey,
    ctx: &C,
    pid_tgid: u64,
    flags: u32,
) -> Option<&'static mut Conn> {
    if let Some(conn) = conns::find(key) {
        return Some(conn);
    }
    conns::open(key, conns::cookie(ctx, tls::UNKNOWN), pid_tgid, flags)
}
