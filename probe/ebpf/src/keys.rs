//! Which connection the keys of a TLS record belong to, where a connection has
//! an object of its own for each direction, and another whenever keys change.
//!
//! What both directions have in common is the socket. A thread that decrypts has
//! received just before; one that encrypts writes right after. So a connection is
//! named by its socket, and keys are bound to it at the thread's system call. The
//! first records of keys may come before that call: they get a connection of their
//! own, which is unbound, and becomes that of the socket, or joins it, once it is
//! known. Records are numbered from zero for each key, which tells keys apart that
//! follow one another at one address.

use aya_ebpf::EbpfContext;
use llmtop_probe_common::{
    Bound, Conn, ConnKey, Keys, Kind, SocketKey, TLS_SOCKET, Thread, conn_flags, direction, tls,
};

use crate::maps::{CONNS, KEYS, RECEIVERS, SOCKETS, THREADS};
use crate::{conns, descriptors, emit, file, socket};

/// [`Thread::wrote`]: `wrote_object` is a key.
pub const WROTE: u32 = 2;

/// The keys at an address, with which record number `number` is encrypted or
/// decrypted now.
#[inline(never)]
pub fn used(key: &ConnKey, number: u64) -> Option<&'static mut Keys> {
    if let Some(keys) = KEYS.get_ptr_mut(key) {
        // SAFETY: the element stays valid for this program's run, and keys are
        // used by one thread at a time.
        let keys = unsafe { &mut *keys };
        if number != 0 && keys.next == number {
            // The last one was decrypted, or the number would be the same.
            keys.success = keys.result;
            keys.next = number + 1;
            return Some(keys);
        }
        if number != 0 && keys.next == number + 1 {
            return Some(keys);
        }
    }
    let new = Keys { next: number + 1, whole: u32::from(number == 0), ..Keys::default() };
    KEYS.insert(key, new, 0).ok()?;
    let _ = RECEIVERS.insert(key.pid, 1, 0);
    // What lay at this address and was never bound.
    conns::close(key, u64::from(key.pid) << 32 | u64::from(key.pid), 0);
    // SAFETY: as above.
    KEYS.get_ptr_mut(key).map(|keys| unsafe { &mut *keys })
}

/// The connection of keys that moved something; opened where there is none. `fd`:
/// the descriptor of their socket, where it became known just now.
#[inline(always)]
pub fn conn<C: EbpfContext>(
    key: &ConnKey,
    keys: &mut Keys,
    fd: i32,
    ctx: &C,
    pid_tgid: u64,
) -> Option<&'static mut Conn> {
    let cookie = || conns::cookie(ctx, tls::RUSTLS);
    let fresh = if keys.whole != 0 { conn_flags::FRESH } else { 0 };
    if keys.socket != 0 {
        let bound = ConnKey { object: keys.socket, pid: key.pid, reserved: 0 };
        if let Some(conn) = conns::find(&bound) {
            return Some(conn);
        }
        if fd >= 0 {
            let conn = conns::open(&bound, cookie(), pid_tgid, fresh)?;
            socket::introduce(conn, fd, pid_tgid);
            return Some(conn);
        }
        // Its socket was closed.
        keys.socket = 0;
    }
    if let Some(conn) = conns::find(key) {
        return Some(conn);
    }
    conns::open(key, cookie(), pid_tgid, fresh | conn_flags::UNBOUND)
}

/// Keys encrypted something on this thread: the next write is to their socket.
#[inline(always)]
pub fn will_write(thread: &mut Thread, object: u64) {
    // Of two that wait, nobody knows whose the write is. The next record tells.
    let other = thread.wrote == WROTE && thread.wrote_object != object;
    thread.wrote = if other { 0 } else { WROTE };
    thread.wrote_object = object;
}

/// Keys waited for the write that this thread has made; `object` is their address, or
/// 0.
#[inline(always)]
pub fn wrote(object: u64, fd: i32, pid_tgid: u64) {
    if object != 0
        && bind(object, fd, pid_tgid)
        && let Some(thread) = THREADS.get_ptr_mut(pid_tgid)
    {
        // SAFETY: the element is this thread's.
        unsafe { (*thread).wrote = 0 };
    }
}

/// Whether keys are bound to the socket of a descriptor that has been the same since.
#[inline(always)]
pub fn is_bound(keys: &Keys, fd: i32, pid: u32) -> bool {
    keys.socket != 0 && keys.fd == fd && descriptors::seen(pid, fd) == descriptors::RECORDS
}

