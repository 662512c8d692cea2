//! Which socket a TLS connection uses. The TLS object rarely knows: most
//! clients move the ciphertext themselves. So: the first socket write inside or
//! right after a TLS write on the same thread, the last receive inside or
//! before a TLS read, and `SSL_set_fd`.
//!
//! Descriptors are numbers that pass from hand to hand, and some are no sockets: the
//! kernel's own structures tell which, and their addresses. Where the way there is not
//! known, those whose connect or accept was seen are taken for TCP, and the others are
//! left to the user side.

use llmtop_probe_common::{Call, Conn, ConnKey, Kind, Socket, SocketKey, SocketState, Thread};

use crate::calls::{self, READ};
use crate::maps::{RECEIVERS, SOCKETS, THREADS};
use crate::{conns, descriptors, emit, file, keys};

/// Guesses a connection gets.
const MAX_GUESSES: u32 = 8;

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
