//! Finding frames in octets whose framing is not known.

use super::frame::{Frame, Opcode, Parsed};
use super::inflate;

/// What a chain of headers must be worth to be believed.
const ENOUGH: u32 = 6;
/// What it must be worth for its compressed frames to be decompressed.
const LIKELY: u32 = 2;
/// Chains followed at once.
const CHAINS: usize = 64;
/// Octets kept while chains are followed.
const WINDOW: usize = 256 << 10;
/// Octets looked at before the window is trimmed.
const STEP: usize = 16 << 10;
/// Octets that frames begin with.
const BEGINS: [bool; 256] = {
    let mut begins = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        begins[octet] =
            matches!(octet & 0x7F, 0 | 1 | 2 | 0x41 | 0x42) || matches!(octet, 0x88..=0x8A);
        octet += 1;
    }
    begins
};
/// Longer frames are not looked for: what claims to be one is hardly any.
const LONGEST: u64 = 16 << 20;

/// Looks for the place where frames begin.
///
/// One header proves next to nothing: one in forty places looks like one. So it
/// follows every possible chain of headers, each where the one before says, and
/// weighs: a header where a call's octets begin, and a frame that ends where
/// they end, count more, as endpoints write whole frames; a frame of JSON is
/// proof. Every octet is looked at once, and what proves JSON twice.
#[derive(Debug, Default)]
pub(super) struct Search {
    window: Vec<u8>,
    /// Places before this one have been tried.
    tried: usize,
    chains: Vec<Chain>,
    /// The first place where one of them goes on.
    due: usize,
    /// Where calls' octets begin, as far as not tried.
    edges: Vec<usize>,
    /// Whether its frames are masked, where that is known.
    masked: Option<bool>,
    /// Octets that passed in vain.
    passed: u64,
}

#[derive(Debug)]
struct Chain {
    start: usize,
    /// Where its next header must be.
    next: usize,
    /// Where its last two frames began, of all octets.
    frames: [u64; 2],
    worth: u32,
    masked: bool,
    /// A message's frames go on; `None`: not known.
    open: Option<bool>,
    /// Its last frame, which may prove something: where the payload begins.
    unproven: Option<(Frame, usize)>,
}

/// A chain that is believed, and how far it reaches.
struct Believed {
    chain: usize,
    end: usize,
    proven: bool,
}

/// Frames that were found.
#[derive(Debug)]
pub(super) struct Found {
    /// The octets from the first header on.
    pub(super) octets: Vec<u8>,
    /// Octets before them, which belong to frames that were not found.
    pub(super) passed: u64,
    pub(super) masked: bool,
    /// By what was said in them, rather than by their headers alone.
    pub(super) proven: bool,
}

impl Search {
    /// `masked`: whether the frames to be found are, where that is known.
    pub(super) fn new(masked: Option<bool>) -> Self {
        Search { masked, due: usize::MAX, ..Search::default() }
    }

    /// It became known whether frames are masked.
    pub(super) fn expect(&mut self, masked: bool) {
        self.masked = Some(masked);
        self.chains.retain(|chain| chain.masked == masked);
    }

    /// Takes the octets of a call. If frames are found, `octets` is left with
    /// what follows those returned.
    pub(super) fn feed(&mut self, octets: &mut &[u8]) -> Option<Found> {
        if !octets.is_empty() {
            self.edges.push(self.window.len());
        }
        loop {
            let given = *octets;
            let (step, rest) = given.split_at(given.len().min(STEP));
            *octets = rest;
            self.window.extend_from_slice(step);
            let found = self.follow().or_else(|| self.look(rest.is_empty()));
            if let Some(found) = found {
                // What settled it is newer than the last step, but for a few octets.
                let end = found.end.max(self.window.len() - step.len());
                let excess = self.window.len() - end;
                self.window.truncate(end);
                *octets = &given[step.len() - excess..];
                return Some(self.found(found));
            }
            self.trim();
            if rest.is_empty() {
                return None;
            }
        }
    }

    /// Octets are missing here; those before it passed in vain.
    pub(super) fn clear(&mut self) -> u64 {
        let passed = self.passed + self.window.len() as u64;
        *self = Search::new(self.masked);
        passed
    }

    fn found(&mut self, Believed { chain, proven, .. }: Believed) -> Found {
        let Chain { start, masked, .. } = self.chains.swap_remove(chain);
        let mut octets = std::mem::take(&mut self.window);
        octets.drain(..start);
        let passed = self.passed + start as u64;
        *self = Search::new(self.masked);
        Found { octets, passed, masked, proven }
    }

    /// Tries every new place.
    fn follow(&mut self) -> Option<Believed> {
        while self.skip() {
            let at = self.tried;
            let frame = match Frame::parse(&self.window[at..]) {
                Parsed::Partial => return None,
                Parsed::Invalid => None,
                Parsed::Header(frame, length) => Some((frame, length)),
            };
            self.tried += 1;
            let edge = self.edges.first() == Some(&at);
            if edge {
                self.edges.remove(0);
            }
            let due = at >= self.due;
            if due && let Some(chain) = self.prove(at) {
                return Some(Believed { chain, end: at, proven: true });
            }
            if let Some((frame, length)) = frame
                && let Some(chain) = self.link(at, frame, length, edge)
                && self.chains[chain].worth >= ENOUGH
            {
                return Some(Believed { chain, end: at + length, proven: false });
            }
            if due {
                self.chains.retain(|chain| chain.next > at);
            }
            if due || frame.is_some() {
                self.due = self.chains.iter().map(|chain| chain.next).min().unwrap_or(usize::MAX);
            }
        }
        None
    }

