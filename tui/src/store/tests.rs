use std::sync::Arc;

use llmtop_parsers::{
    Body, Cost, CostSource, Delta, DeltaKind, Exchange, ExchangeSeq, Protocol, Request, Response,
    Role, State, Timestamp, Timing, Usage, UsageSource,
};
use llmtop_probe::Process;

use super::*;

fn exchange(state: State, ended: Option<u64>, body: usize) -> Exchange {
    let bytes = vec![b'x'; body];
    Exchange {
        seq: ExchangeSeq(0),
        state,
        role: Role::Client,
        protocol: Protocol::Http1,
        stream_id: None,
        joined_midway: false,
        lost_bytes: 0,
        provider: None,
        operation: None,
        dialect: Some("openai.chat"),
        session: None,
        request: Request {
            body: Some(Arc::new(Body { bytes, ..Body::default() })),
            ..Request::default()
        },
        response: Response::default(),
        usage: Usage { input_tokens: Some(10), output_tokens: Some(5), ..Usage::default() },
        passes: Vec::new(),
        cost: Cost { usd: Some(0.5), source: CostSource::Priced },
        timing: Timing { ended: ended.map(Timestamp), ..Timing::default() },
        error: None,
        findings: Vec::new(),
    }
}

fn record(id: u64, exchange: Exchange) -> Record {
    Record {
        id: ExchangeId(id),
        ulid: id.to_string(),
        process: ProcessKey(1),
        connection: ConnId(id),
        conversation: Some(ConversationId(id / 10)),
        exchange,
        deltas: 0,
    }
}

fn store(budget: u64) -> Store {
    let mut store = Store::with_budget(budget);
    store.put_process(ProcessKey(1), Arc::new(Process::default()), Default::default());
    store
}

fn add(store: &mut Store, id: u64, body: usize) {
    store.put_exchange(record(id, exchange(State::Complete, Some(id), body)));
    store.settle(ExchangeId(id));
}

/// A store with so many exchanges, each on a connection of its own.
pub(super) fn exchanges(count: u64) -> Store {
    let mut store = store(u64::MAX);
    for id in 1..=count {
        store.put_connection(Connection {
            id: ConnId(id),
            process: ProcessKey(1),
            tid: 1,
            tls: llmtop_probe::Tls::None,
            endpoint: llmtop_probe::Endpoint::default(),
            role: None,
            protocol: None,
            joined_midway: false,
            opened: Default::default(),
            closed: None,
            captured_bytes: 0,
            lost_bytes: 0,
            ignored_bytes: 0,
            peer_process: None,
        });
        add(&mut store, id, 1);
    }
    store
}

fn kept(store: &Store) -> Vec<u64> {
    store.exchanges().map(|record| record.id.0).collect()
}

#[test]
fn the_oldest_ended_go_first_and_their_sums_stay() {
    let mut store = store(100_000);
    for id in 1..=5 {
        add(&mut store, id, 30_000);
    }
    assert_eq!(kept(&store), [3, 4, 5]);
    assert_eq!(store.totals().evicted, 2);
    let process = store.process(ProcessKey(1)).unwrap().sums.tally;
    assert_eq!((process.exchanges, process.input_tokens, process.usd), (5, 50, 2.5));
    assert_eq!(store.totals().all_exchanges, 5);
    assert_eq!(store.count(Scope::Llm), 3);
    assert_eq!(store.conversation(ConversationId(0)).len(), 3);
}

#[test]
fn of_those_that_ended_together_the_largest_goes_first() {
    let mut store = store(60_000);
    for (id, body) in [(1, 10_000), (2, 30_000), (3, 10_000)] {
        store.put_exchange(record(id, exchange(State::Complete, Some(7), body)));
        store.settle(ExchangeId(id));
    }
    add(&mut store, 8, 10_000);
    assert_eq!(kept(&store), [1, 3, 8]);
}

