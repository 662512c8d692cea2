//! Each case is a little history of views, each with the exchange that it
//! truly is a view of; checked is that every exchange is shown exactly once,
//! by the end it should be shown by, whatever the order of events.

use std::collections::BTreeMap;
use std::time::Duration;

use llmtop_parsers::Role::{Client, Server};

use super::*;

const MS: u64 = 1_000_000;
const GRACE: Duration = Duration::from_millis(250);

/// What a pipeline would do with the decisions.
struct Play {
    ends: BothEnds,
    /// By view: its exchange, its role, and whether it is shown.
    views: BTreeMap<ViewId, (&'static str, Role, bool)>,
    facts: BTreeMap<ViewId, Facts>,
    pairs: BTreeMap<ViewId, ViewId>,
    forgotten: usize,
    time: u64,
}

fn play(eager: bool) -> Play {
    Play {
        ends: BothEnds::new(Patience { grace: GRACE, eager }),
        views: BTreeMap::new(),
        facts: BTreeMap::new(),
        pairs: BTreeMap::new(),
        forgotten: 0,
        time: 1000,
    }
}

fn ends(local: &str, peer: &str) -> Endpoint {
    let address = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
    Endpoint { local: address(local), peer: address(peer), ..Endpoint::default() }
}

fn view(conn: u64, seq: u64) -> ViewId {
    ViewId { conn: ConnId(conn), seq: ExchangeSeq(seq) }
}

impl Play {
    fn open(&mut self, conn: u64, local: &str, peer: &str) {
        // A process a connection, of the same number.
        self.ends.open(ConnId(conn), conn as u32, &ends(local, peer));
        self.follow();
    }

    fn address(&mut self, conn: u64, local: &str, peer: &str) {
        self.ends.endpoint(ConnId(conn), &ends(local, peer));
        self.follow();
    }

    /// A view of `exchange` whose request is there; `request` tells requests
    /// apart, 0 is one that was not seen.
    fn start(&mut self, id: ViewId, role: Role, exchange: &'static str, request: u64) {
        let seen = (request != 0).then_some(request);
        let facts = Facts {
            role,
            process: id.conn.0,
            stream: None,
            head: seen,
            body: seen.map(|hash| (10, hash)),
            torn: request == 0,
            started: Timestamp(self.time * MS),
            ended: None,
        };
        self.begin(id, exchange, facts);
    }

    fn begin(&mut self, id: ViewId, exchange: &'static str, facts: Facts) {
        self.views.insert(id, (exchange, facts.role, facts.role == Client));
        self.facts.insert(id, facts);
        self.ends.started(id, facts);
        self.follow();
    }

    fn end(&mut self, id: ViewId) {
        let facts = Facts { ended: Some(Timestamp(self.time * MS)), ..self.facts[&id] };
        self.ends.ended(id, facts);
        self.follow();
    }

    fn wait(&mut self, millis: u64) {
        self.time += millis;
        self.ends.advance(Timestamp(self.time * MS));
        self.follow();
    }

    fn follow(&mut self) {
        while let Some(decision) = self.ends.poll() {
            let mut show = |id: ViewId, shown| {
                if let Some(view) = self.views.get_mut(&id) {
                    view.2 = shown;
                }
            };
            match decision {
                Decision::Pair { client, server, .. } => {
                    show(client, true);
                    show(server, false);
                    self.pairs.insert(client, server);
                }
                Decision::Part { client, server } => {
                    show(client, true);
                    show(server, false);
                    self.pairs.remove(&client);
                }
                Decision::Alone(id) => show(id, true),
                Decision::Forget(_) => self.forgotten += 1,
            }
        }
    }

    fn is_shown(&self, id: ViewId) -> bool {
        self.views[&id].2
    }

