//! rustls 0.23: the functions of its `MessageEncrypter`s and `MessageDecrypter`s,
//! each of which makes or opens one TLS record.
//!
//! ```text
//! fn encrypt(&mut self, msg: OutboundPlainMessage<'_>, seq: u64) -> Result<OutboundOpaqueMessage, Error>
//! fn decrypt<'a>(&mut self, msg: InboundOpaqueMessage<'a>, seq: u64) -> Result<InboundPlainMessage<'a>, Error>
//! ```
//!
//! Both get the result's place, themselves, the message's place and the record's
//! number. A record is encrypted once, at the entry; what was decrypted is known at
//! the return. Where fields lie follows from the layout that rustc chooses; what does
//! not look so is not taken.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::{uprobe, uretprobe};
use aya_ebpf::programs::{ProbeContext, RetProbeContext};
use llmtop_probe_common::{Call, ConnKey, Thread, direction, tls};

use crate::maps::KEYS;
use crate::{calls, conns, deliver, emit, filter, keys, memory};

/// `ContentType::ApplicationData`, as rustc numbers it.
const APPLICATION_DATA: u8 = 3;
/// The most plaintext that a record holds (RFC 8446, 5.1).
const MAX_RECORD: u64 = 1 << 14;

/// `encrypt`
#[uprobe]
pub fn rustls_encrypt(ctx: ProbeContext) -> u32 {
    encrypt::<true>(&ctx)
}
/// The same for kernels without `bpf_loop` (before 5.17).
#[uprobe]
pub fn rustls_encrypt_bounded(ctx: ProbeContext) -> u32 {
    encrypt::<false>(&ctx)
}

#[inline(always)]
fn encrypt<const LOOP: bool>(ctx: &ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    if !filter::wanted(pid) {
        return 0;
    }
    let argument = |n| ctx.arg::<u64>(n).unwrap_or(0);
    let key = ConnKey { object: argument(1), pid, reserved: 0 };
    let Some(keys) = keys::used(&key, argument(3)) else { return 0 };
    // `OutboundChunks`, an enum without a tag: a first word of zero is `Single`,
    // with a slice behind it; else it is `Multiple`: a slice of slices, from a byte,
    // to a byte. Behind it the `ContentType`.
    let Some([list, first, second, third, kind]) = memory::words::<5>(argument(2)) else { return 0 };
    let (len, count) = if list == 0 { (second, 0) } else { (third.wrapping_sub(second), first) };
    if kind as u8 != APPLICATION_DATA || len == 0 || len > MAX_RECORD {
        return 0;
    }
    let Some(thread) = calls::thread(pid_tgid) else {
        conns::untracked(len);
        return 0;
    };
    let Some(conn) = keys::conn(&key, keys, -1, conns::cookie(ctx, tls::RUSTLS), pid_tgid) else {
        conns::untracked(len);
        return 0;
    };
    let side = direction::SENT;
    let vector = &mut thread.vector;
    if !deliver::begin(&mut vector.transfer, conn, side, len, emit::now(), pid_tgid) {
        return 0;
    }
    if list == 0 {
        vector.transfer.buffer = first;
        emit::chunk(&mut vector.transfer);
    } else {
        vector.transfer.left = 0;
        vector.left = len;
        vector.next = list;
        vector.count = count;
        vector.skip = second;
        emit::vector::<LOOP>(vector);
    }
    deliver::end(&vector.transfer, conn, side);
    if keys.socket == 0 {
        keys::will_write(thread, key.object);
    }
    0
}

/// `decrypt`
#[uprobe]
pub fn rustls_decrypt(ctx: ProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    if !filter::wanted(pid) {
        return 0;
    }
    let argument = |n| ctx.arg::<u64>(n).unwrap_or(0);
    let key = ConnKey { object: argument(1), pid, reserved: 0 };
    // `InboundOpaqueMessage` begins with its payload.
    let Some([payload, len]) = memory::words::<2>(argument(2)) else { return 0 };
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

/// The return of `decrypt`.
#[uretprobe]
pub fn rustls_decrypt_return(ctx: RetProbeContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let Some(thread) = calls::leave(pid_tgid, calls::stack(ctx.regs)) else { return 0 };
    decrypted(&ctx, thread, pid_tgid);
    calls::end(thread);
    0
}

#[inline(always)]
fn decrypted(ctx: &RetProbeContext, thread: &mut Thread, pid_tgid: u64) {
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
    let fd = if fd >= 0 && keys::bind(object, fd, pid_tgid) { fd } else { -1 };
    // Behind the tag: the plaintext, which lies where the record lay, and its type.
    let Some([tag, buffer, len, kind]) = memory::words::<4>(ctx.ret::<u64>()) else { return };
    keys.result = (tag as u8 as u32) + 1;
    if keys.success != 0 && keys.success != keys.result {
        return;
    }
    let is_data = kind as u8 == APPLICATION_DATA && buffer == payload;
    if !is_data || len == 0 || len >= sealed || len > MAX_RECORD {
        return;
    }
    let Some(conn) = keys::conn(&key, keys, fd, conns::cookie(ctx, tls::RUSTLS), pid_tgid) else {
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
