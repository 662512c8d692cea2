//! Connections: opened at their first sign of life, closed with their last
//! counters, whatever library or socket they are of.

use aya_ebpf::EbpfContext;
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::generated::{
    bpf_get_attach_cookie, bpf_get_current_cgroup_id, bpf_get_smp_processor_id,
};
use aya_ebpf::helpers::{bpf_get_current_comm, bpf_get_current_uid_gid};
use llmtop_probe_common::{Close, Conn, ConnKey, Kind, Open, conn_flags, flags, writing};

use crate::emit;
use crate::maps::{CONNS, ORPHANS, PARENTS, SETTINGS, STATS};

/// The cookie of a probe, [as it is told](Open::tls); `without`, where the kernel has
/// none.
#[inline(always)]
pub fn cookie<C: EbpfContext>(ctx: &C, without: u32) -> u32 {
    if SETTINGS.load().has_cookie == 0 {
        return without;
    }
    // SAFETY: the context is the probe's, and the verifier drops the call where the
    // helper does not exist.
    unsafe { bpf_get_attach_cookie(ctx.as_ptr()) as u32 }
}

/// A connection that is open.
#[inline(always)]
pub fn find(key: &ConnKey) -> Option<&'static mut Conn> {
    let conn = CONNS.get_ptr_mut(key)?;
    // SAFETY: the element stays valid for this program's run. A direction's
    // counters are written by the one thread that uses it at a time.
    Some(unsafe { &mut *conn })
}

/// Opens a connection, and tells of it; or finds it, where another thread did so
/// meanwhile. `tls`: whose plaintext, as in [`tls`](llmtop_probe_common::tls).
///
/// Not inlined, as [`close`]: its records need most of a program's stack.
#[inline(never)]
pub fn open(key: &ConnKey, tls: u32, pid_tgid: u64, flags: u32) -> Option<&'static mut Conn> {
    let fresh = if flags & conn_flags::FRESH != 0 { flags::FRESH } else { 0 };
    let unbound = if flags & conn_flags::UNBOUND != 0 { flags::UNBOUND } else { 0 };
    let header = emit::header(Kind::Open, fresh | unbound, 0, pid_tgid);
    // A thread opens at most one connection in a nanosecond, and no other does
    // on its processor.
    // SAFETY: the helper has no preconditions.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    let id = header.time << 6 | u64::from(cpu & 63);
    let new = Conn {
        id,
        moved: [0; 2],
        lost: [0; 2],
        ignored: [0; 2],
        flags,
        fd: -1,
        pid: key.pid,
        guesses: 0,
        writing: writing::NO,
        socket: 0,
    };
    // The record has its place in the ring before any that another thread sends of the
    // connection once it finds it.
    let entry = emit::reserve::<Open>();
    if CONNS.insert(key, new, u64::from(BPF_NOEXIST)).is_err() {
        if let Some(entry) = entry {
            entry.discard(emit::BPF_RB_NO_WAKEUP);
        }
        return find(key);
    }
    if let Some(mut entry) = entry {
        let record = entry.as_mut_ptr();
        // SAFETY: `record` points to a reserved record, of which every field is
        // written; the helper has no preconditions.
        unsafe {
            (&raw mut (*record).header).write(header);
            (&raw mut (*record).conn).write(id);
            (&raw mut (*record).object).write(key.object);
            (&raw mut (*record).tls).write(tls);
            (&raw mut (*record).uid).write(bpf_get_current_uid_gid() as u32);
            (&raw mut (*record).cgroup).write(bpf_get_current_cgroup_id());
            (&raw mut (*record).parent).write(parent(key.pid));
            (&raw mut (*record).reserved).write(0);
            (&raw mut (*record).comm).write(bpf_get_current_comm().unwrap_or([0; 16]));
        }
        entry.submit(emit::wakeup());
    }
    find(key)
}

/// Ends a generation, with its final counters. Where the record finds no room
/// they are kept for the reader to find.
#[inline(never)]
pub fn close(key: &ConnKey, pid_tgid: u64, flags: u16) {
    let Some(conn) = find(key) else { return };
    let last = *conn;
    let sent = emit::send(Close {
        header: emit::header(Kind::Close, flags, 0, pid_tgid),
        conn: last.id,
        moved: last.moved,
        lost: last.lost,
        ignored: last.ignored,
    });
    if !sent && ORPHANS.insert(last.id, last, 0).is_err() {
        // Nothing will tell how much of this the reader knows already.
        untracked(last.lost[0] + last.lost[1]);
    }
    let _ = CONNS.remove(key);
}

/// Bytes of a connection that found no room in the table.
#[inline(always)]
pub fn untracked(bytes: u64) {
    if let Some(stats) = STATS.get_ptr_mut(0) {
        // SAFETY: the kernel returned a live element.
        unsafe { (*stats).untracked_bytes += bytes };
    }
}

/// The parent of a thread group, where its fork was seen, else 0.
#[inline(always)]
pub fn parent(pid: u32) -> u32 {
    // SAFETY: the value is read at once; at worst it is another process's.
    unsafe { PARENTS.get(pid) }.copied().unwrap_or(0)
}
