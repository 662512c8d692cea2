//! Views whose addresses do not tell.

use std::collections::BTreeMap;
use std::time::Duration;

use llmtop_parsers::Role::{Client, Server};

use super::super::*;
use super::play::{self, SERVER, play, view};

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
fn clients_that_know_nothing_do_not_take_a_server_from_each_other() {
    let mut play = play(false);
    for conn in [1, 2, 3] {
        play.ends.open(ConnId(conn), 1, &Endpoint::default());
        play.start(view(conn, 0), Client, ["a", "b", "c"][conn as usize - 1], 0);
    }
    let endpoint = Endpoint { peer_pid: Some(1), ..play::ends(SERVER.0, SERVER.1) };
    play.ends.open(ConnId(4), 4, &endpoint);
    play.start(view(4, 0), Server, "a", 7);
    for conn in [1, 2, 3, 4] {
        play.end(view(conn, 0));
    }
    assert_eq!(play.finally(), [("a", Client), ("b", Client), ("c", Client)]);
    assert_eq!(play.pairs.len(), 1);
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

/// Ends two views at the same time, with the hashes of their answers; the server
/// was joined too late to know what was asked.
fn answered(
    client: Option<u64>,
    server: Option<u64>,
    addresses: bool,
) -> Vec<(&'static str, Role)> {
    let mut play = play(false);
    let ends = if addresses { ("10.0.0.1:4001", "10.0.0.1:443") } else { ("", "") };
    play.open(1, ends.0, ends.1);
    play.open(11, if addresses { "10.0.0.1:4444" } else { "" }, "");
    play.start(view(1, 0), Client, "a", 7);
    play.start(view(11, 0), Server, "a", 0);
    play.wait(5);
    for (id, hash) in [(view(1, 0), client), (view(11, 0), server)] {
        let answer = hash.map(|hash| (100, hash));
        let facts = play.facts[&id];
        play.facts.insert(id, Facts { answer, ..facts });
        play.end(id);
    }
    play.finally()
}

#[test]
fn an_answer_tells_what_a_late_joined_end_did_not_see_asked() {
    let both = [("a", Client), ("a", Server)];
    assert_eq!(answered(Some(5), Some(5), false), [("a", Client)]);
    assert_eq!(answered(Some(5), Some(6), false), both);
    assert_eq!(answered(None, None, false), both);
    // The client asked another server.
    assert_eq!(answered(Some(5), Some(5), true), both);
}
