//! Which directories lie on other machines: to look into one may take for ever, and
//! where they are mounted on demand it mounts them all (proc_pid_mountinfo(5)).

use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// File systems whose answers come from elsewhere, or that mount such a one.
const REMOTE: &[&str] = &[
    "9p",
    "afs",
    "autofs",
    "ceph",
    "cifs",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "gpfs",
    "lustre",
    "nfs",
    "nfs4",
    "smb3",
];

/// What is mounted where.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// Each, and whether it is of another machine, in the order of mounting.
    all: Vec<(PathBuf, bool)>,
}

impl Mounts {
    /// Those that this process sees now.
    pub(super) fn now() -> Self {
        Self::read(&std::fs::read("/proc/self/mountinfo").unwrap_or_default())
    }

    fn read(text: &[u8]) -> Self {
        Self { all: text.split(|&b| b == b'\n').filter_map(mount).collect() }
    }

    /// Whether `path`, which is absolute, lies on another machine. Links in it are not
    /// followed.
    pub(super) fn is_remote(&self, path: &Path) -> bool {
        // Of those at one place the last counts.
        let above = self.all.iter().filter(|(at, _)| path.starts_with(at));
        above.max_by_key(|(at, _)| at.as_os_str().len()).is_some_and(|&(_, remote)| remote)
    }
}

/// Where it is mounted, and whether from another machine.
fn mount(line: &[u8]) -> Option<(PathBuf, bool)> {
    let mut fields = line.split(|&b| b == b' ');
    let at = fields.nth(4)?;
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    let remote = REMOTE.iter().any(|name| name.as_bytes() == kind);
    Some((std::ffi::OsString::from_vec(unescaped(at)).into(), remote))
}

/// Spaces and the like are written as three octal digits.
fn unescaped(mut field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    while let Some((&first, rest)) = field.split_first() {
        let digits = rest.get(..3).filter(|_| first == b'\\');
        let code = digits.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok());
        bytes.push(code.unwrap_or(first));
        field = if code.is_some() { &rest[3..] } else { rest };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_of_other_machines() {
        let mounts = Mounts::read(
            b"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
              40 22 0:44 / /home rw - autofs auto.home rw,indirect\n\
              41 40 0:45 / /home/jane\\040doe rw master:2 propagate_from:1 - nfs4 host:/jane rw\n\
              42 22 254:1 / /srv rw - nfs host:/srv rw\n\
              43 22 254:2 / /srv rw - xfs /dev/vdb rw\n\
              44 40 254:3 / /home/local rw - btrfs /dev/vdc rw\n\
              \n45 22 broken\n",
        );
        for (path, remote) in [
            ("/root", false),
            ("/home/x", true),
            ("/homework", false),
            ("/home/jane doe/bin", true),
            ("/home/local", false),
            ("/srv/data", false),
        ] {
            assert_eq!(mounts.is_remote(Path::new(path)), remote, "{path}");
        }
        assert!(!Mounts::now().is_remote(Path::new("/proc/self")));
    }
}
