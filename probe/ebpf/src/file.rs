//! From a descriptor of the current process to its file and socket, the way the
//! kernel goes. Where things are differs from kernel to kernel; the loader has
//! patched it in. What is freed meanwhile reads as something else, or not at all:
//! nothing is written, and a call holds its file while it runs.

use aya_ebpf::helpers::generated::{bpf_get_current_task, bpf_probe_read_kernel};
use llmtop_probe_common::{Address, Offsets, SocketState};

use crate::connect::{AF_INET, AF_INET6, IPPROTO_TCP};
use crate::maps::OFFSETS;

/// One of [`OFFSETS`]: the whole would need much of the stack.
macro_rules! at {
    ($field:ident) => {{
        let offsets = (&raw const OFFSETS).cast::<Offsets>();
        // SAFETY: a `Global` is what it holds; it is read as `Global::load` does.
        unsafe { (&raw const (*offsets).$field).read_volatile() }
    }};
}

const IPPROTO_MPTCP: u16 = 262;
const S_IFMT: u16 = 0o170_000;
const S_IFSOCK: u16 = 0o140_000;
const S_IFIFO: u16 = 0o010_000;
const AF_UNIX: u16 = 1;

/// An open file.
#[derive(Clone, Copy)]
pub struct File {
    file: u64,
    inode: u64,
}

/// A TCP socket.
#[derive(Clone, Copy)]
pub struct Tcp(u64);

/// Whether the way is known.
#[inline(always)]
pub fn is_known() -> bool {
    at!(known) != 0
}

/// Whether no thread of the process runs after the current one, which is ending: of
/// several that end at once, all may be told so. `None`: not known.
#[inline(always)]
pub fn is_last_thread() -> Option<bool> {
    if !is_known() {
        return None;
    }
    // SAFETY: the helper has no preconditions.
    let task = unsafe { bpf_get_current_task() };
    let signal: u64 = read(task, at!(task_signal))?;
    let live: u32 = read(signal, at!(signal_live))?;
    Some(live == 0)
}

/// The file of a descriptor.
#[inline(always)]
pub fn open(fd: i32) -> Option<File> {
    // SAFETY: the helper has no preconditions.
    let task = unsafe { bpf_get_current_task() };
    let files: u64 = read(task, at!(task_files))?;
    let table: u64 = read(files, at!(files_fdt))?;
    let most: u32 = read(table, at!(fdt_max_fds))?;
    if fd as u32 >= most {
        return None;
    }
    let descriptors: u64 = read(table, at!(fdt_fd))?;
    let file: u64 = read(descriptors + 8 * u64::from(fd as u32), 0)?;
    let inode: u64 = read(file, at!(file_inode))?;
    Some(File { file, inode })
}

impl File {
    /// The number of its inode: names a socket for ever, as `/proc` does.
    #[inline(always)]
    pub fn number(self) -> Option<u64> {
        read(self.inode, at!(inode_ino))
    }

    /// What kind of file it is.
    #[inline(always)]
    fn kind(self) -> Option<u16> {
        let mode: u16 = read(self.inode, at!(inode_mode))?;
        Some(mode & S_IFMT)
    }

    /// The kernel's `struct sock`, where it is a socket.
    #[inline(always)]
    fn sock(self) -> Option<u64> {
        if self.kind()? != S_IFSOCK {
            return None;
        }
        let socket: u64 = read(self.file, at!(file_private_data))?;
        read(socket, at!(socket_sk))
    }

    /// Whether it joins two processes of this machine: a pipe, or a socket of the Unix
    /// domain, as some make a pair of for what others make two pipes for.
    #[inline(always)]
    pub fn is_pipe(self) -> bool {
        match self.kind() {
            Some(S_IFIFO) => true,
            Some(S_IFSOCK) => {
                let family = self.sock().and_then(|sock| read(sock, at!(family)));
                family == Some(AF_UNIX)
            }
            _ => false,
        }
    }

    /// Its socket, where it is one of TCP.
    #[inline(always)]
    pub fn tcp(self) -> Option<Tcp> {
        let sock = self.sock()?;
        let family: u16 = read(sock, at!(family))?;
        let protocol: u16 = read(sock, at!(sock_protocol))?;
        let is_tcp = (family == AF_INET || family == AF_INET6)
            && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
        is_tcp.then_some(Tcp(sock))
    }
}

impl Tcp {
    /// Its own address, and the other end's; `None` where it has no other end.
    #[inline(always)]
    pub fn addresses(self) -> Option<SocketState> {
        let family: u16 = read(self.0, at!(family))?;
        let own_port: u16 = read(self.0, at!(num))?;
        let other_port: u16 = read(self.0, at!(dport))?;
        if other_port == 0 {
            return None;
        }
        let mut ends = SocketState {
            local: Address { family, port: own_port, ip: [0; 16] },
            peer: Address { family, port: u16::from_be(other_port), ip: [0; 16] },
        };
        let read = if family == AF_INET6 && at!(v6_daddr) != 0 {
            read_to(&mut ends.local.ip, 16, self.0, at!(v6_rcv_saddr))
                && read_to(&mut ends.peer.ip, 16, self.0, at!(v6_daddr))
        } else {
            ends.local.family = AF_INET;
            ends.peer.family = AF_INET;
            read_to(&mut ends.local.ip, 4, self.0, at!(rcv_saddr))
                && read_to(&mut ends.peer.ip, 4, self.0, at!(daddr))
        };
        read.then_some(ends)
    }
}

/// Reads from kernel memory; `None` where nothing is.
#[inline(always)]
fn read<T: Copy + Default>(base: u64, offset: u32) -> Option<T> {
    let mut value = T::default();
    read_to(&mut value, size_of::<T>() as u32, base, offset).then_some(value)
}

/// Reads so many bytes, of the value's at most, from kernel memory.
#[inline(always)]
fn read_to<T: Copy>(to: &mut T, bytes: u32, base: u64, offset: u32) -> bool {
    // SAFETY: writes no more than the value's size to plain integers; the helper
    // copes with any address.
    unsafe {
        bpf_probe_read_kernel((&raw mut *to).cast(), bytes, (base + u64::from(offset)) as *const _)
            == 0
    }
}
