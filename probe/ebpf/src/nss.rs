//! NSS, where its functions are not as OpenSSL's: the one that reads, and those that a
//! program calls with a layer of NSPR instead of the TLS socket.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use llmtop_probe_common::{Conn, ConnKey, conn_flags};

use crate::{calls, filter, memory, openssl};

/// `PR_MSG_PEEK`: what is read will be read again.
const PEEK: u32 = 2;
/// Layers that are looked through; Firefox has four.
const MAX_LAYERS: u32 = 8;

/// `int recv(socket, buf, int num, int flags)`; 0 is the end of the stream.
#[uprobe]
pub fn nss_read(ctx: ProbeContext) -> u32 {
    if ctx.arg::<u64>(3).unwrap_or(0) as u32 & PEEK != 0 {
        return 0;
    }
    openssl::enter(&ctx, calls::ACTIVE | calls::READ | calls::ZERO_IS_END, 1, None)
}

/// `SECStatus SSL_ResetHandshake(layer, PRBool server)`: the socket is new, or begins
/// again.
#[uprobe]
pub fn nss_handshake(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    if filter::wanted((pid_tgid >> 32) as u32) {
        fresh(&ctx, pid_tgid);
    }
    0
}

/// `SECStatus SSL_SetURL(layer, const char *name)`, before the handshake.
#[uprobe]
pub fn nss_server_name(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    if !filter::wanted((pid_tgid >> 32) as u32) {
        return 0;
    }
    let name = ctx.arg::<u64>(1).unwrap_or(0);
    if let Some(conn) = fresh(&ctx, pid_tgid)
        && name != 0
    {
        openssl::send_server_name(conn.id, name, u32::MAX, pid_tgid);
    }
    0
}

#[inline(always)]
fn fresh(ctx: &ProbeContext, pid_tgid: u64) -> Option<&'static mut Conn> {
    let object = socket(ctx.arg::<u64>(0).unwrap_or(0))?;
    let key = ConnKey { object, pid: (pid_tgid >> 32) as u32, reserved: 0 };
    openssl::conn(&key, ctx, pid_tgid, conn_flags::FRESH)
}

/// The TLS socket in a pile of layers (`PRFileDesc`: methods, what the layer keeps, the
/// layer below, ...). It begins with the layer that it believes to be its own: the one
/// that keeps it, or the uppermost, whose place a layer that is put above takes.
#[inline(always)]
fn socket(top: u64) -> Option<u64> {
    let mut layer = top;
    for _ in 0..MAX_LAYERS {
        let [_, kept, below] = memory::words(layer)?;
        let own = memory::word(kept);
        if own != 0 && (own == layer || own == top) {
            return Some(kept);
        }
        layer = below;
    }
    None
}
