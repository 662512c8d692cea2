//! Reading what may have nothing to read for a while, and stays stoppable.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::play::LOOK;
use crate::StopFlag;

/// A pipe, a terminal, a socket. Before it waits it says so, once:
/// [`io::ErrorKind::WouldBlock`]. It ends when it is to stop.
pub(super) struct Stream {
    from: File,
    stop: Arc<StopFlag>,
    /// It is known that it waits.
    waits: bool,
}

impl Stream {
    pub(super) fn new(from: File, stop: Arc<StopFlag>) -> Self {
        Stream { from, stop, waits: false }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.stop.is_set() {
            let patience = if self.waits { LOOK } else { Default::default() };
            let patience = Timespec::try_from(patience).ok();
            let ready = poll(&mut [PollFd::new(&self.from, PollFlags::IN)], patience.as_ref());
            match ready {
                Ok(0) if !std::mem::replace(&mut self.waits, true) => {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => {
                    self.waits = false;
                    return self.from.read(buffer);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(0)
    }
}
