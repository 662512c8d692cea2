//! What searches found, kept on disk: a search is made once for each state of a
//! file, not at each start.
//!
//! A file is known again by its device, inode, size and time of change; where a
//! stack was found, also by its build id, which copies share and programs made of
//! a file keep (`bun build --compile`). A wrong place would end the observed
//! process, so with each place the cache holds the bytes of code that lay there,
//! and what is not found again is not believed.
//!
//! With it is kept where programs and libraries lay that processes had mapped, since
//! most are mapped again: at the next start they are probed before.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::Stamp;
use crate::elf::Elf;
use crate::stack::Contents;

/// Changed whenever the finders may find something else in the same file.
const REVISION: u32 = 10;
const MAX_SIZE: u64 = 16 << 20;
const MAX_ENTRIES: usize = 4096;
/// Code kept of each place, in bytes.
const CODE: u64 = 16;
const MAX_PATHS: usize = 512;

/// The cache, in memory.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// Where it is kept; without, it is empty and stays so.
    path: Option<PathBuf>,
    kept: Kept,
    changed: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    revision: u32,
    #[serde(flatten)]
    kept: Kept,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Kept {
    entries: Vec<Entry>,
    /// Of files that were mapped, the latest last.
    paths: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    stamp: Stamp,
    build_id: Option<Vec<u8>>,
    contents: Contents,
    /// What lies at the places of `contents`, in their order.
    code: Vec<Vec<u8>>,
}

impl Cache {
    /// The cache that is kept at `path`; an empty one where there is none yet, or
    /// none that can be trusted.
    pub(super) fn load(path: PathBuf) -> Self {
        let kept = read(&path).unwrap_or_else(|why| {
            log::info!("{}: {why}; files are looked through again", path.display());
            Kept::default()
        });
        Self { path: Some(path), kept, changed: false }
    }

    /// Where files lay that were mapped, in this mount namespace.
    pub(super) fn paths(&self) -> Vec<String> {
        self.kept.paths.clone()
    }

    /// Remembers that a file with a TLS stack was mapped.
    pub(super) fn mapped(&mut self, path: &str) {
        let paths = &mut self.kept.paths;
        if self.path.is_none() || paths.iter().any(|known| known == path) {
            return;
        }
        if paths.len() >= MAX_PATHS {
            paths.remove(0);
        }
        paths.push(path.to_owned());
        self.changed = true;
    }

    /// Forgets a file that is not there any more.
    pub(super) fn gone(&mut self, path: &str) {
        self.kept.paths.retain(|known| known != path);
        self.changed = true;
    }

    /// What was found in the file, if it is the same still.
    pub(super) fn contents(&self, stamp: &Stamp, elf: &Elf) -> Option<Contents> {
        if self.kept.entries.is_empty() {
            return None;
        }
        let same = self.kept.entries.iter().rev().find(|entry| entry.stamp == *stamp);
        if let Some(contents) = same.and_then(|entry| entry.contents(elf)) {
            return Some(contents);
        }
        let id = elf.build_id()?;
        let kin = self.kept.entries.iter().rev().filter(|e| e.build_id.as_ref() == Some(&id));
        let mut found = kin.filter(|entry| !entry.contents.found.is_empty());
        found.find_map(|entry| entry.contents(elf))
    }

    /// Remembers what a search found.
    pub(super) fn remember(&mut self, stamp: Stamp, elf: &Elf, contents: &Contents) {
        if self.path.is_none() {
            return;
        }
        self.kept.entries.retain(|entry| entry.stamp != stamp);
        if self.kept.entries.len() >= MAX_ENTRIES {
            self.kept.entries.drain(..MAX_ENTRIES / 4);
        }
        let (contents, code) = (contents.clone(), code_at(elf, contents));
        self.kept.entries.push(Entry { stamp, build_id: elf.build_id(), contents, code });
        self.changed = true;
    }

