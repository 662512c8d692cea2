//! Getting records out: reserve, copy, count. Whatever finds no room or cannot
//! be read is counted, and its absence shows in the next record's `offset`.

use aya_ebpf::cty::c_void;
use aya_ebpf::helpers::generated::{bpf_ktime_get_boot_ns, bpf_loop, bpf_probe_read_user};
use aya_ebpf::maps::ring_buf::RingBufEntry;
use llmtop_probe_common::{
    CHUNK_TIERS, Chunk, Header, Kind, MAX_CALL_BYTES, MAX_CHUNK, Transfer, Vector, flags,
};

use crate::maps::{CONTROL, EVENTS, STATS};

pub const BPF_RB_NO_WAKEUP: u64 = 1;
const BPF_RB_FORCE_WAKEUP: u64 = 2;

/// Chunks of one call where the kernel has no `bpf_loop`: more would be more
/// than its verifier follows.
const BOUNDED_CHUNKS: u32 = 32;

/// The most buffers a system call takes (`UIO_MAXIOV`).
const MAX_BUFFERS: u64 = 1024;

/// Nanoseconds of `CLOCK_BOOTTIME`.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: the helper has no preconditions.
    unsafe { bpf_ktime_get_boot_ns() }
}

/// Wakes the reader where it sleeps; while it polls, waking it would cost more
/// than the record does. To be asked when the record has its place: a reader that
/// does not see that sleeps, and is seen to.
#[inline(always)]
pub fn wakeup() -> u64 {
    match CONTROL.get(0) {
        Some(control) if control.reader_sleeps != 0 => BPF_RB_FORCE_WAKEUP,
        _ => BPF_RB_NO_WAKEUP,
    }
}

/// A header of now and the current thread.
#[inline(always)]
pub fn header(kind: Kind, flags: u16, len: u32, pid_tgid: u64) -> Header {
    Header {
        kind: kind as u16,
        flags,
        len,
        time: now(),
        pid: (pid_tgid >> 32) as u32,
        tid: pid_tgid as u32,
    }
}

/// Room for one record of a fixed size; none is counted.
#[inline(always)]
pub fn reserve<T>() -> Option<RingBufEntry<T>> {
    let entry = EVENTS.reserve::<T>(0);
    if entry.is_none() {
        lost_record();
    }
    entry
}

/// Sends one record of a fixed size. `false`: there was no room.
#[inline(always)]
pub fn send<T: 'static>(record: T) -> bool {
    let Some(mut entry) = reserve::<T>() else { return false };
    entry.write(record);
    entry.submit(wakeup());
    true
}

/// Counts a record other than a chunk that found no room.
#[inline(always)]
pub fn lost_record() {
    if let Some(stats) = STATS.get_ptr_mut(0) {
        // SAFETY: the kernel returned a live element.
        unsafe { (*stats).lost_records += 1 };
    }
}

/// Sends a transfer. Afterwards `offset` and `lost` are those of the direction.
/// `LOOP`: the kernel has `bpf_loop`.
#[inline(always)]
pub fn transfer<const LOOP: bool>(transfer: &mut Transfer) {
    if transfer.left <= MAX_CHUNK as u64 {
        chunk(transfer);
        return;
    }
    let mut beyond = transfer.left.saturating_sub(MAX_CALL_BYTES);
    transfer.left -= beyond;
    if LOOP {
        let chunks = transfer.left.div_ceil(MAX_CHUNK as u64) as u32;
        let mut context: *mut Transfer = transfer;
        // SAFETY: the callback's signature is the helper's, and the context
        // outlives the call.
        unsafe { bpf_loop(chunks, step as *mut c_void, (&raw mut context).cast(), 0) };
    } else {
        for _ in 0..BOUNDED_CHUNKS {
            if transfer.left == 0 {
                break;
            }
            chunk(transfer);
        }
    }
    // What is left found no chunk.
    beyond += transfer.left;
    transfer.offset += beyond;
    transfer.lost += beyond;
}

/// Sends a transfer of several buffers, or of one whose rest is in `transfer`.
/// Otherwise as [`transfer`].
#[inline(always)]
pub fn vector<const LOOP: bool>(vector: &mut Vector) {
    let mut beyond = vector.left.saturating_sub(MAX_CALL_BYTES);
    vector.left -= beyond;
    if !next(vector) {
        if LOOP {
            let turns = vector.count.min(MAX_BUFFERS) + vector.left.div_ceil(MAX_CHUNK as u64) + 1;
            let mut context: *mut Vector = vector;
            // SAFETY: the callback's signature is the helper's, and the context
            // outlives the call.
            unsafe { bpf_loop(turns as u32, turn as *mut c_void, (&raw mut context).cast(), 0) };
        } else {
            for _ in 0..BOUNDED_CHUNKS {
                if next(vector) {
                    break;
                }
            }
        }
    }
    beyond += vector.left;
    vector.transfer.offset += beyond;
    vector.transfer.lost += beyond;
}

