//! What to probe: the seam between finding functions and attaching to them.

use std::path::PathBuf;

use crate::discovery::Handle;
use crate::stack;

/// A file, whatever its name is and in whichever mount namespace it lies. Of
/// containers whose images share a layer, one file of that layer is one file.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct FileId {
    /// Device number, as `stat` gives it; on overlayfs, where each container has
    /// another, a number made from the file's size and times.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

/// An ELF file with TLS implementations inside, and where to probe them. Attached
/// once: the kernel covers every process that maps the file.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Target {
    /// The file.
    pub file: FileId,
    /// Its name, or one of this process's descriptors where it has no name in this
    /// mount namespace.
    pub path: PathBuf,
    /// What to attach to; `None` where that was done.
    #[serde(skip)]
    pub handle: Option<Handle>,
    /// The path as its users see it, for people.
    pub shown_path: String,
    /// The implementations, at least one.
    pub stacks: Vec<stack::Found>,
}

/// How the functions of a TLS implementation were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By symbols.
    Symbols,
    /// By the code's references to texts.
    References,
    /// By the table of functions that the program itself needs.
    FunctionTable,
    /// By the tables through which they are called.
    Tables,
}

/// One probed function.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Site {
    /// What the function does.
    pub function: Function,
    /// Where the length of a transfer is found.
    pub abi: Abi,
    /// Its name, or the public function it was found through:
    /// `SSL_write`, `SSL_write -> internal`.
    pub symbol: String,
    /// File offset for the entry probe.
    pub entry: u64,
    /// File offset for the return probe: the function's first instruction, or
    /// one a little later at which the return address is still on top of the
    /// stack. Equal to `entry` wherever a return is probed at all, so that both
    /// share one trap.
    pub start: u64,
    /// File offsets of the function's own return instructions, where those are
    /// probed and its return address is not; else none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<u64>,
    /// What kind of place it is.
    pub placement: Placement,
    /// Why this place, for people.
    pub reason: String,
}

/// What a probed function does. Of reads, writes and what has some inside the return is
/// probed too, unless what is written is complete at the entry ([`Abi::is_record`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// Plaintext leaves the process.
    Write,
    /// Plaintext enters it.
    Read,
    /// `SSL_free(ssl)`, `gnutls_deinit(session)`, NSS's closing of a socket, Go's
    /// `(*tls.Conn).Close`: the object's generation ends.
    Free,
    /// `gnutls_handshake(session)`, NSS's `SSL_ResetHandshake(layer, server)`, Go's
    /// `(*tls.Conn).clientHandshake` and `serverHandshake`: a generation begins.
    Handshake,
    /// `SSL_set_fd(ssl, fd)`, `SSL_set_rfd`, `SSL_set_wfd`, and
    /// `gnutls_transport_set_int2(session, receive, send)`.
    SetFd,
    /// `SSL_ctrl(ssl, cmd, larg, parg)`: cmd 55 sets the server name.
    Ctrl,
    /// `gnutls_server_name_set(session, type, name, length)`, NSS's
    /// `SSL_SetURL(layer, name)`; Go's `(*tls.Conn).clientHandshake`, which begins a
    /// generation, where it is known at which place of the configuration the name is.
    ServerName,
    /// `gnutls_record_uncork(session, flags)`: what it writes was told when it was
    /// given, and is not told again.
    Uncork,
}

/// How a transfer function tells how much it moved. Arguments are
/// `(ssl, buffer, length, ...)` where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Abi {
    /// `int f(ssl, buf, int num)`: the return value, if positive.
    Returned,
    /// `int f(ssl, buf, size_t num, size_t *moved)`: behind the fourth
    /// argument, if the return value is positive.
    BehindArgument4,
    /// `int f(ssl, buf, size_t num, uint64_t flags, size_t *moved)`.
    BehindArgument5,
    /// `ssize_t f(session, type, buf, size_t num, ...)`, of GnuTLS: the return value, if
    /// positive, where the type is that of application data.
    Typed,
    /// `int f(socket, buf, int num, int flags)`, of NSS: the return value, if positive,
    /// unless the flags say that the bytes are only looked at.
    Flagged,
    /// Go's `func (c *Conn) f(b []byte) (n int, err error)`: the first result. The
    /// arguments are kept from the entry, by goroutine.
    Goroutine,
    /// The same, where the function keeps its arguments above its return address, so
    /// that they are found at its end; the entry is not probed.
    Spilled,
    /// A TLS record: the arguments are those of rustls's `encrypt` and `decrypt`,
    /// `(result, self, message, number)`.
    Record,
    /// The same of rustls 0.21 and 0.22, where `encrypt` is given one slice and `decrypt` a
    /// `Vec`.
    OwnedRecord,
    /// The function moves nothing.
    None,
}

impl Abi {
    /// Whether a TLS record is moved.
    #[must_use]
    pub fn is_record(self) -> bool {
        matches!(self, Self::Record | Self::OwnedRecord)
    }
}

/// How the place of a probe was chosen; decides what a call costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// The first instruction, which the kernel emulates.
    Emulated,
    /// The internal function that the public one calls, at its first
    /// instruction, which the kernel emulates.
    Internal,
    /// An emulated instruction a little after the entry, the arguments (and,
    /// where the return is probed, the return address) still in place.
    Later,
    /// The first instruction, single-stepped: nothing better was found.
    Stepped,
    /// The function's return instructions alone, single-stepped.
    Returns,
}
