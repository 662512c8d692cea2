//! What the columns of a row say.

use std::collections::HashMap;

use unicode_width::UnicodeWidthStr;

use super::{Col, Grouping, Item, Position, RowKey};
use crate::store::{Beat, ProcessKey, Pulse, Record, Scope, Sums};
use crate::view::exchanges::short_model;
use crate::view::{Reader, Role, Span, format, is_over, shown, truncated};

/// Exchanges of a process that are looked at for its models and rates.
const LATEST: usize = 8;

/// Running exchanges that are looked at for the rates of groups.
const RUNNING: usize = 512;

/// What the latest exchanges of a row tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Latest {
    models: Vec<String>,
    rate: f64,
    growing: u64,
}

impl Latest {
    pub(super) fn of_process(reader: &Reader<'_>, key: ProcessKey) -> Self {
        let mut latest = Latest::default();
        let latest_of = reader.latest_of(key, LATEST);
        for record in latest_of.into_iter().filter(|record| reader.counts(record)) {
            let model = short_model(&record.exchange);
            if !model.is_empty() && !latest.models.contains(&model) {
                latest.models.push(model);
            }
            latest.add(reader, record);
        }
        latest
    }

    /// By the groups' names.
    pub(super) fn of_groups<'a>(
        reader: &Reader<'a>,
        position: &Position,
    ) -> HashMap<&'a str, Latest> {
        let mut groups: HashMap<&str, Latest> = HashMap::new();
        if position.grouping == Grouping::Process {
            return groups;
        }
        let count = reader.count(Scope::Active);
        for record in (count.saturating_sub(RUNNING)..count)
            .filter_map(|rank| reader.exchange_at(Scope::Active, rank))
            .filter(|record| reader.counts(record))
        {
            let name = match position.grouping.facet() {
                Some(facet) => facet.of(&record.exchange),
                None => reader.process(record.process).map(|process| {
                    let facts = &process.process;
                    match position.grouping {
                        Grouping::Command => facts.comm.as_str(),
                        _ => facts.container.as_deref().unwrap_or(""),
                    }
                }),
            };
            if let Some(name) = name {
                groups.entry(name).or_default().add(reader, record);
            }
        }
        groups
    }

    /// The models, the latest first.
    pub(super) fn models(&self) -> String {
        self.models.join(" ")
    }

    /// Tokens a second of what is being answered.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    fn add(&mut self, reader: &Reader<'_>, record: &Record) {
        if !is_over(&record.exchange) {
            let output = reader.output(&record.exchange);
            self.rate += output.rate.unwrap_or(0.0);
            self.growing += output.tokens.unwrap_or(0);
        }
    }
}

pub(super) fn cell(
    col: Col,
    width: usize,
    reader: &Reader<'_>,
    item: &Item,
    sums: &Sums,
    latest: &Latest,
) -> Vec<Span> {
    if col == Col::Command {
        return name(reader, item, width);
    }
    let tally = &sums.tally;
    let counted = |n: u64| if n == 0 { String::new() } else { format::count(n) };
    let tokens = |n: u64| if n == 0 { String::new() } else { format::tokens_of(n, tally) };
    let span = match col {
        Col::Pid => Span::new(pid(reader, item), Role::Dim),
        Col::Model => Span::new(truncated(&latest.models(), width), Role::Model),
        Col::Exchanges => Span::new(counted(tally.exchanges), Role::Text),
        Col::Active => Span::new(counted(tally.active), Role::Live),
        Col::Input => Span::new(tokens(tally.input_tokens), Role::Text),
        Col::Output if latest.growing > 0 => {
            let all = tally.output_tokens.saturating_add(latest.growing);
            Span::new(format!("~{}", format::count(all)), Role::Live)
        }
        Col::Output => Span::new(tokens(tally.output_tokens), Role::Text),
        Col::Cache if tally.cache_read_tokens > 0 && tally.input_tokens > 0 => {
            let share = tally.cache_read_tokens as f64 / tally.input_tokens as f64;
            Span::new(format!("{:.0}%", share.min(1.0) * 100.0), Role::Good)
        }
        Col::Rate if latest.rate > 0.0 => Span::new(format::rate_alone(latest.rate), Role::Live),
        Col::Pulse => Span::new(sparkline(&sums.pulse, reader, width), Role::Live),
        Col::Cost => Span::new(format::cost_of(tally).unwrap_or_default(), Role::Money),
        Col::Burn => burn(sums, reader),
        Col::Quota => quota(sums, reader),
        Col::Errors if tally.errors > 0 => Span::new(format::count(tally.errors), Role::Error),
        Col::Retries if tally.retries > 0 => Span::new(format::count(tally.retries), Role::Warning),
        _ => Span::default(),
    };
    vec![span]
}

