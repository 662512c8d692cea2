//! Records in the ring buffer. Each starts with a [`Header`]; what follows the
//! fixed part, and how much of it counts, is `Header::len`. A record may be
//! longer than its contents: reserves come in tiers.

/// Largest payload of one [`Chunk`].
pub const MAX_CHUNK: usize = 16 * 1024;
/// Payload sizes in which chunks are reserved.
pub const CHUNK_TIERS: [usize; 3] = [256, 2048, MAX_CHUNK];
/// What one call may move and still be captured whole; the rest counts as lost.
pub const MAX_CALL_BYTES: u64 = 16 << 20;
/// Arguments kept of one command line.
pub const MAX_ARGS: usize = 128;
/// Bytes kept of one command line, terminators included.
pub const MAX_ARGS_BYTES: usize = 4096;
/// Bytes kept of an executable's path.
pub const MAX_FILENAME: usize = 256;
/// Bytes kept of a TLS server name (DNS allows 253).
pub const MAX_SERVER_NAME: usize = 256;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// [`Open`]
    Open = 1,
    /// [`Chunk`]
    Chunk = 2,
    /// [`Close`]
    Close = 3,
    /// [`ServerName`]
    ServerName = 4,
    /// [`Socket`]
    Socket = 5,
    /// [`Exec`]
    Exec = 6,
    /// [`Args`]
    Args = 7,
    /// [`Exit`]
    Exit = 8,
    /// [`Mapped`]
    Mapped = 9,
    /// [`Bound`]
    Bound = 10,
}

/// Indices of the two directions.
pub mod direction {
    /// The process wrote.
    pub const SENT: usize = 0;
    /// The process read.
    pub const RECEIVED: usize = 1;
}

/// Bits of [`Header::flags`](super::Header).
pub mod flags {
    /// Chunk: received, not sent.
    pub const RECEIVED: u16 = 1;
    /// Open: the TLS object or socket was seen before it moved a byte.
    pub const FRESH: u16 = 2;
    /// Close: the other end closed; otherwise the TLS object was freed or the
    /// descriptor closed.
    pub const END_OF_STREAM: u16 = 8;
    /// Chunk: more of the same call follows.
    pub const MORE: u16 = 16;
    /// Chunk: received while another thread was inside a call that writes on the
    /// connection, whose chunks come later although its bytes may have gone first.
    pub const WHILE_WRITING: u16 = 32;
    /// Open: of one direction's keys, whose socket is not known yet. [`Bound`](super::Bound)
    /// will tell.
    pub const UNBOUND: u16 = 64;
    /// Exec, Mapped: of a process whose calls no filter will have.
    pub const UNWANTED: u16 = 128;
    /// Chunk: of a plain socket, as its opening record says, which may be lost.
    pub const PLAIN: u16 = 256;
    /// Chunk: the same of standard input and output.
    pub const STDIO: u16 = 512;
}

/// TLS implementations, as attach cookies carry them, and their absence. The rest
/// of a cookie numbers the target, a file whose probes were attached together.
pub mod tls {
    /// Not told: kernels before 5.15 have no cookies.
    pub const UNKNOWN: u32 = 0;
    /// OpenSSL.
    pub const OPENSSL: u32 = 1;
    /// BoringSSL.
    pub const BORINGSSL: u32 = 2;
    /// GnuTLS.
    pub const GNUTLS: u32 = 3;
    /// rustls.
    pub const RUSTLS: u32 = 4;
    /// Go's `crypto/tls`.
    pub const GO: u32 = 5;
    /// NSS.
    pub const NSS: u32 = 6;
    /// None: a plain socket. No cookie has it.
    pub const NONE: u32 = 0x8000_0000;
    /// None, and no socket: standard input and output. No cookie has it.
    pub const STDIO: u32 = 0x8000_0001;

    /// Targets have numbers from 1 to here, and then again.
    pub const MAX_TARGET: u32 = (1 << 23) - 1;

    /// The cookie of the probes of an implementation in a target.
    pub const fn cookie(tls: u32, target: u32) -> u32 {
        tls & 0xff | (target & MAX_TARGET) << 8
    }

    /// The implementation and the target of [`Open::tls`](super::Open), 0 where
    /// there is none.
    pub const fn of_cookie(cookie: u32) -> (u32, u32) {
        if cookie >= NONE { (cookie, 0) } else { (cookie & 0xff, cookie >> 8) }
    }
}

/// How each record starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Header {
    /// A [`Kind`].
    pub kind: u16,
    /// Bits of [`flags`].
    pub flags: u16,
    /// Bytes of payload after the fixed part.
    pub len: u32,
    /// `CLOCK_BOOTTIME`, nanoseconds.
    pub time: u64,
    /// Thread group.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
}

