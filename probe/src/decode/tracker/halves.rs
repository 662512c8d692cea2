//! Connections whose two directions have no object in common: what is told of one
//! direction's keys before their socket is known is held back, until it is known
//! whose it is.

use llmtop_probe_common as abi;

use super::{Facts, Tracker};
use crate::Capture;

/// Bytes held back of one connection. A thread's next system call tells, so there
/// is a record, or the few of one write.
const MAX_BYTES: usize = 1 << 20;
/// Chunks held back of one connection.
const MAX_CHUNKS: usize = 1 << 12;

/// What came of a connection that may be another's.
#[derive(Debug, Default)]
pub(super) struct Half {
    chunks: Vec<(abi::Chunk, Vec<u8>)>,
    bytes: usize,
    /// Counters were read since: whoever waits that long waits in vain.
    waited: bool,
}

impl Half {
    /// Keeps a chunk. `false`: there will be no room for another.
    pub(super) fn keep(&mut self, chunk: &abi::Chunk, payload: &[u8]) -> bool {
        self.bytes += payload.len();
        self.chunks.push((*chunk, payload.to_vec()));
        self.bytes < MAX_BYTES && self.chunks.len() < MAX_CHUNKS
    }
}

impl Tracker {
    /// It is known whose an unbound connection is.
    pub(super) fn bound(
        &mut self,
        bound: &abi::Bound,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) {
        if bound.conn == bound.into {
            self.state(bound.conn, bound.header).object = Some(bound.object);
            self.tell_half(bound.conn, facts, out);
            return;
        }
        self.state(bound.into, bound.header);
        match self.conns.get_mut(&bound.conn).map(|state| state.half.take()) {
            Some(None) => self.join_told(bound, facts, out),
            half => {
                for (mut chunk, payload) in half.flatten().unwrap_or_default().chunks {
                    let side = usize::from(chunk.header.flags & abi::flags::RECEIVED != 0);
                    chunk.conn = bound.into;
                    chunk.offset = chunk.offset.saturating_add(bound.moved[side]);
                    chunk.lost = chunk.lost.saturating_add(bound.lost[side]);
                    self.chunk(&chunk, &payload, facts, out);
                }
            }
        }
        self.forget(bound.conn, bound.header.time, 0, out);
    }

    /// What came of it was told under its own name meanwhile, and is not told again:
    /// the other goes on behind it.
    fn join_told(&mut self, bound: &abi::Bound, facts: &mut dyn Facts, out: &mut Vec<Capture>) {
        let time = bound.header.time;
        for side in [abi::direction::SENT, abi::direction::RECEIVED] {
            let mut pieces = Vec::new();
            let Some(state) = self.conns.get_mut(&bound.conn) else { return };
            let mut part = std::mem::take(&mut state.orders[side]);
            part.flush(&mut pieces);
            self.pieces(bound.conn, side, pieces, time, facts, out);
            let mut pieces = Vec::new();
            let Some(state) = self.conns.get_mut(&bound.into) else { return };
            state.orders[side].join(bound.moved[side], bound.lost[side], &part, &mut pieces);
            self.pieces(bound.into, side, pieces, time, facts, out);
        }
        self.release(bound.conn, time, facts, out);
    }

    /// Whether a connection is still held back when counters say how far it has
    /// come. Not twice.
    pub(super) fn waits(
        &mut self,
        conn: u64,
        facts: &mut dyn Facts,
        out: &mut Vec<Capture>,
    ) -> bool {
        let half = self.conns.get_mut(&conn).and_then(|state| state.half.as_mut());
        let Some(half) = half else { return false };
        if !half.waited {
            half.waited = true;
            return true;
        }
        self.tell_half(conn, facts, out);
        false
    }