fn pid(reader: &Reader<'_>, item: &Item) -> String {
    match item.key {
        RowKey::Process(key) => reader.process(key).map(|it| match it.folded {
            0 => it.process.pid.to_string(),
            _ => "ended".to_owned(),
        }),
        RowKey::Group(_) => None,
        RowKey::Ended(_) => Some("ended".to_owned()),
    }
    .unwrap_or_default()
}

fn name(reader: &Reader<'_>, item: &Item, width: usize) -> Vec<Span> {
    let (name, role) = match &item.key {
        RowKey::Process(key) => {
            let process = reader.process(*key);
            let ended = process.is_none_or(|process| process.ended.is_some());
            let name = process.map_or("", |process| process.process.comm.as_str());
            (shown(name), if ended { Role::Dim } else { Role::Process })
        }
        RowKey::Group(name) if name.is_empty() => ("(none)".to_owned(), Role::Dim),
        RowKey::Group(name) => (shown(name), Role::Process),
        RowKey::Ended(ended) => (shown(&ended.name), Role::Dim),
    };
    let many = if item.many > 1 { format!(" ×{}", item.many) } else { String::new() };
    if item.branch.is_empty() {
        let name = truncated(&name, width.saturating_sub(many.width()));
        return vec![Span::new(name, role), Span::new(many, Role::Dim)];
    }
    // A deep branch leaves room for some of the name.
    let lines = item.branch.chars().count();
    let kept = lines.min(width.saturating_sub(6));
    let branch: String = item.branch.chars().skip(lines - kept).collect();
    vec![
        Span::new(branch, Role::Faint),
        Span::new(truncated(&name, width.saturating_sub(kept + many.width())), role),
        Span::new(many, Role::Dim),
    ]
}

/// What the last five minutes would cost in an hour.
fn burn(sums: &Sums, reader: &Reader<'_>) -> Span {
    match sums.pulse.usd_per_hour(reader.now()) {
        // Less than a cent an hour is nothing to look at.
        rate if rate < 0.005 => Span::default(),
        rate if rate < 9.995 => Span::new(format!("${rate:.2}"), Role::Money),
        rate => Span::new(format!("${}", format::count(rate as u64)), Role::Money),
    }
}

/// What is left, and the time of day at which it begins anew: `42% 14:05`.
pub(in crate::view) fn quota(sums: &Sums, reader: &Reader<'_>) -> Span {
    let Some(quota) = sums.quota else { return Span::default() };
    if quota.resets.is_some_and(|resets| resets <= reader.now()) {
        return Span::new("reset", Role::Dim);
    }
    let role = match quota.left {
        left if left < 0.05 => Role::Error,
        left if left < 0.25 => Role::Warning,
        _ => Role::Dim,
    };
    // Rounded down: one per cent is never nothing, and nothing is never one.
    let left = format!("{:.0}%", (quota.left * 100.0).floor());
    let Some(resets) = quota.resets else { return Span::new(left, role) };
    let clock = format::clock(resets, reader.utc_offset);
    // Of one that is days away the time of day would say nothing.
    let day = resets.millis_since(reader.now()) < 86_400_000.0;
    let clock = if day { clock.get(..5).unwrap_or(&clock) } else { ">1 d" };
    Span::new(format!("{left} {clock}"), role)
}

/// Tokens of the last minute, as high as the highest.
fn sparkline(pulse: &Pulse, reader: &Reader<'_>, width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let beats: Vec<Beat> = pulse.beats(reader.now(), width).collect();
    let highest = beats.iter().fold(0.0_f32, |highest, beat| highest.max(beat.tokens));
    if highest <= 0.0 {
        return String::new();
    }
    let bar = |beat: &Beat| match beat.tokens {
        tokens if tokens <= 0.0 => ' ',
        tokens => BARS[((tokens / highest * 7.0).round() as usize).min(7)],
    };
    beats.iter().map(bar).collect()
}