/// The keys at the address `object` are used for the socket `fd`. `false`: that is
/// no TCP socket.
#[inline(never)]
pub fn bind(object: u64, fd: i32, pid_tgid: u64) -> bool {
    let pid = (pid_tgid >> 32) as u32;
    let key = ConnKey { object, pid, reserved: 0 };
    let seen = descriptors::seen(pid, fd);
    if seen == descriptors::HTTP {
        return false;
    }
    let Some(socket) = number(pid_tgid, fd) else { return false };
    let Some(keys) = KEYS.get_ptr_mut(key) else { return true };
    // SAFETY: as in `used`.
    let keys = unsafe { &mut *keys };
    if keys.socket == socket {
        keys.fd = fd;
    } else {
        let to = ConnKey { object: socket, pid, reserved: 0 };
        let was_open = conns::find(&to).is_some();
        // Where there was no room, the next call tries again.
        if join(&key, &to, pid_tgid) {
            keys.socket = socket;
            keys.fd = fd;
            if !was_open && let Some(conn) = conns::find(&to) {
                socket::introduce(conn, fd, pid_tgid);
            }
        }
    }
    // It may have been forgotten, and told by its first bytes since.
    if keys.socket == socket && seen != descriptors::RECORDS {
        descriptors::set(pid, fd, descriptors::RECORDS);
    }
    true
}

/// What was unbound is of a socket's connection, or becomes it. `false`: there was no
/// room to tell so, or to keep it, and nothing is changed.
#[inline(never)]
fn join(from: &ConnKey, to: &ConnKey, pid_tgid: u64) -> bool {
    let Some(half) = conns::find(from) else { return true };
    let whole = conns::find(to);
    let (into, moved, lost) = match &whole {
        Some(whole) => (whole.id, whole.moved, whole.lost),
        None => (half.id, [0; 2], [0; 2]),
    };
    let Some(mut entry) = emit::reserve::<Bound>() else { return false };
    let record = entry.as_mut_ptr();
    // SAFETY: `record` points to a reserved record, of which every field is written.
    unsafe {
        (&raw mut (*record).header).write(emit::header(Kind::Bound, 0, 0, pid_tgid));
        (&raw mut (*record).conn).write(half.id);
        (&raw mut (*record).into).write(into);
        (&raw mut (*record).object).write(to.object);
        (&raw mut (*record).moved).write(moved);
        (&raw mut (*record).lost).write(lost);
    }
    let Some(whole) = whole else {
        half.flags &= !conn_flags::UNBOUND;
        if CONNS.insert(to, &*half, 0).is_err() {
            half.flags |= conn_flags::UNBOUND;
            entry.discard(emit::wakeup());
            return false;
        }
        entry.submit(emit::wakeup());
        let _ = CONNS.remove(from);
        return true;
    };
    // Before the counters: whoever reads those has seen the record.
    entry.submit(emit::wakeup());
    for side in [direction::SENT, direction::RECEIVED] {
        whole.moved[side] += half.moved[side];
        whole.lost[side] += half.lost[side];
        whole.ignored[side] += half.ignored[side];
    }
    let _ = CONNS.remove(from);
    true
}

/// A descriptor of a socket with records is about to be closed.
#[inline(always)]
pub fn closing(pid_tgid: u64, fd: i32) {
    if let Some(object) = number(pid_tgid, fd) {
        let key = ConnKey { object, pid: (pid_tgid >> 32) as u32, reserved: 0 };
        // One that was duplicated goes on.
        if conns::find(&key).is_some_and(|conn| conn.fd == fd) {
            conns::close(&key, pid_tgid, 0);
        }
    }
}

/// Names the TCP socket of a descriptor: by its inode, or, where the way there is
/// not known, by the descriptor of a socket that was seen to connect.
#[inline(always)]
fn number(pid_tgid: u64, fd: i32) -> Option<u64> {
    if !file::is_known() {
        let key = SocketKey { pid: (pid_tgid >> 32) as u32, fd };
        return SOCKETS.get_ptr(key).map(|_| u64::from(fd as u32) | TLS_SOCKET);
    }
    let file = file::open(fd)?;
    file.tcp()?;
    Some(file.number()? | TLS_SOCKET)
}
