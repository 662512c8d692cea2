//! Each case is a little history of views, each with the exchange that it
//! truly is a view of; checked is that every exchange is shown exactly once,
//! by the end it should be shown by, whatever the order of events.

mod guesses;
mod play;

use std::collections::BTreeMap;

use llmtop_parsers::Role::{Client, Server};

use super::*;
use play::{CLIENT, MS, SERVER, play, view};

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
                    protocol: llmtop_parsers::Protocol::Http1,
                    process,
                    stream: None,
                    head: Some(7),
                    body: Some((10, 7)),
                    answer: None,
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
fn a_client_off_the_processor_while_its_server_answers_is_found_by_address() {
    let mut play = play(false);
    play.open(1, CLIENT.0, CLIENT.1);
    play.open(2, SERVER.0, SERVER.1);
    for (seq, exchange, late) in [(0, "a", 110), (1, "b", 0), (2, "c", 400)] {
        play.start(view(2, seq), Server, exchange, 7 + seq);
        play.wait(5);
        play.end(view(2, seq));
        play.wait(late);
        play.start(view(1, seq), Client, exchange, 7 + seq);
        play.wait(1);
        play.end(view(1, seq));
        play.wait(1);
    }
    assert_eq!(play.finally(), [("a", Client), ("b", Client), ("c", Client)]);
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
            protocol: llmtop_parsers::Protocol::Http1,
            process: 0,
            stream: Some(stream),
            head: Some(7),
            body: Some((1, 1)),
            answer: None,
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
    assert!(ends.by_address.is_empty() && ends.by_mark.is_empty());
    assert!(ends.by_owner.is_empty() && ends.by_peer.is_empty());
}
