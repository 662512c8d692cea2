//! Work that takes longer than a frame may, done by a thread of its own.

use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread::Builder;

/// Work that a thread does. Once this is dropped, nobody wants what comes of it.
#[derive(Debug)]
pub struct Task<T>(Receiver<T>);

impl<T: Send + 'static> Task<T> {
    /// Has it done.
    pub fn begin(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (done, result) = sync_channel(1);
        let body = move || {
            // Nobody waits for it any more, at worst.
            let _ = done.send(work());
        };
        // Without a thread nothing will come of it, which is told as such.
        let _ = Builder::new().name("read".to_owned()).spawn(body);
        Task(result)
    }

    /// What came of it, once it is done. Inside, `None`: nothing, for there could be no
    /// thread, or it ended before.
    pub fn take(&self) -> Option<Option<T>> {
        match self.0.try_recv() {
            Ok(result) => Some(Some(result)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::Task;

    #[test]
    fn what_comes_of_work_is_there_once_it_is_done() {
        let (go, wait) = channel::<()>();
        let task = Task::begin(move || wait.recv().is_ok());
        assert_eq!(task.take(), None);
        go.send(()).unwrap();
        let done = || loop {
            if let Some(done) = task.take() {
                break done;
            }
            std::thread::yield_now();
        };
        assert_eq!(done(), Some(true));
        // Once its thread has gone, too.
        assert_eq!(done(), None);
    }
}
