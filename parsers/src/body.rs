//! A message body after decoding, bounded in memory.

use serde::de::IgnoredAny;

use crate::Finding;
use crate::room::{ROOM, Room, Share};

/// A decoded body. Larger than the memory budget, it keeps its head and its
/// tail and says how much is missing between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// What was kept: all of it, or the head directly followed by the tail.
    pub bytes: Vec<u8>,
    /// Where bytes are missing, if they are, in order.
    pub elided: Vec<Elided>,
    /// What the bytes are.
    pub kind: BodyKind,
}

/// A hole in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elided {
    /// Index into [`Body::bytes`] before which bytes are missing.
    pub at: usize,
    /// How many decoded bytes; `None`: unknown (lost before decoding).
    pub bytes: Option<u64>,
    /// Lost in capture, rather than dropped to stay inside the budget.
    pub lost: bool,
}

/// What a body is, judged by its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyKind {
    /// One valid JSON value.
    Json,
    /// UTF-8 text.
    Text,
    /// Neither.
    #[default]
    Binary,
}

impl Body {
    /// Whether every byte is there.
    pub fn is_whole(&self) -> bool {
        self.elided.is_empty()
    }

    /// What was kept is values of JSON between commas: makes it an array, or
    /// leaves the one value alone, and judges its kind anew.
    pub(crate) fn enclose(&mut self, array: bool) {
        if array {
            self.bytes.insert(0, b'[');
            self.bytes.push(b']');
            self.elided.iter_mut().for_each(|hole| hole.at += 1);
        }
        if self.is_whole() {
            self.kind = BodyKind::of(&self.bytes);
        }
    }
}

impl BodyKind {
    /// Judges bytes in linear time, without building a tree.
    pub fn of(bytes: &[u8]) -> Self {
        // Several times faster, and true of most.
        let is_text = bytes.is_ascii() || std::str::from_utf8(bytes).is_ok();
        if !is_text {
            BodyKind::Binary
        } else if serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
            BodyKind::Json
        } else {
            BodyKind::Text
        }
    }
}

/// More holes than this in one body are counted with the last.
const HOLES: usize = 256;

/// Keeps a body as it arrives: everything up to the budget, beyond it the
/// first and the last half of the budget. Where the process has no more room for
/// unfinished bodies, what is there by then is the budget.
///
/// Drive it with [`push`](Self::push) and [`hole`](Self::hole), then
/// [`finish`](Self::finish). Each byte is copied a constant number of times.
#[derive(Debug)]
pub(crate) struct Keeper {
    budget: usize,
    share: Share,
    /// All of it, or, once over the budget, the head.
    head: Vec<u8>,
    /// Once over the budget: the last bytes, a ring that is always full.
    tail: Vec<u8>,
    /// Where in `tail` the oldest byte is.
    oldest: usize,
    /// Decoded bytes seen, kept or not.
    seen: u64,
    holes: Vec<Hole>,
    /// What followed could not be decoded.
    undecoded: bool,
}

/// Bytes that are missing before the `at`th that was seen.
#[derive(Debug)]
struct Hole {
    at: u64,
    bytes: Option<u64>,
    lost: bool,
}

impl Keeper {
    pub(crate) fn new(budget: usize) -> Self {
        Keeper::within(budget, &ROOM)
    }

    fn within(budget: usize, room: &'static Room) -> Self {
        Keeper {
            budget: budget.max(2),
            share: Share::of(room),
            head: Vec::new(),
            tail: Vec::new(),
            oldest: 0,
            seen: 0,
            holes: Vec::new(),
            undecoded: false,
        }
    }