    /// Goes on to the next place where a frame may begin, or a chain goes on.
    /// Whether there is one.
    fn skip(&mut self) -> bool {
        let end = self.due.clamp(self.tried, self.window.len());
        let here =
            self.window[self.tried..end].iter().position(|octet| BEGINS[usize::from(*octet)]);
        self.tried = here.map_or(end, |here| self.tried + here);
        self.edges.retain(|edge| *edge >= self.tried);
        self.tried < self.window.len()
    }

    /// A header stands at `at`: the chain that it belongs to.
    fn link(&mut self, at: usize, frame: Frame, length: usize, edge: bool) -> Option<usize> {
        let masked = frame.mask.is_some();
        let other_end = self.masked.is_some_and(|known| known != masked);
        // A piece of nothing that goes on: zeros look like that.
        let nothing = frame.length == 0 && !frame.ends;
        if other_end || nothing || frame.length > LONGEST {
            return None;
        }
        let next = usize::try_from(frame.length).ok()?.checked_add(at + length)?;
        let worth = match (frame.opcode, frame.ends) {
            // Small numbers look like that.
            (Opcode::Continuation, false) => 0,
            _ if edge => 2,
            _ => 1,
        };
        let unproven = Some((frame, at + length));
        let goes_on = frame.opcode == Opcode::Continuation;
        let open = (!frame.opcode.is_control()).then_some(!frame.ends);
        let fits = |chain: &Chain| {
            let in_order = open.is_none() || chain.open.is_none_or(|open| open == goes_on);
            chain.next == at && chain.masked == masked && in_order
        };
        if let Some(known) = self.chains.iter().position(fits) {
            let chain = &mut self.chains[known];
            let [before, last] = chain.frames;
            let frame_of = |from: u64, to: u64| {
                let from = usize::try_from(from.checked_sub(self.passed)?).ok()?;
                self.window.get(from..usize::try_from(to - self.passed).ok()?)
            };
            let now = self.passed + at as u64;
            // Regular data, silence above all, looks like the same again and again.
            let again =
                frame_of(before, last).is_some_and(|frame| Some(frame) == frame_of(last, now));
            chain.frames = [last, now];
            chain.next = next;
            chain.worth += if again { 0 } else { worth };
            chain.open = open.or(chain.open);
            chain.unproven = unproven;
            return Some(known);
        }
        if self.chains.len() == CHAINS {
            return None;
        }
        let frames = [self.passed + at as u64; 2];
        self.chains.push(Chain { start: at, next, frames, worth, masked, open, unproven });
        Some(self.chains.len() - 1)
    }

    /// At the end of the octets at hand, and perhaps of a call's (`edge`).
    fn look(&mut self, edge: bool) -> Option<Believed> {
        let end = self.window.len();
        if let Some(chain) = self.prove(end) {
            return Some(Believed { chain, end: self.chains[chain].next, proven: true });
        }
        if edge {
            let ending = self.chains.iter_mut().filter(|chain| chain.next == end);
            ending.for_each(|chain| chain.worth += 1);
        }
        let enough = |chain: &Chain| chain.next == end && chain.worth >= ENOUGH;
        let chain = self.chains.iter().position(enough)?;
        Some(Believed { chain, end, proven: false })
    }

    /// A chain whose last frame is over by `end` and says JSON. One whose frame
    /// says what it cannot is given up.
    fn prove(&mut self, end: usize) -> Option<usize> {
        for (at, chain) in self.chains.iter_mut().enumerate() {
            if chain.next > end {
                continue;
            }
            let Some((frame, start)) = chain.unproven.take() else { continue };
            if frame.compressed && chain.worth < LIKELY {
                // Not worth the effort.
                continue;
            }
            let payload = self.window.get(start..chain.next);
            match payload.map_or(Says::Nothing, |payload| says(&frame, payload)) {
                Says::Json => return Some(at),
                Says::Nonsense => chain.next = 0,
                Says::Nothing => {}
            }
        }
        self.chains.retain(|chain| chain.next > 0);
        None
    }

    /// Forgets the octets that no chain needs.
    fn trim(&mut self) {
        while self.window.len() - self.needed() > WINDOW {
            let first = self.needed();
            for chain in self.chains.iter_mut().filter(|chain| chain.start == first) {
                // Its first frames are not kept, and it goes on without them.
                chain.start = chain.next;
                chain.unproven = None;
            }
        }
        let needed = self.needed();
        if needed >= self.window.len() / 2 {
            self.window.drain(..needed);
            self.passed += needed as u64;
            self.tried -= needed;
            self.due = self.due.saturating_sub(needed);
            self.edges.iter_mut().for_each(|edge| *edge -= needed);
            for chain in &mut self.chains {
                chain.start -= needed;
                chain.next -= needed;
                if let Some((_, start)) = &mut chain.unproven {
                    *start -= needed;
                }
            }
        }
    }

    /// The first place that still matters.
    fn needed(&self) -> usize {
        self.chains.iter().map(|chain| chain.start).fold(self.tried, usize::min)
    }
}

/// What a frame's payload tells.
enum Says {
    /// That this is a frame.
    Json,
    /// That it is none.
    Nonsense,
    Nothing,
}

fn says(frame: &Frame, payload: &[u8]) -> Says {
    if !frame.ends || !matches!(frame.opcode, Opcode::Text | Opcode::Binary) {
        return Says::Nothing;
    }
    let mut payload = payload.to_vec();
    if let Some(mask) = frame.mask {
        super::frame::unmask(&mut payload, mask, 0);
    }
    let text = frame.opcode == Opcode::Text && !frame.compressed;
    if text && (payload.contains(&0) || std::str::from_utf8(&payload).is_err()) {
        return Says::Nonsense;
    }
    let json = match frame.compressed {
        true => inflate::is_json(&payload),
        false => inflate::looks_like_json(&payload, true),
    };
    if json { Says::Json } else { Says::Nothing }
}
