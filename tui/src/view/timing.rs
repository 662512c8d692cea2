//! When things happened in an exchange: phases as a waterfall, and how its
//! stream came.

use llmtop_parsers::{Arrival, Exchange, Timestamp};

use super::facts::Facts;
use super::text::TextDocument;
use super::{Reader, Role, Span, format};
use crate::store::{Record, is_over};

/// Columns of the bars.
const BAR: usize = 36;

/// Pauses that are named.
const PAUSES: usize = 5;

/// A pause is at least so many milliseconds long, and so many times longer than
/// the usual gap.
const PAUSE: (f64, f64) = (250.0, 5.0);

/// The waterfall, then speed, then the stream.
pub fn timing(reader: &Reader<'_>, record: &Record) -> TextDocument {
    let exchange = &record.exchange;
    let timing = &exchange.timing;
    let mut facts = Facts::default();
    let total = reader.elapsed(exchange).max(0.001);
    facts.heading("timing");
    facts.fact("started", &format::clock(timing.started, reader.utc_offset));
    let end = Timestamp(timing.started.0.saturating_add((total * 1e6) as u64));
    let scale = Scale { from: timing.started, total };
    let phases = [
        ("request sent", Some(timing.started), timing.sent, Role::User),
        (
            "waiting",
            timing.sent.or(Some(timing.started)),
            timing.first_byte.or(Some(end)),
            Role::Warning,
        ),
        ("to first token", timing.first_byte, timing.first_token, Role::Tool),
        ("streaming", timing.first_token, timing.last_token, Role::Good),
        ("to the end", timing.last_token, timing.ended, Role::Dim),
    ];
    for (name, from, to, role) in phases {
        if let (Some(from), Some(to)) = (from, to) {
            scale.bar(&mut facts, name, from, to, role);
        }
    }
    let arrivals = &exchange.response.arrivals;
    let gaps = gaps(arrivals);
    let usual = median(&gaps);
    for &(from, to) in pauses(&gaps, usual).iter() {
        scale.bar(&mut facts, "  pause", from, to, Role::Error);
    }
    if arrivals.len() > 1 {
        facts.styled("events", vec![Span::new(scale.density(arrivals), Role::Good)]);
    }
    facts.fact("total", &format!("{:>7}", format::duration(total)));
    speed(&mut facts, reader, exchange);
    stream(&mut facts, exchange, &gaps, usual);
    facts.document()
}

/// Where in the bars a time is.
struct Scale {
    from: Timestamp,
    /// Milliseconds.
    total: f64,
}

impl Scale {
    fn at(&self, time: Timestamp) -> usize {
        let share = time.millis_since(self.from) / self.total;
        ((share * BAR as f64).clamp(0.0, BAR as f64)) as usize
    }

    fn bar(&self, facts: &mut Facts, name: &str, from: Timestamp, to: Timestamp, role: Role) {
        let (left, right) = (self.at(from), self.at(to));
        let filled = right.saturating_sub(left).max(1).min(BAR - left.min(BAR - 1));
        let mut bar = " ".repeat(left.min(BAR - 1));
        bar.push_str(&"━".repeat(filled));
        let start = format!("+{}", format::duration(from.millis_since(self.from)));
        let length = format::duration(to.millis_since(from));
        facts.styled(
            name,
            vec![
                Span::new(format!("{length:>7} "), Role::Text),
                Span::new(format!("{start:>6} "), Role::Faint),
                Span::new(bar, role),
            ],
        );
    }

    /// How many events came when, below the bars.
    fn density(&self, arrivals: &[Arrival]) -> String {
        const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let mut counts = [0usize; BAR];
        for arrival in arrivals {
            counts[self.at(arrival.at).min(BAR - 1)] += 1;
        }
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let level = |&count: &usize| match count {
            0 => ' ',
            count => LEVELS[(count * LEVELS.len()).div_ceil(most).clamp(1, LEVELS.len()) - 1],
        };
        format!("{:15}{}", "", counts.iter().map(level).collect::<String>())
    }
}

fn speed(facts: &mut Facts, reader: &Reader<'_>, exchange: &Exchange) {
    let timing = &exchange.timing;
    facts.heading("speed");
    let after = |at: Option<Timestamp>| {
        at.map_or("-".into(), |at| format::duration(at.millis_since(timing.started)))
    };
    facts.fact("first byte", &after(timing.first_byte));
    facts.fact("first token", &after(timing.first_token));
    let output = reader.output(exchange);
    facts.fact("tokens a second", &output.rate.map_or("-".into(), format::rate));
    facts.fact("sent", &format::bytes(exchange.request.body_bytes));
    let received = exchange.response.body_bytes;
    // It is counted when the exchange is over.
    let counted = is_over(exchange) || received > 0;
    let received = if counted { format::bytes(received) } else { "-".to_owned() };
    facts.fact("received", &received);
}

fn stream(facts: &mut Facts, exchange: &Exchange, gaps: &[(Timestamp, Timestamp)], usual: f64) {
    facts.heading("stream");
    let response = &exchange.response;
    let events = response.events.max(response.arrivals.len() as u64);
    // While it streams, only those are known of whose times are kept.
    let yet = match response.arrivals.len() {
        _ if is_over(exchange) => "",
        Arrival::MOST.. => " and more until now",
        _ => " until now",
    };
    facts.fact("stream events", &format!("{events}{yet}"));
    if gaps.is_empty() {
        return;
    }
    let started = exchange.timing.started;
    facts.fact("usual gap", &format::duration(usual));
    if let Some((from, to)) = gaps.iter().max_by(|a, b| length(a).total_cmp(&length(b))) {
        let long = format::duration(to.millis_since(*from));
        let at = format::duration(from.millis_since(started));
        facts.fact("longest gap", &format!("{long}, {at} after the beginning"));
    }
    let at_once = gaps.iter().filter(|gap| length(gap) == 0.0).count();
    if at_once > 0 {
        facts.fact("came together", &format!("{at_once} with the event before them"));
    }
}

/// From each event to the next.
fn gaps(arrivals: &[Arrival]) -> Vec<(Timestamp, Timestamp)> {
    arrivals.windows(2).map(|pair| (pair[0].at, pair[1].at)).collect()
}

fn length((from, to): &(Timestamp, Timestamp)) -> f64 {
    to.millis_since(*from)
}

fn median(gaps: &[(Timestamp, Timestamp)]) -> f64 {
    let mut lengths: Vec<f64> = gaps.iter().map(length).collect();
    lengths.sort_by(f64::total_cmp);
    lengths.get(lengths.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

/// The longest gaps that stand out, in order of time.
fn pauses(gaps: &[(Timestamp, Timestamp)], usual: f64) -> Vec<(Timestamp, Timestamp)> {
    let least = PAUSE.0.max(PAUSE.1 * usual);
    let mut long: Vec<_> = gaps.iter().copied().filter(|gap| length(gap) >= least).collect();
    long.sort_by(|a, b| length(b).total_cmp(&length(a)));
    long.truncate(PAUSES);
    long.sort_unstable();
    long
}