    /// Decoded bytes that were dropped to stay inside the budget.
    fn dropped(&self) -> u64 {
        self.seen - (self.head.len() + self.tail.len()) as u64
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        let mut rest = bytes;
        if self.tail.is_empty() {
            let wanted = self.budget.min(self.head.len() + rest.len());
            if !self.share.reach(wanted) {
                self.budget = self.budget.min(self.share.bytes());
            }
            let room = self.budget - self.head.len();
            let (fits, over) = rest.split_at(rest.len().min(room));
            self.head.extend_from_slice(fits);
            if over.is_empty() {
                return;
            }
            self.tail = self.head.split_off(self.budget / 2);
            self.head.shrink_to_fit();
            rest = over;
        }
        let size = self.tail.len();
        if rest.len() >= size {
            self.tail.copy_from_slice(&rest[rest.len() - size..]);
            self.oldest = 0;
            return;
        }
        let (first, second) = rest.split_at(rest.len().min(size - self.oldest));
        self.tail[self.oldest..][..first.len()].copy_from_slice(first);
        self.tail[..second.len()].copy_from_slice(second);
        self.oldest = (self.oldest + rest.len()) % size;
    }

    /// Bytes are missing here; `None`: nobody knows how many.
    pub(crate) fn hole(&mut self, lost: Option<u64>) {
        self.miss(lost, true);
    }

    /// Bytes are left out here: they are of no use to anybody.
    pub(crate) fn leave_out(&mut self, bytes: u64) {
        self.miss(Some(bytes), false);
    }

    fn miss(&mut self, bytes: Option<u64>, lost: bool) {
        let full = self.holes.len() == HOLES;
        match self.holes.last_mut() {
            Some(last) if full || (last.lost == lost && last.at == self.seen) => {
                last.bytes = last.bytes.zip(bytes).map(|(a, b)| a.saturating_add(b));
                last.lost |= lost;
            }
            _ => self.holes.push(Hole { at: self.seen, bytes, lost }),
        }
    }

    /// What followed could not be decoded: so much is missing, nobody knows.
    pub(crate) fn undecoded(&mut self) {
        self.undecoded = true;
    }

    /// The body, if there was any; its kind judged here. What was dropped is said
    /// in `findings`.
    pub(crate) fn finish(mut self, findings: &mut Vec<Finding>) -> Option<Body> {
        if self.seen == 0 && self.holes.is_empty() && !self.undecoded {
            return None;
        }
        let dropped = self.dropped();
        if dropped > 0 {
            let detail = format!("{dropped} bytes between head and tail are not kept");
            findings.push(Finding { kind: "body_truncated", detail });
        }
        let cut = self.head.len();
        let mut elided = Vec::new();
        let mut after = Vec::new();
        for Hole { at, bytes, lost } in self.holes {
            if at <= cut as u64 {
                elided.push(Elided { at: at as usize, bytes, lost });
            } else if let Some(at) = at.checked_sub(dropped).filter(|at| *at > cut as u64) {
                after.push(Elided { at: at as usize, bytes, lost });
            } else {
                // Inside what was dropped: missing all the same.
                after.push(Elided { at: cut, bytes, lost });
            }
        }
        if dropped > 0 {
            elided.push(Elided { at: cut, bytes: Some(dropped), lost: false });
        }
        elided.append(&mut after);
        self.head.extend_from_slice(&self.tail[self.oldest..]);
        self.head.extend_from_slice(&self.tail[..self.oldest]);
        if self.undecoded {
            elided.push(Elided { at: self.head.len(), bytes: None, lost: false });
        }
        let kind = if elided.is_empty() {
            BodyKind::of(&self.head)
        } else if is_text_around(&self.head, &elided) {
            BodyKind::Text
        } else {
            BodyKind::Binary
        };
        // It may be kept for hours.
        self.head.shrink_to_fit();
        Some(Body { bytes: self.head, elided, kind })
    }
}

