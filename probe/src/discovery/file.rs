//! Files of this and of other mount namespaces: opened without being led
//! astray, and told apart.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::maps::Mapping;
use crate::FileId;

/// `statfs.f_type` of overlayfs.
const OVERLAY: u64 = 0x794c_7630;

/// What tells one state of one file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(super) struct Stamp {
    pub(super) id: FileId,
    size: u64,
    modified: (i64, i64),
}

/// An opened regular file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) stamp: Stamp,
    /// By which everybody in this mount namespace can open it, where there is one.
    pub(super) path: Option<PathBuf>,
}

/// The root directory as a process sees it.
#[derive(Debug)]
pub(super) enum Root {
    /// The same as this process's.
    Own,
    /// Another.
    Other(File),
}

impl Root {
    /// The root directory of `pid`; `None` where it is gone or out of reach.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let root = format!("/proc/{pid}/root");
        let (theirs, own) = (mount_namespace(pid), mount_namespace(std::process::id()));
        let same = |a: &Path, b: &Path| {
            let (a, b) = (std::fs::metadata(a).ok()?, std::fs::metadata(b).ok()?);
            Some((a.dev(), a.ino()) == (b.dev(), b.ino()))
        };
        if theirs.is_some() && theirs == own && same(root.as_ref(), "/".as_ref())? {
            return Some(Self::Own);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(&root, flags, Mode::empty()).ok()?;
        Some(Self::Other(root.into()))
    }

    /// Opens the regular file that is `path` under this root. Links are followed
    /// as the process would: absolute ones from its root.
    pub(super) fn open(&self, path: &str) -> Option<Opened> {
        match self {
            Self::Own => {
                let file = rustix::fs::open(path, READ, Mode::empty()).ok()?;
                opened(file.into(), Some(path.into()))
            }
            Self::Other(root) => {
                let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
                let open = || {
                    let root = root.as_fd();
                    rustix::fs::openat2(root, path, READ, Mode::empty(), resolve)
                };
                // The kernel gives up where a rename races with the walk.
                let file = open().or_else(|e| if e == Errno::AGAIN { open() } else { Err(e) });
                opened(file.ok()?.into(), None)
            }
        }
    }

    /// Opens the file that `pid` has mapped: by its name where that still leads
    /// to it, else by the mapping.
    pub(super) fn open_mapped(&self, pid: u32, mapping: &Mapping) -> Option<Opened> {
        let by_name = || {
            let opened = self.open(&mapping.path)?;
            (opened.stamp.id.inode == mapping.inode).then_some(opened)
        };
        let by_mapping = || {
            let path = format!("/proc/{pid}/map_files/{}", mapping.range);
            let file = rustix::fs::open(path, READ, Mode::empty()).ok()?;
            opened(file.into(), None)
        };
        let named = if mapping.deleted { None } else { by_name() };
        named.or_else(by_mapping)
    }
}

/// The mount namespace of `pid`, as the kernel names it.
pub(super) fn mount_namespace(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/mnt")).ok()
}

/// Never waits (for a FIFO's writer, say) and never becomes a terminal's owner.
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

fn opened(file: File, path: Option<PathBuf>) -> Option<Opened> {
    let facts = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    // One file of a shared image layer shows up in each container's overlay
    // with another device number and the same inode number; the kernel probes
    // the layer's file, so it must be attached once.
    let overlay = rustix::fs::fstatfs(&file).is_ok_and(|s| s.f_type as u64 == OVERLAY);
    let stamp = Stamp {
        id: FileId {
            device: if overlay {
                let times = facts.mtime_nsec().rotate_left(34) ^ facts.mtime();
                OVERLAY << 32 ^ facts.size() ^ times.cast_unsigned()
            } else {
                facts.dev()
            },
            inode: facts.ino(),
        },
        size: facts.size(),
        modified: (facts.mtime(), facts.mtime_nsec()),
    };
    Some(Opened { file, stamp, path })
}