/// A connection's first sign of life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Open {
    /// Header; no payload.
    pub header: Header,
    /// The connection.
    pub conn: u64,
    /// Which TLS object or socket, as [`ConnKey`](super::ConnKey) names it: with
    /// the process, the key of the counters.
    pub object: u64,
    /// The attach cookie, or [`tls::NONE`].
    pub tls: u32,
    /// Real user id.
    pub uid: u32,
    /// Id of the cgroup (version 2).
    pub cgroup: u64,
    /// Parent thread group where its fork was seen, else 0.
    pub parent: u32,
    /// Unused, zero.
    pub reserved: u32,
    /// Name of the thread.
    pub comm: [u8; 16],
}

/// Plaintext of one direction; the payload follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Chunk {
    /// Header; the payload is what was moved. Its time is the latest at which the
    /// bytes received arrived, and the earliest at which those sent left: when a
    /// call that reads returned, when a call that writes began. (A plain socket's
    /// calls are seen only where they return.)
    pub header: Header,
    /// The connection.
    pub conn: u64,
    /// Bytes moved in this direction before these, lost ones included.
    pub offset: u64,
    /// Bytes lost in this direction before these.
    pub lost: u64,
}

/// A connection ended; its final counters, by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Close {
    /// Header; no payload.
    pub header: Header,
    /// The connection.
    pub conn: u64,
    /// Bytes moved, lost and ignored ones included.
    pub moved: [u64; 2],
    /// Bytes that found no room or could not be read.
    pub lost: [u64; 2],
    /// Bytes of no interest, counted only.
    pub ignored: [u64; 2],
}

/// The server name of a TLS handshake; the payload is the name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ServerName {
    /// Header; the payload is the name without terminator.
    pub header: Header,
    /// The connection.
    pub conn: u64,
}

/// An IP address and port; family 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Address {
    /// `AF_INET`, `AF_INET6`, or 0.
    pub family: u16,
    /// Port, host byte order.
    pub port: u16,
    /// The address in network order; IPv4 in the first four bytes.
    pub ip: [u8; 16],
}

/// The socket under a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Socket {
    /// Header; no payload.
    pub header: Header,
    /// The connection.
    pub conn: u64,
    /// The descriptor in the process.
    pub fd: i32,
    /// This end, as far as known.
    pub local: Address,
    /// The other end, as far as known.
    pub peer: Address,
    /// Unused, zero.
    pub reserved: u32,
}

/// A process executed a program; the payload is the program's path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Exec {
    /// Header; the payload is the path without terminator.
    pub header: Header,
    /// Parent thread group where its fork was seen, else 0.
    pub parent: u32,
    /// Real user id.
    pub uid: u32,
    /// Id of the cgroup (version 2).
    pub cgroup: u64,
    /// The new name.
    pub comm: [u8; 16],
}

/// A command line about to be executed, of the process's next [`Exec`]; the payload is its
/// arguments, each ended by a zero byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Args {
    /// Header.
    pub header: Header,
}

/// A thread group ended: no thread of it will run again, or, where the kernel's types
/// are not known, its leader will not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Exit {
    /// Header; no payload.
    pub header: Header,
}

/// A process mapped executable code from a file, or is about to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Mapped {
    /// Header; no payload.
    pub header: Header,
}

/// The socket of a connection that was [unbound](flags::UNBOUND) is known: what was
/// told of `conn` is of `into`, and nothing more will be told of it; or it is a
/// connection of its own, and the two are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Bound {
    /// Header; no payload.
    pub header: Header,
    /// The connection that was unbound.
    pub conn: u64,
    /// The connection that it is.
    pub into: u64,
    /// That one's `object`, as in [`Open`].
    pub object: u64,
    /// Bytes that `into` had moved, by direction, before those of `conn`.
    pub moved: [u64; 2],
    /// Those of them that were lost.
    pub lost: [u64; 2],
}

const _: () = {
    assert!(size_of::<Header>() == 24 && align_of::<Header>() == 8);
    assert!(size_of::<Open>() == 80);
    assert!(size_of::<Chunk>() == 48);
    assert!(size_of::<Close>() == 80);
    assert!(size_of::<ServerName>() == 32);
    assert!(size_of::<Address>() == 20 && align_of::<Address>() == 2);
    assert!(size_of::<Socket>() == 80);
    assert!(size_of::<Exec>() == 56);
    assert!(size_of::<Bound>() == 80);
    assert!(size_of::<Args>() == 24 && size_of::<Exit>() == 24 && size_of::<Mapped>() == 24);
    assert!(CHUNK_TIERS[2] == MAX_CHUNK);
};
