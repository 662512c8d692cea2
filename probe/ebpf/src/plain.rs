//! HTTP without TLS, on TCP sockets.
//!
//! A socket is looked at until it is known: sixteen bytes of each transfer, as a
//! connection that is older than llmtop may begin a message at any. From the
//! first that begins like HTTP on, it is a connection: named by its inode, so
//! that descriptors that were duplicated are one, and a process that inherited
//! it is another. What carries TLS is never looked at again.
//!
//! A call is seen where it returns, and the thread that sends a request may be kept from
//! that until another has the response. So a response that begins before anything was
//! sent, or after another with nothing sent in between, says that a write is under way.

use aya_ebpf::helpers::generated::bpf_probe_read_user;
use llmtop_probe_common::{
    Conn, ConnKey, PLAIN_SOCKET, Vector, conn_flags, direction, flags, tls, writing,
};

use crate::http::{self, Beginning, HEAD};
use crate::{conns, deliver, descriptors, emit, file, filter, interest, keys, socket, stdio};

/// A system call on a descriptor that returns.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Moved {
    pub pid_tgid: u64,
    /// Bytes that were moved, or an error.
    pub result: i64,
    /// Where the caller's bytes are: a buffer, an array of `struct iovec`, or a
    /// `struct msghdr`, as `shape` says.
    pub at: u64,
    /// The buffer's length, or the array's.
    pub len: u64,
    pub fd: i32,
    /// What the descriptor is, as far as known.
    pub seen: u8,
    /// The call reads.
    pub read: u8,
    /// One of [`shape`].
    pub shape: u8,
    /// It is of standard input and output, and no socket.
    pub stdio: u8,
    /// The bytes on their way out.
    pub vector: Vector,
}

/// Where the caller's bytes are.
pub mod shape {
    /// In a buffer.
    pub const BUFFER: u8 = 0;
    /// In several.
    pub const VECTOR: u8 = 1;
    /// In those of a message.
    pub const MESSAGE: u8 = 2;
}

/// `struct iovec`
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Iovec {
    base: u64,
    len: u64,
}

/// Bytes may have been moved on what may be a plain socket.
#[inline(always)]
pub fn moved<const LOOP: bool>(moved: &mut Moved) {
    let is_stdio = stdio::is_end(moved);
    moved.stdio = u8::from(is_stdio);
    let conn = if is_stdio {
        stdio::conn(moved)
    } else if filter::wanted((moved.pid_tgid >> 32) as u32) {
        conn(moved)
    } else {
        None
    };
    if let Some(conn) = conn {
        conn.fd = moved.fd;
        deliver::<LOOP>(conn, moved);
    }
}

/// The connection of what was moved, if it has one by now.
#[inline(never)]
fn conn(moved: &mut Moved) -> Option<&'static mut Conn> {
    if moved.seen == descriptors::HTTP
        && let Some(key) = key(moved.pid_tgid, moved.fd)
        && let Some(conn) = conns::find(&key)
    {
        if moved.result > 0 {
            let is_tunnel = conn.flags & conn_flags::TUNNEL != 0;
            let is_answer = moved.read != 0 && conn.flags & conn_flags::CLIENT != 0;
            let beginning = if is_tunnel || is_answer { head(moved) } else { None };
            if is_tunnel && beginning == Some(Beginning::Tls) {
                descriptors::set(key.pid, moved.fd, descriptors::TLS);
                conns::close(&key, moved.pid_tgid, 0);
                return None;
            }
            if is_answer && beginning == Some(Beginning::Response) {
                conn.writing = match conn.writing {
                    writing::NO => writing::ANSWERED,
                    _ => writing::UNDER_WAY,
                };
            }
            return Some(conn);
        }
        // The other end's end, where this one asks: nothing more will come. An error may
        // say that there is nothing yet.
        let asked = moved.shape != shape::BUFFER || moved.len > 0;
        if moved.result == 0 && moved.read != 0 && asked && conn.flags & conn_flags::CLIENT != 0 {
            descriptors::set(key.pid, moved.fd, descriptors::TCP);
            conns::close(&key, moved.pid_tgid, flags::END_OF_STREAM);
        }
        return None;
    }
    // None yet, or it ended: another message may begin.
    if moved.result > 0 { begin(moved) } else { None }
}

/// The connection that begins with what was moved, if one does.
#[inline(always)]
fn begin(moved: &mut Moved) -> Option<&'static mut Conn> {
    let pid = (moved.pid_tgid >> 32) as u32;
    let seen = moved.seen;
    let is_tcp = || file::open(moved.fd).and_then(file::File::tcp).is_some();
    if seen != descriptors::TCP && !is_tcp() {
        descriptors::set(pid, moved.fd, descriptors::OTHER);
        return None;
    }
    let beginning = head(moved)?;
    let is_http = !matches!(beginning, Beginning::Other | Beginning::Tls);
    if is_http || seen == descriptors::UNKNOWN {
        let key = key(moved.pid_tgid, moved.fd)?;
        // Its descriptor was duplicated, or forgotten.
        if let Some(conn) = conns::find(&key) {
            descriptors::set(pid, moved.fd, descriptors::HTTP);
            return Some(conn);
        }
        if is_http {
            return open(&key, beginning, moved);
        }
    }
    let now = if beginning == Beginning::Tls { descriptors::TLS } else { descriptors::TCP };
    if seen != now {
        descriptors::set(pid, moved.fd, now);
    }
    None
}

