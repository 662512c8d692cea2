//! GnuTLS, where its functions are not as OpenSSL's: the one inside `gnutls_record_recv`
//! and `gnutls_record_recv_seq`, and the calls that begin a session.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use llmtop_probe_common::{Conn, ConnKey, MAX_SERVER_NAME, conn_flags};

use crate::{calls, filter, openssl};

/// `GNUTLS_APPLICATION_DATA`; handshakes and alerts are received by the same function.
const APPLICATION_DATA: u32 = 23;
/// `GNUTLS_NAME_DNS`.
const NAME_DNS: u32 = 1;

/// `ssize_t f(session, content_type_t, void *data, size_t size, ...)`; 0 is the end of
/// the stream.
#[uprobe]
pub fn gnutls_read(ctx: ProbeContext) -> u32 {
    if ctx.arg::<u64>(1).unwrap_or(0) as u32 != APPLICATION_DATA {
        return 0;
    }
    openssl::enter(&ctx, calls::ACTIVE | calls::READ | calls::ZERO_IS_END, 2, None)
}

/// `int gnutls_record_uncork(session, unsigned flags)`: sends, by the functions that
/// send, what these were given while the session was corked.
#[uprobe]
pub fn gnutls_uncork(ctx: ProbeContext) -> u32 {
    openssl::enter(&ctx, calls::ACTIVE | calls::TOLD, 1, None)
}

/// `int gnutls_handshake(session)`: the session is new, or goes on with what it began.
#[uprobe]
pub fn gnutls_handshake(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    if filter::wanted((pid_tgid >> 32) as u32) {
        fresh(&ctx, pid_tgid);
    }
    0
}

/// `int gnutls_server_name_set(session, type, const void *name, size_t length)`, before
/// the handshake.
#[uprobe]
pub fn gnutls_server_name(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    if !filter::wanted((pid_tgid >> 32) as u32) || ctx.arg::<u64>(1).unwrap_or(0) as u32 != NAME_DNS
    {
        return 0;
    }
    let Some(conn) = fresh(&ctx, pid_tgid) else { return 0 };
    let name = ctx.arg::<u64>(2).unwrap_or(0);
    let length = ctx.arg::<u64>(3).unwrap_or(0);
    if name != 0 && length != 0 && length < MAX_SERVER_NAME as u64 {
        openssl::send_server_name(conn.id, name, length as u32, pid_tgid);
    }
    0
}

#[inline(always)]
fn fresh(ctx: &ProbeContext, pid_tgid: u64) -> Option<&'static mut Conn> {
    let object = ctx.arg::<u64>(0).unwrap_or(0);
    let key = ConnKey { object, pid: (pid_tgid >> 32) as u32, reserved: 0 };
    openssl::conn(&key, ctx, pid_tgid, conn_flags::FRESH)
}
