//! What the screen remembers from one run to the next: columns, orders, theme.
//!
//! It lies in `llmtop/state.json` below `XDG_STATE_HOME` or `~/.local/state` (XDG
//! Base Directory Specification) of the user behind sudo, and belongs to them.
//! No symbolic link is followed below their home, so that nobody can have root
//! write elsewhere.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, chownat, fchown, mkdirat, openat, renameat, unlinkat,
};
use rustix::process::{Gid, Uid, getpid};
use serde::{Deserialize, Serialize};

use super::Invoker;
use super::place::{from_environment, home_of, invoker};

const NAME: &str = "state.json";

/// Bytes of such a file, at most.
const LONGEST: u64 = 64 << 10;

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// The theme that was chosen on the screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// The list of processes.
    pub processes: List,
    /// The list of exchanges.
    pub exchanges: List,
}

/// How a list is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct List {
    /// Its columns, in order; `None`: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// By what it is sorted; `None`: as it is at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// The other way round.
    pub reverse: bool,
    /// Children stand below their parents.
    pub tree: bool,
}

/// Where it lies.
#[derive(Clone, Debug)]
pub struct Place {
    /// A folder that is trusted to be what it says.
    base: PathBuf,
    /// Folders below it.
    below: &'static [&'static str],
    /// Whose it is, if not one's own.
    owner: Option<Invoker>,
}

impl Place {
    /// The user's. `None`: there is no home directory.
    pub fn of_user() -> Option<Self> {
        Some(match invoker() {
            Some(user) => {
                let base = home_of(user.uid)?;
                Place { base, below: &[".local", "state", "llmtop"], owner: Some(user) }
            }
            None => {
                let base = from_environment("XDG_STATE_HOME", ".local/state")?;
                Place { base, below: &["llmtop"], owner: None }
            }
        })
    }

    /// Where it lies, for people.
    pub fn path(&self) -> PathBuf {
        self.below.iter().fold(self.base.clone(), |path, name| path.join(name)).join(NAME)
    }

    /// What is remembered; nothing, where there is no such file.
    ///
    /// # Errors
    /// The file is there and cannot be used: says why, in one line.
    pub fn load(&self) -> Result<Remembered, String> {
        let text = match self.read() {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Remembered::default());
            }
            Err(error) => return Err(format!("{}: {error}", self.path().display())),
        };
        // What stands there may be anything: it is not repeated.
        serde_json::from_str(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let path = self.path();
            format!("{}: not understood, from line {line}, column {column} on", path.display())
        })
    }

    /// Writes it, in the place of what was there.
    ///
    /// # Errors
    /// One line that names the file.
    pub fn save(&self, remembered: &Remembered) -> Result<(), String> {
        let write = || {
            let mut text = serde_json::to_string_pretty(remembered)?;
            text.push('\n');
            self.write(text.as_bytes())
        };
        write().map_err(|error: io::Error| format!("{}: {error}", self.path().display()))
    }

    fn read(&self) -> io::Result<String> {
        let folder = self.folder(false)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&folder, NAME, flags, Mode::empty())?);
        let found = file.metadata()?;
        if !found.is_file() || found.len() > LONGEST {
            return Err(io::Error::other("is no file of llmtop's"));
        }
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text)?;
        Ok(text)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        if self.owner.is_none() {
            std::fs::create_dir_all(&self.base)?;
        }
        let folder = self.folder(true)?;
        let new = format!("{NAME}.{}", getpid().as_raw_nonzero());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&folder, new.as_str(), flags, Mode::RUSR | Mode::WUSR)?;
        let written = || {
            if let Some(owner) = self.owner {
                let (uid, gid) = ids(owner);
                fchown(&file, Some(uid), Some(gid))?;
            }
            let mut file = File::from(file);
            file.write_all(bytes)?;
            Ok(renameat(&folder, new.as_str(), &folder, NAME)?)
        };
        written().inspect_err(|_: &io::Error| {
            // It failed already; what is left is small.
            let _ = unlinkat(&folder, new.as_str(), AtFlags::empty());
        })
    }

    /// The folder, without following a link below the base.
    fn folder(&self, create: bool) -> io::Result<OwnedFd> {
        let trusted = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = openat(CWD, Path::new(&self.base), trusted, Mode::empty())?;
        for &name in self.below {
            folder = match openat(&folder, name, FOLDER, Mode::empty()) {
                Err(rustix::io::Errno::NOENT) if create => {
                    mkdirat(&folder, name, Mode::RWXU)?;
                    if let Some(owner) = self.owner {
                        let (uid, gid) = ids(owner);
                        let flags = AtFlags::SYMLINK_NOFOLLOW;
                        chownat(&folder, name, Some(uid), Some(gid), flags)?;
                    }
                    openat(&folder, name, FOLDER, Mode::empty())?
                }
                opened => opened?,
            };
        }
        Ok(folder)
    }
}

