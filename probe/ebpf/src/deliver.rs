//! Bytes of a connection, wherever they come from: into the ring, or counted where
//! nobody wants them.

use llmtop_probe_common::{Conn, Thread, Transfer, direction, flags, writing};

use crate::{emit, interest};

/// Whether a call may have moved so many bytes at once: else it is not of the function
/// it was taken for.
#[inline(always)]
pub fn is_length(moved: u64) -> bool {
    moved <= u64::from(u32::MAX)
}

/// Sends what is in one buffer. `false`: nobody wants it.
#[inline(always)]
pub fn buffer<const LOOP: bool>(
    thread: &mut Thread,
    conn: &mut Conn,
    side: usize,
    buffer: u64,
    len: u64,
    time: u64,
    pid_tgid: u64,
) -> bool {
    let transfer = &mut thread.vector.transfer;
    if !begin(transfer, conn, side, len, time, pid_tgid) {
        return false;
    }
    transfer.buffer = buffer;
    emit::transfer::<LOOP>(transfer);
    end(transfer, conn, side);
    true
}

/// Prepares a transfer of `len` bytes; where they are is the caller's to say.
/// `false`: nobody wants them, and they are counted. Else [`end`] follows.
#[inline(always)]
pub fn begin(
    transfer: &mut Transfer,
    conn: &mut Conn,
    side: usize,
    len: u64,
    time: u64,
    pid_tgid: u64,
) -> bool {
    if interest::ignored(conn) {
        conn.ignored[side] += len;
        conn.moved[side] += len;
        return false;
    }
    let flags = if side == direction::SENT {
        0
    } else if conn.writing == writing::UNDER_WAY {
        flags::RECEIVED | flags::WHILE_WRITING
    } else {
        flags::RECEIVED
    };
    *transfer = Transfer {
        buffer: 0,
        left: len,
        conn: conn.id,
        offset: conn.moved[side],
        lost: conn.lost[side],
        time,
        pid_tgid,
        flags: u64::from(flags),
    };
    true
}

/// A transfer is out: the direction's counters. After the records that they count.
#[inline(always)]
pub fn end(transfer: &Transfer, conn: &mut Conn, side: usize) {
    conn.moved[side] = transfer.offset;
    conn.lost[side] = transfer.lost;
}
