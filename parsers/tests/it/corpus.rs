//! Every capture of the corpus: played whole against its snapshot, cut into
//! pieces, and joined midway.

use std::path::PathBuf;

use llmtop_parsers::{Event, Exchange, Limits};

use crate::capture::{Capture, cases};
use crate::render;

/// Bounds that the larger captures meet.
const LIMITS: Limits = Limits { body: 4096, head: 2048, event: 1024, open_exchanges: 8 };

/// Those that only make sense from their beginning, too.
fn all() -> impl Iterator<Item = (PathBuf, Capture)> {
    cases("http1").into_iter().chain(cases("http1-whole"))
}

#[test]
fn captures_mean_what_their_snapshots_say() {
    check_snapshots(all(), LIMITS);
}

/// Each capture means what the snapshot beside it says, and keeps the contract.
pub(crate) fn check_snapshots(cases: impl IntoIterator<Item = (PathBuf, Capture)>, limits: Limits) {
    for (directory, capture) in cases {
        let events = capture.play(limits);
        check_contract(&events, &directory.display().to_string());
        insta::with_settings!({
            snapshot_path => &directory,
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!("expected", render::events(&events));
        });
    }
}

#[test]
fn pieces_of_any_size_mean_the_same() {
    for (directory, capture) in all() {
        let whole = told(&capture.play(LIMITS));
        for size in [1, 2, 3, 7, 16] {
            let pieces = told(&capture.in_pieces(size).play(LIMITS));
            assert_eq!(pieces, whole, "{} in pieces of {size}", directory.display());
        }
        for at in 1..capture.len() {
            let split = told(&capture.split_at(at).play(LIMITS));
            assert_eq!(split, whole, "{} split at {at}", directory.display());
        }
    }
}

#[test]
fn joined_midway_tells_less_and_nothing_else() {
    for (directory, capture) in cases("http1") {
        let whole = finished(&capture.play(LIMITS));
        for at in 0..capture.len() {
            let joined = finished(&capture.joined_at(at).play(LIMITS));
            for exchange in &joined {
                assert!(
                    is_told_by(exchange, &whole),
                    "{} joined at {at} tells\n{}",
                    directory.display(),
                    render::exchange(exchange),
                );
            }
            for count in [requests, responses] {
                let name = directory.display();
                assert!(count(&joined) <= count(&whole), "{name} joined at {at}");
            }
        }
    }
}

#[test]
fn every_exchange_starts_once_and_finishes_once() {
    for (directory, capture) in cases("http1") {
        check_contract(&capture.play(LIMITS), &directory.display().to_string());
        for at in 0..capture.len() {
            let events = capture.joined_at(at).play(LIMITS);
            check_contract(&events, &format!("{} joined at {at}", directory.display()));
        }
    }
}

/// Holds events to the contract: in order, and text put together from the
/// deltas.
pub(crate) fn check_contract(events: &[Event], name: &str) {
    check_order(events, name);
    let mut told: std::collections::HashMap<_, String> = std::collections::HashMap::new();
    for event in events {
        match event {
            Event::Delta(seq, delta) if delta.kind == llmtop_parsers::DeltaKind::Text => {
                told.entry(seq).or_default().push_str(&delta.text);
            }
            Event::Finished(exchange) => {
                // What was missed may be repeated at the end, when it is no news.
                let torn = exchange.findings.iter().any(|finding| finding.kind == "unread_message");
                let whole = !torn && !exchange.joined_midway && exchange.lost_bytes == 0;
                if whole && let Some(text) = told.get(&exchange.seq) {
                    assert_eq!(exchange.response.text.as_ref(), Some(text), "{name}");
                }
            }
            _ => {}
        }
    }
}

/// Holds events to their order: `Started` first, `Finished` last, each once.
pub(crate) fn check_order(events: &[Event], name: &str) {
    let mut open = std::collections::HashSet::new();
    for event in events {
        let known = match event {
            Event::Started(exchange) => open.insert(exchange.seq),
            Event::Updated(exchange) => open.contains(&exchange.seq),
            Event::Delta(seq, _) => open.contains(seq),
            Event::Finished(exchange) => open.remove(&exchange.seq),
            Event::Verdict(_) => true,
        };
        assert!(known, "{name}: {event:?}");
    }
    assert!(open.is_empty(), "{name}: unfinished {open:?}");
}

/// All that is told, but for the moments at which more is told.
pub(crate) fn told(events: &[Event]) -> String {
    let mut told: Vec<Event> = Vec::new();
    for event in events {
        match (event, told.last_mut()) {
            (Event::Delta(seq, piece), Some(Event::Delta(last, before)))
                if (seq, piece.at, piece.kind) == (last, before.at, before.kind) =>
            {
                piece.pieces().for_each(|piece| before.push(piece));
            }
            (Event::Delta(..) | Event::Finished(_), _) => told.push(event.clone()),
            _ => {}
        }
    }
    render::events(&told)
}

pub(crate) fn finished(events: &[Event]) -> Vec<Exchange> {
    let finished = |event: &Event| match event {
        Event::Finished(exchange) => Some((**exchange).clone()),
        _ => None,
    };
    events.iter().filter_map(finished).collect()
}

fn requests(exchanges: &[Exchange]) -> usize {
    exchanges.iter().filter(|exchange| exchange.request.method.is_some()).count()
}

fn responses(exchanges: &[Exchange]) -> usize {
    exchanges.iter().filter(|exchange| exchange.response.status.is_some()).count()
}

/// Whether what is told of an exchange is true: a message is told as in the
/// whole capture or not at all, and paired as there if it was paired there.
fn is_told_by(exchange: &Exchange, whole: &[Exchange]) -> bool {
    let request = |known: &&Exchange| render::request(known) == render::request(exchange);
    let response = |known: &&Exchange| {
        let (known, told) = (&known.response, &exchange.response);
        known.status == told.status && known.headers == told.headers && known.body == told.body
    };
    match (exchange.request.method.is_some(), exchange.response.status.is_some()) {
        (false, false) => false,
        (true, false) => whole.iter().any(|known| request(&known)),
        (false, true) => whole.iter().any(|known| response(&known)),
        (true, true) => {
            whole.iter().any(|known| request(&known) && response(&known))
                || whole.iter().filter(request).any(|known| known.response.status.is_none())
                    && whole.iter().filter(response).any(|known| known.request.method.is_none())
        }
    }
}

/// So that helpers of [`Capture`] are held to what they promise.
#[test]
fn pieces_hold_the_same_bytes() {
    for (_, capture) in cases("http1") {
        assert_eq!(Capture::len(&capture.in_pieces(3)), capture.len());
        assert_eq!(capture.split_at(5).len(), capture.len());
    }
}
