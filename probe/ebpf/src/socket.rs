//! Which socket a TLS connection uses. The TLS object rarely knows: most
//! clients move the ciphertext themselves. So: the first socket write inside or
//! right after a TLS write on the same thread, the last receive inside or
//! before a TLS read, and `SSL_set_fd`.
//!
//! Descriptors are numbers that pass from hand to hand, and some are no sockets: the
//! kernel's own structures tell which, and their addresses. Where the way there is not
//! known, those whose connect or accept was seen are taken for TCP, and the others are
//! left to the user side.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::bpf_probe_read_user;
use aya_ebpf::macros::tracepoint;
use aya_ebpf::programs::TracePointContext;
use llmtop_probe_common::{
    Address, Call, Conn, ConnKey, Kind, Socket, SocketKey, SocketState, Thread,
};

use crate::calls::{self, READ};
use crate::maps::{ACCEPTING, CONNECTING, CONNECTORS, RECEIVERS, SOCKETS, THREADS};
use crate::{conns, descriptors, emit, file, keys, plain};

pub const AF_INET: u16 = 2;
pub const AF_INET6: u16 = 10;
const TCP_ESTABLISHED: u32 = 1;
const TCP_SYN_SENT: u32 = 2;
const TCP_CLOSE: u32 = 7;
pub const IPPROTO_TCP: u16 = 6;

/// Guesses a connection gets.
const MAX_GUESSES: u32 = 8;

/// Argument `n` of a `sys_enter` event; of a `sys_exit` event, 0 is the result.
#[inline(always)]
pub fn argument(ctx: &TracePointContext, n: usize) -> u64 {
    // SAFETY: these events hold eight-byte values from offset 16 on, as many as
    // the call has arguments.
    unsafe { *ctx.as_ptr().cast::<u64>().add(2 + n) }
}

/// The thread has written to a descriptor. Answers with the address of the keys that
/// waited for it, or 0: what binds them takes its part of the stack, and is left to
/// the caller. Not inlined, as [`received`]: the system call's program has little left
/// of the stack that older verifiers allow.
#[inline(never)]
pub fn wrote(pid_tgid: u64, fd: i32) -> u64 {
    let Some(thread) = THREADS.get_ptr_mut(pid_tgid) else { return 0 };
    // SAFETY: the element is this thread's.
    let thread = unsafe { &mut *thread };
    if thread.call.kind != 0 {
        if thread.call.kind & READ == 0 && thread.call.inside_fd < 0 {
            thread.call.inside_fd = fd;
        }
        return 0;
    }
    if thread.wrote == 0 {
        return 0;
    }
    if thread.wrote == keys::WROTE {
        return thread.wrote_object;
    }
    let key = ConnKey { object: thread.wrote_object, pid: (pid_tgid >> 32) as u32, reserved: 0 };
    let Some(conn) = conns::find(&key) else {
        thread.wrote = 0;
        return 0;
    };
    guess(conn, fd, pid_tgid);
    // A socket settles it; anything else may have been a log line.
    if conn.fd >= 0 || conn.guesses >= MAX_GUESSES {
        thread.wrote = 0;
    }
    0
}

/// The thread has read from a descriptor.
#[inline(never)]
pub fn received(pid_tgid: u64, fd: i32) {
    let Some(thread) = THREADS.get_ptr_mut(pid_tgid) else {
        if RECEIVERS.get_ptr((pid_tgid >> 32) as u32).is_some() {
            calls::begin(pid_tgid, &Call::default(), fd);
        }
        return;
    };
    // SAFETY: the element is this thread's.
    let thread = unsafe { &mut *thread };
    if thread.call.kind == 0 {
        thread.received_fd = fd;
    } else if thread.call.kind & READ != 0 && thread.call.inside_fd < 0 {
        thread.call.inside_fd = fd;
    }
}

