//! `/proc/PID/stat` (proc_pid_stat(5)).

/// The fields that matter.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) comm: String,
    /// `R`, `S`, `Z`, ...
    pub(super) state: char,
    pub(super) parent: u32,
    /// Clock ticks since boot.
    pub(super) start_ticks: u64,
}

pub(super) fn parse(bytes: &[u8]) -> Option<Stat> {
    // The name stands in parentheses, and may hold any byte, these too: it ends
    // at the last one.
    let open = memchr::memchr(b'(', bytes)?;
    let close = memchr::memrchr(b')', bytes)?;
    let comm = bytes.get(open + 1..close)?;
    let rest = std::str::from_utf8(&bytes[close + 1..]).ok()?;
    // Field 3, the state, comes first.
    let mut fields = rest.split_ascii_whitespace();
    Some(Stat {
        comm: String::from_utf8_lossy(comm).into_owned(),
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
        start_ticks: fields.nth(17)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "S 1 4242 4242 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 11 0 987654 99 100";

    fn check(name: &str) {
        let line = format!("4242 ({name}) {REST}\n");
        let expected = Stat { comm: name.to_owned(), state: 'S', parent: 1, start_ticks: 987_654 };
        assert_eq!(parse(line.as_bytes()), Some(expected));
    }

    #[test]
    fn names() {
        check("node");
        check("tmux: server");
        check(") R 7 (");
        check("");
    }

    #[test]
    fn cut_anywhere() {
        let line = format!("4242 (a) {REST}\n");
        let needed = line.find("987654").unwrap();
        for length in 0..needed {
            assert_eq!(parse(&line.as_bytes()[..length]), None, "{length}");
        }
    }
}
