//! `/proc/PID/maps`, of which only executable mappings of files matter
//! (proc_pid_maps(5)).

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// The most lines read of one process.
const MAX_LINES: usize = 1 << 17;
const DELETED: &str = " (deleted)";

/// A file that a process has mapped executable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    /// `start-end`, the name under `/proc/PID/map_files`.
    pub(super) range: String,
    /// Major and minor number, as printed.
    pub(super) device: (u32, u32),
    pub(super) inode: u64,
    /// As the process sees it, without the mark of a deleted file.
    pub(super) path: String,
    /// The file has no name any more.
    pub(super) deleted: bool,
}

/// The files that the process has mapped executable, each once; none of a
/// process that is gone or is a kernel thread.
pub(super) fn of(pid: u32) -> Vec<Mapping> {
    let Ok(file) = File::open(format!("/proc/{pid}/maps")) else {
        return Vec::new();
    };
    let mut reader = BufReader::with_capacity(64 << 10, file);
    let mut mappings = Vec::new();
    let mut seen = HashSet::new();
    let mut line = Vec::new();
    for _ in 0..MAX_LINES {
        line.clear();
        if !matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
            break;
        }
        let Some(mapping) = parse(&line) else {
            continue;
        };
        if seen.insert((mapping.device, mapping.inode)) {
            mappings.push(mapping);
        }
    }
    mappings
}

fn parse(line: &[u8]) -> Option<Mapping> {
    // A name that is not UTF-8 is no name by which it can be opened; the mapping is.
    let text = String::from_utf8_lossy(line);
    let mut rest = text.strip_suffix('\n').unwrap_or(&text);
    let mut field = || {
        rest = rest.trim_start_matches(' ');
        let end = rest.find(' ').unwrap_or(rest.len());
        let (head, tail) = rest.split_at(end);
        rest = tail;
        head
    };
    let range = field();
    let executable = field().as_bytes().get(2) == Some(&b'x');
    let _offset = field();
    let (major, minor) = field().split_once(':')?;
    let inode: u64 = field().parse().ok()?;
    let path = rest.trim_start_matches(' ');
    if !executable || inode == 0 || !path.starts_with('/') {
        return None;
    }
    let deleted = path.ends_with(DELETED);
    let path = path.strip_suffix(DELETED).unwrap_or(path);
    Some(Mapping {
        range: range.to_owned(),
        device: (u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?),
        inode,
        // The kernel writes newlines, and nothing else, as octal escapes.
        path: path.replace("\\012", "\n"),
        deleted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fields<'a> = (&'a str, (u32, u32), u64, &'a str, bool);

    fn check(line: &str, expected: Option<Fields<'_>>) {
        check_bytes(line.as_bytes(), expected);
    }

    fn check_bytes(line: &[u8], expected: Option<Fields<'_>>) {
        let parsed = parse(line);
        let found = parsed.as_ref().map(|m| (&*m.range, m.device, m.inode, &*m.path, m.deleted));
        assert_eq!(found, expected, "{}", line.escape_ascii());
    }

    #[test]
    fn lines() {
        check(
            "7f0a1000-7f0a2000 r-xp 00001000 fe:0a 1234      /usr/lib/libssl.so.3\n",
            Some(("7f0a1000-7f0a2000", (0xfe, 10), 1234, "/usr/lib/libssl.so.3", false)),
        );
        check(
            "1-2 r-xp 0 08:01 9 /tmp/with  two spaces (deleted)\n",
            Some(("1-2", (8, 1), 9, "/tmp/with  two spaces", true)),
        );
        check("1-2 rwxs 0 08:01 9 /a\\012b", Some(("1-2", (8, 1), 9, "/a\nb", false)));
        check_bytes(b"1-2 r-xp 0 08:01 9 /\xe4", Some(("1-2", (8, 1), 9, "/\u{fffd}", false)));
        check("1-2 r--p 0 08:01 9 /not/executable\n", None);
        check("1-2 r-xp 0 00:00 0 [vdso]\n", None);
        check("1-2 r-xp 0 00:00 0 \n", None);
        check("1-2 r-xp 0 00:0f 7 anon_inode:[perf]\n", None);
        check("1-2 r-xp 0 zz:01 9 /a\n", None);
        check("", None);
        check("1-2", None);
    }

    #[test]
    fn own_process() {
        let exe = std::env::current_exe().unwrap();
        let mappings = of(std::process::id());
        assert!(mappings.iter().any(|m| exe.to_str() == Some(&m.path)));
    }
}
