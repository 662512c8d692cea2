//! `/proc/PID/net/tcp` and `tcp6`: the TCP sockets of a network namespace
//! (proc_pid_net(5)).

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::canonical;

/// The most sockets read.
const MAX_ENTRIES: usize = 1 << 18;

/// A socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
    pub(crate) inode: u64,
}

/// The sockets in the network namespace of `pid` that a process holds.
pub(crate) fn read(pid: u32) -> Vec<Entry> {
    let mut entries = Vec::new();
    for name in ["tcp", "tcp6"] {
        let Ok(file) = File::open(format!("/proc/{pid}/net/{name}")) else {
            continue;
        };
        let lines = BufReader::with_capacity(64 << 10, file).lines();
        let lines = lines.skip(1).take(MAX_ENTRIES).map_while(Result::ok);
        entries.extend(lines.filter_map(|line| parse(&line)));
    }
    entries
}

fn parse(line: &str) -> Option<Entry> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let local = address(fields.next()?)?;
    let peer = address(fields.next()?)?;
    let inode = fields.nth(6)?.parse().ok()?;
    // Connections that no process holds any more (TIME_WAIT) have none.
    (inode != 0).then_some(Entry { local, peer, inode })
}

/// The address is words of 32 bits as the machine stores them, in hex digits.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let digits = ip.get(at..at + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(canonical(SocketAddr::new(ip, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(&str, &str, u64)>) {
        let expected = expected.map(|(local, peer, inode)| Entry {
            local: local.parse().unwrap(),
            peer: peer.parse().unwrap(),
            inode,
        });
        assert_eq!(parse(line), expected, "{line}");
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn lines() {
        check(
            "   0: 0100007F:1F90 0100007F:CD12 01 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0000000000000000 20 4 30 10 -1",
            Some(("127.0.0.1:8080", "127.0.0.1:52498", 31337)),
        );
        check(
            "   1: 00000000000000000000000001000000:01BB 00000000000000000000000001000000:0050 01 0:0 0:0 0 0 0 7 1",
            Some(("[::1]:443", "[::1]:80", 7)),
        );
        check(
            "   2: 0000000000000000FFFF00000100007F:01BB 0000000000000000FFFF00000100007F:0050 01 0:0 0:0 0 0 0 7 1",
            Some(("127.0.0.1:443", "127.0.0.1:80", 7)),
        );
        check("   3: 0100007F:1F90 0100007F:CD12 06 0:0 0:0 0 0 0 0 3", None);
        check("   4: 0100007F 0100007F:CD12 06 0:0 0:0 0 0 0 9 3", None);
        check("   4: é100007:1F90 0100007F:CD12 06 0:0 0:0 0 0 0 9 3", None);
        check("", None);
    }
}