    /// Writes what is new to disk.
    pub(super) fn save(&mut self) {
        let Some(path) = self.path.as_deref().filter(|_| self.changed) else { return };
        self.changed = false;
        if let Err(error) = write(path, &self.kept) {
            log::info!("{}: {error}; files are looked through again next time", path.display());
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.save();
    }
}

impl Entry {
    fn contents(&self, elf: &Elf) -> Option<Contents> {
        let found = &self.contents.found;
        let same = || !self.code.is_empty() && code_at(elf, &self.contents) == self.code;
        (found.is_empty() || same()).then(|| self.contents.clone())
    }
}

/// The code at each place; of a place outside of it, none.
fn code_at(elf: &Elf, contents: &Contents) -> Vec<Vec<u8>> {
    let at = |offset| {
        let is_code = elf.address_of(offset).is_some_and(|address| elf.is_code(address));
        if is_code { elf.bytes(offset, CODE) } else { Vec::new() }
    };
    let sites = || contents.found.iter().flat_map(|found| &found.sites);
    let places = sites().flat_map(|site| std::iter::once(&site.entry).chain(&site.returns));
    let code: Vec<_> = places.map(|&offset| at(offset)).collect();
    let moved = sites().any(|site| site.entry != site.start);
    if moved || code.iter().any(Vec::is_empty) { Vec::new() } else { code }
}

/// Only what this user alone can have written.
fn read(path: &Path) -> Result<Kept, String> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| error.to_string())?;
    let facts = file.metadata().map_err(|error| error.to_string())?;
    if !facts.is_file() || facts.uid() != rustix::process::geteuid().as_raw() {
        return Err("belongs to another user".to_owned());
    }
    if facts.mode() & 0o077 != 0 {
        return Err("others may use it, too".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(MAX_SIZE).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let stored: Stored = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if stored.revision != REVISION {
        return Err("of another version".to_owned());
    }
    let mut kept = stored.kept;
    kept.entries.truncate(MAX_ENTRIES);
    kept.paths.truncate(MAX_PATHS);
    Ok(kept)
}

/// A file of the same name is replaced as a whole.
fn write(path: &Path, kept: &Kept) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let result = write_new(&new, kept).and_then(|()| std::fs::rename(&new, path));
    if result.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    result
}

fn write_new(path: &Path, kept: &Kept) -> std::io::Result<()> {
    let _ = std::fs::remove_file(path);
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let stored = Stored { revision: REVISION, kept: kept.clone() };
    file.write_all(&serde_json::to_vec(&stored)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::discovery::file::Root;
    use crate::stack::Found;
    use crate::{Abi, Function, Method, Placement, Site, Tls};

    const EXE: &str = "/proc/self/exe";

    fn this_program() -> (Stamp, Elf) {
        let opened = Root::Own.open(EXE).unwrap();
        (opened.stamp, Elf::open(opened.file).unwrap())
    }

    /// A find at the program's first instructions.
    fn found(elf: &Elf) -> Contents {
        let header = elf.bytes(0, 64);
        let entry = elf.offset_of(crate::elf::le::u64(&header, 24).unwrap()).unwrap();
        let found = Found {
            tls: Tls::Boringssl,
            version: None,
            method: Method::References,
            sites: vec![Site {
                function: Function::Write,
                abi: Abi::Returned,
                symbol: "SSL_write".to_owned(),
                entry,
                start: entry,
                returns: Vec::new(),
                placement: Placement::Emulated,
                reason: "a test".to_owned(),
            }],
        };
        Contents { found: vec![found], uncovered: vec!["because".to_owned()] }
    }

    #[test]
    fn kept_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/stacks.json");
        let (stamp, elf) = this_program();
        let contents = found(&elf);
        let mut cache = Cache::load(path.clone());
        assert_eq!(cache.contents(&stamp, &elf), None);
        cache.remember(stamp, &elf, &contents);
        cache.save();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        let cache = Cache::load(path.clone());
        assert_eq!(cache.contents(&stamp, &elf), Some(contents.clone()));

        // A copy has the same build id, where there is one.
        let copy = folder.path().join("copy");
        std::fs::copy(EXE, &copy).unwrap();
        let opened = Root::Own.open(copy.to_str().unwrap()).unwrap();
        let copied = Elf::open(opened.file).unwrap();
        let expected = elf.build_id().map(|_| contents.clone());
        assert_eq!(cache.contents(&opened.stamp, &copied), expected);

        // Other code at the same place is another program.
        let mut bytes = std::fs::read(&copy).unwrap();
        bytes[contents.found[0].sites[0].entry as usize] ^= 1;
        std::fs::write(&copy, bytes).unwrap();
        let opened = Root::Own.open(copy.to_str().unwrap()).unwrap();
        assert_eq!(cache.contents(&opened.stamp, &Elf::open(opened.file).unwrap()), None);
    }

    #[test]
    fn not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stacks.json");
        let (stamp, elf) = this_program();
        let contents = Contents { uncovered: vec!["because".to_owned()], ..Contents::default() };
        let mut cache = Cache::load(path.clone());
        cache.remember(stamp, &elf, &contents);
        cache.save();
        let believed = || Cache::load(path.clone()).contents(&stamp, &elf);
        assert_eq!(believed(), Some(contents));
        let whole = std::fs::read(&path).unwrap();

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(believed(), None, "others could have written it");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();

        for length in (0..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(believed(), None, "cut at {length}");
        }
        let other = folder.path().join("other.json");
        std::fs::write(&path, &whole).unwrap();
        std::fs::rename(&path, &other).unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        assert_eq!(believed(), None, "a link");
        if rustix::process::geteuid().is_root() {
            std::fs::remove_file(&path).unwrap();
            std::fs::rename(&other, &path).unwrap();
            std::os::unix::fs::chown(&path, Some(65534), Some(65534)).unwrap();
            assert_eq!(believed(), None, "another user's");
        }
    }
}