/// A TLS call moved bytes: what is known of the thread's socket calls becomes a
/// guess at the connection's socket, as long as it needs one.
#[inline(always)]
pub fn after_transfer(thread: &mut Thread, conn: &mut Conn, read: bool, pid_tgid: u64) {
    let received = thread.received_fd;
    if read {
        // One receive feeds one connection.
        thread.received_fd = -1;
    }
    if conn.fd >= 0 || conn.guesses >= MAX_GUESSES {
        return;
    }
    if thread.call.inside_fd >= 0 {
        guess(conn, thread.call.inside_fd, pid_tgid);
    } else if read && received >= 0 {
        guess(conn, received, pid_tgid);
    }
    if !read && conn.fd < 0 {
        thread.wrote = 1;
        thread.wrote_object = thread.call.object;
    }
}

/// The connection's socket may be `fd`: the structures of the kernel tell at once, as soon it may
/// be closed.
#[inline(always)]
pub fn guess(conn: &mut Conn, fd: i32, pid_tgid: u64) {
    if fd < 0 || conn.fd >= 0 {
        return;
    }
    conn.guesses += 1;
    // What carries HTTP is under no TLS.
    if descriptors::seen(conn.pid, fd) != descriptors::HTTP {
        introduce(conn, fd, pid_tgid);
    }
}

/// The connection's socket is `fd`, if that is one of TCP: tells its addresses.
#[inline(never)]
pub fn introduce(conn: &mut Conn, fd: i32, pid_tgid: u64) {
    if !file::is_known() {
        return by_number(conn, fd, pid_tgid);
    }
    let tcp = file::open(fd).and_then(file::File::tcp);
    if let Some(ends) = tcp.and_then(file::Tcp::addresses) {
        conn.fd = fd;
        report(conn.id, fd, &ends, pid_tgid);
    }
}

/// The same, where the way to a descriptor's socket is not known.
#[inline(always)]
fn by_number(conn: &mut Conn, fd: i32, pid_tgid: u64) {
    let key = SocketKey { pid: conn.pid, fd };
    // SAFETY: copied at once.
    if let Some(state) = unsafe { SOCKETS.get(key) } {
        let state = *state;
        conn.fd = fd;
        report(conn.id, fd, &state, pid_tgid);
    } else if conn.fd != -2 - fd {
        conn.fd = -2 - fd;
        report(conn.id, fd, &SocketState::default(), pid_tgid);
    }
}

/// The program said which socket it is.
#[inline(always)]
pub fn set(conn: &mut Conn, fd: i32, pid_tgid: u64) {
    if fd < 0 || conn.fd == fd {
        return;
    }
    if file::is_known() {
        // Where it is not connected yet, the first write tells.
        conn.fd = -1;
        return introduce(conn, fd, pid_tgid);
    }
    conn.fd = fd;
    // SAFETY: copied at once.
    let state =
        unsafe { SOCKETS.get(SocketKey { pid: conn.pid, fd }) }.copied().unwrap_or_default();
    report(conn.id, fd, &state, pid_tgid);
}

/// Tells what is known of a connection's socket. Not inlined: programs' stacks
/// are small.
#[inline(never)]
pub fn report(conn: u64, fd: i32, state: &SocketState, pid_tgid: u64) {
    let Some(mut entry) = emit::reserve::<Socket>() else { return };
    let record = entry.as_mut_ptr();
    // SAFETY: `record` points to a reserved record.
    unsafe {
        (&raw mut (*record).header).write(emit::header(Kind::Socket, 0, 0, pid_tgid));
        (&raw mut (*record).conn).write(conn);
        (&raw mut (*record).fd).write(fd);
        (&raw mut (*record).local).write(state.local);
        (&raw mut (*record).peer).write(state.peer);
        (&raw mut (*record).reserved).write(0);
    }
    entry.submit(emit::wakeup());
}

