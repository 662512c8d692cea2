//! Between the tracker and an outlet that may have no room: what it refuses
//! loses its bytes and keeps its place.

use std::collections::HashMap;

use crate::{Capture, ConnId, Direction, Gap, Outlet};

/// Driving contract: append to [`captures`](Self::captures), then
/// [`offer`](Self::offer). Chunks that were refused become gaps, merged by
/// direction, so that what waits is bounded by the connections and processes.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pub(super) captures: Vec<Capture>,
    /// Bytes that reached the outlet.
    pub(super) delivered: u64,
    /// Bytes in gaps that reached the outlet.
    pub(super) lost: u64,
}

impl Backlog {
    /// Offers everything. `false`: the outlet had no room.
    pub(super) fn offer(&mut self, outlet: &mut dyn Outlet) -> bool {
        if self.captures.is_empty() {
            return true;
        }
        let (mut delivered, mut lost) = (0, 0);
        for capture in &self.captures {
            match capture {
                Capture::Chunk(chunk) => delivered += chunk.bytes.len() as u64,
                Capture::Gap(gap) => lost += gap.lost,
                _ => {}
            }
        }
        if outlet.offer(&mut self.captures) {
            self.delivered += delivered;
            self.lost += lost;
            self.captures.clear();
            return true;
        }
        self.condense();
        false
    }

    /// Turns chunks into gaps, one for each direction of a connection.
    fn condense(&mut self) {
        let mut gaps: HashMap<(ConnId, Direction), usize> = HashMap::new();
        let mut kept = Vec::new();
        for capture in self.captures.drain(..) {
            let gap = match capture {
                Capture::Chunk(chunk) => Gap {
                    conn: chunk.conn,
                    direction: chunk.direction,
                    time: chunk.time,
                    lost: chunk.bytes.len() as u64,
                },
                Capture::Gap(gap) => gap,
                other => {
                    kept.push(other);
                    continue;
                }
            };
            let place = gaps.entry((gap.conn, gap.direction)).or_insert_with(|| {
                kept.push(Capture::Gap(Gap { lost: 0, ..gap }));
                kept.len() - 1
            });
            if let Some(Capture::Gap(merged)) = kept.get_mut(*place) {
                merged.lost += gap.lost;
            }
        }
        self.captures = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chunk, Timestamp};

    /// Takes what it is offered, or refuses it.
    #[derive(Default)]
    struct Choosy {
        refuse: bool,
        taken: Vec<Capture>,
    }

    impl Outlet for Choosy {
        fn offer(&mut self, captures: &mut Vec<Capture>) -> bool {
            if !self.refuse {
                self.taken.append(captures);
            }
            !self.refuse
        }
        fn deliver(&mut self, captures: &mut Vec<Capture>) -> bool {
            self.offer(captures)
        }
    }

    fn chunk(conn: u64, direction: Direction, offset: u64, len: usize) -> Capture {
        Capture::Chunk(Chunk {
            conn: ConnId(conn),
            direction,
            time: Timestamp(offset),
            offset,
            bytes: vec![0; len],
        })
    }

    #[test]
    fn refused_chunks_become_gaps_in_their_place() {
        let mut outlet = Choosy { refuse: true, ..Choosy::default() };
        let mut backlog = Backlog::default();
        for round in 0..1000 {
            backlog.captures.push(chunk(1, Direction::Sent, round * 10, 10));
            backlog.captures.push(chunk(1, Direction::Received, round * 5, 5));
            backlog.captures.push(chunk(2, Direction::Sent, round, 1));
            assert!(!backlog.offer(&mut outlet));
            assert_eq!(backlog.captures.len(), 3, "bounded");
        }
        outlet.refuse = false;
        backlog.captures.push(chunk(1, Direction::Sent, 10_000, 7));
        assert!(backlog.offer(&mut outlet));
        let lengths: Vec<_> = outlet
            .taken
            .iter()
            .map(|capture| match capture {
                Capture::Gap(gap) => (gap.conn.0, -(gap.lost as i64)),
                Capture::Chunk(chunk) => (chunk.conn.0, chunk.bytes.len() as i64),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(lengths, [(1, -10_000), (1, -5000), (2, -1000), (1, 7)]);
        assert_eq!((backlog.delivered, backlog.lost), (7, 16_000));
    }
}