    /// Lets time pass, then names what is shown.
    fn finally(&mut self) -> Vec<(&'static str, Role)> {
        self.wait(600);
        let mut shown: Vec<_> = self
            .views
            .values()
            .filter(|(.., shown)| *shown)
            .map(|&(exchange, role, _)| (exchange, role))
            .collect();
        shown.sort_by_key(|(exchange, _)| *exchange);
        shown
    }
}

const CLIENT: (&str, &str) = ("127.0.0.1:5000", "127.0.0.1:443");
const SERVER: (&str, &str) = ("[::ffff:127.0.0.1]:443", "[::ffff:127.0.0.1]:5000");

#[test]
fn one_exchange_is_shown_by_its_client_in_whatever_order_it_is_seen() {
    // Which of the two is seen first, and which addresses are known.
    for eager in [false, true] {
        for server_first in [false, true] {
            for (client, server) in [
                (CLIENT, SERVER),
                (("", ""), SERVER),
                (CLIENT, ("", "")),
                (("", ""), ("", "")),
                (("", "127.0.0.1:443"), SERVER),
                (("127.0.0.1:5000", ""), SERVER),
                // Translated on the way; the client's port is kept.
                (("10.0.0.2:5000", "10.0.0.9:8443"), ("172.17.0.2:443", "172.17.0.1:5000")),
            ] {
                let mut play = play(eager);
                play.open(1, client.0, client.1);
                play.open(2, server.0, server.1);
                let mut views = [(view(1, 0), Client), (view(2, 0), Server)];
                if server_first {
                    views.reverse();
                }
                for (id, role) in views {
                    play.start(id, role, "a", 7);
                    play.wait(1);
                }
                assert!(!play.is_shown(view(2, 0)), "the server's view shows for a moment");
                for (id, _) in views {
                    play.end(id);
                }
                let case = (eager, server_first, client, server);
                assert_eq!(play.finally(), [("a", Client)], "{case:?}");
                assert_eq!(play.pairs[&view(1, 0)], view(2, 0), "{case:?}");
            }
        }
    }
}

#[test]
fn a_server_alone_is_shown_after_the_grace() {
    for eager in [false, true] {
        let mut play = play(eager);
        play.open(2, SERVER.0, SERVER.1);
        play.start(view(2, 0), Server, "a", 7);
        play.wait(249);
        assert!(!play.is_shown(view(2, 0)));
        play.wait(2);
        assert_eq!(play.is_shown(view(2, 0)), eager, "while it streams");
        play.end(view(2, 0));
        assert_eq!(play.finally(), [("a", Server)]);
    }
}

#[test]
fn what_is_still_held_back_at_the_end_is_shown() {
    let mut play = play(false);
    play.open(2, SERVER.0, SERVER.1);
    play.start(view(2, 0), Server, "a", 7);
    play.ends.finish();
    play.follow();
    assert!(play.is_shown(view(2, 0)));
}

#[test]
fn many_identical_requests_at_once_stay_as_many() {
    // Addresses: of both, of the server, of none, of every second client,
    // and of the clients only after their requests.
    for known in 0..5 {
        let mut play = play(false);
        for n in 0..50_u64 {
            let (client, server) = (format!("10.0.0.1:{}", 4000 + n), "10.0.0.1:443");
            let (client, server) = (client.as_str(), server);
            let nothing = ("", "");
            let client_ends = match known {
                0 => (client, server),
                3 if n % 2 == 0 => (client, server),
                _ => nothing,
            };
            let server_ends = if known == 2 { nothing } else { (server, client) };
            play.open(n, client_ends.0, client_ends.1);
            play.open(100 + n, server_ends.0, server_ends.1);
        }
        for n in 0..50 {
            play.start(view(n, 0), Client, "x", 7);
        }
        // Servers see them in another order.
        for n in (0..50).rev() {
            play.start(view(100 + n, 0), Server, "x", 7);
        }
        if known == 4 {
            for n in 0..50 {
                play.address(n, &format!("10.0.0.1:{}", 4000 + n), "10.0.0.1:443");
            }
        }
        for n in 0..50 {
            play.end(view(100 + n, 0));
            play.end(view(n, 0));
        }
        assert_eq!(play.finally(), [("x", Client); 50], "known: {known}");
        let mut servers: Vec<_> = play.pairs.values().collect();
        servers.sort_unstable();
        servers.dedup();
        assert_eq!(servers.len(), 50, "one to one");
        if matches!(known, 0 | 4) {
            for (client, server) in &play.pairs {
                assert_eq!(client.conn.0 + 100, server.conn.0, "by address, known: {known}");
            }
        }
    }
}

#[test]
fn a_wrong_guess_is_undone_when_addresses_tell() {
    let mut play = play(false);
    play.open(1, "", "");
    play.open(2, "", "");
    play.open(12, "10.0.0.1:443", "10.0.0.1:4002");
    play.start(view(1, 0), Client, "a", 7);
    play.wait(5);
    play.start(view(2, 0), Client, "b", 7);
    play.start(view(12, 0), Server, "b", 7);
    // Guessed or not, one of the two.
    assert_eq!(play.pairs.len(), 1);
    play.address(1, "10.0.0.1:4001", "10.0.0.1:443");
    play.address(2, "10.0.0.1:4002", "10.0.0.1:443");
    assert_eq!(play.pairs, BTreeMap::from([(view(2, 0), view(12, 0))]));
    for id in [view(1, 0), view(2, 0), view(12, 0)] {
        play.end(id);
    }
    assert_eq!(play.finally(), [("a", Client), ("b", Client)]);
}

#[test]
fn a_refuted_guess_lets_the_server_be_shown() {
    let mut play = play(true);
    play.open(1, "", "");
    play.open(12, "10.0.0.1:443", "10.0.0.1:4002");
    play.start(view(1, 0), Client, "a", 7);
    play.start(view(12, 0), Server, "b", 7);
    assert_eq!(play.pairs.len(), 1);
    play.address(1, "10.0.0.1:4001", "10.9.9.9:443");
    assert!(play.pairs.is_empty());
    assert_eq!(play.finally(), [("a", Client), ("b", Server)]);
}

#[test]
fn different_requests_and_different_times_are_different_exchanges() {
    let mut play = play(false);
    play.open(1, "", "");
    play.open(2, "", "");
    play.start(view(1, 0), Client, "a", 7);
    play.start(view(2, 0), Server, "b", 8);
    play.end(view(1, 0));
    play.end(view(2, 0));
    play.wait(300);
    // The same request as `a` once more, seen by a server only.
    play.start(view(2, 1), Server, "c", 7);
    play.end(view(2, 1));
    assert_eq!(play.finally(), [("a", Client), ("b", Server), ("c", Server)]);
}

#[test]
fn the_two_legs_of_a_gateway_are_two_exchanges() {
    // Addresses known or not; the gateway's server end (2) and its client end
    // (3) are of one process. Its requests are passed on unchanged.
    for known in [true, false] {
        let at = |local, peer| if known { (local, peer) } else { ("", "") };
        let legs = [
            (1, at("127.0.0.1:5000", "127.0.0.1:80"), Client, "in", 1),
            (2, at("127.0.0.1:80", "127.0.0.1:5000"), Server, "in", 2),
            (3, at("127.0.0.1:6000", "127.0.0.1:443"), Client, "out", 2),
            (4, at("127.0.0.1:443", "127.0.0.1:6000"), Server, "out", 3),
        ];
        // All four are seen, or only the gateway.
        for seen in [&legs[..], &legs[1..3]] {
            let mut play = play(false);
            for &(conn, (local, peer), role, exchange, process) in seen {
                play.open(conn, local, peer);
                let facts = Facts {
                    role,
                    process,
                    stream: None,
                    head: Some(7),
                    body: Some((10, 7)),
                    torn: false,
                    started: Timestamp(play.time * MS),
                    ended: None,
                };
                play.begin(view(conn, 0), exchange, facts);
                play.wait(1);
            }
            for &(conn, ..) in seen.iter().rev() {
                play.end(view(conn, 0));
            }
            let first = if seen.len() == 4 { Client } else { Server };
            assert_eq!(play.finally(), [("in", first), ("out", Client)], "known: {known}");
        }
    }
}

#[test]
fn a_client_joined_midway_is_matched_by_time_where_addresses_are_known() {
    let mut play = play(true);
    play.open(2, SERVER.0, SERVER.1);
    play.open(1, CLIENT.0, CLIENT.1);
    play.start(view(2, 0), Server, "a", 7);
    play.wait(1000);
    // Its request was not seen by the client's probes: shown by the server.
    assert!(play.is_shown(view(2, 0)));
    // Then the rest of the answer is.
    play.start(view(1, 0), Client, "a", 0);
    assert!(play.is_shown(view(1, 0)) && !play.is_shown(view(2, 0)));
    play.end(view(2, 0));
    play.end(view(1, 0));
    // And the next is whole again at both ends.
    for (id, role) in [(view(1, 1), Client), (view(2, 1), Server)] {
        play.start(id, role, "b", 8);
    }
    play.end(view(2, 1));
    play.end(view(1, 1));
    assert_eq!(play.finally(), [("a", Client), ("b", Client)]);
}

#[test]
fn a_client_that_knows_nothing_is_matched_by_its_process() {
    for server_first in [false, true] {
        let mut play = play(false);
        play.open(1, "", "");
        play.open(2, SERVER.0, SERVER.1);
        play.open(3, "", "");
        let mut both = [(view(1, 0), Client, 0), (view(2, 0), Server, 7)];
        if server_first {
            both.reverse();
        }
        for (id, role, request) in both {
            play.start(id, role, "a", request);
        }
        // Another client that knows as little, of another process.
        play.start(view(3, 0), Client, "b", 0);
        let endpoint = Endpoint { peer_pid: Some(1), ..Endpoint::default() };
        play.ends.endpoint(ConnId(2), &endpoint);
        play.follow();
        for id in [view(1, 0), view(2, 0), view(3, 0)] {
            play.end(id);
        }
        assert_eq!(play.finally(), [("a", Client), ("b", Client)]);
        assert_eq!(play.pairs, BTreeMap::from([(view(1, 0), view(2, 0))]));
    }
}

#[test]
fn what_a_client_lost_is_shown_by_its_server() {
    let mut play = play(false);
    play.open(1, CLIENT.0, CLIENT.1);
    play.open(2, SERVER.0, SERVER.1);
    for (seq, exchange) in [(0, "a"), (1, "b"), (2, "c")] {
        if exchange != "b" {
            play.start(view(1, seq), Client, exchange, 7);
        }
        play.start(view(2, seq), Server, exchange, 7);
        play.wait(1);
        play.end(view(2, seq));
        if exchange != "b" {
            play.end(view(1, seq));
        }
        play.wait(100);
    }
    assert_eq!(play.finally(), [("a", Client), ("b", Server), ("c", Client)]);
}

#[test]
fn sequential_identical_requests_on_one_connection_match_in_order() {
    for server_first in [false, true] {
        let mut play = play(false);
        play.open(1, CLIENT.0, CLIENT.1);
        play.open(2, SERVER.0, SERVER.1);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        for (seq, exchange) in (0..).zip(names) {
            let mut both = [(view(1, seq), Client), (view(2, seq), Server)];
            if server_first {
                both.reverse();
            }
            for (id, role) in both {
                play.start(id, role, exchange, 7);
            }
            play.wait(1);
            both.iter().for_each(|&(id, _)| play.end(id));
        }
        assert_eq!(play.finally(), names.map(|name| (name, Client)));
        for (client, server) in &play.pairs {
            assert_eq!(client.seq, server.seq);
        }
    }
}

#[test]
fn http2_streams_match_by_their_number() {
    let mut play = play(false);
    play.open(1, CLIENT.0, CLIENT.1);
    play.open(2, SERVER.0, SERVER.1);
    let mut begin = |id, role, exchange, stream| {
        let facts = Facts {
            role,
            process: 0,
            stream: Some(stream),
            head: Some(7),
            body: Some((1, 1)),
            torn: false,
            started: Timestamp(1000 * MS),
            ended: None,
        };
        play.begin(id, exchange, facts);
    };
    begin(view(1, 0), Client, "a", 1);
    begin(view(1, 1), Client, "b", 3);
    begin(view(2, 0), Server, "b", 3);
    begin(view(2, 1), Server, "a", 1);
    let pairs = [(view(1, 0), view(2, 1)), (view(1, 1), view(2, 0))];
    assert_eq!(play.pairs, BTreeMap::from(pairs));
}

#[test]
fn a_port_used_again_belongs_to_the_new_connection() {
    let mut play = play(false);
    for round in 0..2 {
        let (client, server) = (round * 10 + 1, round * 10 + 2);
        play.open(client, CLIENT.0, CLIENT.1);
        play.open(server, SERVER.0, SERVER.1);
        let name = ["a", "b"][round as usize];
        play.start(view(client, 0), Client, name, 7);
        play.start(view(server, 0), Server, name, 7);
        assert_eq!(play.pairs[&view(client, 0)], view(server, 0));
        play.end(view(client, 0));
        play.end(view(server, 0));
        play.ends.close(ConnId(client));
        play.ends.close(ConnId(server));
        play.wait(100);
    }
    assert_eq!(play.finally(), [("a", Client), ("b", Client)]);
}

#[test]
fn nothing_is_remembered_for_long() {
    let mut play = play(false);
    for n in 0..100 {
        play.open(n, "10.0.0.1:443", &format!("10.0.0.1:{}", 5000 + n));
        let role = if n % 2 == 0 { Client } else { Server };
        play.start(view(n, 0), role, "x", n + 1);
        play.end(view(n, 0));
        play.ends.close(ConnId(n));
    }
    play.wait(300);
    play.wait(3000);
    assert_eq!(play.forgotten, 100);
    let ends = &play.ends;
    assert!(ends.conns.is_empty() && ends.views.is_empty() && ends.deadlines.is_empty());
    assert!(ends.by_address.is_empty() && ends.by_head.is_empty());
    assert!(ends.by_owner.is_empty() && ends.by_peer.is_empty());
}

#[test]
fn very_many_identical_requests_cost_little() {
    let mut play = play(false);
    let began = std::time::Instant::now();
    for n in 0..20_000 {
        play.open(n, "", "");
        let role = if n % 3 == 0 { Server } else { Client };
        play.start(view(n, 0), role, "x", 7);
        play.time += 1;
    }
    // Each looks at a bounded number of others; without the bound, minutes.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
