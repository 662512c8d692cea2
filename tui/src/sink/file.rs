//! The one way in which llmtop, mostly root, creates files for its user.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::config;

/// Opens a new or empty file for writing: only its owner may read it (mode
/// 0600), and that is the user behind sudo. Never goes through a symbolic link,
/// never writes over what is there, nor into what belongs to somebody else or
/// has a second name. Devices (`/dev/null`) are anybody's.
///
/// # Errors
/// One line that names the file.
pub fn create(path: &Path) -> io::Result<File> {
    open(path).map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => refuse(path, "is a symbolic link"),
        _ => io::Error::new(error.kind(), format!("{}: {error}", path.display())),
    })
}

/// Creates a directory and those above it; new ones belong to the user behind
/// sudo.
///
/// # Errors
/// Those of the system.
pub fn create_directories(path: &Path) -> io::Result<()> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_directories(parent)?;
    }
    std::fs::create_dir(path)?;
    match config::invoker() {
        Some(user) => std::os::unix::fs::lchown(path, Some(user.uid), Some(user.gid)),
        None => Ok(()),
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            if let Some(user) = config::invoker() {
                std::os::unix::fs::fchown(&file, Some(user.uid), Some(user.gid))?;
            }
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            existing(&options.open(path)?)
        }
        Err(error) => Err(error),
    }
}

/// Takes over a file that is there, if it is surely meant.
fn existing(file: &File) -> io::Result<File> {
    let found = file.metadata()?;
    let kind = found.file_type();
    // Whoever may write to a device may do so: nothing of it is taken over.
    if kind.is_char_device() {
        return file.try_clone();
    }
    let mine = found.uid() == rustix::process::geteuid().as_raw()
        || config::invoker().is_some_and(|user| user.uid == found.uid());
    if !mine {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "belongs to another user"));
    }
    if kind.is_file() {
        if found.nlink() != 1 {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "has several names"));
        }
        if found.len() > 0 {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "is there already; name another file, or remove it",
            ));
        }
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    } else if !kind.is_fifo() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no file"));
    }
    file.try_clone()
}

fn refuse(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn only_its_owner_reads_it_and_nothing_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new");
        create(&path).unwrap().write_all(b"first").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        let error = create(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"first");

        let empty = dir.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        std::fs::set_permissions(&empty, std::fs::Permissions::from_mode(0o666)).unwrap();
        create(&empty).unwrap();
        assert_eq!(empty.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn links_are_refused_and_their_targets_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let [target, symbolic, hard] = ["target", "symbolic", "hard"].map(|n| dir.path().join(n));
        std::fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, &symbolic).unwrap();
        std::fs::hard_link(&target, &hard).unwrap();
        for link in [&symbolic, &hard] {
            let error = create(link).unwrap_err().to_string();
            assert!(error.starts_with(link.to_str().unwrap()), "{error}");
        }
        std::os::unix::fs::symlink(dir.path().join("absent"), dir.path().join("dangling")).unwrap();
        assert!(create(&dir.path().join("dangling")).is_err());
        assert!(!dir.path().join("absent").exists());
        assert_eq!(std::fs::read(&target).unwrap(), b"kept");
    }

    #[test]
    fn devices_are_written_and_directories_not() {
        create(Path::new("/dev/null")).unwrap().write_all(b"x").unwrap();
        assert!(create(tempfile::tempdir().unwrap().path()).is_err());
    }
}