/// Entry of `connect(fd, address, length)`.
#[tracepoint]
pub fn connect_enter(ctx: TracePointContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let fd = argument(&ctx, 0) as i32;
    let key = SocketKey { pid: (pid_tgid >> 32) as u32, fd };
    let _ = SOCKETS.remove(key);
    descriptors::set(key.pid, fd, descriptors::NEW);
    let Some(peer) = sockaddr(argument(&ctx, 1)) else { return 0 };
    // Other sockets have addresses of the Internet, too.
    if file::is_known() && file::open(fd).and_then(file::File::tcp).is_none() {
        return 0;
    }
    let _ = SOCKETS.insert(key, SocketState { local: Address::default(), peer }, 0);
    let _ = CONNECTING.insert(pid_tgid, fd, 0);
    0
}

/// Exit of `connect`.
#[tracepoint]
pub fn connect_exit(ctx: TracePointContext) -> u32 {
    const EINPROGRESS: i64 = -115;
    let pid_tgid = bpf_get_current_pid_tgid();
    // SAFETY: copied at once.
    let Some(fd) = (unsafe { CONNECTING.get(pid_tgid) }).copied() else { return 0 };
    let _ = CONNECTING.remove(pid_tgid);
    let result = argument(&ctx, 0) as i64;
    if result != 0 && result != EINPROGRESS {
        let _ = SOCKETS.remove(SocketKey { pid: (pid_tgid >> 32) as u32, fd });
    }
    0
}

/// Entry of `accept(fd, address, length)` and `accept4`.
#[tracepoint]
pub fn accept_enter(ctx: TracePointContext) -> u32 {
    let address = argument(&ctx, 1);
    let _ = ACCEPTING.insert(bpf_get_current_pid_tgid(), address, 0);
    0
}

/// Exit of `accept` and `accept4`: the new descriptor, and the peer where the
/// program asked for it.
#[tracepoint]
pub fn accept_exit(ctx: TracePointContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    // SAFETY: copied at once.
    let Some(address) = (unsafe { ACCEPTING.get(pid_tgid) }).copied() else { return 0 };
    let _ = ACCEPTING.remove(pid_tgid);
    let fd = argument(&ctx, 0) as i64;
    if fd < 0 {
        return 0;
    }
    let key = SocketKey { pid: (pid_tgid >> 32) as u32, fd: fd as i32 };
    descriptors::set(key.pid, key.fd, descriptors::NEW);
    match sockaddr(address) {
        Some(peer) => {
            let _ = SOCKETS.insert(key, SocketState { local: Address::default(), peer }, 0);
        }
        None => {
            let _ = SOCKETS.remove(key);
        }
    }
    0
}

/// Entry of `close(fd)`.
#[tracepoint]
pub fn close_enter(ctx: TracePointContext) -> u32 {
    closing(argument(&ctx, 0) as i32)
}

/// Entry of `dup2(old, new)` and `dup3`, which close `new`.
#[tracepoint]
pub fn dup_enter(ctx: TracePointContext) -> u32 {
    let new = argument(&ctx, 1) as i32;
    if argument(&ctx, 0) as i32 == new { 0 } else { closing(new) }
}

/// The number may name another thing from now on.
#[inline(always)]
fn closing(fd: i32) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let key = SocketKey { pid: (pid_tgid >> 32) as u32, fd };
    if SOCKETS.get_ptr(key).is_some() {
        let _ = SOCKETS.remove(key);
    }
    plain::closing(pid_tgid, fd);
    0
}

/// Entry of `close_range(first, last, flags)`: mostly of a child that is about
/// to execute a program. What is not closed is looked at anew.
#[tracepoint]
pub fn close_range_enter(_: TracePointContext) -> u32 {
    descriptors::forget((bpf_get_current_pid_tgid() >> 32) as u32);
    0
}