#[test]
fn streaming_and_pinned_ones_stay() {
    let mut store = store(50_000);
    store.put_exchange(record(1, exchange(State::Streaming, None, 30_000)));
    add(&mut store, 2, 30_000);
    assert_eq!(kept(&store), [1]);
    store.pin([ExchangeId(3)]);
    add(&mut store, 3, 30_000);
    add(&mut store, 4, 30_000);
    assert_eq!(kept(&store), [1, 3]);
    // Looked at no more, it goes.
    store.pin([]);
    assert_eq!(kept(&store), [1]);
}

#[test]
fn an_exchange_that_is_not_reported_yet_is_kept_without_any_budget() {
    let mut store = store(0);
    store.put_exchange(record(1, exchange(State::Complete, Some(1), 10)));
    assert!(store.exchange(ExchangeId(1)).is_some());
    store.settle(ExchangeId(1));
    assert!(store.exchange(ExchangeId(1)).is_none());
}

#[test]
fn deltas_count_and_grow() {
    let mut store = store(20_000);
    store.put_exchange(record(1, exchange(State::Pending, None, 0)));
    add(&mut store, 2, 100);
    let text = "x".repeat(20_000);
    let delta = Delta::new(Timestamp(9), DeltaKind::Text, text);
    assert_eq!(store.add_delta(ExchangeId(1), &delta), Some(Timestamp(0)));
    assert_eq!(store.totals().tally.active, 1);
    let record = store.exchange(ExchangeId(1)).unwrap();
    assert_eq!((record.deltas, record.exchange.state), (1, State::Streaming));
    // The answer that grew pushes out what ended.
    store.put_process(ProcessKey(2), Arc::new(Process::default()), Default::default());
    add(&mut store, 3, 100);
    assert_eq!(kept(&store), [1]);
}

#[test]
fn a_removed_exchange_was_never_counted() {
    let mut store = store(1 << 20);
    add(&mut store, 1, 10);
    add(&mut store, 2, 10);
    assert!(store.remove_exchange(ExchangeId(1)).is_some());
    assert_eq!(store.totals().all_exchanges, 1);
    assert_eq!(store.process(ProcessKey(1)).unwrap().sums.tally.input_tokens, 10);
    assert_eq!(store.totals().evicted, 0);
}

#[test]
fn costs_are_known_unknown_or_none_at_all() {
    let mut store = store(1 << 20);
    let refusal = Some(llmtop_parsers::ApiError::default());
    let (refused, told) = (UsageSource::None, UsageSource::Estimated);
    let cases = [
        (State::Complete, refusal, refused, None, (0, 0)),
        (State::Aborted, None, refused, None, (0, 0)),
        (State::Complete, None, told, None, (0, 1)),
        // It broke off, and its tokens are due.
        (State::Aborted, None, told, None, (0, 2)),
        (State::Complete, None, told, Some(0.0), (1, 2)),
    ];
    for (id, (state, error, source, usd, expected)) in (1..).zip(cases) {
        let cost = Cost { usd, source: CostSource::default() };
        let mut exchange = Exchange { cost, error, ..exchange(state, Some(id), 1) };
        exchange.usage.source = source;
        store.put_exchange(record(id, exchange));
        let process = store.process(ProcessKey(1)).unwrap().sums.tally;
        assert_eq!((process.priced, process.unpriced), expected, "after exchange {id}");
    }
}

#[test]
fn reasoning_that_was_not_sent_came_since_the_request_was() {
    let mut store = store(1 << 20);
    let second = |seconds: u64| Some(Timestamp(seconds * 1_000_000_000));
    let mut exchange = exchange(State::Complete, None, 1);
    let (output_tokens, reasoning_tokens) = (Some(3030), Some(3000));
    exchange.usage = Usage { output_tokens, reasoning_tokens, ..exchange.usage };
    let (sent, first_token, ended) = (second(0), second(30), second(31));
    exchange.timing = Timing { sent, first_token, ended, ..exchange.timing };
    store.put_exchange(record(1, exchange));
    let pulse = &store.process(ProcessKey(1)).unwrap().sums.pulse;
    let beats: Vec<u32> = pulse.beats(ended.unwrap(), 7).map(|beat| beat.tokens as u32).collect();
    assert_eq!(beats, [432; 7]);
}
