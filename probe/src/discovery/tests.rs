//! Discovery of processes that these tests start.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/libssl.so.3";

/// A process that ends when its standard input closes.
struct Running(Child);

impl Running {
    /// Starts `command`, and waits for the first byte it writes.
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut byte = [0];
        let out = child.stdout.as_mut().unwrap();
        out.read_exact(&mut byte).expect("the process ended before its time");
        Self(child)
    }

    /// A python that has mapped `library`, once it says so.
    fn mapping(library: &Path) -> Self {
        Self::start(Command::new("python3").args(["-c", &script(library)]))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn script(library: &Path) -> String {
    let library = library.display();
    format!("import ctypes, sys; l = ctypes.CDLL('{library}'); print(flush=True); sys.stdin.read()")
}

/// A copy of libssl under a name that says nothing; `None` where there is none.
fn copy(directory: &Path) -> Option<PathBuf> {
    let path = directory.join("_internal-7f.so");
    std::fs::copy(LIBRARY, &path).ok()?;
    Some(path)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn names(targets: &[Target], path: &Path) -> usize {
    targets.iter().filter(|t| Path::new(&t.shown_path) == path).count()
}

/// What was mapped once is found before anybody maps it again.
#[test]
fn a_library_mapped_in_an_earlier_run() {
    let directory = tempfile::tempdir().unwrap();
    let Some(library) = copy(directory.path()) else { return };
    let cache = || directory.path().join("cache/stacks.json");
    let mut discovery = Discovery::with_cache(cache());
    assert_eq!(names(&discovery.initial(), &library), 0);
    let process = Running::mapping(&library);
    assert_eq!(names(&discovery.mapped(process.pid(), true), &library), 1);
    drop((process, discovery));

    let found = Discovery::with_cache(cache()).initial();
    assert_eq!(names(&found, &library), 1);
    std::fs::remove_file(&library).unwrap();
    let found = Discovery::with_cache(cache()).initial();
    assert_eq!(names(&found, &library), 0);
    std::fs::write(&library, "something else").unwrap();
    let found = Discovery::with_cache(cache()).initial();
    assert_eq!(names(&found, &library), 0);
}

#[test]
fn a_library_mapped_later() {
    let directory = tempfile::tempdir().unwrap();
    let Some(library) = copy(directory.path()) else { return };
    let mut discovery = Discovery::new();
    assert_eq!(names(&discovery.initial(), &library), 0);
    let process = Running::mapping(&library);
    let found = discovery.mapped(process.pid(), true);
    assert_eq!(names(&found, &library), 1);
    assert!(discovery.mapped(process.pid(), true).is_empty(), "found twice");
    assert!(discovery.exec(process.pid(), true).is_empty(), "found twice");
    assert_eq!(names(&discovery.rescan(), &library), 0);
    let file = found[0].file;
    assert!(!discovery.retired().contains(&file));
    drop(process);
    discovery.rescan();
    assert!(!discovery.retired().contains(&file), "the file is still there");
    std::fs::remove_file(&library).unwrap();
    discovery.rescan();
    assert!(discovery.retired().contains(&file));
}

#[test]
fn a_deleted_library() {
    let directory = tempfile::tempdir().unwrap();
    let Some(library) = copy(directory.path()).filter(|_| is_root()) else { return };
    let process = Running::mapping(&library);
    let inode = std::os::unix::fs::MetadataExt::ino(&library.metadata().unwrap());
    std::fs::remove_file(&library).unwrap();
    // Another file by that name is not what the process has mapped.
    std::fs::write(&library, "").unwrap();
    let mut discovery = Discovery::new();
    let found = discovery.exec(process.pid(), true);
    let target = found.iter().find(|t| t.file.inode == inode).expect("not found");
    assert_eq!(Path::new(&target.shown_path), library);
    let opened = std::fs::metadata(target.handle.as_ref().unwrap().path()).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::ino(&opened), inode);
    drop(process);
    discovery.rescan();
    assert_eq!(discovery.retired().iter().filter(|f| f.inode == inode).count(), 1);
}

#[test]
fn a_library_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let Some(library) = copy(directory.path()) else { return };
    let process = Running::mapping(&library);
    let mut discovery = Discovery::new();
    let first = discovery.exec(process.pid(), true);
    assert_eq!(names(&first, &library), 1);
    drop(process);
    // The same inode with other bytes, as `cp` leaves it.
    let mut bytes = std::fs::read(LIBRARY).unwrap();
    bytes.push(0);
    std::fs::write(&library, bytes).unwrap();
    let process = Running::mapping(&library);
    let again = discovery.rescan();
    assert_eq!(names(&again, &library), 1);
    let new = again.iter().find(|t| Path::new(&t.shown_path) == library).unwrap();
    assert_eq!(new.file, first[0].file);
    assert_eq!(discovery.retired(), [first[0].file]);
    discovery.rescan();
    assert!(!discovery.retired().contains(&first[0].file));
    drop(process);
}

