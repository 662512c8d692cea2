//! Every map, and every constant the loader patches.

use aya_ebpf::Global;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf};
use llmtop_probe_common::{
    Args, Conn, ConnKey, Control, INTEREST_SLOTS, Keys, MAX_ARGS_BYTES, Offsets, Settings,
    SocketKey, SocketState, Stats, Thread,
};

use crate::copying::Asked;
use crate::descriptors::Descriptors;
use crate::plain::Moved;

#[unsafe(no_mangle)]
pub static SETTINGS: Global<Settings> =
    Global::new(Settings { own_pid: 0, filters: 0, has_cookie: 0, stdio: 0 });

#[unsafe(no_mangle)]
pub static OFFSETS: Global<Offsets> = Global::new(Offsets {
    task_signal: 0,
    signal_live: 0,
    task_files: 0,
    files_fdt: 0,
    fdt_max_fds: 0,
    fdt_fd: 0,
    file_inode: 0,
    file_private_data: 0,
    inode_mode: 0,
    inode_ino: 0,
    socket_sk: 0,
    sock_protocol: 0,
    family: 0,
    num: 0,
    dport: 0,
    rcv_saddr: 0,
    daddr: 0,
    v6_rcv_saddr: 0,
    v6_daddr: 0,
    known: 0,
});

/// Records on their way out. The loader sets the size.
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(16 << 20, 0);
#[map]
pub static CONTROL: Array<Control> = Array::with_max_entries(1, 0);
#[map]
pub static STATS: PerCpuArray<Stats> = PerCpuArray::with_max_entries(1, 0);

/// Threads that were inside TLS, by `pid_tgid`; an entry goes with its thread.
#[map]
pub static THREADS: HashMap<u64, Thread> = HashMap::with_max_entries(32768, 0);
/// One of which nothing is known: too large for a stack.
#[map]
pub static NO_THREAD: Array<Thread> = Array::with_max_entries(1, 0);
#[map]
pub static CONNS: HashMap<ConnKey, Conn> = HashMap::with_max_entries(65536, 0);
#[map]
pub static ORPHANS: HashMap<u64, Conn> = HashMap::with_max_entries(16384, 0);
#[map]
pub static IGNORED: Array<u64> = Array::with_max_entries(INTEREST_SLOTS, 0);

/// The keys that rustls uses, by their addresses.
#[map]
pub static KEYS: LruHashMap<ConnKey, Keys> = LruHashMap::with_max_entries(65536, 0);
/// Thread groups that use any: of their threads it is remembered where they receive.
#[map]
pub static RECEIVERS: LruHashMap<u32, u8> = LruHashMap::with_max_entries(8192, 0);

#[map]
pub static PIDS: HashMap<u32, u8> = HashMap::with_max_entries(65536, 0);
#[map]
pub static NAMED: HashMap<u32, u8> = HashMap::with_max_entries(65536, 0);
#[map]
pub static COMMS: HashMap<[u8; 16], u8> = HashMap::with_max_entries(1024, 0);
#[map]
pub static UIDS: HashMap<u32, u8> = HashMap::with_max_entries(1024, 0);
#[map]
pub static INSIDE: HashMap<u32, u8> = HashMap::with_max_entries(65536, 0);

/// What goroutines are writing. What panics out of its call is left to be forgotten.
#[cfg(bpf_target_arch = "x86_64")]
#[map]
pub static GO_CALLS: LruHashMap<llmtop_probe_common::GoFrame, llmtop_probe_common::GoCall> =
    LruHashMap::with_max_entries(32768, 0);

/// TCP sockets whose connect or accept was seen.
#[map]
pub static SOCKETS: LruHashMap<SocketKey, SocketState> = LruHashMap::with_max_entries(32768, 0);
/// The descriptor a thread is connecting, by `pid_tgid`.
#[map]
pub static CONNECTING: LruHashMap<u64, i32> = LruHashMap::with_max_entries(8192, 0);
/// Whose a connecting kernel socket is, by its address.
#[map]
pub static CONNECTORS: LruHashMap<u64, SocketKey> = LruHashMap::with_max_entries(16384, 0);
/// Where accept writes the peer's address, by `pid_tgid`.
#[map]
pub static ACCEPTING: LruHashMap<u64, u64> = LruHashMap::with_max_entries(8192, 0);

/// What the descriptors of a thread group are.
#[map]
pub static DESCRIPTORS: LruHashMap<u32, Descriptors> = LruHashMap::with_max_entries(4096, 0);
/// The same of descriptors too high for it.
#[map]
pub static HIGH_DESCRIPTORS: LruHashMap<SocketKey, u8> = LruHashMap::with_max_entries(16384, 0);
/// One of which nothing is known: too large for a stack.
#[map]
pub static NO_DESCRIPTORS: Array<Descriptors> = Array::with_max_entries(1, 0);
/// What a system call moves on a plain socket, on its way out. While one is left,
/// no other is on this processor.
#[map]
pub static MOVED: PerCpuArray<Moved> = PerCpuArray::with_max_entries(1, 0);

/// The inodes of the pipes with which a process was started as standard input and output,
/// by thread group.
#[map]
pub static STDIO_PIPES: LruHashMap<u32, [u64; 2]> = LruHashMap::with_max_entries(8192, 0);

/// Parent thread group of a thread group whose fork was seen.
#[map]
pub static PARENTS: LruHashMap<u32, u32> = LruHashMap::with_max_entries(32768, 0);
/// When a process was last reported to map code.
#[map]
pub static MAPPED: LruHashMap<u32, u64> = LruHashMap::with_max_entries(16384, 0);

/// Where a command line is put together. Twice as long as its contents may be:
/// the verifier knows an offset's range and a length's, not their sum's.
#[repr(C)]
pub struct ArgsRecord {
    pub fixed: Args,
    pub bytes: [u8; 2 * MAX_ARGS_BYTES],
}
#[map]
pub static ARGS: PerCpuArray<ArgsRecord> = PerCpuArray::with_max_entries(1, 0);

/// The call under way of the benches.
#[map]
pub static COPYING: Array<Asked> = Array::with_max_entries(1, 0);

/// What a test has [held](crate::unfinished), by `pid_tgid`.
#[map]
pub static UNFINISHED: HashMap<u64, u32> = HashMap::with_max_entries(1, 0);
