//! Keys and values of the maps.

use crate::Address;

/// Names a TLS object, or a plain socket, while it lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct ConnKey {
    /// Address of the TLS object in its process; of a plain socket, the number
    /// of its inode with [`PLAIN_SOCKET`]; of a socket under rustls, with
    /// [`TLS_SOCKET`]; [`STDIO`].
    pub object: u64,
    /// Thread group.
    pub pid: u32,
    /// Unused, zero: keys are compared as bytes.
    pub reserved: u32,
}

/// Set in [`ConnKey::object`] where it names a socket: no address of a process
/// has it.
pub const PLAIN_SOCKET: u64 = 1 << 63;
/// The same of a socket whose TLS objects are one for each direction and key.
pub const TLS_SOCKET: u64 = 1 << 62;
/// The same of a process's standard input and output, of which it has one pair.
pub const STDIO: u64 = 1 << 61;

/// A connection: one generation of a TLS object or socket. Counters are by direction, and
/// updated after the records they count were reserved, so that whoever reads
/// them and then the ring to its end has seen what they count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Conn {
    /// Names the generation; never used twice while the programs are loaded.
    pub id: u64,
    /// Bytes moved, lost and ignored ones included.
    pub moved: [u64; 2],
    /// Bytes that found no room or could not be read.
    pub lost: [u64; 2],
    /// Bytes of no interest, counted only.
    pub ignored: [u64; 2],
    /// Bits of [`conn_flags`].
    pub flags: u32,
    /// The descriptor of its socket; -1: unknown; -2 - n: n was guessed. Of a
    /// plain socket, the one last used.
    pub fd: i32,
    /// Thread group.
    pub pid: u32,
    /// Guesses at the descriptor made so far.
    pub guesses: u32,
    /// Whether a call that writes is under way: one of [`writing`].
    pub writing: u32,
    /// Of a Go connection, the lower half of the number of its socket's inode, where
    /// known; else 0.
    pub socket: u32,
}

/// Values of [`Conn::writing`].
pub mod writing {
    /// None is.
    pub const NO: u32 = 0;
    /// One is: what it moves is told when it returns.
    pub const UNDER_WAY: u32 = 1;
    /// None is known to be. Of a plain socket that sends requests: a response has begun,
    /// and nothing was sent since.
    pub const ANSWERED: u32 = 2;
}

/// Bits of [`Conn::flags`].
pub mod conn_flags {
    /// The user side wants no more of its bytes.
    pub const IGNORED: u32 = 1;
    /// Seen before it moved a byte.
    pub const FRESH: u32 = 2;
    /// A plain socket that sends requests: nothing follows the other end's end.
    pub const CLIENT: u32 = 4;
    /// A plain socket that is to become a tunnel.
    pub const TUNNEL: u32 = 8;
    /// Of one direction's keys, whose socket is not known yet.
    pub const UNBOUND: u32 = 16;
}

/// How many connections can be ignored at once before one forgets; a forgotten
/// one is ignored again at its next chunk.
pub const INTEREST_SLOTS: u32 = 1 << 16;

/// The slot of a connection in the array of ignored ones.
#[inline(always)]
pub const fn interest_slot(conn: u64) -> u32 {
    // Fibonacci hashing: ids are times, their low bits are not spread.
    (conn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as u32
}

/// A call under way: what its entry knows, for its return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Call {
    /// The TLS object.
    pub object: u64,
    /// The caller's buffer.
    pub buffer: u64,
    /// Where the callee writes how much it moved, or 0: it returns that.
    pub moved_at: u64,
    /// Stack pointer at the entry: tells a call's own return from those of
    /// calls it makes, and a stale call from a live one.
    pub stack: u64,
    /// What the call does, in the program's own encoding; 0: none is under way.
    pub kind: u32,
    /// Descriptor of the first socket call inside the call, or -1.
    pub inside_fd: i32,
    /// When it began.
    pub begun: u64,
}

