//! An answer as a document: reasoning, text, tool calls, what went wrong.

use llmtop_parsers::{Exchange, State, ToolCall};

use super::exchanges::{self, short_model};
use super::format;
use super::text::{Look, Source, TextDocument};
use super::{Reader, Role, Span, gist, is_over, shown};
use crate::store::{ExchangeId, Record};

/// Lines of a folded reasoning or result.
pub const FOLDED: usize = 4;

/// Tool arguments longer than this are shown as they came.
const PRETTY: usize = 64 << 10;

/// One exchange's answer, kept up to date while it grows.
#[derive(Debug, Default)]
pub struct Answer {
    /// The text.
    pub document: TextDocument,
    shown: Option<Shown>,
}

/// What of an exchange an answer's document depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    id: ExchangeId,
    state: State,
    lengths: [usize; 4],
    second: u64,
}

impl Shown {
    /// As the exchange is now.
    pub fn of(reader: &Reader<'_>, record: &Record) -> Self {
        let answer = &record.exchange.response;
        let arguments = answer.tool_calls.iter().map(|call| call.arguments.len() + 1).sum();
        Shown {
            id: record.id,
            state: record.exchange.state,
            lengths: [
                answer.text.as_ref().map_or(0, String::len),
                answer.reasoning.as_ref().map_or(0, String::len),
                arguments,
                record.exchange.findings.len() + usize::from(record.exchange.error.is_some()),
            ],
            // The head counts the time while it runs.
            second: if is_over(&record.exchange) { 0 } else { reader.now().0 / 250_000_000 },
        }
    }
}

impl Answer {
    /// Shows this exchange. `true`: it is another than before.
    pub fn show(&mut self, reader: &Reader<'_>, record: &Record) -> bool {
        let shown = Shown::of(reader, record);
        if self.shown == Some(shown) {
            return false;
        }
        let other = self.shown.is_none_or(|before| before.id != shown.id);
        if other {
            self.document = TextDocument::default();
        } else {
            self.document.cut(super::text::Mark::default());
        }
        self.document.begin();
        push(&mut self.document, reader, record, Fold::default());
        self.shown = Some(shown);
        other
    }

    /// Shows nothing.
    pub fn clear(&mut self) {
        *self = Answer::default();
    }
}

/// What is folded in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// The reasoning, and the arguments of tools.
    pub all: bool,
}

impl Fold {
    /// Lines of what is folded.
    pub fn limit(self) -> Option<usize> {
        self.all.then_some(FOLDED)
    }
}

/// How an answer looks.
pub const LOOK: Look =
    Look { bar: Role::Assistant, role: Role::Text, indent: 0, limit: None, key: 0, prose: false };

/// Adds an exchange's answer to a document.
pub fn push(document: &mut TextDocument, reader: &Reader<'_>, record: &Record, fold: Fold) {
    words(document, reader, record, fold);
    for call in &record.exchange.response.tool_calls {
        tool_call(document, call, LOOK, fold.limit());
    }
    end(document, &record.exchange);
}

/// Adds an answer up to its calls of tools.
pub fn words(document: &mut TextDocument, reader: &Reader<'_>, record: &Record, fold: Fold) {
    let exchange = &record.exchange;
    let answer = &exchange.response;
    if exchange.dialect.is_none() {
        return other(document, reader, exchange);
    }
    document.line(head(reader, exchange), LOOK);
    if let Some(reasoning) = answer.reasoning.as_deref().filter(|text| !text.is_empty()) {
        let look = Look { role: Role::Reasoning, limit: fold.limit(), ..LOOK };
        document.text(Source::Reasoning(record.id), reasoning, look);
        if answer.text.is_some() {
            document.line(Vec::new(), LOOK);
        }
    }
    if let Some(text) = answer.text.as_deref().filter(|text| !text.is_empty()) {
        let look = Look { prose: true, ..LOOK };
        document.text(Source::Answer(record.id), text, look);
    }
    for (at, other) in answer.other_choices.iter().enumerate() {
        document.line(vec![Span::new(format!("choice {}", at + 2), Role::Dim)], LOOK);
        document.own(other.as_str().into(), Look { prose: true, ..LOOK });
    }
}

/// Adds what comes after an answer's calls: why there is nothing, and what went wrong.
pub fn end(document: &mut TextDocument, exchange: &Exchange) {
    if let Some(waiting) = waiting(exchange) {
        document.line(vec![Span::new(waiting, Role::Dim)], LOOK);
    }
    trouble(document, exchange);
}

/// Adds what an exchange is that no model answers: what was asked for, and what came.
fn other(document: &mut TextDocument, reader: &Reader<'_>, exchange: &Exchange) {
    let look = Look { bar: Role::Dim, ..Look::default() };
    document.own(exchanges::asked_for(exchange).into(), look);
    let response = &exchange.response;
    let status = response.status.map(|status| status.to_string());
    let kind = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("content-type").then(|| gist(value, 40))
    };
    let size = (response.body_bytes > 0).then(|| format::bytes(response.body_bytes));
    let took = Some(format::duration(reader.elapsed(exchange)));
    let facts = [status, response.headers.iter().find_map(kind), size, took];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    document.line(vec![Span::new(facts.join(" · "), Role::Dim)], look);
    let why = "no exchange with an LLM; its detail has headers and bodies";
    document.line(vec![Span::new(why, Role::Faint)], look);
}

