//! Interest: connections that the user side wants no more bytes of.

use llmtop_probe_common::{Conn, conn_flags, interest_slot};

use crate::maps::IGNORED;

/// Whether the connection's bytes are counted only. Remembered with the
/// connection, as its slot may be taken by another.
#[inline(always)]
pub fn ignored(conn: &mut Conn) -> bool {
    if conn.flags & conn_flags::IGNORED != 0 {
        return true;
    }
    match IGNORED.get(interest_slot(conn.id)) {
        Some(id) if *id == conn.id => {
            conn.flags |= conn_flags::IGNORED;
            true
        }
        _ => false,
    }
}
