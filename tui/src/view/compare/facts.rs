//! The facts of two exchanges, in pairs: who asked whom, with which parameters, what it
//! took and cost.

use llmtop_parsers::{BodyKind, Exchange, UsageSource, redact};
use serde_json::Value;

use super::READ;
use crate::store::{Record, words};
use crate::view::{Reader, exchanges, format, gist};

/// Columns of a value.
const LONGEST: usize = 120;

/// Parameters of a request that are told.
const PARAMETERS: usize = 40;

/// A fact of both; `-`: it has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) old: String,
    pub(super) new: String,
}

/// The facts of both, what was asked before what came of it.
pub(super) fn paired(both: [Facts; 2], left: &Exchange, right: &Exchange) -> Vec<Pair> {
    let [(asked, came), (asked_too, came_too)] = both;
    let pair = |((name, old), (_, new)): ((&str, String), (&str, String))| Pair {
        name: name.to_owned(),
        old: gist(&old, LONGEST),
        new: gist(&new, LONGEST),
    };
    let mut pairs: Vec<Pair> = asked.into_iter().zip(asked_too).map(pair).collect();
    pairs.extend(parameters(left, right));
    pairs.extend(came.into_iter().zip(came_too).map(pair));
    pairs
}

/// What was asked, and what came of it, by name.
pub(super) type Facts = ([Fact; 4], [Fact; 9]);

type Fact = (&'static str, String);

/// What can be told of an exchange without reading its bodies.
pub(super) fn facts(reader: &Reader<'_>, record: &Record) -> Facts {
    let exchange = &record.exchange;
    let (usage, timing) = (&exchange.usage, &exchange.timing);
    let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let figure = |figure: Option<u64>| figure.map_or("-".to_owned(), |figure| figure.to_string());
    let tokens = |count: Option<u64>| {
        format::about(count.is_some() && usage.source == UsageSource::Estimated, &figure(count))
    };
    let since = |at: Option<llmtop_parsers::Timestamp>| {
        at.map_or("-".to_owned(), |at| format::duration(at.millis_since(timing.started)))
    };
    let target = exchange.request.target.as_deref().map(redact::url);
    let asked = [
        ("process", exchanges::process_name(reader, record.process)),
        ("host", text(exchange.request.authority.as_deref())),
        ("target", text(target.as_deref())),
        ("model", text(exchange.response.model.as_deref().or(exchange.request.model.as_deref()))),
    ];
    let came = [
        ("state", words::state(exchange.state).to_owned()),
        ("status", figure(exchange.response.status.map(u64::from))),
        ("finish reason", text(exchange.response.finish_reason.as_deref())),
        ("tokens in", tokens(usage.input_tokens)),
        ("tokens from cache", tokens(usage.cache_read_tokens)),
        ("tokens out", tokens(usage.output_tokens)),
        ("cost", format::cost(exchange)),
        ("first token", since(timing.first_token)),
        ("took", since(timing.ended)),
    ];
    (asked, came)
}

/// What either request says beside its messages: values that are neither lists nor
/// objects, by name.
fn parameters(left: &Exchange, right: &Exchange) -> Vec<Pair> {
    let [old, new] = [left, right].map(|exchange| {
        let body = exchange.request.body.as_deref();
        let body = body.filter(|it| it.kind == BodyKind::Json && it.bytes.len() <= READ);
        match body.and_then(|body| serde_json::from_slice(&body.bytes).ok()) {
            Some(Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        }
    });
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let told = |value: Option<&Value>| match value {
        None => Some("-".to_owned()),
        Some(Value::Array(_) | Value::Object(_)) => None,
        // Words are no parameter.
        Some(Value::String(text)) if text.contains(char::is_whitespace) => None,
        Some(Value::String(text)) => Some(gist(text, LONGEST)),
        Some(scalar) => Some(scalar.to_string()),
    };
    // What answered is a fact already.
    let names = names.into_iter().filter(|name| *name != "model");
    let pairs = names.filter_map(|name| {
        let (old, new) = (told(old.get(name))?, told(new.get(name))?);
        Some(Pair { name: gist(name, LONGEST), old, new })
    });
    pairs.take(PARAMETERS).collect()
}
