//! The ring of records, and how far it was written and read.
//!
//! aya hands over one record after another, and says that there is none also where the next
//! is still being written, behind which there may be others that are whole: records are read
//! in the order in which their places were taken, whoever is done first. Who relies on having
//! read all there was compares positions.

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use aya::Ebpf;
use aya::maps::ring_buf::RingBufItem;
use aya::maps::{MapData, RingBuf};
use llmtop_probe_common::names;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::maps::take;
use crate::{Error, object};

/// The ring.
pub(super) struct Ring {
    records: RingBuf<MapData>,
    positions: Positions,
}

/// A place in the ring, by the bytes before it since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position(usize);

impl Position {
    /// Bytes of records, and of what the kernel puts before each, from `other` to here.
    pub(super) fn beyond(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0) as u64
    }
}

impl Ring {
    pub(super) fn take(bpf: &mut Ebpf) -> Result<Self, Error> {
        let records: RingBuf<MapData> = take(bpf, names::EVENTS)?;
        let positions =
            Positions::of(&records).map_err(|error| object::kernel("the ring", &error))?;
        Ok(Self { records, positions })
    }

    /// The next record; `None`: there is none, or it is being written.
    pub(super) fn next(&mut self) -> Option<RingBufItem<'_>> {
        self.records.next()
    }

    /// What is before this was handed over.
    pub(super) fn read(&self) -> Position {
        self.positions.at(0)
    }

    /// Every record that has its place yet is before this: those that count what was read of
    /// other maps before this was asked, too.
    pub(super) fn written(&self) -> Position {
        fence(Ordering::SeqCst);
        self.positions.at(1)
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.records.as_fd()
    }
}

/// The pages before a ring's records. Each begins with a position: how far it was read, and
/// how far written.
struct Positions {
    pages: NonNull<c_void>,
    page: usize,
}

#[expect(unsafe_code, reason = "memory that the kernel shares")]
// SAFETY: only read, by atomic loads.
unsafe impl Send for Positions {}

impl Positions {
    #[expect(unsafe_code, reason = "memory that the kernel shares")]
    fn of(ring: &impl AsFd) -> io::Result<Self> {
        let page = rustix::param::page_size();
        let (access, flags) = (ProtFlags::READ, MapFlags::SHARED);
        // SAFETY: a new mapping where there is none.
        let pages = unsafe { mmap(null_mut(), 2 * page, access, flags, ring, 0)? };
        let pages = NonNull::new(pages).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { pages, page })
    }

    /// What the page of this number begins with.
    #[expect(unsafe_code, reason = "memory that the kernel shares")]
    fn at(&self, page: usize) -> Position {
        // SAFETY: both pages are mapped as long as this lives, and begin with a word.
        let position =
            unsafe { self.pages.byte_add(page * self.page).cast::<AtomicUsize>().as_ref() };
        Position(position.load(Ordering::Acquire))
    }
}

impl Drop for Positions {
    #[expect(unsafe_code, reason = "memory that the kernel shares")]
    fn drop(&mut self) {
        // SAFETY: mapped by `of`, and nobody has a reference into it.
        let _ = unsafe { munmap(self.pages.as_ptr(), 2 * self.page) };
    }
}
