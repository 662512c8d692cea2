//! The ends of TCP sockets, by the calls that make and close them: `connect`, `accept`,
//! `close` and their like, and the kernel's word on a socket's state. What a descriptor was is
//! forgotten where it becomes another.

use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::bpf_probe_read_user;
use aya_ebpf::macros::tracepoint;
use aya_ebpf::programs::TracePointContext;
use llmtop_probe_common::{Address, SocketKey, SocketState};

use crate::maps::{ACCEPTING, CONNECTING, CONNECTORS, SOCKETS};
use crate::{descriptors, file, plain};

pub const AF_INET: u16 = 2;
pub const AF_INET6: u16 = 10;
pub const IPPROTO_TCP: u16 = 6;
const TCP_ESTABLISHED: u32 = 1;
const TCP_SYN_SENT: u32 = 2;
const TCP_CLOSE: u32 = 7;

/// Argument `n` of a `sys_enter` event; of a `sys_exit` event, 0 is the result.
#[inline(always)]
pub fn argument(ctx: &TracePointContext, n: usize) -> u64 {
    // SAFETY: these events hold eight-byte values from offset 16 on, as many as
    // the call has arguments.
    unsafe { *ctx.as_ptr().cast::<u64>().add(2 + n) }
}

/// Entry of `connect(fd, address, length)`.
#[tracepoint]
pub fn connect_enter(ctx: TracePointContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let fd = argument(&ctx, 0) as i32;
    let key = SocketKey { pid: (pid_tgid >> 32) as u32, fd };
    let _ = SOCKETS.remove(key);
    descriptors::set(key.pid, fd, descriptors::NEW);
    let Some(peer) = sockaddr(argument(&ctx, 1)) else { return 0 };
    // Other sockets have addresses of the Internet, too.
    if file::is_known() && file::open(fd).and_then(file::File::tcp).is_none() {
        return 0;
    }
    let _ = SOCKETS.insert(key, SocketState { local: Address::default(), peer }, 0);
    let _ = CONNECTING.insert(pid_tgid, fd, 0);
    0
}

/// Exit of `connect`.
#[tracepoint]
pub fn connect_exit(ctx: TracePointContext) -> u32 {
    const EINPROGRESS: i64 = -115;
    let pid_tgid = bpf_get_current_pid_tgid();
    // SAFETY: copied at once.
    let Some(fd) = (unsafe { CONNECTING.get(pid_tgid) }).copied() else { return 0 };
    let _ = CONNECTING.remove(pid_tgid);
    let result = argument(&ctx, 0) as i64;
    if result != 0 && result != EINPROGRESS {
        let _ = SOCKETS.remove(SocketKey { pid: (pid_tgid >> 32) as u32, fd });
    }
    0
}

/// Entry of `accept(fd, address, length)` and `accept4`.
#[tracepoint]
pub fn accept_enter(ctx: TracePointContext) -> u32 {
    let address = argument(&ctx, 1);
    let _ = ACCEPTING.insert(bpf_get_current_pid_tgid(), address, 0);
    0
}

/// Exit of `accept` and `accept4`: the new descriptor, and the peer where the
/// program asked for it.
#[tracepoint]
pub fn accept_exit(ctx: TracePointContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    // SAFETY: copied at once.
    let Some(address) = (unsafe { ACCEPTING.get(pid_tgid) }).copied() else { return 0 };
    let _ = ACCEPTING.remove(pid_tgid);
    let fd = argument(&ctx, 0) as i64;
    if fd < 0 {
        return 0;
    }
    let key = SocketKey { pid: (pid_tgid >> 32) as u32, fd: fd as i32 };
    descriptors::set(key.pid, key.fd, descriptors::NEW);
    match sockaddr(address) {
        Some(peer) => {
            let _ = SOCKETS.insert(key, SocketState { local: Address::default(), peer }, 0);
        }
        None => {
            let _ = SOCKETS.remove(key);
        }
    }
    0
}

/// Entry of `close(fd)`.
#[tracepoint]
pub fn close_enter(ctx: TracePointContext) -> u32 {
    closing(argument(&ctx, 0) as i32)
}

/// Entry of `dup2(old, new)` and `dup3`, which close `new`.
#[tracepoint]
pub fn dup_enter(ctx: TracePointContext) -> u32 {
    let new = argument(&ctx, 1) as i32;
    if argument(&ctx, 0) as i32 == new { 0 } else { closing(new) }
}

/// The number may name another thing from now on.
#[inline(always)]
fn closing(fd: i32) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let key = SocketKey { pid: (pid_tgid >> 32) as u32, fd };
    if SOCKETS.get_ptr(key).is_some() {
        let _ = SOCKETS.remove(key);
    }
    plain::closing(pid_tgid, fd);
    0
}