/// `sock:inet_sock_set_state`: a connecting socket is bound to its descriptor
/// while `connect` runs; when it is established its own port is known.
#[tracepoint]
pub fn tcp_state(ctx: TracePointContext) -> u32 {
    let event = ctx.as_ptr().cast::<StateEvent>();
    // SAFETY: the event's layout, of Linux 5.6 and later.
    let event = unsafe { &*event };
    if event.protocol != IPPROTO_TCP {
        return 0;
    }
    match event.newstate {
        TCP_SYN_SENT => {
            let pid_tgid = bpf_get_current_pid_tgid();
            // SAFETY: copied at once.
            if let Some(fd) = unsafe { CONNECTING.get(pid_tgid) } {
                let key = SocketKey { pid: (pid_tgid >> 32) as u32, fd: *fd };
                let _ = CONNECTORS.insert(event.skaddr, key, 0);
            }
        }
        TCP_ESTABLISHED if event.oldstate == TCP_SYN_SENT => {
            // SAFETY: copied at once.
            let Some(key) = (unsafe { CONNECTORS.get(event.skaddr) }).copied() else { return 0 };
            let _ = CONNECTORS.remove(event.skaddr);
            let Some(state) = SOCKETS.get_ptr_mut(key) else { return 0 };
            let local = event.local();
            // SAFETY: the element stays valid for this program's run.
            unsafe { (*state).local = local };
        }
        TCP_CLOSE => {
            if event.oldstate == TCP_SYN_SENT {
                let _ = CONNECTORS.remove(event.skaddr);
            }
        }
        _ => {}
    }
    0
}

#[repr(C)]
struct StateEvent {
    common: u64,
    skaddr: u64,
    oldstate: u32,
    newstate: u32,
    sport: u16,
    dport: u16,
    family: u16,
    protocol: u16,
    saddr: [u8; 4],
    daddr: [u8; 4],
    saddr_v6: [u32; 4],
    daddr_v6: [u32; 4],
}

impl StateEvent {
    #[inline(always)]
    fn local(&self) -> Address {
        let mut address = Address { family: self.family, port: self.sport, ip: [0; 16] };
        if self.family == AF_INET {
            address.ip[0] = self.saddr[0];
            address.ip[1] = self.saddr[1];
            address.ip[2] = self.saddr[2];
            address.ip[3] = self.saddr[3];
        } else {
            let mut word = 0;
            while word < 4 {
                let bytes = self.saddr_v6[word].to_ne_bytes();
                address.ip[4 * word] = bytes[0];
                address.ip[4 * word + 1] = bytes[1];
                address.ip[4 * word + 2] = bytes[2];
                address.ip[4 * word + 3] = bytes[3];
                word += 1;
            }
        }
        address
    }
}

/// An IP address in the memory of the current process.
#[inline(always)]
fn sockaddr(at: u64) -> Option<Address> {
    #[repr(C)]
    struct Raw {
        family: u16,
        port: [u8; 2],
        v4: [u8; 4],
        v6: [u8; 16],
    }
    if at == 0 {
        return None;
    }
    let mut raw = Raw { family: 0, port: [0; 2], v4: [0; 4], v6: [0; 16] };
    // SAFETY: reads 8 bytes, what `sockaddr_in` has and more than half of what
    // `sockaddr_in6` has, into a local.
    if unsafe { bpf_probe_read_user((&raw mut raw).cast(), 8, at as *const _) } != 0 {
        return None;
    }
    let mut address =
        Address { family: raw.family, port: u16::from_be_bytes(raw.port), ip: [0; 16] };
    match raw.family {
        AF_INET => {
            address.ip[0] = raw.v4[0];
            address.ip[1] = raw.v4[1];
            address.ip[2] = raw.v4[2];
            address.ip[3] = raw.v4[3];
        }
        AF_INET6 => {
            // SAFETY: reads 16 bytes into a local.
            let failed =
                unsafe { bpf_probe_read_user((&raw mut raw.v6).cast(), 16, (at + 8) as *const _) };
            if failed != 0 {
                return None;
            }
            address.ip = raw.v6;
        }
        _ => return None,
    }
    Some(address)
}