/// It holds nothing to probe now, and what it held is gone at once.
#[test]
fn a_library_written_over_by_something_else() {
    let directory = tempfile::tempdir().unwrap();
    let Some(library) = copy(directory.path()) else { return };
    let process = Running::mapping(&library);
    let mut discovery = Discovery::new();
    let first = discovery.exec(process.pid(), true);
    assert_eq!(names(&first, &library), 1);
    drop(process);
    std::fs::copy("/bin/true", &library).unwrap();
    assert_eq!(names(&discovery.rescan(), &library), 0);
    assert_eq!(discovery.retired(), [first[0].file]);
}

/// Between the look at a file and the probes, its name may come to mean another, and
/// its bytes may change.
#[test]
fn what_is_probed_is_what_was_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let Some(library) = copy(directory.path()) else { return };
    let process = Running::mapping(&library);
    let mut found = Discovery::new().exec(process.pid(), true);
    drop(process);
    let handle = found.remove(0).handle.expect("nothing is attached yet");
    let whole = std::fs::read(&library).unwrap();
    std::fs::rename(&library, directory.path().join("former")).unwrap();
    std::os::unix::fs::symlink("/bin/true", &library).unwrap();
    assert_eq!(std::fs::read(handle.path()).unwrap(), whole);
    assert!(handle.is_unchanged());
    std::fs::copy("/bin/true", directory.path().join("former")).unwrap();
    assert!(!handle.is_unchanged());
}

/// A name may lead to anything. Opening a FIFO would let its writer go on, opening a
/// device would do whatever its driver does.
#[test]
fn only_files_are_opened() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let (name, writer) = (fifo.to_str().unwrap(), fifo.clone());
    assert!(Root::Own.open(name).is_none());
    assert!(Root::Own.open(directory.path().to_str().unwrap()).is_none());
    // Had it been opened for reading, inotify would tell.
    let watch = rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::NONBLOCK).unwrap();
    let opened = rustix::fs::inotify::WatchFlags::OPEN;
    rustix::fs::inotify::add_watch(&watch, &writer, opened).unwrap();
    assert!(Root::Own.open(name).is_none());
    let mut bytes = [0; 256];
    assert_eq!(rustix::io::read(&watch, &mut bytes), Err(rustix::io::Errno::AGAIN));
}

#[test]
fn a_library_of_a_container() {
    let directory = tempfile::tempdir().unwrap();
    let Some(library) = copy(directory.path()).filter(|_| is_root()) else { return };
    // The file lies on a file system that only the container has mounted, and a
    // file of the same name in this namespace is something else.
    let container = directory.path().join("container");
    std::fs::create_dir(&container).unwrap();
    let inside = container.join("lib.so");
    let shell = format!(
        "mount -t tmpfs tmpfs {0} && cp {1} {2} && exec python3 -c \"{3}\"",
        container.display(),
        library.display(),
        inside.display(),
        script(&inside)
    );
    let process = Running::start(Command::new("unshare").args(["-m", "sh", "-c", &shell]));
    std::fs::write(&inside, "something else").unwrap();
    let mut discovery = Discovery::new();
    let found = discovery.exec(process.pid(), true);
    assert_eq!(names(&found, &inside), 1, "{found:#?}");
    let target = found.iter().find(|t| Path::new(&t.shown_path) == inside).unwrap();
    assert_eq!(std::fs::read(&target.path).unwrap(), std::fs::read(LIBRARY).unwrap());
    assert!(target.stacks[0].version.is_some());
    drop(process);
    discovery.rescan();
    assert!(discovery.retired().contains(&target.file));
}

#[test]
fn a_layer_that_containers_share() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for name in ["lower", "work", "a", "b"] {
        std::fs::create_dir(at(name)).unwrap();
    }
    let Some(_) = copy(&at("lower")).filter(|_| is_root()) else { return };
    let container = |name: &str| {
        let shell = format!(
            "cd {0} && mount -t tmpfs tmpfs work && mkdir work/u work/w && mount -t overlay overlay \
             -o lowerdir=lower,upperdir=work/u,workdir=work/w {name} && exec python3 -c \"{1}\"",
            directory.path().display(),
            script(&at(name).join("_internal-7f.so"))
        );
        Running::start(Command::new("unshare").args(["-m", "sh", "-c", &shell]))
    };
    if !std::fs::read_to_string("/proc/filesystems").unwrap().contains("overlay") {
        return;
    }
    let (a, b) = (container("a"), container("b"));
    let mut discovery = Discovery::new();
    let is_ours = |t: &&Target| t.shown_path.ends_with("/_internal-7f.so");
    assert_eq!(discovery.exec(a.pid(), true).iter().filter(is_ours).count(), 1);
    assert_eq!(discovery.exec(b.pid(), true).iter().filter(is_ours).count(), 0);
}

#[test]
fn the_linker_cache_before_any_use() {
    let mut discovery = Discovery::new();
    let found = discovery.initial();
    if Path::new(LIBRARY).exists() {
        assert_eq!(names(&found, &Path::new(LIBRARY).canonicalize().unwrap()), 1);
    }
    for target in &found {
        assert!(!target.stacks[0].sites.is_empty());
        assert!(target.path.exists());
    }
    let files: HashSet<_> = found.iter().map(|t| t.file).collect();
    assert_eq!(files.len(), found.len(), "a file twice");
}

#[test]
fn a_process_that_is_gone() {
    assert!(Discovery::new().exec(u32::MAX, true).is_empty());
}
