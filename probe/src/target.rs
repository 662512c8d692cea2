//! What to probe: the seam between finding functions and attaching to them.

use std::path::PathBuf;

use crate::Tls;

/// A file, whatever its name is and in whichever mount namespace it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// Device number, as `stat` gives it.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

/// An ELF file with a TLS implementation inside, and where to probe it. Attached
/// once: the kernel covers every process that maps the file.
#[derive(Clone, Debug)]
pub struct Target {
    /// The file.
    pub file: FileId,
    /// A path by which this process can open it now (through `/proc/PID/root`
    /// or `/proc/PID/map_files` where it lies in another mount namespace).
    pub path: PathBuf,
    /// The path as its users see it, for people.
    pub shown_path: String,
    /// The implementation.
    pub tls: Tls,
    /// Its version, where the file tells: `OpenSSL 3.0.19`.
    pub version: Option<String>,
    /// Where to probe.
    pub sites: Vec<Site>,
}

/// One probed function.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// File offset of the function's first instruction: a return probe must
    /// sit there.
    pub start: u64,
    /// Why this place.
    pub placement: Placement,
}

/// What a probed function does. For reads and writes the return is probed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// Plaintext leaves the process.
    Write,
    /// Plaintext enters it.
    Read,
    /// `SSL_free(ssl)`: the object's generation ends.
    Free,
    /// `SSL_set_fd(ssl, fd)`, `SSL_set_rfd`, `SSL_set_wfd`.
    SetFd,
    /// `SSL_ctrl(ssl, cmd, larg, parg)`: cmd 55 sets the server name.
    Ctrl,
}

/// How a transfer function tells how much it moved. Arguments are
/// `(ssl, buffer, length, ...)` in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abi {
    /// `int f(ssl, buf, int num)`: the return value, if positive.
    Returned,
    /// `int f(ssl, buf, size_t num, size_t *moved)`: behind the fourth
    /// argument, if the return value is positive.
    BehindArgument4,
    /// `int f(ssl, buf, size_t num, uint64_t flags, size_t *moved)`.
    BehindArgument5,
    /// The function moves nothing.
    None,
}

/// How the place of a probe was chosen; decides what a call costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Placement {
    /// The first instruction, which the kernel emulates.
    Emulated,
    /// The internal function that the public one calls, at its first
    /// instruction, which the kernel emulates.
    Internal,
    /// An emulated instruction a little after the entry, the arguments still in
    /// place; its return is probed at the entry, single-stepped.
    Later,
    /// The first instruction, single-stepped: nothing better was found.
    Stepped,
}
