//! The addresses of a connection's ends, and who owns the other one.

mod owner;
mod stdio;
pub(crate) mod tcp_table;

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::SocketType;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

pub use owner::Owners;
pub(crate) use owner::sockets;
pub use stdio::client_of_stdio;
pub(crate) use stdio::moved_pipes;

use crate::Endpoint;

/// The two addresses of the TCP socket that is descriptor `fd` of process `pid`.
/// `None` where it is none (a pipe, a Unix socket) or the process is gone.
///
/// IPv4 addresses that an IPv6 socket shows as mapped (RFC 4291, 2.5.5.2) come
/// back as IPv4.
pub fn resolve(pid: u32, fd: i32) -> Option<Endpoint> {
    if fd < 0 {
        return None;
    }
    by_descriptor(pid, fd).or_else(|| by_table(pid, fd))
}

/// Asks the socket itself, through a descriptor of our own. It is closed at
/// once, so it does not keep the connection open.
fn by_descriptor(pid: u32, fd: i32) -> Option<Endpoint> {
    addresses(descriptor(pid, fd)?)
}

/// A descriptor of our own for what is one of another process's.
fn descriptor(pid: u32, fd: i32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    pidfd_getfd(process, fd, PidfdGetfdFlags::empty()).ok()
}

fn addresses(socket: impl AsFd) -> Option<Endpoint> {
    // Others have addresses of the Internet, too.
    if rustix::net::sockopt::socket_type(&socket).ok()? != SocketType::STREAM {
        return None;
    }
    let local = rustix::net::getsockname(&socket).ok()?;
    let peer = rustix::net::getpeername(&socket).ok().flatten();
    let address = |any: rustix::net::SocketAddrAny| SocketAddr::try_from(any).ok().map(canonical);
    Some(Endpoint {
        local: Some(address(local)?),
        peer: peer.and_then(address),
        ..Endpoint::default()
    })
}

/// Finds the socket's inode in the tables of the process's network namespace:
/// for kernels and policies that do not hand descriptors out.
fn by_table(pid: u32, fd: i32) -> Option<Endpoint> {
    let link = std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
    let inode = socket_inode(link.to_str()?)?;
    let entries = tcp_table::read(pid);
    let entry = entries.into_iter().find(|entry| entry.inode == inode)?;
    Some(Endpoint { local: Some(entry.local), peer: Some(entry.peer), ..Endpoint::default() })
}

/// From the target of a link such as `/proc/1/fd/3`: `socket:[4242]`.
fn socket_inode(link: &str) -> Option<u64> {
    let number = link.strip_prefix("socket:[")?.strip_suffix(']')?;
    number.parse().ok()
}

fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn pair(address: &str) -> Option<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind(address).ok()?;
        let port = listener.local_addr().unwrap().port();
        let host = if address.starts_with("127.") || address.starts_with("[::]") {
            "127.0.0.1"
        } else {
            "::1"
        };
        let client = TcpStream::connect((host, port)).ok()?;
        Some((client, listener.accept().unwrap().0))
    }

    fn check(address: &str) {
        let Some((client, server)) = pair(address) else {
            return; // no IPv6 here
        };
        let pid = std::process::id();
        let (local, peer) =
            (canonical(client.local_addr().unwrap()), canonical(client.peer_addr().unwrap()));
        for find in [resolve, by_descriptor, by_table] {
            let end = |socket: &TcpStream| find(pid, socket.as_raw_fd()).unwrap();
            let (client, server) = (end(&client), end(&server));
            assert_eq!((client.local, client.peer), (Some(local), Some(peer)));
            assert_eq!((server.local, server.peer), (Some(peer), Some(local)));
        }
        // A child that another test starts holds our sockets, too, until it
        // runs its program.
        let ours = |from, to| {
            (0..2000).any(|_| {
                let found = Owners::new().owner(pid, from, to) == Some(pid);
                if !found {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                found
            })
        };
        assert!(ours(local, peer) && ours(peer, local));
    }

    #[test]
    fn addresses_of_sockets() {
        check("127.0.0.1:0");
        check("[::1]:0");
        // A client of IPv4 at a server of IPv6: its addresses are mapped.
        check("[::]:0");
    }

    #[test]
    fn not_a_connection() {
        let (unix, _other) = UnixStream::pair().unwrap();
        let file = std::fs::File::open("/proc/self/stat").unwrap();
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.connect("127.0.0.1:9").unwrap();
        let pid = std::process::id();
        assert_eq!(resolve(pid, unix.as_raw_fd()), None);
        assert_eq!(resolve(pid, file.as_raw_fd()), None);
        assert_eq!(resolve(pid, udp.as_raw_fd()), None);
        assert_eq!(resolve(pid, 1 << 20), None);
        assert_eq!(resolve(pid, -1), None);
        assert_eq!(resolve(u32::MAX, 0), None);
    }

    #[test]
    fn addresses_that_pass_to_another() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let client = TcpStream::connect(server).unwrap();
        let local = client.local_addr().unwrap();
        let own = std::process::id();
        let mut owners = Owners::new();
        let before = owners.owner(own, local, server);
        // Nothing is left of it, and its addresses can be used at once.
        rustix::net::sockopt::set_socket_linger(&client, Some(std::time::Duration::ZERO)).unwrap();
        drop((client, listener.accept().unwrap()));
        let script = "import socket, sys, time\n\
            ends = [('127.0.0.1', int(port)) for port in sys.argv[1:]]\n\
            for _ in range(500):\n\
            \x20   try:\n\
            \x20       s = socket.create_connection(ends[1], source_address=ends[0])\n\
            \x20       break\n\
            \x20   except OSError:\n\
            \x20       time.sleep(0.01)\n\
            s.recv(1)";
        let mut next = std::process::Command::new("python3")
            .args(["-c", script, &local.port().to_string(), &server.port().to_string()])
            .spawn()
            .unwrap();
        let (accepted, peer) = listener.accept().unwrap();
        assert_eq!(peer, local);
        let after = owners.owner(own, local, server);
        drop(accepted);
        next.wait().unwrap();
        // A child that another test starts may have held the first, too.
        assert!(before.is_some());
        assert_eq!(after, Some(next.id()));
    }

    #[test]
    fn owned_by_another_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut client = std::process::Command::new("bash")
            .args(["-c", &format!("exec 3<>/dev/tcp/127.0.0.1/{port}; exec cat <&3")])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let (server, peer) = listener.accept().unwrap();
        let found = Owners::new().owner(std::process::id(), peer, server.local_addr().unwrap());
        drop(server);
        client.wait().unwrap();
        assert_eq!(found, Some(client.id()));
    }
}
