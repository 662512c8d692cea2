//! Finding frames in bytes whose framing is not known.

use super::frame::{Frame, HEADER};

/// Headers in a row, each where the one before says, that make a chain.
const CHAIN: u32 = 3;
/// Chains followed at once.
const CHAINS: usize = 16;
/// Bytes kept while chains are followed.
const WINDOW: usize = 256 << 10;
/// Bytes looked at before the window is trimmed.
const STEP: usize = 16 << 10;

/// Looks for the place where frames begin.
///
/// One header proves nothing: any nine bytes may look like one. So it follows
/// every possible chain of headers until one has three of them, or has two and
/// its last frame ends where the bytes at hand do, as writers flush whole
/// frames. Every byte is looked at once.
#[derive(Debug, Default)]
pub(super) struct Search {
    window: Vec<u8>,
    /// Places before this one have been tried.
    tried: usize,
    chains: Vec<Chain>,
}

#[derive(Debug)]
struct Chain {
    start: usize,
    /// Where its next header must be.
    next: usize,
    headers: u32,
}

impl Search {
    /// Takes bytes off `input` until frames are found; then the bytes from the
    /// first frame's header on are returned, and `input` is what follows them.
    pub(super) fn feed(&mut self, input: &mut &[u8], longest: usize) -> Option<Vec<u8>> {
        while !input.is_empty() {
            let (step, rest) = input.split_at(input.len().min(STEP));
            self.window.extend_from_slice(step);
            if let Some((start, end)) = self.follow(longest) {
                // The header that settled it is newer than the last step, so
                // what is behind it came with this one.
                let excess = (self.window.len() - end).min(step.len());
                *input = &input[step.len() - excess..];
                return Some(self.found(start, end));
            }
            *input = rest;
            self.trim();
        }
        self.ends_here(2)
    }

    /// The frames held, if a chain of at least `headers` headers ends exactly
    /// with the bytes that came so far.
    pub(super) fn ends_here(&mut self, headers: u32) -> Option<Vec<u8>> {
        let end = self.window.len();
        let chain = self.chains.iter().find(|c| c.next == end && c.headers >= headers)?;
        let start = chain.start;
        Some(self.found(start, end))
    }

    /// Bytes are missing here, or are none of this protocol.
    pub(super) fn clear(&mut self) {
        *self = Search::default();
    }

    fn found(&mut self, start: usize, end: usize) -> Vec<u8> {
        let mut window = std::mem::take(self).window;
        window.truncate(end);
        window.drain(..start);
        window
    }

    /// Tries every new place; the bounds of a chain that is long enough, its
    /// last header included.
    fn follow(&mut self, longest: usize) -> Option<(usize, usize)> {
        let highest = (longest >> 16).min(0xff) as u8;
        while let Some(octets) = self.window.get(self.tried..).and_then(<[u8]>::first_chunk) {
            let at = self.tried;
            self.tried += 1;
            // Nearly every place is none for its first octet.
            if octets[0] <= highest
                && let Some(frame) = Frame::recognise(octets, longest)
            {
                let next = at + HEADER + frame.length;
                if let Some(chain) = self.chains.iter_mut().find(|chain| chain.next == at) {
                    chain.next = next;
                    chain.headers += 1;
                    if chain.headers >= CHAIN {
                        return Some((chain.start, at + HEADER));
                    }
                } else if self.chains.len() < CHAINS {
                    self.chains.push(Chain { start: at, next, headers: 1 });
                }
            }
            if !self.chains.is_empty() {
                self.chains.retain(|chain| chain.next > at);
            }
        }
        None
    }

    /// Forgets the bytes that no chain needs.
    fn trim(&mut self) {
        while self.window.len() - self.needed() > WINDOW && !self.chains.is_empty() {
            let first = self.needed();
            self.chains.retain(|chain| chain.start > first);
        }
        let needed = self.needed();
        // Moving the rest must be worth it.
        if needed >= HEADER && needed >= self.window.len() / 2 {
            self.window.drain(..needed);
            self.tried -= needed;
            for chain in &mut self.chains {
                chain.start -= needed;
                chain.next -= needed;
            }
        }
    }

    /// The first place that still matters.
    fn needed(&self) -> usize {
        self.chains.iter().map(|chain| chain.start).fold(self.tried, usize::min)
    }
}
