//! The commands of bpf(2) that aya has no door to. Structures and numbers are those of
//! `union bpf_attr` in Linux's `include/uapi/linux/bpf.h`; the kernel takes what a
//! shorter structure leaves out as zero.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

const BPF_PROG_LOAD: u32 = 5;
const BPF_BTF_LOAD: u32 = 18;
const BPF_LINK_CREATE: u32 = 28;
pub(super) const BPF_PROG_TYPE_KPROBE: u32 = 2;
pub(super) const BPF_TRACE_UPROBE_MULTI: u32 = 48;
pub(super) const BPF_F_UPROBE_MULTI_RETURN: u32 = 1;

/// A command with its number.
///
/// # Safety
/// `#[repr(C)]`, laid out as that command's part of `union bpf_attr`, without padding;
/// its pointers are good for the lengths beside them; the command answers with a new
/// descriptor.
#[expect(unsafe_code, reason = "the layout is a promise to the kernel")]
pub(super) unsafe trait Command {
    const NUMBER: u32;
}

#[derive(Default)]
#[repr(C)]
pub(super) struct ProgramLoad {
    pub(super) prog_type: u32,
    pub(super) insn_cnt: u32,
    pub(super) insns: u64,
    pub(super) license: u64,
    pub(super) log_level: u32,
    pub(super) log_size: u32,
    pub(super) log_buf: u64,
    pub(super) kern_version: u32,
    pub(super) prog_flags: u32,
    pub(super) prog_name: [u8; 16],
    pub(super) prog_ifindex: u32,
    pub(super) expected_attach_type: u32,
    pub(super) prog_btf_fd: u32,
    pub(super) func_info_rec_size: u32,
    pub(super) func_info: u64,
    pub(super) func_info_cnt: u32,
    pub(super) line_info_rec_size: u32,
    pub(super) line_info: u64,
    pub(super) line_info_cnt: u32,
    pub(super) attach_btf_id: u32,
}

#[derive(Default)]
#[repr(C)]
pub(super) struct BtfLoad {
    pub(super) btf: u64,
    pub(super) log_buf: u64,
    pub(super) size: u32,
    pub(super) log_size: u32,
    pub(super) log_level: u32,
    pub(super) log_true_size: u32,
}

#[derive(Default)]
#[repr(C)]
pub(super) struct UprobeMultiLink {
    pub(super) prog_fd: u32,
    pub(super) target_fd: u32,
    pub(super) attach_type: u32,
    pub(super) link_flags: u32,
    pub(super) path: u64,
    pub(super) offsets: u64,
    pub(super) ref_ctr_offsets: u64,
    pub(super) cookies: u64,
    pub(super) cnt: u32,
    pub(super) flags: u32,
    pub(super) pid: u32,
    pub(super) reserved: u32,
}

#[expect(unsafe_code, reason = "the layout is a promise to the kernel")]
// SAFETY: the fields are those of the kernel's structure, each at a multiple of its size.
unsafe impl Command for ProgramLoad {
    const NUMBER: u32 = BPF_PROG_LOAD;
}
#[expect(unsafe_code, reason = "the layout is a promise to the kernel")]
// SAFETY: as above.
unsafe impl Command for BtfLoad {
    const NUMBER: u32 = BPF_BTF_LOAD;
}
#[expect(unsafe_code, reason = "the layout is a promise to the kernel")]
// SAFETY: as above.
unsafe impl Command for UprobeMultiLink {
    const NUMBER: u32 = BPF_LINK_CREATE;
}

/// Answers with what the command made.
pub(super) fn bpf<C: Command>(command: &C) -> io::Result<OwnedFd> {
    #[expect(unsafe_code, reason = "a system call without a wrapper")]
    // SAFETY: what `Command` promises; the kernel only reads what is given here.
    unsafe {
        let fd = libc::syscall(libc::SYS_bpf, C::NUMBER, command, size_of::<C>());
        match i32::try_from(fd) {
            Ok(fd) if fd >= 0 => Ok(OwnedFd::from_raw_fd(fd)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
