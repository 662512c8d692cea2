//! What a process holds in the kernel: its BPF programs, maps and links.

use std::collections::BTreeSet;

/// The kind of a BPF object, as the `bpf` call that opens one by id
/// (`BPF_PROG_GET_FD_BY_ID`, ...) and as `/proc/PID/fdinfo` name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Program = 13,
    Map = 14,
    Link = 30,
}

/// One object.
pub(crate) type Object = (Kind, u32);

/// What this process holds now.
pub(crate) fn held_by(pid: u32) -> BTreeSet<Object> {
    let mut held = BTreeSet::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten().flatten() {
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        for line in text.lines() {
            let Some((name, id)) = line.split_once(':') else { continue };
            let kind = match name {
                "prog_id" => Kind::Program,
                "map_id" => Kind::Map,
                "link_id" => Kind::Link,
                _ => continue,
            };
            held.insert((kind, id.trim().parse().unwrap()));
        }
    }
    held
}

/// Whether the object is still in the kernel.
pub(crate) fn exists((kind, id): Object) -> bool {
    // The part of `union bpf_attr` that this command reads: id, next_id, flags.
    let attributes = [id, 0, 0];
    // SAFETY: the kernel reads `attributes`, whose size is given, and writes nothing.
    #[expect(unsafe_code, reason = "no safe binding of bpf(2) is at hand in the tests")]
    let answer = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            kind as libc::c_int,
            attributes.as_ptr(),
            size_of_val(&attributes),
        )
    };
    if let Ok(descriptor) = u32::try_from(answer) {
        // SAFETY: the kernel has just opened this descriptor for us.
        #[expect(unsafe_code, reason = "the descriptor is ours and must be closed")]
        let _closed = unsafe { libc::close(descriptor as libc::c_int) };
        return true;
    }
    let error = std::io::Error::last_os_error();
    assert_eq!(error.raw_os_error(), Some(libc::ENOENT), "bpf(2) needs root: {error}");
    false
}
