//! What a sink is told that begins in the middle: what is there, as if it came now.

use std::collections::BTreeMap;
use std::io;

use llmtop_parsers::Protocol;
use llmtop_probe::{Capture, Open, Process};

use super::Engine;

impl Engine {
    /// Tells the sinks that want to know what is there.
    pub(super) fn brief(&mut self) -> io::Result<()> {
        for at in 0..self.sinks.len() {
            if !self.sinks.get_mut(at).is_some_and(|sink| sink.wants_briefing()) {
                continue;
            }
            let present = self.present();
            if let Some(sink) = self.sinks.get_mut(at) {
                present.iter().try_for_each(|capture| sink.capture(capture))?;
            }
        }
        Ok(())
    }

    /// The processes, and the connections that are open: joined midway by who hears of
    /// them now.
    fn present(&self) -> Vec<Capture> {
        let open: BTreeMap<_, _> = self.conns.iter().filter(|(_, conn)| !conn.closed).collect();
        let living = self.processes.all();
        let mut processes: BTreeMap<_, &Process> =
            living.into_iter().map(|known| (known.key, &*known.facts)).collect();
        for conn in open.values() {
            processes.entry(conn.process.key).or_insert(&conn.process.facts);
        }
        let processes = processes.into_values().map(|facts| Capture::Process(facts.clone()));
        let connections = open.into_iter().map(|(&id, conn)| {
            Capture::Open(Open {
                conn: id,
                pid: conn.process.facts.pid,
                tid: conn.info.tid,
                time: llmtop_probe::Timestamp(self.now.0),
                tls: conn.info.tls,
                stdio: conn.info.protocol == Some(Protocol::Stdio),
                joined_midway: true,
                endpoint: conn.info.endpoint.clone(),
            })
        });
        processes.chain(connections).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use llmtop_parsers::Role;
    use llmtop_probe::{Capture, Timestamp, Totals};

    use crate::pipeline::engine::tests::{ANSWER, REQUEST, connection, message, played};
    use crate::pipeline::{Engine, Options};
    use crate::sink::{Recorder, Tape};
    use crate::store::{Session, Shared, Store};

    #[test]
    fn a_recording_begins_and_ends_in_the_middle() {
        let folder = std::env::temp_dir().join(format!("llmtop-tape-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("midway.llmtop");
        let tape = Tape::default();
        let store = Arc::new(Shared::new(Store::default(), Session::default()).unwrap());
        let sinks = vec![Box::new(tape.clone()) as Box<dyn crate::sink::Sink>];
        let mut engine = Engine::new(Options::default(), store, sinks, None, None);
        let exchange = |at: u64| {
            let asked = message("POST /v1/chat/completions HTTP/1.1", REQUEST);
            let answered = message("HTTP/1.1 200 OK", ANSWER);
            [(Role::Client, at, asked), (Role::Server, at + 250, answered)]
        };
        let moved = [1, 1000, 2000].into_iter().flat_map(exchange).collect();
        let ends = Some(("10.0.0.5:51000", "10.0.0.6:443"));
        // The second of three exchanges on one connection is recorded.
        let mut chunks = 0;
        for capture in connection(7, 4242, Role::Client, ends, moved) {
            if matches!(capture, Capture::Chunk(_)) {
                if chunks == 2 {
                    let fails = Box::new(|why: &str| panic!("{why}"));
                    let recorder = Recorder::create(&path, Timestamp(5), fails).unwrap();
                    tape.begin(recorder);
                } else if chunks == 4 {
                    tape.stop().unwrap();
                }
                chunks += 1;
            }
            engine.capture(capture).unwrap();
            engine.idle().unwrap();
        }
        assert_eq!(chunks, 6);
        engine.finish(&Totals::default()).unwrap();

        let exchanges = played(std::fs::read(&path).unwrap());
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(exchanges.len(), 1, "{exchanges:?}");
        assert_eq!(exchanges[0]["process"]["pid"], 4242);
        assert_eq!(exchanges[0]["connection"]["peer"], "10.0.0.6:443");
        assert_eq!(exchanges[0]["response"]["text"], "Hello");
    }
}
