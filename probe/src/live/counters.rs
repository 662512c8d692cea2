//! The kernel's counters: what they say beyond the records.

use llmtop_probe_common::{ConnKey, Stats};

use super::maps::{KeyPod, Tables};
use crate::decode::Final;

/// Connections' counters.
pub(super) trait Counters {
    /// Those of every connection alive.
    fn alive(&self) -> Vec<Final>;
    /// Takes those of connections alive, by looking at all there are.
    fn take_conns(&mut self, wanted: &dyn Fn(&Final) -> bool) -> Vec<Final>;
    /// Takes those of the connection of a TLS object or socket.
    fn take_conn(
        &mut self,
        pid: u32,
        object: u64,
        wanted: &dyn Fn(&Final) -> bool,
    ) -> Option<Final>;
    /// Takes those of connections whose end found no room in the ring.
    fn take_orphans(&mut self, wanted: &dyn Fn(&Final) -> bool) -> Vec<Final>;
}

impl Counters for Tables {
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

    fn take_conn(
        &mut self,
        pid: u32,
        object: u64,
        wanted: &dyn Fn(&Final) -> bool,
    ) -> Option<Final> {
        let key = KeyPod(ConnKey { object, pid, reserved: 0 });
        let last = Final::from(&self.conns.get(&key, 0).ok()?.0);
        if !wanted(&last) {
            return None;
        }
        let _ = self.conns.remove(&key);
        Some(last)
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

impl Tables {
    /// What could not be accounted to a connection, of all processors.
    pub(super) fn stats(&self) -> Stats {
        let Ok(stats) = self.stats.get(&0, 0) else { return Stats::default() };
        stats.iter().fold(Stats::default(), |all, cpu| Stats {
            untracked_calls: all.untracked_calls + cpu.0.untracked_calls,
            untracked_bytes: all.untracked_bytes + cpu.0.untracked_bytes,
            lost_records: all.lost_records + cpu.0.lost_records,
        })
    }
}
