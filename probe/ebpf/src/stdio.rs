//! Standard input and output, where an MCP server speaks JSON-RPC on them
//! (<https://modelcontextprotocol.io/specification>, transports: stdio): messages that a
//! client writes into one pipe, a line each, and reads from another.
//!
//! Seen is the server's end: what it reads from the one and writes to the other is one
//! connection of its process. A client has descriptors of any number for many servers, and
//! is not looked at, so nothing is seen twice. Some servers move theirs away, so that what
//! is printed does not get between the messages: with which pipes a process was started is
//! kept.
//!
//! Most of what programs read and write there is something else. Of a pipe, the first
//! bytes of some transfers are looked at, as one that is older than llmtop may go on with
//! the middle of a message, and a server may greet before it is asked; then it is left
//! alone.

use llmtop_probe_common::{Conn, ConnKey, STDIO, tls};

use crate::http::HEAD;
use crate::maps::{SETTINGS, STDIO_PIPES};
use crate::plain::{Moved, first_bytes};
use crate::{conns, descriptors, file};

const INPUT: i32 = 0;
const OUTPUT: i32 = 1;

/// Transfers of a pipe that are looked at before it is left alone.
const LOOKS: u8 = 64;

/// Whether a transfer is of this module: standard input or output, which is a pipe.
#[inline(always)]
pub fn is_end(moved: &Moved) -> bool {
    if SETTINGS.load().stdio == 0 {
        return false;
    }
    match moved.seen {
        descriptors::STDIO => true,
        descriptors::UNKNOWN => {
            let pid = (moved.pid_tgid >> 32) as u32;
            // SAFETY: copied at once.
            let kept = unsafe { STDIO_PIPES.get(pid) }.copied();
            let is_standard = moved.fd as u32 <= OUTPUT as u32;
            if !is_standard && kept.is_none() {
                return false;
            }
            let number = pipe(moved.fd);
            let is_kept = || kept.is_some_and(|kept| number == kept[0] || number == kept[1]);
            number != 0 && (is_standard || is_kept())
        }
        seen => seen & descriptors::PIPE != 0,
    }
}

/// The process executes a program: keeps what it begins with.
#[inline(always)]
pub fn executed(pid: u32) {
    if SETTINGS.load().stdio == 0 {
        return;
    }
    let pipes = [pipe(INPUT), pipe(OUTPUT)];
    if pipes == [0; 2] {
        let _ = STDIO_PIPES.remove(pid);
    } else {
        let _ = STDIO_PIPES.insert(pid, pipes, 0);
    }
}

/// The number of a pipe's inode; 0: the descriptor is none.
#[inline(always)]
fn pipe(fd: i32) -> u64 {
    let pipe = file::open(fd).filter(|file| file.is_pipe());
    pipe.and_then(file::File::number).unwrap_or(0)
}

/// The connection of what was moved, if it has one by now.
#[inline(never)]
pub fn conn(moved: &Moved) -> Option<&'static mut Conn> {
    let other = if moved.read != 0 { OUTPUT } else { INPUT };
    // Nothing ends with the input: what was asked before may be answered yet.
    if moved.fd == other || moved.result <= 0 {
        return None;
    }
    let pid = (moved.pid_tgid >> 32) as u32;
    let key = ConnKey { object: STDIO, pid, reserved: 0 };
    if let Some(conn) = conns::find(&key) {
        // Of a pair, one may be known before the other.
        if moved.seen != descriptors::STDIO {
            descriptors::set(pid, moved.fd, descriptors::STDIO);
        }
        return Some(conn);
    }
    if first_bytes(moved).is_some_and(|head| is_json_rpc(&head)) {
        descriptors::set(pid, moved.fd, descriptors::STDIO);
        let conn = conns::open(&key, tls::STDIO, moved.pid_tgid, 0);
        if conn.is_none() {
            conns::untracked(moved.result as u64);
        }
        return conn;
    }
    let left = match moved.seen {
        descriptors::UNKNOWN => LOOKS,
        descriptors::STDIO => 1,
        seen => seen & !descriptors::PIPE,
    };
    let now = if left > 1 { descriptors::PIPE | (left - 1) } else { descriptors::OTHER };
    descriptors::set(pid, moved.fd, now);
    None
}

/// A descriptor with JSON-RPC is closed. What is answered goes to the output.
#[inline(always)]
pub fn closing(pid_tgid: u64, fd: i32) {
    if fd == OUTPUT {
        let key = ConnKey { object: STDIO, pid: (pid_tgid >> 32) as u32, reserved: 0 };
        conns::close(&key, pid_tgid, 0);
    }
}

/// Whether bytes begin like a message of JSON-RPC 2.0, or like a batch of them: an
/// object whose first member is one that such a message has.
#[inline(always)]
fn is_json_rpc(head: &[u8; HEAD]) -> bool {
    let half = |at: usize| {
        u64::from_le_bytes([
            head[at],
            head[at + 1],
            head[at + 2],
            head[at + 3],
            head[at + 4],
            head[at + 5],
            head[at + 6],
            head[at + 7],
        ])
    };
    let mut rest = Rest { next: half(0), then: half(8) };
    if rest.first() == b'[' {
        rest.skip();
    }
    if rest.first() != b'{' {
        return false;
    }
    rest.skip();
    if rest.first() == b' ' {
        rest.skip();
    }
    const ID: u64 = 0xffff_ffff;
    const ERROR: u64 = 0x00ff_ffff_ffff_ffff;
    rest.next == u64::from_le_bytes(*b"\"jsonrpc")
        || rest.next == u64::from_le_bytes(*b"\"method\"")
        || rest.next == u64::from_le_bytes(*b"\"params\"")
        || rest.next == u64::from_le_bytes(*b"\"result\"")
        || rest.next & ERROR == u64::from_le_bytes(*b"\"error\"\0")
        || rest.next & ID == u64::from_le_bytes(*b"\"id\"\0\0\0\0")
}

/// What is left of the first bytes: the first of them is the lowest.
struct Rest {
    next: u64,
    then: u64,
}

impl Rest {
    #[inline(always)]
    fn first(&self) -> u8 {
        self.next as u8
    }

    #[inline(always)]
    fn skip(&mut self) {
        self.next = self.next >> 8 | self.then << 56;
        self.then >>= 8;
    }
}