    /// Tells what was held back of a connection, as its own.
    pub(super) fn tell_half(&mut self, conn: u64, facts: &mut dyn Facts, out: &mut Vec<Capture>) {
        let half = self.conns.get_mut(&conn).and_then(|state| state.half.take());
        for (chunk, payload) in half.unwrap_or_default().chunks {
            self.chunk(&chunk, &payload, facts, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Record;
    use crate::decode::fixture::{HEADER, Nobody, chunk, close, words};

    fn unbound(conn: u64) -> Record<'static> {
        let header = abi::Header { flags: abi::flags::UNBOUND, ..HEADER };
        Record::Open(abi::Open { header, conn, object: 7, ..Default::default() })
    }

    /// `into` had sent `moved` bytes before.
    fn bound(conn: u64, into: u64, moved: u64) -> Record<'static> {
        let header = HEADER;
        let moved = [moved, 0];
        Record::Bound(abi::Bound { header, conn, into, object: 9, moved, lost: [0; 2] })
    }

    fn check(records: &[Record<'_>], expected: &[&str]) {
        let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
        for record in records {
            tracker.record(*record, &mut Nobody, &mut out);
        }
        assert_eq!(words(&out), expected, "{records:?}");
    }

    #[test]
    fn held_until_bound() {
        check(&[unbound(90), chunk(90, 0, 0), chunk(90, 10, 0)], &[]);
        let told = ["process 7", "open 1", "chunk 1+0", "chunk 1+10"];
        let records = [unbound(90), chunk(90, 0, 0), bound(90, 90, 0), chunk(90, 10, 0)];
        check(&records, &told);
        let ended = [&told[..3], &["close 1"]].concat();
        check(&[unbound(90), chunk(90, 0, 0), close(90, 10)], &ended);
    }

    #[test]
    fn joined_where_it_belongs() {
        let told = ["process 7", "open 1", "chunk 1+0", "chunk 1+10", "chunk 1+20"];
        // The second has the first's name, its place, and what follows has, too.
        let records = [
            unbound(90),
            chunk(90, 0, 0),
            bound(90, 90, 0),
            unbound(91),
            chunk(91, 0, 0),
            bound(91, 90, 10),
            chunk(90, 20, 0),
        ];
        check(&records, &told);
        // Of one of which nothing was told.
        check(
            &[unbound(91), bound(91, 90, 0), chunk(90, 0, 0)],
            &["process 7", "open 2", "chunk 2+0"],
        );
    }

    #[test]
    fn nobody_waits_for_ever() {
        let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
        let last = super::super::Final { conn: 90, pid: 7, moved: [10, 0], ignored: [0; 2] };
        for record in [unbound(90), chunk(90, 0, 0)] {
            tracker.record(record, &mut Nobody, &mut out);
        }
        tracker.settle(&last, 9, &mut Nobody, &mut out);
        assert!(out.is_empty(), "{out:?}");
        tracker.settle(&last, 9, &mut Nobody, &mut out);
        assert_eq!(words(&out), ["process 7", "open 1", "chunk 1+0"]);
    }

    #[test]
    fn told_before_it_is_bound() {
        let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
        let last = |conn, moved| super::super::Final { conn, pid: 7, moved, ignored: [0; 2] };
        for record in [unbound(90), chunk(90, 0, 0), bound(90, 90, 0), unbound(91)] {
            tracker.record(record, &mut Nobody, &mut out);
        }
        tracker.record(chunk(91, 0, 0), &mut Nobody, &mut out);
        for _ in 0..2 {
            tracker.settle(&last(91, [10, 0]), 9, &mut Nobody, &mut out);
        }
        for record in [bound(91, 90, 10), chunk(90, 20, 0)] {
            tracker.record(record, &mut Nobody, &mut out);
        }
        tracker.settle(&last(90, [30, 0]), 9, &mut Nobody, &mut out);
        // Every byte once, and nothing is missing.
        let told = ["process 7", "open 1", "chunk 1+0", "open 2", "chunk 2+0", "close 2"];
        assert_eq!(words(&out), [&told[..], &["chunk 1+20"]].concat());
    }

    #[test]
    fn what_is_held_is_bounded() {
        let records: Vec<_> =
            std::iter::once(unbound(90)).chain((0..5000).map(|n| chunk(90, 10 * n, 0))).collect();
        let (mut tracker, mut out) = (Tracker::new(0), Vec::new());
        for record in records {
            tracker.record(record, &mut Nobody, &mut out);
        }
        assert_eq!(words(&out).iter().filter(|word| word.starts_with("chunk")).count(), 5000);
    }
}
