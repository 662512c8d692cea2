//! The kernel's counters: what they say beyond the records.

use llmtop_probe_common::ConnKey;

use super::maps::{KeyPod, Maps};
use crate::decode::Final;

/// Reads and forgets counters.
impl Maps {
    /// Counters of every connection alive.
    pub(super) fn alive(&self) -> Vec<Final> {
        self.conns.iter().flatten().map(|(_, conn)| Final::from(&conn.0)).collect()
    }

    /// Takes the counters of connections whose end found no room in the ring.
    pub(super) fn take_orphans(&mut self) -> Vec<Final> {
        let orphans: Vec<_> = self.orphans.iter().flatten().collect();
        for (id, _) in &orphans {
            let _ = self.orphans.remove(id);
        }
        orphans.iter().map(|(_, conn)| Final::from(&conn.0)).collect()
    }

    /// Takes the counters of a TLS object of a process that is gone.
    pub(super) fn take_conn(&mut self, pid: u32, object: u64) -> Option<Final> {
        let key = KeyPod(ConnKey { object, pid, reserved: 0 });
        let conn = self.conns.get(&key, 0).ok()?;
        let _ = self.conns.remove(&key);
        Some(Final::from(&conn.0))
    }

    /// Bytes that could not be accounted to a connection, and calls that were
    /// not seen.
    pub(super) fn untracked(&self) -> (u64, u64) {
        let Ok(stats) = self.stats.get(&0, 0) else { return (0, 0) };
        stats.iter().fold((0, 0), |(bytes, calls), cpu| {
            (bytes + cpu.0.untracked_bytes, calls + cpu.0.untracked_calls)
        })
    }
}
