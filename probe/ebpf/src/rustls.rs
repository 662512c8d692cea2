//! rustls: the functions of its `MessageEncrypter`s and `MessageDecrypter`s, each of
//! which makes or opens one TLS record. In 0.23 they are
//!
//! ```text
//! fn encrypt(&mut self, msg: OutboundPlainMessage<'_>, seq: u64) -> Result<OutboundOpaqueMessage, Error>
//! fn decrypt<'a>(&mut self, msg: InboundOpaqueMessage<'a>, seq: u64) -> Result<InboundPlainMessage<'a>, Error>
//! ```
//!
//! and in 0.21 and 0.22, where what was decrypted is owned,
//!
//! ```text
//! fn encrypt(&self, msg: BorrowedPlainMessage, seq: u64) -> Result<OpaqueMessage, Error>
//! fn decrypt(&self, msg: OpaqueMessage, seq: u64) -> Result<PlainMessage, Error>
//! ```
//!
//! All get the result's place, themselves, the message's place and the record's
//! number. A record is encrypted once, at the entry; what was decrypted is known at
//! the return. What does not look like a record is not taken.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::{uprobe, uretprobe};
use aya_ebpf::programs::{ProbeContext, RetProbeContext};
use llmtop_probe_common::{Call, ConnKey, Thread, direction};

use crate::maps::KEYS;
use crate::records::{Borrowed, Opened, Owned, Pieces, Plain, Records, Sealed};
use crate::{calls, conns, deliver, emit, filter, keys};

/// The most plaintext that a record holds (RFC 8446, 5.1).
const MAX_RECORD: u64 = 1 << 14;

/// `encrypt` of 0.23.
#[uprobe]
pub fn rustls_encrypt(ctx: ProbeContext) -> u32 {
    encrypt::<Borrowed, true>(&ctx)
}
/// The same for kernels without `bpf_loop` (before 5.17).
#[uprobe]
pub fn rustls_encrypt_bounded(ctx: ProbeContext) -> u32 {
    encrypt::<Borrowed, false>(&ctx)
}
/// `encrypt` of 0.21 and 0.22, which has nothing to loop over.
#[uprobe]
pub fn rustls_encrypt_owned(ctx: ProbeContext) -> u32 {
    encrypt::<Owned, false>(&ctx)
}

#[inline(always)]
fn encrypt<R: Records, const LOOP: bool>(ctx: &ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    if !filter::wanted(pid) {
        return 0;
    }
    let argument = |n| ctx.arg::<u64>(n).unwrap_or(0);
    let key = ConnKey { object: argument(1), pid, reserved: 0 };
    let Some(keys) = keys::used(&key, argument(3)) else { return 0 };
    let Some(Plain { is_data, len, pieces }) = R::plain(argument(2)) else { return 0 };
    if !is_data || len == 0 || len > MAX_RECORD {
        return 0;
    }
    let Some(thread) = calls::thread(pid_tgid) else {
        conns::untracked(len);
        return 0;
    };
    let Some(conn) = keys::conn(&key, keys, -1, ctx, pid_tgid) else {
        conns::untracked(len);
        return 0;
    };
    let side = direction::SENT;
    let vector = &mut thread.vector;
    if !deliver::begin(&mut vector.transfer, conn, side, len, emit::now(), pid_tgid) {
        return 0;
    }
    match pieces {
        Pieces::One(slice) => {
            vector.transfer.buffer = slice;
            emit::chunk(&mut vector.transfer);
        }
        Pieces::Many { list, count, skip } => {
            vector.transfer.left = 0;
            vector.left = len;
            vector.next = list;
            vector.count = count;
            vector.skip = skip;
            emit::vector::<LOOP>(vector);
        }
    }
    deliver::end(&vector.transfer, conn, side);
    if keys.socket == 0 {
        keys::will_write(thread, key.object);
    }
    0
}

/// `decrypt` of 0.23.
#[uprobe]
pub fn rustls_decrypt(ctx: ProbeContext) -> u32 {
    decrypt::<Borrowed>(&ctx)
}
/// `decrypt` of 0.21 and 0.22.
#[uprobe]
pub fn rustls_decrypt_owned(ctx: ProbeContext) -> u32 {
    decrypt::<Owned>(&ctx)
}

#[inline(always)]
fn decrypt<R: Records>(ctx: &ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    if !filter::wanted(pid) {
        return 0;
    }
    let argument = |n| ctx.arg::<u64>(n).unwrap_or(0);
    let key = ConnKey { object: argument(1), pid, reserved: 0 };
    let Some(Sealed { payload, len }) = R::sealed(argument(2)) else { return 0 };
    if keys::used(&key, argument(3)).is_none() {
        return 0;
    }
    let call = Call {
        object: key.object,
        buffer: payload,
        moved_at: len,
        stack: calls::stack(ctx.regs),
        kind: calls::ACTIVE | calls::READ,
        inside_fd: -1,
        begun: 0,
    };
    calls::enter(pid_tgid, &call);
    0
}

/// The return of `decrypt` of 0.23.
#[uretprobe]
pub fn rustls_decrypt_return(ctx: RetProbeContext) -> u32 {
    decrypt_returns::<Borrowed>(&ctx)
}
/// The return of `decrypt` of 0.21 and 0.22.
#[uretprobe]
pub fn rustls_decrypt_owned_return(ctx: RetProbeContext) -> u32 {
    decrypt_returns::<Owned>(&ctx)
}

#[inline(always)]
fn decrypt_returns<R: Records>(ctx: &RetProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let Some(thread) = calls::leave(pid_tgid, calls::stack(ctx.regs)) else { return 0 };
    decrypted::<R>(ctx, thread, pid_tgid);
    calls::end(thread);
    0
}

#[inline(always)]
fn decrypted<R: Records>(ctx: &RetProbeContext, thread: &mut Thread, pid_tgid: u64) {
    let (object, payload, sealed) = (thread.call.object, thread.call.buffer, thread.call.moved_at);
    let key = ConnKey { object, pid: (pid_tgid >> 32) as u32, reserved: 0 };
    let Some(keys) = KEYS.get_ptr_mut(key) else { return };
    // SAFETY: the element stays valid for this program's run, and keys are used by
    // one thread at a time.
    let keys = unsafe { &mut *keys };
    // What the thread received is this connection's; the records that came with
    // this one follow without another receive.
    let fd = thread.received_fd;
    thread.received_fd = -1;
    let is_ours =
        fd >= 0 && (keys::is_bound(keys, fd, key.pid) || keys::bind(object, fd, pid_tgid));
    let fd = if is_ours { fd } else { -1 };
    let Some(Opened { tag, payload: buffer, len, is_data }) = R::opened(ctx.ret::<u64>()) else {
        return;
    };
    keys.result = u32::from(tag) + 1;
    if keys.success != 0 && keys.success != keys.result {
        return;
    }
    // It lies where the record lay.
    let is_data = is_data && buffer == payload;
    if !is_data || len == 0 || len >= sealed || len > MAX_RECORD {
        return;
    }
    let Some(conn) = keys::conn(&key, keys, fd, ctx, pid_tgid) else {
        conns::untracked(len);
        return;
    };
    let side = direction::RECEIVED;
    let transfer = &mut thread.vector.transfer;
    if deliver::begin(transfer, conn, side, len, emit::now(), pid_tgid) {
        transfer.buffer = buffer;
        emit::chunk(transfer);
        deliver::end(transfer, conn, side);
    }
}
