//! Any text as what a dialect reads.

use llmtop_parsers::llm::{self, Answer, DIALECTS, RequestHead};
use llmtop_parsers::{DeltaKind, Exchange, ExchangeSeq, Protocol, Role, Timestamp};

use crate::LIMITS;

/// Hands `data` to the dialect that its first byte chooses: as a request's and
/// a response's body, and as the events of a stream.
///
/// # Panics
/// An answer is larger than its bound, or says other than was told of it.
pub fn check(data: &[u8]) {
    let [which, text @ ..] = data else { return };
    let dialect = DIALECTS[usize::from(*which) % DIALECTS.len()];
    let text = String::from_utf8_lossy(text);

    let mut answer = Answer::with_limit(LIMITS.body);
    let mut told = 0;
    for event in text.split("\n\n") {
        let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
        let name = field("event: ").unwrap_or_default();
        dialect.event(name, field("data: ").unwrap_or(event), &mut answer);
        let texts = answer.deltas.drain(..).filter(|(kind, _)| *kind == DeltaKind::Text);
        told += texts.map(|(_, text)| text.len()).sum::<usize>();
    }
    check_answer(dialect.name(), &answer, Some(told));

    let Some(body) = llm::parse(text.as_bytes()) else { return };
    let mut answer = Answer::with_limit(LIMITS.body);
    dialect.response(&body, &mut answer);
    check_answer(dialect.name(), &answer, None);
    let _ = (dialect.answers(&body), dialect.messages(&body));
    let headers = [("anthropic-version".to_owned(), "2023-06-01".to_owned())];
    for path in ["/", "/v1/messages", "/v1/chat/completions", "/v1/responses", "/model/m/invoke"] {
        let head = RequestHead { method: "POST", path, query: "", host: "", headers: &headers };
        let _ = llm::recognise(&head, Some(&body));
        let _ = dialect.request(&head, &body);
    }
}

fn check_answer(dialect: &str, answer: &Answer, told: Option<usize>) {
    let mut exchange =
        Exchange::new(ExchangeSeq(0), Role::Client, Protocol::Http1, Timestamp::default());
    answer.fill(&mut exchange);
    let text = exchange.response.text.as_deref().unwrap_or_default();
    assert!(text.len() <= LIMITS.body, "an answer of {} bytes", text.len());
    if let Some(told) = told.filter(|told| *told > 0)
        && crate::contract::GROWING.contains(&dialect)
    {
        assert_eq!(text.len(), told, "told of {text:?}");
    }
    let cost = exchange.cost.usd;
    assert!(cost.is_none_or(|usd| usd.is_finite() && usd >= 0.0), "it costs {cost:?}");
}
