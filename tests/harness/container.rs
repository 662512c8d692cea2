//! A container, made as runtimes make them: a control group that bears its id, mount,
//! process and network namespaces of its own, and a root with its own copies of the
//! files it runs.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::process::end;
use super::{Scratch, eventually, program};

/// What makes its root, in its namespaces, and then is its first process: a shell that
/// runs the lines it reads.
const INIT: &str = r#"
set -e
ip link set lo up
mount -t tmpfs tmpfs "$0"
cp -a "$1/." "$0"
mkdir -p "$0/proc" "$0/dev" "$0/tmp"
mount -t proc proc "$0/proc"
mknod -m 666 "$0/dev/null" c 1 3
echo ready
exec chroot "$0" /bin/sh -c 'while read -r line; do eval "$line"; ended=$?; echo; echo "ended $ended"; done'
"#;

pub(crate) struct Container {
    id: String,
    cgroup: PathBuf,
    unshare: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    _scratch: Scratch,
}

impl Container {
    /// Any 64 hex digits that no other run uses.
    pub(crate) fn new_id() -> String {
        let scratch = Scratch::new();
        let name = scratch.path().display().to_string();
        let bytes: Vec<u8> = name.bytes().rev().chain(std::process::id().to_be_bytes()).collect();
        (0..32).map(|at| format!("{:02x}", bytes[at % bytes.len()])).collect()
    }

    /// A container that can run these programs; `files` lie in its `/tmp`.
    pub(crate) fn start(id: &str, programs: &[&str], files: &[&Path]) -> Self {
        let scratch = Scratch::new();
        let root = scratch.file("image");
        std::fs::create_dir_all(root.join("tmp")).unwrap();
        for name in ["sh"].iter().chain(programs) {
            install(&root, &program(name));
        }
        for file in files {
            std::fs::copy(file, root.join("tmp").join(file.file_name().unwrap())).unwrap();
        }
        std::fs::create_dir_all(root.join("etc")).unwrap();
        let cached = Command::new("/sbin/ldconfig").arg("-r").arg(&root).status().unwrap();
        assert!(cached.success(), "ldconfig: {cached}");

        let cgroup = cgroups().join(format!("docker-{id}.scope"));
        std::fs::create_dir(&cgroup).unwrap();
        let mount = scratch.file("root");
        std::fs::create_dir(&mount).unwrap();
        let mut unshare = Command::new("/bin/sh")
            .args(["-c", "echo $$ >\"$0/cgroup.procs\" && exec \"$@\""])
            .arg(&cgroup)
            .args(["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--"])
            .args(["/bin/sh", "-c", INIT])
            .args([&mount, &root])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = unshare.stdin.take().unwrap();
        let stdout = BufReader::new(unshare.stdout.take().unwrap());
        let id = id.to_owned();
        let mut container = Container { id, cgroup, unshare, stdin, stdout, _scratch: scratch };
        assert_eq!(container.line().as_deref(), Some("ready"), "a container needs root");
        container
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Its first process, as this machine numbers it.
    pub(crate) fn pid(&self) -> u32 {
        let children = format!("/proc/{0}/task/{0}/children", self.unshare.id());
        let children = std::fs::read_to_string(children).unwrap();
        children.trim().parse().unwrap()
    }

    /// What a line of shell prints there, run by a child of its first process.
    pub(crate) fn run(&mut self, command: &str) -> String {
        writeln!(self.stdin, "{command}").unwrap();
        let mut printed = String::new();
        loop {
            let line = self.line().expect("the container runs");
            if let Some(status) = line.strip_prefix("ended ") {
                assert_eq!(status, "0", "{command}: {printed}");
                return printed;
            }
            printed += &line;
            printed.push('\n');
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        end(&mut self.unshare);
        let removed = || std::fs::remove_dir(&self.cgroup).ok();
        if !std::thread::panicking() {
            eventually("the end of the container", removed);
        } else {
            let _ = removed();
        }
    }
}

/// A program with the libraries it is linked with, at the same places in `root`.
fn install(root: &Path, program: &Path) {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let libraries = said.split_whitespace().filter(|word| word.starts_with('/'));
    let files: BTreeSet<&Path> = libraries.map(Path::new).collect();
    for file in files {
        copy(root, file);
    }
    let file = program.canonicalize().unwrap();
    copy(root, &file);
    let bin = root.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let link = bin.join(program.file_name().unwrap());
    if !link.exists() {
        std::os::unix::fs::symlink(file, link).unwrap();
    }
}

fn copy(root: &Path, file: &Path) {
    let inside = root.join(file.strip_prefix("/").unwrap());
    std::fs::create_dir_all(inside.parent().unwrap()).unwrap();
    // What was a link is a file there.
    std::fs::copy(file, inside).unwrap();
}

/// Where control groups are made: of version 2, or where a machine has none, of any
/// hierarchy of version 1.
fn cgroups() -> PathBuf {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let of_kind = |kind: &str| {
        let mut mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        mounts.find(|fields| fields[2] == kind).map(|fields| PathBuf::from(fields[1]))
    };
    of_kind("cgroup2").or_else(|| of_kind("cgroup")).expect("control groups are mounted")
}