/// What is known of a thread that was inside TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Thread {
    /// The innermost call.
    pub call: Call,
    /// The one that `call` was made in: a callback of `SSL_read` may write.
    pub outer: Call,
    /// Descriptor of the last receive on this thread, or -1.
    pub received_fd: i32,
    /// Not zero: the next socket write belongs to `wrote_object`; which kind of
    /// object that is, in the program's own encoding.
    pub wrote: u32,
    /// The TLS object last written to.
    pub wrote_object: u64,
    /// What the call moved, on its way out. Here and not on the stack: what the
    /// verifier knows of a stack slot differs from turn to turn of a loop, and
    /// it would follow every turn.
    pub vector: Vector,
}

/// A transfer on its way out, chunk by chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Transfer {
    /// The caller's buffer, from the next chunk on.
    pub buffer: u64,
    /// Bytes to go.
    pub left: u64,
    /// The connection.
    pub conn: u64,
    /// Bytes of the direction before the next chunk.
    pub offset: u64,
    /// Those of them that were lost.
    pub lost: u64,
    /// When the call returned; of a call that writes, when it began.
    pub time: u64,
    /// Thread group and thread.
    pub pid_tgid: u64,
    /// Flags of each chunk.
    pub flags: u64,
}

/// Names a call of a goroutine, by the frame it made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct GoFrame {
    /// Address of the goroutine's `runtime.g`.
    pub goroutine: u64,
    /// How far the frame is from the high end of the goroutine's stack, in bytes:
    /// the same wherever the stack moves.
    pub depth: u64,
    /// Thread group.
    pub pid: u32,
    /// Unused, zero: keys are compared as bytes.
    pub reserved: u32,
}

/// A call of a goroutine under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct GoCall {
    /// The `tls.Conn`.
    pub object: u64,
    /// The caller's buffer.
    pub buffer: u64,
    /// Its length.
    pub len: u64,
    /// When it began.
    pub begun: u64,
    /// Not zero: `buffer` is how far it is from the high end of the goroutine's
    /// stack, on which it lies.
    pub moves: u64,
}

/// A transfer on its way out from one buffer, or from one after another. The rest of
/// the current one is in `transfer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Vector {
    /// What is left of the current buffer.
    pub transfer: Transfer,
    /// Bytes to go in all buffers.
    pub left: u64,
    /// Address of the next `struct iovec`.
    pub next: u64,
    /// How many of them follow.
    pub count: u64,
    /// Bytes of those to leave out, in front.
    pub skip: u64,
}

/// What is known of the keys of one direction of a rustls connection: a
/// `MessageEncrypter` or `MessageDecrypter`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Keys {
    /// The socket they are used for, as [`ConnKey::object`], or 0.
    pub socket: u64,
    /// The next record's number. Keys that begin anew are others.
    pub next: u64,
    /// How the result of the last record began, plus one; 0: none was decrypted.
    pub result: u32,
    /// How the result of a record begins that could be decrypted, plus one; 0: not
    /// known.
    pub success: u32,
    /// Not zero: all of their records were seen.
    pub whole: u32,
    /// The descriptor by which they were bound to `socket`.
    pub fd: i32,
}

/// Names a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct SocketKey {
    /// Thread group.
    pub pid: u32,
    /// Descriptor.
    pub fd: i32,
}

/// What is known of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SocketState {
    /// This end.
    pub local: Address,
    /// The other end.
    pub peer: Address,
}

/// What could not be accounted to a connection, by CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Stats {
    /// Calls not seen: the table of threads was full, or they were made too deep
    /// inside others.
    pub untracked_calls: u64,
    /// Bytes not captured, because the table of connections was full.
    pub untracked_bytes: u64,
    /// Records other than chunks that found no room.
    pub lost_records: u64,
}

const _: () = {
    assert!(INTEREST_SLOTS == 1 << 16);
    assert!(size_of::<ConnKey>() == 16 && align_of::<ConnKey>() == 8);
    assert!(size_of::<Conn>() == 80);
    assert!(size_of::<Call>() == 48);
    assert!(size_of::<Thread>() == 2 * 48 + 16 + 96);
    assert!(size_of::<GoFrame>() == 24 && align_of::<GoFrame>() == 8);
    assert!(size_of::<GoCall>() == 40);
    assert!(size_of::<Vector>() == 64 + 32);
    assert!(size_of::<Keys>() == 32);
    assert!(size_of::<SocketKey>() == 8);
    assert!(size_of::<SocketState>() == 40);
    assert!(size_of::<Stats>() == 24);
};
