//! What a descriptor is: a socket with HTTP on it, one without, or something
//! else. Told once, so that the calls on all but the first cost a lookup.
//!
//! A number is forgotten when it is closed, a process's all when it executes
//! another program (some are closed then, and no call tells), when it is forked
//! and when it ends.

use aya_ebpf::bindings::BPF_NOEXIST;
use llmtop_probe_common::SocketKey;

use crate::maps::{DESCRIPTORS, HIGH_DESCRIPTORS, NO_DESCRIPTORS};

/// Descriptors with a place in a process's table.
const LOW: u32 = 1024;

/// Not looked at.
pub const UNKNOWN: u8 = 0;
/// No TCP socket, and no pipe that is wanted: nothing on it is looked at.
pub const OTHER: u8 = 1;
/// Connected or accepted a moment ago, and has moved nothing since.
pub const NEW: u8 = 2;
/// A TCP socket without HTTP so far.
pub const TCP: u8 = 3;
/// A TCP socket that carries TLS: nothing on it is looked at.
pub const TLS: u8 = 4;
/// A TCP socket with HTTP.
pub const HTTP: u8 = 5;
/// A TCP socket that carries TLS records of rustls.
pub const RECORDS: u8 = 6;

/// Standard input or output, with JSON-RPC.
pub const STDIO: u8 = 7;
/// Set in one that is a pipe, without JSON-RPC so far; the other bits count how often
/// it is looked at still.
pub const PIPE: u8 = 0x80;

/// What the descriptors of a process are, by number.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Descriptors([u8; LOW as usize]);

/// What a descriptor is, as far as known.
#[inline(always)]
pub fn seen(pid: u32, fd: i32) -> u8 {
    if fd as u32 >= LOW {
        // SAFETY: copied at once.
        return unsafe { HIGH_DESCRIPTORS.get(SocketKey { pid, fd }) }.copied().unwrap_or(UNKNOWN);
    }
    match place(pid, fd) {
        // SAFETY: the element stays valid for this program's run, and may be
        // written meanwhile: a byte is one or the other.
        Some(place) => unsafe { place.read_volatile() },
        None => UNKNOWN,
    }
}

/// Remembers what a descriptor is.
#[inline(always)]
pub fn set(pid: u32, fd: i32, seen: u8) {
    if fd as u32 >= LOW {
        let _ = HIGH_DESCRIPTORS.insert(SocketKey { pid, fd }, seen, 0);
        return;
    }
    if place(pid, fd).is_none()
        && let Some(none) = NO_DESCRIPTORS.get(0)
    {
        let _ = DESCRIPTORS.insert(pid, none, u64::from(BPF_NOEXIST));
    }
    if let Some(place) = place(pid, fd) {
        // SAFETY: as in `seen`.
        unsafe { place.write_volatile(seen) };
    }
}

/// Forgets a descriptor that is closed; answers with what it was.
#[inline(always)]
pub fn take(pid: u32, fd: i32) -> u8 {
    let was = seen(pid, fd);
    if was != UNKNOWN {
        if fd as u32 >= LOW {
            let _ = HIGH_DESCRIPTORS.remove(SocketKey { pid, fd });
        } else {
            set(pid, fd, UNKNOWN);
        }
    }
    was
}

/// Whether anything is known of a process's low descriptors: it is forgotten where there
/// are too many processes.
#[inline(always)]
pub fn has_any(pid: u32) -> bool {
    DESCRIPTORS.get_ptr(pid).is_some()
}

/// Forgets a process's low descriptors. High ones are known until they are closed, or so
/// many others are that there is no room.
#[inline(always)]
pub fn forget(pid: u32) {
    let _ = DESCRIPTORS.remove(pid);
}

/// Where it is noted what a low descriptor is.
#[inline(always)]
fn place(pid: u32, fd: i32) -> Option<*mut u8> {
    let table = DESCRIPTORS.get_ptr_mut(pid)?;
    // SAFETY: a local. The compiler knows that the number is low enough, and would
    // not say so again; the verifier wants it said here.
    let index = unsafe { (&raw const fd).read_volatile() } as u32 & (LOW - 1);
    // SAFETY: the index is below the table's length.
    Some(unsafe { table.cast::<u8>().add(index as usize) })
}
