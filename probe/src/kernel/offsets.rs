//! What the kernel programs need to know of the kernel's structures.

use llmtop_probe_common::Offsets;

use super::btf::Btf;

/// Where the running kernel describes its types.
const PATH: &str = "/sys/kernel/btf/vmlinux";

/// The offsets of the running kernel.
///
/// # Errors
/// Why they are not known, for people.
pub(crate) fn offsets() -> Result<Offsets, String> {
    let bytes = std::fs::read(PATH).map_err(|error| format!("{PATH}: {error}"))?;
    let btf = Btf::parse(&bytes).ok_or_else(|| format!("{PATH} is of an unknown version"))?;
    of(&btf)
}

/// Why plain sockets cannot be looked at on this machine, if they cannot.
pub(crate) fn plain_sockets() -> Option<String> {
    offsets().err()
}

fn of(btf: &Btf<'_>) -> Result<Offsets, String> {
    let get = |structure, member| {
        let missing = || format!("{PATH} does not tell {structure}.{member}");
        btf.offset(structure, member).ok_or_else(missing)
    };
    // `struct sock` begins with `struct sock_common`.
    let optional = |member| btf.offset("sock_common", member).unwrap_or(0);
    Ok(Offsets {
        task_signal: get("task_struct", "signal")?,
        signal_live: get("signal_struct", "live")?,
        task_files: get("task_struct", "files")?,
        files_fdt: get("files_struct", "fdt")?,
        fdt_max_fds: get("fdtable", "max_fds")?,
        fdt_fd: get("fdtable", "fd")?,
        file_inode: get("file", "f_inode")?,
        file_private_data: get("file", "private_data")?,
        inode_mode: get("inode", "i_mode")?,
        inode_ino: get("inode", "i_ino")?,
        socket_sk: get("socket", "sk")?,
        sock_protocol: get("sock", "sk_protocol")?,
        family: get("sock_common", "skc_family")?,
        num: get("sock_common", "skc_num")?,
        dport: get("sock_common", "skc_dport")?,
        rcv_saddr: get("sock_common", "skc_rcv_saddr")?,
        daddr: get("sock_common", "skc_daddr")?,
        v6_rcv_saddr: optional("skc_v6_rcv_saddr"),
        v6_daddr: optional("skc_v6_daddr"),
        known: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_this_kernel() {
        let Ok(offsets) = offsets() else { return }; // no BTF here
        assert_eq!(offsets.known, 1);
        // Both ends' ports and addresses lie together in every kernel there was.
        assert_eq!((offsets.daddr, offsets.rcv_saddr), (0, 4));
        assert_eq!((offsets.dport, offsets.num, offsets.family), (12, 14, 16));
        assert_ne!(offsets.fdt_fd, offsets.fdt_max_fds);
    }
}
