//! The events of a streamed answer, one a line: when each came, how long after
//! the one before, and what it says.

use llmtop_parsers::{Arrival, DeltaKind, Exchange, Timestamp, events};

use super::text::{Look, TextDocument};
use super::{Reader, Role, Span, format, gist, is_over};
use crate::store::Record;

/// Columns of what an event says.
const SAID: usize = 400;

/// A pause of at least so many milliseconds stands out.
const PAUSE_MS: f64 = 1000.0;

/// One exchange's events, kept up to date while they come.
#[derive(Debug, Default)]
pub struct Events {
    /// The text.
    pub document: TextDocument,
    /// How many are in it.
    shown: usize,
    /// All of them are: the exchange is over.
    over: bool,
}

impl Events {
    /// Shows what has come. While the answer grows, its pieces stand for events.
    pub fn show(&mut self, reader: &Reader<'_>, record: &Record) {
        let exchange = &record.exchange;
        let over = is_over(exchange);
        let arrivals = &exchange.response.arrivals;
        if over && self.over {
            return;
        }
        if over || self.document.is_empty() || arrivals.len() < self.shown {
            *self = Events { over, ..Events::default() };
            self.head(reader, exchange);
        }
        let said = if over { said(exchange) } else { Vec::new() };
        let mut before = self.shown.checked_sub(1).and_then(|at| arrivals.get(at)).copied();
        for (at, arrival) in arrivals.iter().enumerate().skip(self.shown) {
            let text = said.get(at).map(String::as_str);
            self.event(at, arrival, before.as_ref(), exchange.timing.started, text);
            before = Some(*arrival);
        }
        self.shown = arrivals.len();
        if over {
            self.foot(exchange, said.is_empty());
        }
    }

    fn head(&mut self, reader: &Reader<'_>, exchange: &Exchange) {
        let started = format::clock(exchange.timing.started, reader.utc_offset);
        let head = format!("{:>6}  {:>8} {:>8}  {:<10}  says", "event", "after", "gap", "tells");
        self.document.begin();
        let text = format!("times are from {started} on, when the request began");
        self.document.line(vec![Span::new(text, Role::Dim)], Look::default());
        self.document.line(vec![Span::new(head, Role::Title)], Look::default());
    }

    fn event(
        &mut self,
        at: usize,
        arrival: &Arrival,
        before: Option<&Arrival>,
        started: Timestamp,
        said: Option<&str>,
    ) {
        let gap = before.map(|before| arrival.at.millis_since(before.at));
        let after = format::duration(arrival.at.millis_since(started));
        let role = if gap.is_some_and(|gap| gap >= PAUSE_MS) { Role::Warning } else { Role::Faint };
        let (kind, tells) = match arrival.told {
            Some(DeltaKind::Text) => ("text", Role::Good),
            Some(DeltaKind::Reasoning) => ("reasoning", Role::Reasoning),
            Some(DeltaKind::ToolCall) => ("tool call", Role::Tool),
            None => ("", Role::Dim),
        };
        let said = said.map_or_else(|| format::bytes(arrival.bytes.into()), str::to_owned);
        self.document.begin();
        self.document.line(
            vec![
                Span::new(format!("{:>6}  ", at + 1), Role::Dim),
                Span::new(format!("{:>8} ", format!("+{after}")), Role::Text),
                Span::new(format!("{:>8}  ", gap.map_or(String::new(), format::duration)), role),
                Span::new(format!("{kind:<10}  "), tells),
                Span::new(said, Role::Dim),
            ],
            Look::default(),
        );
    }

    /// What is not there.
    fn foot(&mut self, exchange: &Exchange, speechless: bool) {
        let response = &exchange.response;
        let mut note = |text: String| {
            self.document.begin();
            self.document.own(text.into(), Look { role: Role::Warning, ..Look::default() });
        };
        if response.events == 0 {
            return note("the answer was not streamed: it has no events".into());
        }
        let later = response.events.saturating_sub(response.arrivals.len() as u64);
        if later > 0 {
            note(format!("… {later} later events: when they came is not kept"));
        }
        if speechless {
            note(
                "what the events say is not known one by one: the response has what there is"
                    .into(),
            );
        }
    }
}

/// What each event says, if that is known of all.
fn said(exchange: &Exchange) -> Vec<String> {
    let mut said = Vec::new();
    let mut count = 0u64;
    events(exchange, &mut |name, data| {
        count += 1;
        if said.len() < exchange.response.arrivals.len() {
            let lead = if name.is_empty() { String::new() } else { format!("{name}  ") };
            said.push(gist(&format!("{lead}{}", beginning(data)), SAID));
        }
    });
    // Others than those that came would stand beside the wrong times.
    if count == exchange.response.events { said } else { Vec::new() }
}

/// As much of an event as may be shown.
fn beginning(data: &str) -> &str {
    data.get(..super::floor(data, 8 * SAID)).unwrap_or(data)
}