/// Sends the next chunk of the current buffer, or takes the next one and sends
/// its first. `true`: there is no more.
#[inline(always)]
fn next(vector: &mut Vector) -> bool {
    if vector.left == 0 {
        return true;
    }
    if vector.transfer.left == 0 {
        if vector.count == 0 {
            return true;
        }
        let mut iovec = [0u64; 2];
        // SAFETY: reads a `struct iovec` into a local.
        let failed = unsafe {
            bpf_probe_read_user((&raw mut iovec).cast(), 16, vector.next as *const c_void)
        };
        if failed != 0 {
            return true;
        }
        vector.next += 16;
        vector.count -= 1;
        if iovec[1] <= vector.skip {
            vector.skip -= iovec[1];
            return false;
        }
        let len = iovec[1] - vector.skip;
        vector.transfer.buffer = iovec[0] + vector.skip;
        vector.transfer.left = if len < vector.left { len } else { vector.left };
        vector.skip = 0;
        if vector.transfer.left == 0 {
            return false;
        }
    }
    let before = vector.transfer.left;
    chunk(&mut vector.transfer);
    vector.left -= before - vector.transfer.left;
    vector.left == 0
}

/// One turn of `bpf_loop`.
extern "C" fn turn(_: u64, vector: *mut c_void) -> i64 {
    // SAFETY: `vector` passes a pointer to a pointer to it.
    let vector = unsafe { &mut **vector.cast::<*mut Vector>() };
    i64::from(next(vector))
}

/// Sends the next chunk, in the smallest reserve that holds it.
#[inline(always)]
pub fn chunk(transfer: &mut Transfer) {
    // SAFETY: a reference is readable.
    let left = unsafe { (&raw const transfer.left).read_volatile() };
    let (len, sent) = if left > MAX_CHUNK as u64 {
        transfer.flags |= u64::from(flags::MORE);
        let sent = copy::<MAX_CHUNK>(transfer, MAX_CHUNK as u64);
        transfer.flags &= !u64::from(flags::MORE);
        (MAX_CHUNK as u64, sent)
    } else if left > CHUNK_TIERS[1] as u64 {
        (left, copy::<{ CHUNK_TIERS[2] }>(transfer, left))
    } else if left > CHUNK_TIERS[0] as u64 {
        (left, copy::<{ CHUNK_TIERS[1] }>(transfer, left))
    } else {
        (left, copy::<{ CHUNK_TIERS[0] }>(transfer, left))
    };
    if !sent {
        transfer.lost += len;
    }
    transfer.offset += len;
    transfer.buffer += len;
    transfer.left = left - len;
}

#[inline(always)]
fn copy<const SIZE: usize>(transfer: &Transfer, len: u64) -> bool {
    // SAFETY: a local. The compiler knows that the length fits, and would not say
    // so again; verifiers before 6.8 want it said here.
    let len = unsafe { (&raw const len).read_volatile() };
    let len = if len > SIZE as u64 { SIZE as u64 } else { len };
    let Some(mut entry) = EVENTS.reserve::<Record<SIZE>>(0) else { return false };
    let record = entry.as_mut_ptr();
    // SAFETY: `record` points to a reserved record; its payload is written by
    // the helper alone, within `SIZE`.
    let failed = unsafe {
        (&raw mut (*record).chunk).write(Chunk {
            header: Header {
                kind: Kind::Chunk as u16,
                flags: transfer.flags as u16,
                len: len as u32,
                time: transfer.time,
                pid: (transfer.pid_tgid >> 32) as u32,
                tid: transfer.pid_tgid as u32,
            },
            conn: transfer.conn,
            offset: transfer.offset,
            lost: transfer.lost,
        });
        bpf_probe_read_user(
            (&raw mut (*record).payload).cast(),
            len as u32,
            transfer.buffer as *const c_void,
        ) != 0
    };
    if failed {
        entry.discard(BPF_RB_NO_WAKEUP);
        return false;
    }
    entry.submit(wakeup());
    true
}

#[repr(C)]
struct Record<const SIZE: usize> {
    chunk: Chunk,
    payload: [u8; SIZE],
}

/// One turn of `bpf_loop`.
extern "C" fn step(_: u64, transfer: *mut c_void) -> i64 {
    // SAFETY: `transfer` passes a pointer to a pointer to it.
    let transfer = unsafe { &mut **transfer.cast::<*mut Transfer>() };
    if transfer.left == 0 {
        return 1;
    }
    chunk(transfer);
    0
}
