//! What other threads say to the reader.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use rustix::event::{EventfdFlags, eventfd};

use crate::{ConnId, Control, Error, Untracked};

/// The [`Control`] of live capture.
#[derive(Debug)]
pub(super) struct Shared {
    stopped: AtomicBool,
    ignored: Mutex<Vec<ConnId>>,
    /// Targets whose probes are all attached, and since when.
    attached: Mutex<HashMap<u32, u64>>,
    /// Probes in place.
    probes: AtomicUsize,
    untracked_bytes: AtomicU64,
    untracked_calls: AtomicU64,
    /// Readable once stopped: ends every wait.
    bell: OwnedFd,
}

impl Shared {
    pub(super) fn new() -> Result<Self, Error> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(std::io::Error::from)?;
        Ok(Self {
            stopped: AtomicBool::new(false),
            ignored: Mutex::default(),
            attached: Mutex::default(),
            probes: AtomicUsize::new(0),
            untracked_bytes: AtomicU64::new(0),
            untracked_calls: AtomicU64::new(0),
            bell,
        })
    }

    pub(super) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Connections that were said to be of no interest since the last call.
    pub(super) fn take_ignored(&self) -> Vec<ConnId> {
        std::mem::take(&mut *self.ignored.lock().unwrap_or_else(|e| e.into_inner()))
    }

    /// Every probe of a target is attached since `time`, `CLOCK_BOOTTIME`.
    pub(super) fn attached(&self, target: u32, time: u64) {
        self.attached.lock().unwrap_or_else(|e| e.into_inner()).insert(target, time);
    }

    /// Since when that is so.
    pub(super) fn attached_since(&self, target: u32) -> Option<u64> {
        self.attached.lock().unwrap_or_else(|e| e.into_inner()).get(&target).copied()
    }

    /// So many probes are in place now.
    pub(super) fn set_probes(&self, probes: usize) {
        self.probes.store(probes, Ordering::Relaxed);
    }

    /// So much was not accounted to any connection until now.
    pub(super) fn set_untracked(&self, bytes: u64, calls: u64) {
        self.untracked_bytes.store(bytes, Ordering::Relaxed);
        self.untracked_calls.store(calls, Ordering::Relaxed);
    }

    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

impl Control for Shared {
    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        // Fails only where the counter is full: then the bell rings already.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    fn ignore(&self, conn: ConnId) {
        self.ignored.lock().unwrap_or_else(|e| e.into_inner()).push(conn);
    }

    fn probes(&self) -> usize {
        self.probes.load(Ordering::Relaxed)
    }

    fn untracked(&self) -> Untracked {
        Untracked {
            bytes: self.untracked_bytes.load(Ordering::Relaxed),
            calls: self.untracked_calls.load(Ordering::Relaxed),
        }
    }
}
