//! Looking through whole segments: what has no index has to be searched.
//!
//! Files of hundreds of megabytes are searched while somebody waits, so the work
//! is shared between threads and done by vectorised searches. A window is read at
//! a time, into one buffer a thread: nothing is mapped.

use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use object::elf;

use super::Elf;

/// Bytes looked at in one go.
const WINDOW: u64 = 1 << 20;
/// More is not searched: no program's code is so large.
const MAX_BYTES: u64 = 1 << 30;
const MAX_THREADS: usize = 4;
/// Findings kept of a window. The densest that is looked for is a call in each
/// few bytes, and far fewer are of interest.
const MAX_FINDINGS: usize = 1 << 14;

/// Which segments are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Executable.
    Code,
    /// Only readable, where constants lie; of files that keep them among their
    /// code, the code.
    Constants,
}

/// A part of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'a> {
    /// Where its first byte is mapped.
    pub(crate) address: u64,
    /// Its bytes, and some of the following window.
    pub(crate) bytes: &'a [u8],
    /// Only what begins before is this window's.
    pub(crate) own: usize,
}

struct Piece {
    address: u64,
    offset: u64,
    size: u64,
    read: u64,
}

impl Elf {
    /// Searches the segments of `content` for things of at most `longest` bytes.
    /// `find` appends what begins in the part of a window that is its own; the
    /// answer is sorted. `None` where there is too much of either.
    pub(crate) fn sweep<T: Send + Ord>(
        &self,
        content: Content,
        longest: usize,
        find: impl Fn(Window<'_>, &mut Vec<T>) + Sync,
    ) -> Option<Vec<T>> {
        let pieces = self.pieces(content, longest as u64)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.min(MAX_THREADS).min(pieces.len());
        let next = AtomicUsize::new(0);
        let work = || {
            let mut found = Vec::new();
            let mut buffer = Vec::new();
            while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                let before = found.len();
                self.look(piece, &mut buffer, &find, &mut found);
                if found.len() - before > MAX_FINDINGS {
                    return None;
                }
            }
            Some(found)
        };
        let all = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).filter_map(|_| spawn(scope, work)).collect();
            let mut all = vec![work()];
            // A panic cannot be: it would be this thread's as well.
            all.extend(others.into_iter().map(|thread| thread.join().ok().flatten()));
            all
        });
        let mut found: Vec<T> =
            all.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        found.sort_unstable();
        Some(found)
    }

    fn pieces(&self, content: Content, longest: u64) -> Option<Vec<Piece>> {
        let loads = || self.segments().iter().filter(|s| s.kind == elf::PT_LOAD);
        let flags = |wanted: u32| {
            move |s: &&super::file::Segment| s.flags & (elf::PF_X | elf::PF_W) == wanted
        };
        let constants = loads().any(|s| flags(0)(&s));
        let wanted = match content {
            Content::Constants if constants => 0,
            Content::Constants | Content::Code => elf::PF_X,
        };
        let mut pieces = Vec::new();
        let mut total = 0_u64;
        for segment in loads().filter(flags(wanted)) {
            let size = segment.file_size.min(self.size().saturating_sub(segment.offset));
            segment.address.checked_add(size)?;
            total = total.checked_add(size).filter(|&total| total <= MAX_BYTES)?;
            let mut at = 0;
            while at < size {
                let own = WINDOW.min(size - at);
                pieces.push(Piece {
                    address: segment.address + at,
                    offset: segment.offset + at,
                    size: own,
                    read: (own + longest).min(size - at),
                });
                at += own;
            }
        }
        Some(pieces)
    }

    fn look<T>(
        &self,
        piece: &Piece,
        buffer: &mut Vec<u8>,
        find: &impl Fn(Window<'_>, &mut Vec<T>),
        found: &mut Vec<T>,
    ) {
        // Bounded by a window and what may begin in it.
        buffer.resize(piece.read as usize, 0);
        let read = self.file().read_exact_at(buffer, piece.offset);
        // The file has been cut meanwhile: it is looked at again as another one.
        if read.is_ok() {
            find(Window { address: piece.address, bytes: buffer, own: piece.size as usize }, found);
        }
    }
}

/// Fewer threads are enough where the system has no more to give.
fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<std::thread::ScopedJoinHandle<'scope, T>> {
    std::thread::Builder::new().name("llmtop-scan".to_owned()).spawn_scoped(scope, work).ok()
}