fn ids(owner: Invoker) -> (Uid, Gid) {
    (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::{Invoker, List, NAME, Place, Remembered};

    fn place(base: &std::path::Path) -> Place {
        Place { base: base.join("home"), below: &[".local", "state"], owner: None }
    }

    #[test]
    fn what_is_written_is_read_and_only_by_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        assert_eq!(place.load(), Ok(Remembered::default()));
        let columns = Some(vec!["pid".to_owned(), "cost".to_owned()]);
        let list = List { columns, sort: Some("cost".into()), reverse: true, tree: false };
        let remembered =
            Remembered { theme: Some("light".into()), processes: list, exchanges: List::default() };
        for _ in 0..2 {
            place.save(&remembered).unwrap();
            assert_eq!(place.load(), Ok(remembered.clone()));
        }
        let found = std::fs::metadata(place.path()).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
        let beside = std::fs::read_dir(place.path().parent().unwrap()).unwrap();
        assert_eq!(beside.count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_cannot_be_used_is_said_and_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        place.save(&Remembered::default()).unwrap();
        for text in ["", "{\"theme\": 3}", "\u{1b}[2J", "3"] {
            std::fs::write(place.path(), text).unwrap();
            let error = place.load().unwrap_err();
            assert!(error.contains(NAME) && error.contains("not understood"), "{error}");
            assert!(!error.contains('\u{1b}'));
        }
        // What a later version adds means nothing to this one.
        std::fs::write(place.path(), "{\"later\": 1}").unwrap();
        assert_eq!(place.load(), Ok(Remembered::default()));
        // A link is neither read nor written through.
        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, "{\"theme\": \"light\"}").unwrap();
        std::fs::remove_file(place.path()).unwrap();
        symlink(&elsewhere, place.path()).unwrap();
        assert!(place.load().is_err());
        place.save(&Remembered::default()).unwrap();
        assert!(std::fs::read_to_string(&elsewhere).unwrap().contains("light"));
        let state = folder.path().join("home/.local/state");
        std::fs::remove_dir_all(&state).unwrap();
        symlink(folder.path(), &state).unwrap();
        assert!(place.load().is_err() && place.save(&Remembered::default()).is_err());
        assert!(!folder.path().join(NAME).exists());
    }

    #[test]
    fn behind_sudo_it_belongs_to_the_user() {
        if !rustix::process::geteuid().is_root() {
            // Who is not root has nobody behind sudo.
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let user = Invoker { uid: 12_345, gid: 23_456 };
        let place = Place { owner: Some(user), ..place(folder.path()) };
        std::fs::create_dir(folder.path().join("home")).unwrap();
        place.save(&Remembered::default()).unwrap();
        let path = place.path();
        for path in
            [path.as_path(), path.parent().unwrap(), path.parent().unwrap().parent().unwrap()]
        {
            let found = std::fs::metadata(path).unwrap();
            assert_eq!((found.uid(), found.gid()), (user.uid, user.gid), "{}", path.display());
        }
    }
}