/// A connection begins with what was moved.
#[inline(always)]
fn open(key: &ConnKey, beginning: Beginning, moved: &Moved) -> Option<&'static mut Conn> {
    descriptors::set(key.pid, moved.fd, descriptors::HTTP);
    let mut flags = if moved.seen == descriptors::NEW { conn_flags::FRESH } else { 0 };
    if (beginning == Beginning::Response) == (moved.read != 0) {
        flags |= conn_flags::CLIENT;
    }
    if beginning == Beginning::Connect {
        flags |= conn_flags::TUNNEL;
    }
    let Some(conn) = conns::open(key, tls::NONE, moved.pid_tgid, flags) else {
        conns::untracked(moved.result as u64);
        return None;
    };
    socket::introduce(conn, moved.fd, moved.pid_tgid);
    if beginning == Beginning::Response && moved.read != 0 {
        let is_new = flags & conn_flags::FRESH != 0;
        conn.writing = if is_new { writing::UNDER_WAY } else { writing::ANSWERED };
    }
    Some(conn)
}

/// What the bytes that were moved begin like.
#[inline(always)]
fn head(moved: &Moved) -> Option<Beginning> {
    first_bytes(moved).map(|head| http::beginning(&head))
}

/// The first bytes that were moved, and zeros where there are no more.
#[inline(always)]
pub fn first_bytes(moved: &Moved) -> Option<[u8; HEAD]> {
    let first = match moved.shape {
        shape::BUFFER => Iovec { base: moved.at, len: moved.len },
        shape::VECTOR => iovec(moved.at)?,
        _ => iovec(message(moved.at)?.base)?,
    };
    let len = (moved.result as u64).min(first.len);
    let len = if len > HEAD as u64 { HEAD as u64 } else { len };
    let mut head = [0u8; HEAD];
    // SAFETY: writes at most the array's length to it.
    let failed = unsafe {
        bpf_probe_read_user(head.as_mut_ptr().cast(), len as u32, first.base as *const _)
    };
    (failed == 0).then_some(head)
}

/// Bytes of a connection, in one buffer or several.
#[inline(always)]
fn deliver<const LOOP: bool>(conn: &mut Conn, moved: &mut Moved) {
    let side = if moved.read != 0 { direction::RECEIVED } else { direction::SENT };
    let left = moved.result as u64;
    let vector = &mut moved.vector;
    if !deliver::begin(&mut vector.transfer, conn, side, left, emit::now(), moved.pid_tgid) {
        return;
    }
    let kind = if moved.stdio != 0 { flags::STDIO } else { flags::PLAIN };
    vector.transfer.flags |= u64::from(kind);
    let (at, count) = match moved.shape {
        shape::MESSAGE => {
            let array = message(moved.at).unwrap_or_default();
            (array.base, array.len)
        }
        _ => (moved.at, moved.len),
    };
    let in_one = moved.shape == shape::BUFFER;
    vector.transfer.buffer = at;
    vector.transfer.left = if in_one { left } else { 0 };
    vector.left = left;
    vector.next = at;
    vector.count = if in_one { 0 } else { count };
    vector.skip = 0;
    emit::vector::<LOOP>(vector);
    deliver::end(&vector.transfer, conn, side);
    if moved.read == 0 {
        // Not before its chunks are in the ring: a response has them behind it, or waits.
        conn.writing = writing::NO;
    }
}

/// Bytes that went through a descriptor and no buffer: lost, where it has a
/// connection.
#[inline(always)]
pub fn unseen(pid_tgid: u64, fd: i32, read: bool, result: i64) {
    let pid = (pid_tgid >> 32) as u32;
    if result <= 0 || descriptors::seen(pid, fd) != descriptors::HTTP {
        return;
    }
    let side = if read { direction::RECEIVED } else { direction::SENT };
    if let Some(key) = key(pid_tgid, fd)
        && let Some(conn) = conns::find(&key)
    {
        let bytes = if interest::ignored(conn) { &mut conn.ignored } else { &mut conn.lost };
        bytes[side] += result as u64;
        conn.moved[side] += result as u64;
    }
}

/// A descriptor is about to be closed: what has no other ends.
#[inline(always)]
pub fn closing(pid_tgid: u64, fd: i32) {
    let pid = (pid_tgid >> 32) as u32;
    match descriptors::take(pid, fd) {
        descriptors::HTTP => {}
        descriptors::RECORDS => return keys::closing(pid_tgid, fd),
        descriptors::STDIO => return stdio::closing(pid_tgid, fd),
        // All of the process may have been forgotten.
        descriptors::UNKNOWN if !descriptors::has_any(pid) => keys::closing(pid_tgid, fd),
        _ => return,
    }
    // One that was duplicated goes on where it was used last.
    if let Some(key) = key(pid_tgid, fd)
        && conns::find(&key).is_some_and(|conn| conn.fd == fd)
    {
        conns::close(&key, pid_tgid, 0);
    }
}

/// The name of the connection of a descriptor.
#[inline(always)]
fn key(pid_tgid: u64, fd: i32) -> Option<ConnKey> {
    let number = file::open(fd)?.number()?;
    Some(ConnKey { object: number | PLAIN_SOCKET, pid: (pid_tgid >> 32) as u32, reserved: 0 })
}

/// The array of buffers of a `struct msghdr`: two pointers, with a length each.
#[inline(always)]
fn message(at: u64) -> Option<Iovec> {
    iovec(at + 16)
}

#[inline(always)]
fn iovec(at: u64) -> Option<Iovec> {
    let mut iovec = Iovec::default();
    // SAFETY: writes the value's size to a local.
    let failed = unsafe {
        bpf_probe_read_user((&raw mut iovec).cast(), size_of::<Iovec>() as u32, at as *const _)
    };
    (failed == 0).then_some(iovec)
}
