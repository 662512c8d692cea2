//! One request of a chat, whole, as it was sent.

use std::sync::Arc;

use llmtop_parsers::llm;
use llmtop_parsers::{Body, BodyKind};
use serde_json::Value;

use super::history::Said;
use super::turn::{push, role};
use super::{Chat, Target};
use crate::store::ExchangeId;
use crate::view::text::Look;
use crate::view::{Reader, Role, Span, format, gist, shown};

/// Columns of a setting's value.
const GIST: usize = 400;

/// A request that is shown as it was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) id: ExchangeId,
    wanted: Option<(&'static str, Arc<Body>)>,
    read: Option<Whole>,
}

/// All of a request.
#[derive(Debug)]
struct Whole {
    /// What is not a message: settings, tools.
    settings: Vec<(String, String)>,
    messages: Vec<Said>,
}

impl Sent {
    pub(super) fn new(id: ExchangeId) -> Self {
        Sent { id, wanted: None, read: None }
    }

    /// Reads the request. `true`: there was one to read.
    pub(super) fn work(&mut self) -> bool {
        let Some((dialect, body)) = self.wanted.take() else { return false };
        self.read = Some(Whole::read(dialect, &body).unwrap_or_else(Whole::nothing));
        true
    }
}

impl Whole {
    fn nothing() -> Self {
        Whole { settings: Vec::new(), messages: Vec::new() }
    }

    fn read(dialect: &str, body: &Body) -> Option<Self> {
        let dialect = llm::by_name(dialect).filter(|_| body.kind == BodyKind::Json)?;
        let value: Value = serde_json::from_slice(&body.bytes).ok()?;
        let messages = dialect.messages(&value).into_iter().map(Said::from).collect();
        let settings = value.as_object().into_iter().flatten().map(|(name, value)| {
            // Long ones are messages, or tools: those are named.
            let value = match value {
                Value::Array(items) if name.contains("tools") => {
                    let names: Vec<&str> = items.iter().filter_map(tool).collect();
                    format!("{}: {}", items.len(), names.join(", "))
                }
                Value::Array(items) => format!("[{}]", items.len()),
                Value::Object(members) => format!("{{{}}}", members.len()),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (shown(name), gist(&value, GIST))
        });
        Some(Whole { settings: settings.collect(), messages })
    }
}

/// What a tool is called.
fn tool(tool: &Value) -> Option<&str> {
    let named = |value: &'_ Value| value.get("name").is_some();
    let of = if named(tool) { tool } else { tool.get("function").unwrap_or(tool) };
    of.get("name").or_else(|| of.get("type"))?.as_str()
}

impl Chat {
    /// Draws the request once it is read.
    pub(super) fn refresh_sent(&mut self, reader: &Reader<'_>) {
        let Some(mut sent) = self.sent.take() else { return };
        if self.built.is_none() {
            self.document = Default::default();
            self.groups.clear();
            self.draw_sent(reader, &mut sent);
            // It does not change any more.
            self.built = sent.read.is_some().then_some((0, sent.id, None));
        }
        self.sent = Some(sent);
    }

    fn draw_sent(&mut self, reader: &Reader<'_>, sent: &mut Sent) {
        let target = Target { exchange: sent.id, link: None };
        self.begin(target);
        let Some(record) = reader.exchange(sent.id) else {
            let text = "forgotten, to stay inside the memory budget";
            return self.document.line(vec![Span::new(text, Role::Warning)], Look::default());
        };
        let request = &record.exchange.request;
        let Some(whole) = &sent.read else {
            sent.wanted = record.exchange.dialect.zip(request.body.clone());
            let (text, role) = match sent.wanted {
                Some(_) => ("reading the request …", Role::Dim),
                None => ("the request's body is not known", Role::Warning),
            };
            return self.document.line(vec![Span::new(text, role)], Look::default());
        };
        let told = self.told.get(&sent.id).and_then(|(_, told)| told.clone());
        let is_new = |at: usize| {
            told.as_ref().is_some_and(|told| told.fresh.iter().any(|(fresh, _)| *fresh == at))
        };
        let count = whole.messages.len();
        let new = (0..count).filter(|&at| is_new(at)).count();
        let at = format::clock(record.exchange.timing.started, reader.utc_offset);
        let size = format::bytes(request.body_bytes);
        let head =
            format!("the request of {at} as it was sent: {count} messages, {new} new, {size}");
        self.document.line(vec![Span::new(head, Role::Title)], Look::default());
        for (name, value) in &whole.settings {
            let lead = Span::new(format!("   {name}"), Role::Dim);
            self.document.led(lead, value, Look { indent: 21, ..Look::default() });
        }
        for (at, said) in whole.messages.iter().enumerate() {
            self.document.blank();
            let key = self.begin(target);
            let new = is_new(at);
            let role = role(said);
            let mut head = vec![Span::new(gist(&said.role, 24), role)];
            head.push(Span::new(format!("  {} of {count}", at + 1), Role::Dim));
            if new {
                head.push(Span::new("  new", Role::Good));
            }
            let folded = self.folded(key, !new || matches!(role, Role::System | Role::Tool));
            push(&mut self.document, said, head, folded, &mut |_, _| {});
        }
    }
}
