//! Records, and what comes of them in short.

use llmtop_probe_common as abi;

use super::{Facts, Record};
use crate::{Capture, Endpoint, Process};

/// A machine of which nothing is known.
pub(crate) struct Nobody;

impl Facts for Nobody {
    fn executed(&mut self, seen: Process) -> Process {
        seen
    }
    fn process(&mut self, seen: Process) -> Process {
        seen
    }
    fn exited(&mut self, _: u32) {}
    fn endpoint(&mut self, _: u32, _: i32) -> Endpoint {
        Endpoint::default()
    }
    fn attached(&self, target: u32) -> Option<u64> {
        (target == 0).then_some(0)
    }
}

/// Of process 7.
pub(crate) const HEADER: abi::Header =
    abi::Header { kind: 0, flags: 0, len: 0, time: 5, pid: 7, tid: 8 };

/// Ten bytes sent.
pub(crate) fn chunk(conn: u64, offset: u64, lost: u64) -> Record<'static> {
    Record::Chunk(abi::Chunk { header: HEADER, conn, offset, lost }, b"0123456789")
}

/// The end of a connection that sent so many bytes.
pub(crate) fn close(conn: u64, moved: u64) -> Record<'static> {
    Record::Close(abi::Close {
        header: HEADER,
        conn,
        moved: [moved, 0],
        lost: [0; 2],
        ignored: [0; 2],
    })
}

/// What comes of records, a word each.
pub(crate) fn words(out: &[Capture]) -> Vec<String> {
    out.iter()
        .map(|capture| match capture {
            Capture::Process(process) => format!("process {}", process.pid),
            Capture::Open(open) => format!("open {}", open.conn.0),
            Capture::Endpoint { conn, .. } => format!("endpoint {}", conn.0),
            Capture::Chunk(chunk) => format!("chunk {}+{}", chunk.conn.0, chunk.offset),
            Capture::Gap(gap) => format!("gap {}-{}", gap.conn.0, gap.lost),
            Capture::Close { conn, .. } => format!("close {}", conn.0),
            Capture::Exit { pid, .. } => format!("exit {pid}"),
        })
        .collect()
}
