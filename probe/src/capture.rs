//! What a source reports: the only language between capture and the rest.

use std::fmt::{self, Display, Formatter};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Nanoseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub u64);

/// Names one connection for as long as a source runs; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId(pub u64);

/// Which way bytes went, as the observed process sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The process wrote them.
    Sent,
    /// The process read them.
    Received,
}

/// The TLS implementation whose plaintext is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// OpenSSL 1.1 and 3.x, shared or static.
    Openssl,
    /// BoringSSL.
    Boringssl,
    /// GnuTLS.
    Gnutls,
    /// NSS / NSPR.
    Nss,
    /// Go's `crypto/tls`.
    Go,
    /// rustls.
    Rustls,
    /// None: a plain socket, or pipes.
    None,
}

/// As its makers write it.
impl Display for Tls {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tls::Openssl => "OpenSSL",
            Tls::Boringssl => "BoringSSL",
            Tls::Gnutls => "GnuTLS",
            Tls::Nss => "NSS",
            Tls::Go => "Go",
            Tls::Rustls => "rustls",
            Tls::None => "no TLS",
        })
    }
}

/// One observation, in the order in which its connection saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Capture {
    /// A process that has or had connections; sent before its first `Open`,
    /// and again when it executes another program.
    Process(Process),
    /// A connection's first sign of life.
    Open(Open),
    /// What became known of a connection's ends after `Open`. Fields that are
    /// `None` are still unknown, not withdrawn.
    Endpoint {
        /// The connection.
        conn: ConnId,
        /// What is known of its ends.
        endpoint: Endpoint,
    },
    /// Bytes of one direction.
    Chunk(Chunk),
    /// Bytes that were moved but not captured, at this point of the direction.
    Gap(Gap),
    /// The connection ended.
    Close {
        /// The connection.
        conn: ConnId,
        /// When.
        time: Timestamp,
        /// Bytes moved and deliberately not copied: [`Control::ignore`](crate::Control::ignore).
        ignored: u64,
    },
    /// A process ended.
    Exit {
        /// Its process id.
        pid: u32,
        /// When.
        time: Timestamp,
    },
}

/// A connection: one TLS object, or a plain socket, of one process, or what it reads
/// from standard input and writes to standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// Names the connection from here on.
    pub conn: ConnId,
    /// Process (thread group) id, in the root pid namespace.
    pub pid: u32,
    /// The thread that was first seen using it.
    pub tid: u32,
    /// When.
    pub time: Timestamp,
    /// Whose plaintext this is.
    pub tls: Tls,
    /// It is no socket, but the process's standard input and output.
    #[serde(default)]
    pub stdio: bool,
    /// Bytes had already been moved before the first one captured.
    pub joined_midway: bool,
    /// What is known of its ends.
    pub endpoint: Endpoint,
}

/// The two ends of a connection, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// This process's address.
    pub local: Option<SocketAddr>,
    /// The other end's address.
    pub peer: Option<SocketAddr>,
    /// The server name of the TLS handshake (SNI), as the client gave it.
    pub server_name: Option<String>,
    /// The process that owns the other end, where it is on this machine.
    ///
    /// Live capture leaves it empty, as telling costs a walk through `/proc`.
    /// Whoever wants it asks [`Owners`](crate::endpoint::Owners) while the
    /// process lives, and tells the others by a [`Capture::Endpoint`], which
    /// is how it gets into recordings.
    pub peer_pid: Option<u32>,
}

/// Bytes of one direction of one connection.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// The connection.
    pub conn: ConnId,
    /// Which way.
    pub direction: Direction,
    /// When the call that moved them returned; of bytes sent through TLS, when it began.
    pub time: Timestamp,
    /// Bytes moved in this direction before these, lost ones included.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Lost bytes of one direction of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The connection.
    pub conn: ConnId,
    /// Which way.
    pub direction: Direction,
    /// When the gap was noticed.
    pub time: Timestamp,
    /// How many bytes.
    pub lost: u64,
}

/// Facts about a process, gathered while it lived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Process id, in the root pid namespace.
    pub pid: u32,
    /// Its parent's.
    pub parent: Option<u32>,
    /// Command name: at most 15 bytes, the kernel's `comm`, or, where that is
    /// `MainThread` as in Node, the executable's file name.
    pub comm: String,
    /// Path of the executable, as the process sees it.
    pub exe: Option<String>,
    /// Command line.
    pub args: Vec<String>,
    /// Real user id.
    pub uid: u32,
    /// Container id, where its control group names one.
    pub container: Option<String>,
    /// When it started, as far as known: tells two uses of one pid apart.
    pub started: Option<Timestamp>,
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk")
            .field("conn", &self.conn)
            .field("direction", &self.direction)
            .field("time", &self.time)
            .field("offset", &self.offset)
            .field("bytes", &format_args!("{} bytes", self.bytes.len()))
            .finish()
    }
}
