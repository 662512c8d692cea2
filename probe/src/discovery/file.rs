//! Files of this and of other mount namespaces: opened without being led
//! astray, and told apart.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

impl Stamp {
    /// Whether the file is in this state still.
    fn is_of(&self, file: &File) -> bool {
        file.metadata().is_ok_and(|facts| {
            let modified = (facts.mtime(), facts.mtime_nsec());
            (facts.size(), modified) == (self.size, self.modified)
        })
    }
}

/// An opened regular file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) stamp: Stamp,
    /// By which everybody in this mount namespace can open it, where there is one.
    pub(super) path: Option<PathBuf>,
}

/// A file in the state in which it was examined, to attach to.
#[derive(Clone, Debug)]
pub struct Handle {
    file: Arc<File>,
    stamp: Stamp,
}

impl Handle {
    pub(super) fn new(file: File, stamp: Stamp) -> Self {
        Self { file: Arc::new(file), stamp }
    }

    /// A path by which this process can open the very file, whatever its name leads
    /// to by now, as long as the handle is held.
    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }

    /// Whether nobody has written to the file since.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.stamp.is_of(&self.file)
    }
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
        self.try_open(path).ok()
    }

    /// Whether `path` surely leads to something else than the file in that state, or
    /// nowhere. That it cannot be opened for another reason says nothing.
    pub(super) fn has_lost(&self, path: &str, stamp: Stamp) -> bool {
        match self.try_open(path) {
            Ok(opened) => opened.stamp != stamp,
            Err(why) => matches!(why, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::INVAL),
        }
    }

    fn try_open(&self, path: &str) -> Result<Opened, Errno> {
        match self {
            Self::Own => {
                let found = rustix::fs::open(path, FIND, Mode::empty())?;
                opened(&found, Some(path.into()))
            }
            Self::Other(root) => {
                let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
                let find = || {
                    let root = root.as_fd();
                    rustix::fs::openat2(root, path, FIND, Mode::empty(), resolve)
                };
                // The kernel gives up where a rename races with the walk.
                let found = find().or_else(|e| if e == Errno::AGAIN { find() } else { Err(e) });
                opened(&found?, None)
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
            opened(&rustix::fs::open(path, FIND, Mode::empty()).ok()?, None).ok()
        };
        let named = if mapping.deleted { None } else { by_name() };
        named.or_else(by_mapping)
    }
}

/// The mount namespace of `pid`, as the kernel names it.
pub(super) fn mount_namespace(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/mnt")).ok()
}

/// Whoever runs a program says what its path leads to: a device, whose driver would do
/// something when it is opened, or a FIFO whose writer waits. So it is only found, and
/// opened once it is known to be a file.
const FIND: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// Opens what was found; [`Errno::INVAL`] where that is no regular file.
fn opened(found: &OwnedFd, path: Option<PathBuf>) -> Result<Opened, Errno> {
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(found)?.st_mode);
    if !kind.is_file() {
        return Err(Errno::INVAL);
    }
    let itself = format!("/proc/self/fd/{}", found.as_raw_fd());
    let file = rustix::fs::open(itself, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let file = File::from(file);
    let facts = file.metadata().map_err(|_| Errno::IO)?;
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
    Ok(Opened { file, stamp, path })
}
