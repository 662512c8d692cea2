//! What the pipeline writes and the screen reads, and the bell between them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use super::{Session, Store};

/// The store, the facts of the session, and the bell that says that either
/// changed. Held in an `Arc` by the pipeline and the screen.
#[derive(Debug)]
pub struct Shared {
    store: Mutex<Store>,
    session: Mutex<Session>,
    bell: OwnedFd,
    rung: AtomicBool,
}

impl Shared {
    /// Shares a store.
    ///
    /// # Errors
    /// The system gave no event descriptor.
    pub fn new(store: Store, session: Session) -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Shared {
            store: Mutex::new(store),
            session: Mutex::new(session),
            bell,
            rung: AtomicBool::new(false),
        })
    }

    /// The store. Hold it briefly: the pipeline and the screen take turns.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The facts of the session.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the store or the session changed. Costs one atomic swap
    /// while an earlier call has not been answered by the screen.
    pub fn changed(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // Fails only when the counter is full, and then the bell rings.
            let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
        }
    }

    /// Whether [`changed`](Self::changed) was called since the last time this was.
    pub fn take_change(&self) -> bool {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.bell, &mut count);
        self.rung.swap(false, Ordering::AcqRel)
    }
}

impl AsFd for Shared {
    /// Readable once something changed.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;
    use super::{Session, Store};

    #[test]
    fn a_change_is_told_once() {
        let shared = Shared::new(Store::default(), Session::default()).unwrap();
        assert!(!shared.take_change());
        shared.changed();
        shared.changed();
        assert!(shared.take_change());
        assert!(!shared.take_change());
        shared.changed();
        assert!(shared.take_change());
    }
}
