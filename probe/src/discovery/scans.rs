//! The thread that searches whole files, so that nothing else waits for it.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::file::Stamp;
use crate::elf::Elf;
use crate::stack::{self, Contents};

/// Files that wait, each with an open descriptor.
const MAX_WAITING: usize = 256;

/// Called when a search has ended.
pub(crate) type Wake = Box<dyn Fn() + Send>;

/// A file that was searched.
#[derive(Debug)]
pub(super) struct Searched {
    pub(super) stamp: Stamp,
    pub(super) elf: Elf,
    pub(super) contents: Contents,
}

/// Files to search, and those that were.
#[derive(Debug)]
pub(super) struct Scans {
    shared: Arc<Shared>,
    answers: Receiver<Searched>,
    answering: Option<Sender<Searched>>,
    /// Files of running processes whose answer is still to come.
    urgent: usize,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// The most urgent first.
    jobs: VecDeque<Job>,
    wake: Option<Wake>,
    ended: bool,
}

#[derive(Debug)]
struct Job {
    stamp: Stamp,
    elf: Elf,
    urgency: Urgency,
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Nobody yet.
    Some,
    /// A process that runs it.
    Run,
    /// Somebody who wants what such a process says.
    Missed,
}

impl Queue {
    /// Behind what is as urgent.
    fn insert(&mut self, job: Job) {
        let at = self.jobs.partition_point(|waiting| waiting.urgency >= job.urgency);
        self.jobs.insert(at, job);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("waiting", &self.lock().jobs.len()).finish_non_exhaustive()
    }
}

impl Default for Scans {
    fn default() -> Self {
        let (answering, answers) = channel();
        Self { shared: Arc::default(), answers, answering: Some(answering), urgent: 0 }
    }
}

impl Scans {
    /// Has `wake` called at the end of each search from now on.
    pub(super) fn wake_by(&self, wake: Wake) {
        self.shared.lock().wake = Some(wake);
    }

    /// Has a file searched. `false` where too many wait already.
    pub(super) fn search(&mut self, stamp: Stamp, elf: Elf, urgency: Urgency) -> bool {
        if let Some(answering) = self.answering.take() {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("llmtop-scan".to_owned());
            if let Err(error) = thread.spawn(move || shared.work(&answering)) {
                log::warn!("no thread to look through files with: {error}");
                return false;
            }
        }
        let mut queue = self.shared.lock();
        if queue.jobs.len() >= MAX_WAITING {
            return false;
        }
        queue.insert(Job { stamp, elf, urgency });
        drop(queue);
        self.urgent += usize::from(urgency > Urgency::Some);
        self.shared.changed.notify_one();
        true
    }

    /// A process runs a file that nobody ran.
    pub(super) fn runs(&mut self, stamp: Stamp) {
        self.urgent += 1;
        self.hurry(stamp, Urgency::Run);
    }

    /// A file that may wait has become more urgent.
    pub(super) fn hurry(&mut self, stamp: Stamp, urgency: Urgency) {
        let mut queue = self.shared.lock();
        let is_meant = |job: &Job| job.stamp == stamp && job.urgency < urgency;
        let waits = queue.jobs.iter().position(is_meant);
        if let Some(job) = waits.and_then(|at| queue.jobs.remove(at)) {
            queue.insert(Job { urgency, ..job });
        }
    }

    /// The next answer there is, if any.
    pub(super) fn answer(&mut self, is_urgent: impl Fn(Stamp) -> bool) -> Option<Searched> {
        self.wait(Duration::ZERO, is_urgent)
    }

    /// The next answer, within `time`.
    pub(super) fn wait(
        &mut self,
        time: Duration,
        is_urgent: impl Fn(Stamp) -> bool,
    ) -> Option<Searched> {
        match self.answers.recv_timeout(time) {
            Ok(searched) => {
                self.urgent -= usize::from(is_urgent(searched.stamp)).min(self.urgent);
                Some(searched)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.urgent = 0;
                None
            }
        }
    }

    /// How many files of running processes still wait for their answer.
    pub(super) fn urgent(&self) -> usize {
        self.urgent
    }
}

impl Drop for Scans {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.ended = true;
        queue.jobs.clear();
        queue.wake = None;
        drop(queue);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Searches until there is nobody to tell.
    fn work(&self, answers: &Sender<Searched>) {
        while let Some(Job { stamp, elf, .. }) = self.next() {
            let contents = stack::scan(&elf, &mut Vec::new());
            if answers.send(Searched { stamp, elf, contents }).is_err() {
                return;
            }
            if let Some(wake) = &self.lock().wake {
                wake();
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if queue.ended {
                return None;
            }
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            queue = self.changed.wait(queue).unwrap_or_else(|e| e.into_inner());
        }
    }
}