/// Whether the pieces between holes are text; a hole may cut a character.
fn is_text_around(bytes: &[u8], elided: &[Elided]) -> bool {
    let mut start = 0;
    for hole in elided.iter().map(|hole| Some(hole.at)).chain([None]) {
        let mut piece = &bytes[start..hole.unwrap_or(bytes.len())];
        let after_hole = start > 0 || elided[0].at == 0;
        if after_hole {
            let cut = piece.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
            piece = &piece[cut..];
        }
        if let Err(error) = std::str::from_utf8(piece)
            && (error.error_len().is_some() || hole.is_none())
        {
            return false;
        }
        start = hole.unwrap_or(start);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(budget: usize, pieces: &[&[u8]]) -> Option<Body> {
        let mut keeper = Keeper::new(budget);
        pieces.iter().for_each(|piece| keeper.push(piece));
        keeper.finish(&mut Vec::new())
    }

    /// Nobody's budget counts where the process has no room left.
    #[test]
    fn without_room_head_and_tail_are_kept() {
        static SMALL: Room = Room::new(128 << 10);
        let bytes: Vec<u8> = (0..500_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
        for piece in [1000, 70_000, 500_000] {
            let (mut one, mut other) =
                (Keeper::within(1 << 20, &SMALL), Keeper::within(1 << 20, &SMALL));
            one.push(&bytes[..120_000]);
            bytes.chunks(piece).for_each(|piece| other.push(piece));
            let mut findings = Vec::new();
            let whole = one.finish(&mut findings).unwrap();
            assert_eq!((whole.is_whole(), whole.bytes.len()), (true, 120_000));
            assert_eq!(findings, []);
            let cut = other.finish(&mut findings).unwrap();
            assert_eq!(cut.bytes.len(), 64 << 10);
            assert!(bytes.starts_with(&cut.bytes[..32 << 10]));
            assert!(bytes.ends_with(&cut.bytes[32 << 10..]));
            assert_eq!(cut.elided[0].bytes, Some(500_000 - (64 << 10)));
            assert_eq!(findings[0].kind, "body_truncated");
        }
    }

    #[test]
    fn head_and_tail_are_kept() {
        let all: Vec<u8> = (b'a'..=b'z').collect();
        for size in 1..=all.len() {
            let pieces: Vec<&[u8]> = all.chunks(size).collect();
            let body = kept(26, &pieces).unwrap();
            assert_eq!((&body.bytes, body.is_whole()), (&all, true));
            let body = kept(8, &pieces).unwrap();
            assert_eq!(body.bytes, b"abcdwxyz", "in pieces of {size}");
            assert_eq!(body.elided, [Elided { at: 4, bytes: Some(18), lost: false }]);
        }
        assert_eq!(kept(8, &[]), None);
    }

    #[test]
    fn holes_stay_where_they_are() {
        let mut keeper = Keeper::new(8);
        keeper.push(b"ab");
        keeper.hole(Some(3));
        keeper.hole(Some(4));
        keeper.push(b"cdefgh");
        keeper.hole(Some(5));
        keeper.push(b"ijklmnopqrstuvw");
        keeper.hole(None);
        keeper.push(b"xyz");
        let body = keeper.finish(&mut Vec::new()).unwrap();
        assert_eq!(body.bytes, b"abcdwxyz");
        let hole = |at, bytes, lost| Elided { at, bytes, lost };
        let expected = [
            hole(2, Some(7), true),
            hole(4, Some(18), false),
            hole(4, Some(5), true),
            hole(5, None, true),
        ];
        assert_eq!(body.elided, expected);
    }

    #[test]
    fn kinds_are_told_by_the_bytes() {
        for (bytes, kind) in [
            (&b"{\"a\": [1, null]}\n"[..], BodyKind::Json),
            (b"\"text\"", BodyKind::Json),
            (b"{\"a\": }", BodyKind::Text),
            (b"{} {}", BodyKind::Text),
            (b"\"\xFF\"", BodyKind::Binary),
            (b"hello", BodyKind::Text),
        ] {
            assert_eq!(BodyKind::of(bytes), kind, "{}", bytes.escape_ascii());
        }
        // Deeply nested, it is judged without a stack to overflow.
        let deep = vec![b'['; 1 << 20];
        assert_eq!(BodyKind::of(&deep), BodyKind::Text);
    }

    #[test]
    fn a_hole_may_cut_a_character() {
        let mut keeper = Keeper::new(100);
        keeper.push("ä".as_bytes().split_at(1).0);
        keeper.hole(Some(9));
        keeper.push("€".as_bytes().split_at(1).1);
        assert_eq!(keeper.finish(&mut Vec::new()).unwrap().kind, BodyKind::Text);
    }
}
