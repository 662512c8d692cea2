//! The kernel's counters: what they say beyond the records.

use llmtop_probe_common::ConnKey;

use super::maps::{KeyPod, Maps};
use crate::decode::Final;

/// Connections' counters.
pub(super) trait Counters {
    /// Those of every connection alive.
    fn alive(&self) -> Vec<Final>;
    /// Takes those of connections alive, by looking at all there are.
    fn take_conns(&mut self, wanted: &dyn Fn(&Final) -> bool) -> Vec<Final>;
    /// Takes those of the connection of a TLS object.
    fn take_conn(&mut self, pid: u32, object: u64) -> Option<Final>;
    /// Takes those of connections whose end found no room in the ring.
    fn take_orphans(&mut self, wanted: &dyn Fn(&Final) -> bool) -> Vec<Final>;
}

impl Counters for Maps {
    fn alive(&self) -> Vec<Final> {
        self.conns.iter().flatten().map(|(_, conn)| Final::from(&conn.0)).collect()
    }

    fn take_conns(&mut self, wanted: &dyn Fn(&Final) -> bool) -> Vec<Final> {
        let all = self.conns.iter().flatten().map(|(key, conn)| (key, Final::from(&conn.0)));
        let taken: Vec<_> = all.filter(|(_, last)| wanted(last)).collect();
        for (key, _) in &taken {
            let _ = self.conns.remove(key);
        }
        taken.into_iter().map(|(_, last)| last).collect()
    }

    fn take_conn(&mut self, pid: u32, object: u64) -> Option<Final> {
        let key = KeyPod(ConnKey { object, pid, reserved: 0 });
        let conn = self.conns.get(&key, 0).ok()?;
        let _ = self.conns.remove(&key);
        Some(Final::from(&conn.0))
    }

    fn take_orphans(&mut self, wanted: &dyn Fn(&Final) -> bool) -> Vec<Final> {
        let all = self.orphans.iter().flatten().map(|(id, conn)| (id, Final::from(&conn.0)));
        let taken: Vec<_> = all.filter(|(_, last)| wanted(last)).collect();
        for (id, _) in &taken {
            let _ = self.orphans.remove(id);
        }
        taken.into_iter().map(|(_, last)| last).collect()
    }
}

impl Maps {
    /// Bytes that could not be accounted to a connection, and calls that were
    /// not seen.
    pub(super) fn untracked(&self) -> (u64, u64) {
        let Ok(stats) = self.stats.get(&0, 0) else { return (0, 0) };
        stats.iter().fold((0, 0), |(bytes, calls), cpu| {
            (bytes + cpu.0.untracked_bytes, calls + cpu.0.untracked_calls)
        })
    }
}
