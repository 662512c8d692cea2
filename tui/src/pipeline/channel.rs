//! The bounded channel between the reader and the pipeline.
//!
//! Bounded by captures and by bytes, so that a burst takes a known amount of
//! memory. The live reader never waits: what finds no room is for it to count.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use llmtop_probe::{Capture, Outlet};

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Captures.
    pub captures: usize,
    /// Bytes of their chunks.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { captures: 1 << 16, bytes: 128 << 20 }
    }
}

impl Bounds {
    /// What a source that can wait may have waiting: enough to keep the pipeline at
    /// work. The rest is for bursts, which a recording does not have.
    fn of_the_patient(self) -> Self {
        Bounds { captures: self.captures / 16, bytes: self.bytes / 16 }
    }
}

/// Makes a channel.
pub fn channel(bounds: Bounds) -> (Sender, Receiver) {
    let shared = Arc::new(Shared { bounds, ..Shared::default() });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// The source's end. Dropped: no more captures come.
#[derive(Debug)]
pub struct Sender(Arc<Shared>);

/// The pipeline's end. Dropped: nobody takes captures any more.
#[derive(Debug)]
pub struct Receiver(Arc<Shared>);

/// What came of waiting.
#[derive(Debug, PartialEq)]
pub enum Received {
    /// Captures, in order.
    Captures(Vec<Capture>),
    /// None in time.
    Nothing,
    /// None any more.
    Ended,
}

#[derive(Debug, Default)]
struct Shared {
    bounds: Bounds,
    queue: Mutex<Queue>,
    filled: Condvar,
    drained: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    batches: VecDeque<(Vec<Capture>, usize)>,
    captures: usize,
    bytes: usize,
    sender_gone: bool,
    receiver_gone: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a batch fits. An empty channel takes any: a batch larger than
    /// the bounds would else never pass.
    fn fits(queue: &Queue, bounds: Bounds, captures: usize, bytes: usize) -> bool {
        queue.batches.is_empty()
            || (queue.captures + captures <= bounds.captures && queue.bytes + bytes <= bounds.bytes)
    }

    fn push(&self, queue: &mut Queue, captures: &mut Vec<Capture>, bytes: usize) {
        queue.captures += captures.len();
        queue.bytes += bytes;
        queue.batches.push_back((std::mem::take(captures), bytes));
        self.filled.notify_one();
    }
}

fn weight(captures: &[Capture]) -> usize {
    let bytes = captures.iter().map(|capture| match capture {
        Capture::Chunk(chunk) => chunk.bytes.len(),
        _ => 0,
    });
    bytes.sum()
}

impl Outlet for Sender {
    fn offer(&mut self, captures: &mut Vec<Capture>) -> bool {
        if captures.is_empty() {
            return true;
        }
        let bytes = weight(captures);
        let mut queue = self.0.lock();
        let fits =
            !queue.receiver_gone && Shared::fits(&queue, self.0.bounds, captures.len(), bytes);
        if fits {
            self.0.push(&mut queue, captures, bytes);
        }
        fits
    }

    fn deliver(&mut self, captures: &mut Vec<Capture>) -> bool {
        if captures.is_empty() {
            return true;
        }
        let bytes = weight(captures);
        let bounds = self.0.bounds.of_the_patient();
        let mut queue = self.0.lock();
        while !queue.receiver_gone && !Shared::fits(&queue, bounds, captures.len(), bytes) {
            queue = self.0.drained.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.receiver_gone {
            return false;
        }
        self.0.push(&mut queue, captures, bytes);
        true
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.lock().sender_gone = true;
        self.0.filled.notify_one();
    }
}

impl Receiver {
    /// The next captures, waiting so long at most.
    pub fn receive(&self, patience: Duration) -> Received {
        let queue = self.0.lock();
        let (mut queue, _) = self
            .0
            .filled
            .wait_timeout_while(queue, patience, |q| q.batches.is_empty() && !q.sender_gone)
            .unwrap_or_else(PoisonError::into_inner);
        match queue.batches.pop_front() {
            Some((captures, bytes)) => {
                queue.captures -= captures.len();
                queue.bytes -= bytes;
                self.0.drained.notify_one();
                Received::Captures(captures)
            }
            None if queue.sender_gone => Received::Ended,
            None => Received::Nothing,
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.lock().receiver_gone = true;
        self.0.drained.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use llmtop_probe::{Chunk, ConnId, Direction, Timestamp};

    use super::*;

    fn chunk(bytes: usize) -> Capture {
        Capture::Chunk(Chunk {
            conn: ConnId(1),
            direction: Direction::Sent,
            time: Timestamp(0),
            offset: 0,
            bytes: vec![0; bytes],
        })
    }

    const BOUNDS: Bounds = Bounds { captures: 3, bytes: 100 };

    #[test]
    fn a_full_channel_refuses_and_leaves_the_captures() {
        for (first, second, fits) in [
            (vec![10], vec![10, 10], true),
            (vec![10], vec![10, 10, 10], false),
            (vec![90], vec![10], true),
            (vec![90], vec![11], false),
            (vec![1000], vec![1], false),
        ] {
            let (mut sender, receiver) = channel(BOUNDS);
            let mut batch: Vec<_> = first.into_iter().map(chunk).collect();
            assert!(sender.offer(&mut batch) && batch.is_empty());
            let mut batch: Vec<_> = second.iter().copied().map(chunk).collect();
            assert_eq!(sender.offer(&mut batch), fits);
            assert_eq!(batch.len(), if fits { 0 } else { second.len() });
            // What was refused fits once there is room.
            receiver.receive(Duration::ZERO);
            assert!(sender.offer(&mut batch));
        }
    }

    #[test]
    fn a_waiting_sender_goes_on_when_there_is_room_or_nobody_left() {
        let (mut sender, receiver) = channel(BOUNDS);
        let waiting = std::thread::spawn(move || {
            (0..4).map(|_| sender.deliver(&mut vec![chunk(60)])).collect::<Vec<_>>()
        });
        for _ in 0..2 {
            let received = receiver.receive(Duration::from_secs(10));
            assert_eq!(received, Received::Captures(vec![chunk(60)]));
        }
        // The third is in the channel or about to be; the fourth waits.
        std::thread::sleep(Duration::from_millis(20));
        drop(receiver);
        assert_eq!(waiting.join().unwrap(), [true, true, true, false]);
    }

    #[test]
    fn the_end_comes_after_everything() {
        let (mut sender, receiver) = channel(BOUNDS);
        assert_eq!(receiver.receive(Duration::from_millis(1)), Received::Nothing);
        sender.offer(&mut vec![chunk(1)]);
        drop(sender);
        assert!(matches!(receiver.receive(Duration::ZERO), Received::Captures(_)));
        assert_eq!(receiver.receive(Duration::from_secs(10)), Received::Ended);
    }
}
