//! The thread that reads code. It begins with the first code that is seen, for
//! loading the grammars takes a while, too.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use super::grammar::{Done, Grammars, Progress};

/// What came of reading. Inside, `None`: the code stays plain.
type Answer = Option<Option<Done>>;

/// A run that is being read. Once this is dropped, nobody wants it.
#[derive(Debug)]
pub(super) struct Errand {
    answer: Arc<Mutex<Answer>>,
    /// How long the run was.
    seen: usize,
}

struct Job {
    progress: Box<Progress>,
    text: String,
    answer: Arc<Mutex<Answer>>,
}

/// Without work for so long, it forgets the grammars: they are tens of megabytes.
const REST: Duration = Duration::from_secs(60);

/// `None`: there can be no thread.
static WORKER: LazyLock<Option<Sender<Job>>> = LazyLock::new(|| {
    let (jobs, inbox) = channel();
    let body = move || {
        while let Ok(job) = inbox.recv() {
            work(job, &inbox);
            give_back();
        }
    };
    Builder::new().name("code".to_owned()).spawn(body).ok().map(|_| jobs)
});

/// Does a job, and those that come soon after.
fn work(first: Job, inbox: &Receiver<Job>) {
    let mut grammars = Grammars::load();
    let mut job = Ok(first);
    while let Ok(Job { progress, text, answer }) = job {
        // Otherwise it was scrolled away.
        if Arc::strong_count(&answer) > 1 {
            let done = progress.read_on(&text, &mut grammars);
            *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
        }
        job = inbox.recv_timeout(REST);
    }
}

/// Has the allocator give the kernel what it keeps free: of the grammars, else all of it.
fn give_back() {
    #[cfg(target_env = "gnu")]
    #[expect(unsafe_code, reason = "a door of glibc's allocator without a wrapper")]
    // SAFETY: it has no preconditions (malloc_trim(3)).
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Has the new `text` of a run read, which is so long with it.
pub(super) fn send(progress: Box<Progress>, text: String, seen: usize) -> Option<Errand> {
    let answer = Arc::default();
    let job = Job { progress, text, answer: Arc::clone(&answer) };
    WORKER.as_ref()?.send(job).ok()?;
    Some(Errand { answer, seen })
}

impl Errand {
    /// What came of it, and how long the run was then; `None`: nothing yet.
    pub(super) fn take(&self) -> Option<(Option<Done>, usize)> {
        let done = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some((done, self.seen))
    }
}
