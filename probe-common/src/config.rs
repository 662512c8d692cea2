//! What the user side tells the kernel programs before and while they run.

/// Which capture filters are in force: a call is captured when it passes each
/// kind that is set. All zero: everything passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Filters(pub u32);

impl Filters {
    /// The thread group is in the map [`names::PIDS`]. Children of members join.
    pub const PIDS: Self = Self(1);
    /// The thread group is in the map [`names::NAMED`]: it executed a program
    /// whose name is in [`names::COMMS`], or a parent of it did. [`named`] tells more.
    pub const COMMS: Self = Self(2);
    /// The real user id is in the map [`names::UIDS`].
    pub const UIDS: Self = Self(4);
    /// The thread group is in the map [`names::INSIDE`]: the user side put it there,
    /// or a parent of it.
    pub const CONTAINERS: Self = Self(8);

    /// Whether all of `other` is set.
    #[inline(always)]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a thread group has to do with a wanted name: the values of [`names::NAMED`].
pub mod named {
    /// It executed a program of that name, or a parent of it did, and it none since.
    pub const ITSELF: u8 = 1;
    /// A program of that name started it, or one that started it.
    pub const STARTED: u8 = 2;
}

/// Constants that the loader patches into the programs before it loads them, so
/// that the verifier removes what is switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Settings {
    /// The observer's own thread group, never observed.
    pub own_pid: u32,
    /// Which filters are in force.
    pub filters: u32,
    /// `bpf_get_attach_cookie` exists (Linux 5.15).
    pub has_cookie: u32,
    /// Not zero: what processes read from standard input and write to standard output
    /// is looked at, too, where these are pipes.
    pub stdio: u32,
}

/// Where the kernel keeps what leads from a descriptor to its socket, and how many
/// threads a process has: offsets in bytes, from the kernel's own type information
/// (BTF), patched like [`Settings`]. All zero: unknown, and plain sockets are not looked
/// at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Offsets {
    /// `task_struct.signal`
    pub task_signal: u32,
    /// `signal_struct.live`: threads that have not begun to end.
    pub signal_live: u32,
    /// `task_struct.files`
    pub task_files: u32,
    /// `files_struct.fdt`
    pub files_fdt: u32,
    /// `fdtable.max_fds`
    pub fdt_max_fds: u32,
    /// `fdtable.fd`
    pub fdt_fd: u32,
    /// `file.f_inode`
    pub file_inode: u32,
    /// `file.private_data`
    pub file_private_data: u32,
    /// `inode.i_mode`
    pub inode_mode: u32,
    /// `inode.i_ino`
    pub inode_ino: u32,
    /// `socket.sk`
    pub socket_sk: u32,
    /// `sock.sk_protocol`
    pub sock_protocol: u32,
    /// `sock.__sk_common.skc_family`
    pub family: u32,
    /// `sock.__sk_common.skc_num`: the own port, host order.
    pub num: u32,
    /// `sock.__sk_common.skc_dport`: the other port, network order.
    pub dport: u32,
    /// `sock.__sk_common.skc_rcv_saddr`: the own address.
    pub rcv_saddr: u32,
    /// `sock.__sk_common.skc_daddr`: the other address.
    pub daddr: u32,
    /// `sock.__sk_common.skc_v6_rcv_saddr`, 0 in kernels without IPv6.
    pub v6_rcv_saddr: u32,
    /// `sock.__sk_common.skc_v6_daddr`, 0 in kernels without IPv6.
    pub v6_daddr: u32,
    /// Not zero: the others are known.
    pub known: u32,
}

/// Written by the user side at run time; one element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Control {
    /// Not zero: the reader sleeps until somebody wakes it. Zero: it polls, and
    /// waking it would cost more than the record.
    pub reader_sleeps: u32,
    /// Unused, zero.
    pub reserved: u32,
}

/// What becomes of the record that a test has held: the values of [`names::UNFINISHED`].
pub mod unfinished {
    /// The thread's next system call is to take its place.
    pub const ASKED: u32 = 1;
    /// It has it.
    pub const HELD: u32 = 2;
    /// It is to let go.
    pub const DONE: u32 = 3;
}

/// Names of programs and maps in the object.
pub mod names {
    /// The [`Settings`](super::Settings) constant.
    pub const SETTINGS: &str = "SETTINGS";
    /// The [`Offsets`](super::Offsets) constant.
    pub const OFFSETS: &str = "OFFSETS";
    /// Ring buffer of records.
    pub const EVENTS: &str = "EVENTS";
    /// Array of one [`Control`](super::Control).
    pub const CONTROL: &str = "CONTROL";
    /// Hash of `ConnKey` to `Conn`: the connections alive.
    pub const CONNS: &str = "CONNS";
    /// Hash of connection id to `Conn`: ended, and the record that would have
    /// said so found no room.
    pub const ORPHANS: &str = "ORPHANS";
    /// Hash of thread group to what its descriptors are.
    pub const DESCRIPTORS: &str = "DESCRIPTORS";
    /// Array of connection ids of no interest, by `interest_slot`.
    pub const IGNORED: &str = "IGNORED";
    /// Per-CPU array of one `Stats`.
    pub const STATS: &str = "STATS";
    /// Set of thread groups.
    pub const PIDS: &str = "PIDS";
    /// Hash of thread group to one of [`named`](super::named).
    pub const NAMED: &str = "NAMED";
    /// Set of program names, 16 bytes, zero-padded.
    pub const COMMS: &str = "COMMS";
    /// Set of user ids.
    pub const UIDS: &str = "UIDS";
    /// Set of thread groups that are in a wanted container.
    pub const INSIDE: &str = "INSIDE";
    /// Hash of one thread to one of [`unfinished`](super::unfinished).
    pub const UNFINISHED: &str = "UNFINISHED";
    /// Hash of thread group to the inodes of two pipes: its standard input and output, as
    /// it was started with them.
    pub const STDIO_PIPES: &str = "STDIO_PIPES";
}

const _: () = {
    assert!(size_of::<Settings>() == 16 && align_of::<Settings>() == 4);
    assert!(size_of::<Offsets>() == 20 * 4 && align_of::<Offsets>() == 4);
    assert!(size_of::<Control>() == 8 && align_of::<Control>() == 4);
};
