//! One request of a chat, whole, as it was sent.

use std::collections::HashSet;
use std::sync::Arc;

use llmtop_parsers::llm;
use llmtop_parsers::{Body, BodyKind};
use serde_json::Value;

use super::drawing::AT_ONCE;
use super::history::Said;
use super::reading;
use super::turn::{push, role};
use super::{Chat, Target};
use crate::store::{ExchangeId, Record};
use crate::view::task::Task;
use crate::view::text::Look;
use crate::view::{Reader, Role, Span, format, gist, shown};

/// Columns of a setting's value.
const GIST: usize = 400;

/// A request that is shown as it was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) id: ExchangeId,
    wanted: Option<(&'static str, Arc<Body>)>,
    reading: Option<Task<Option<Whole>>>,
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
        Sent { id, wanted: None, reading: None, read: None }
    }

    /// Reads the request, or has it read. `true`: it is.
    pub(super) fn work(&mut self) -> bool {
        let read = match (&self.reading, self.wanted.take()) {
            (Some(reading), _) => match reading.take() {
                Some(read) => read.flatten(),
                None => return false,
            },
            (None, Some((dialect, body))) if body.bytes.len() > reading::AT_ONCE => {
                self.reading = Some(Task::begin(move || Whole::read(dialect, &body)));
                return false;
            }
            (None, Some((dialect, body))) => Whole::read(dialect, &body),
            (None, None) => return false,
        };
        self.reading = None;
        self.read = Some(read.unwrap_or_else(Whole::nothing));
        true
    }

    /// Whether a thread reads it.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
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
            let mut drawing = self.drawing.take().unwrap_or_default();
            self.swap(&mut drawing);
            let done = self.draw_sent(reader, &mut sent, &mut drawing.at.message);
            if !done {
                self.swap(&mut drawing);
                self.drawing = Some(drawing);
            } else if sent.read.is_some() {
                // It does not change any more.
                self.built = Some((0, sent.id, None));
            }
        }
        self.sent = Some(sent);
    }

    /// Draws on. `true`: all that there is.
    fn draw_sent(&mut self, reader: &Reader<'_>, sent: &mut Sent, at: &mut usize) -> bool {
        let target = Target { exchange: sent.id, link: None };
        if *at == 0 {
            self.begin(target);
        }
        let Some(record) = reader.exchange(sent.id) else {
            let text = "forgotten, to stay inside the memory budget";
            self.document.line(vec![Span::new(text, Role::Warning)], Look::default());
            return true;
        };
        let request = &record.exchange.request;
        let Some(whole) = &sent.read else {
            if sent.reading.is_none() {
                sent.wanted = record.exchange.dialect.zip(request.body.clone());
            }
            let (text, role) = match sent.wanted.is_some() || sent.reading.is_some() {
                true => ("reading the request …", Role::Dim),
                false => ("the request's body is not known", Role::Warning),
            };
            self.document.line(vec![Span::new(text, role)], Look::default());
            return true;
        };
        let told = self.told.get(&sent.id).and_then(|(_, told)| told.clone());
        let fresh = told.iter().flat_map(|told| &told.fresh).map(|(at, _)| *at);
        let fresh: HashSet<usize> = fresh.collect();
        let count = whole.messages.len();
        if *at == 0 {
            self.preface_of_sent(reader, record, whole, fresh.len());
        }
        for (place, said) in whole.messages.iter().enumerate().skip(*at).take(AT_ONCE) {
            *at = place + 1;
            self.document.blank();
            let key = self.begin(target);
            let new = fresh.contains(&place);
            let role = role(said);
            let mut head = vec![Span::new(gist(&said.role, 24), role)];
            head.push(Span::new(format!("  {} of {count}", place + 1), Role::Dim));
            if new {
                head.push(Span::new("  new", Role::Good));
            }
            let folded = self.folded(key, !new || matches!(role, Role::System | Role::Tool));
            push(&mut self.document, said, head, folded, &mut |_, _| {});
        }
        *at >= count
    }

    /// What is said of the request, and what is not a message of it.
    fn preface_of_sent(&mut self, reader: &Reader<'_>, record: &Record, whole: &Whole, new: usize) {
        let at = format::clock(record.exchange.timing.started, reader.utc_offset);
        let count = whole.messages.len();
        let size = format::bytes(record.exchange.request.body_bytes);
        let head =
            format!("the request of {at} as it was sent: {count} messages, {new} new, {size}");
        self.document.line(vec![Span::new(head, Role::Title)], Look::default());
        for (name, value) in &whole.settings {
            let lead = Span::new(format!("   {name}"), Role::Dim);
            self.document.led(lead, value, Look { indent: 21, ..Look::default() });
        }
    }
}