fn waiting(exchange: &Exchange) -> Option<&'static str> {
    let answer = &exchange.response;
    let silent =
        answer.text.is_none() && answer.reasoning.is_none() && answer.tool_calls.is_empty();
    let told =
        exchange.error.is_some() || exchange.dialect.is_none() && exchange.state == State::Complete;
    (silent && !told).then_some(match exchange.state {
        State::Pending => "waiting for the first byte …",
        State::Streaming => "the response has begun, no token yet …",
        State::Complete => "(no text)",
        State::Aborted => "(ended without an answer)",
    })
}

/// `assistant  claude-sonnet-4-5 · 1.2k → 85 · $0.0021 · 1.8s · first token 351ms`,
/// the least important last: a narrow screen cuts it.
pub fn head(reader: &Reader<'_>, exchange: &Exchange) -> Vec<Span> {
    let over = is_over(exchange);
    let mut spans = vec![Span::new("assistant", Role::Assistant)];
    let mut fact = |text: String, role| {
        let separator = if spans.len() == 1 { "  " } else { " · " };
        spans.push(Span::new(separator, Role::Faint));
        spans.push(Span::new(text, role));
    };
    let model = short_model(exchange);
    if !model.is_empty() {
        fact(model, Role::Model);
    }
    let output = reader.output(exchange);
    if !over {
        let growing = output
            .tokens
            .map_or("waiting".to_owned(), |tokens| format!("~{} tokens", format::count(tokens)));
        fact(growing, Role::Live);
    } else if let Some(tokens) = output.tokens {
        let input = exchange.usage.input_tokens;
        let input = input.map_or("?".to_owned(), |tokens| format::tokens(tokens, &exchange.usage));
        let output = format::about(output.estimated, &format::count(tokens));
        fact(format!("{input} → {output}"), Role::Dim);
    }
    if let Some(rate) = output.rate {
        fact(format::rate(rate), if over { Role::Dim } else { Role::Live });
    }
    if exchange.cost.usd.is_some() && over {
        fact(format::cost(exchange), Role::Money);
    }
    fact(format::duration(reader.elapsed(exchange)), if over { Role::Dim } else { Role::Live });
    if let Some(reason) = &exchange.response.finish_reason
        && !matches!(reason.as_str(), "stop" | "end_turn" | "STOP" | "completed")
    {
        fact(gist(reason, 24), Role::Warning);
    }
    if let Some(first) = exchange.timing.first_token {
        let ms = first.millis_since(exchange.timing.started);
        fact(format!("first token {}", format::duration(ms)), Role::Dim);
    }
    let filled = super::context::fill(reader, exchange);
    let filled = filled.filter(|fill| over && fill.is_worth_telling());
    if let Some(share) = filled.and_then(|fill| fill.share()) {
        fact(format!("context {}", share.text), share.role);
    }
    spans
}

/// Adds a call of a tool: its name, and its arguments readably.
pub fn tool_call(document: &mut TextDocument, call: &ToolCall, look: Look, limit: Option<usize>) {
    let name = shown(call.name.as_deref().unwrap_or("tool"));
    document.line(vec![Span::new(format!("⚒ {name}"), Role::Tool)], look);
    if call.arguments.trim().is_empty() || call.arguments.trim() == "{}" {
        return;
    }
    let look = Look { role: Role::Dim, indent: look.indent + 2, limit, ..look };
    document.own(readable(&call.arguments).into(), look);
}

/// Arguments one a line, their strings unescaped; as they came where they are
/// not (yet) a JSON object.
fn readable(arguments: &str) -> String {
    let parsed = (arguments.len() <= PRETTY).then(|| serde_json::from_str(arguments));
    let Some(Ok(serde_json::Value::Object(object))) = parsed else {
        return arguments.to_owned();
    };
    let line = |(name, value): (&String, &serde_json::Value)| match value {
        serde_json::Value::String(text) if text.contains('\n') => format!("{name}:\n{text}"),
        serde_json::Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {other}"),
    };
    object.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Adds what went wrong, and what deserves a second look.
pub fn trouble(document: &mut TextDocument, exchange: &Exchange) {
    let look = Look { bar: Role::Error, role: Role::Error, ..Look::default() };
    if let Some(error) = &exchange.error {
        let kind = error.kind.as_deref().map_or("error".to_owned(), |kind| gist(kind, 60));
        document.line(vec![Span::new(format!("✗ {kind}"), Role::Error)], look);
        if let Some(message) = &error.message {
            document.own(message.as_str().into(), look);
        }
    }
    let look = Look { bar: Role::Warning, role: Role::Warning, ..Look::default() };
    if exchange.lost_bytes > 0 {
        let lost = format::bytes(exchange.lost_bytes);
        let text =
            format!("! {lost} of this exchange were lost in capture: what you read has a hole");
        document.own(text.into(), look);
    }
    if exchange.state == State::Aborted {
        let text = "✂ the connection ended before the answer did".to_owned();
        document.own(text.into(), look);
    }
    for finding in &exchange.findings {
        let text = format!("! {}: {}", finding.kind, gist(&finding.detail, 200));
        document.own(text.into(), look);
    }
}