/// Entry of `close_range(first, last, flags)`: mostly of a child that is about
/// to execute a program. What is not closed is looked at anew.
#[tracepoint]
pub fn close_range_enter(_: TracePointContext) -> u32 {
    descriptors::forget((bpf_get_current_pid_tgid() >> 32) as u32);
    0
}

/// `sock:inet_sock_set_state`: a connecting socket is bound to its descriptor
/// while `connect` runs; when it is established its own port is known.
#[tracepoint]
pub fn tcp_state(ctx: TracePointContext) -> u32 {
    let event = ctx.as_ptr().cast::<StateEvent>();
    // SAFETY: the event's layout, of Linux 5.6 and later.
    let event = unsafe { &*event };
    if event.protocol != IPPROTO_TCP {
        return 0;
    }
    match event.newstate {
        TCP_SYN_SENT => {
            let pid_tgid = bpf_get_current_pid_tgid();
            // SAFETY: copied at once.
            if let Some(fd) = unsafe { CONNECTING.get(pid_tgid) } {
                let key = SocketKey { pid: (pid_tgid >> 32) as u32, fd: *fd };
                let _ = CONNECTORS.insert(event.skaddr, key, 0);
            }
        }
        TCP_ESTABLISHED if event.oldstate == TCP_SYN_SENT => {
            // SAFETY: copied at once.
            let Some(key) = (unsafe { CONNECTORS.get(event.skaddr) }).copied() else { return 0 };
            let _ = CONNECTORS.remove(event.skaddr);
            let Some(state) = SOCKETS.get_ptr_mut(key) else { return 0 };
            let local = event.local();
            // SAFETY: the element stays valid for this program's run.
            unsafe { (*state).local = local };
        }
        TCP_CLOSE => {
            if event.oldstate == TCP_SYN_SENT {
                let _ = CONNECTORS.remove(event.skaddr);
            }
        }
        _ => {}
    }
    0
}

#[repr(C)]
struct StateEvent {
    common: u64,
    skaddr: u64,
    oldstate: u32,
    newstate: u32,
    sport: u16,
    dport: u16,
    family: u16,
    protocol: u16,
    saddr: [u8; 4],
    daddr: [u8; 4],
    saddr_v6: [u32; 4],
    daddr_v6: [u32; 4],
}

impl StateEvent {
    #[inline(always)]
    fn local(&self) -> Address {
        let mut address = Address { family: self.family, port: self.sport, ip: [0; 16] };
        if self.family == AF_INET {
            address.ip[0] = self.saddr[0];
            address.ip[1] = self.saddr[1];
            address.ip[2] = self.saddr[2];
            address.ip[3] = self.saddr[3];
        } else {
            let mut word = 0;
            while word < 4 {
                let bytes = self.saddr_v6[word].to_ne_bytes();
                address.ip[4 * word] = bytes[0];
                address.ip[4 * word + 1] = bytes[1];
                address.ip[4 * word + 2] = bytes[2];
                address.ip[4 * word + 3] = bytes[3];
                word += 1;
            }
        }
        address
    }
}

/// An IP address in the memory of the current process.
#[inline(always)]
fn sockaddr(at: u64) -> Option<Address> {
    #[repr(C)]
    struct Raw {
        family: u16,
        port: [u8; 2],
        v4: [u8; 4],
        v6: [u8; 16],
    }
    if at == 0 {
        return None;
    }
    let mut raw = Raw { family: 0, port: [0; 2], v4: [0; 4], v6: [0; 16] };
    // SAFETY: reads 8 bytes, what `sockaddr_in` has and more than half of what
    // `sockaddr_in6` has, into a local.
    if unsafe { bpf_probe_read_user((&raw mut raw).cast(), 8, at as *const _) } != 0 {
        return None;
    }
    let mut address =
        Address { family: raw.family, port: u16::from_be_bytes(raw.port), ip: [0; 16] };
    match raw.family {
        AF_INET => {
            address.ip[0] = raw.v4[0];
            address.ip[1] = raw.v4[1];
            address.ip[2] = raw.v4[2];
            address.ip[3] = raw.v4[3];
        }
        AF_INET6 => {
            // SAFETY: reads 16 bytes into a local.
            let failed =
                unsafe { bpf_probe_read_user((&raw mut raw.v6).cast(), 16, (at + 8) as *const _) };
            if failed != 0 {
                return None;
            }
            address.ip = raw.v6;
        }
        _ => return None,
    }
    Some(address)
}
