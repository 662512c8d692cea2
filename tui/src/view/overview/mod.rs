//! The overview: how much is going on, what it costs, how fast and how well it is
//! answered.
//!
//! ```text
//! tokens a second  85/s      peak 240/s   running  3                peak 5
//! ⠀⣀⣠⣴⣶⣿⣿⣷⣶⣤⣀                              ⣀⣀⣀⣀⣀⣀⣀⣀⣿⣿⣿⣀⣀⣀⣀⣀⣀
//! failed  2, rate limits 1        of 12   spent  $0.12             $1.24 an hour
//! ...
//! 13:51:23                                            4 s a dot        14:03:20
//!
//! latency of the latest 12     median     90 %     99 %  slowest
//! ...
//! top spenders                   COST      $/H      OUT     ERR
//! ...
//! ```

mod figures;
mod graph;

use llmtop_parsers::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::exchanges::process_name;
use super::processes::{Col, figures as of_process, quota};
use super::text::{Look, Mark, TextDocument};
use super::{Reader, Role, Span, format, gist, truncated};
use crate::store::Second;
use figures::{Figures, Percentiles};
use graph::{Graph, Moments};

/// From so many columns on, graphs stand beside each other.
const TWO: usize = 70;

/// Columns between two graphs.
const BETWEEN: usize = 2;

/// Seconds over which the rate of now is told: whole ones, before this one.
const RATE: usize = 5;

/// Nanoseconds between two looks at what takes longer to find out.
const LOOK: u64 = 1_000_000_000;

/// The overview as a document, and what it takes longer to find out.
#[derive(Debug, Default)]
pub struct Overview {
    /// The text.
    pub document: TextDocument,
    figures: Figures,
    /// At which version of the store, at which moment of a paused screen, of what,
    /// and when.
    found: Option<(u64, Option<Timestamp>, Option<u64>, Timestamp)>,
}

impl Overview {
    /// Brings it up to date, for a window of this size, at the machine's time `now`.
    pub fn refresh(&mut self, reader: &Reader<'_>, size: (usize, usize), now: Timestamp) {
        let version = reader.version();
        let of = reader.part().map(|part| part.question);
        let stands = self.found.is_some_and(|(before, moment, before_of, at)| {
            (moment, before_of) == (reader.paused(), of)
                && (before == version || moment.is_none() && now.0.saturating_sub(at.0) < LOOK)
        });
        if !stands {
            self.figures = Figures::new(reader);
            self.found = Some((version, reader.paused(), of, now));
        }
        let (width, height) = (size.0.saturating_sub(2), size.1);
        self.document.cut(Mark::default());
        self.graphs(reader, width, height);
        self.latencies(width);
        self.spenders(reader, width);
        self.limits(reader, width);
        self.failures(reader, width);
    }

    /// When time alone changes what it says: the machine's time for what it found out.
    pub fn stale(&self, version: u64) -> Option<Timestamp> {
        let (before, moment, _, at) = self.found?;
        let stale = moment.is_none() && before != version;
        stale.then(|| Timestamp(at.0.saturating_add(LOOK)))
    }

    fn graphs(&mut self, reader: &Reader<'_>, width: usize, height: usize) {
        let two = width >= TWO;
        let columns = if two { (width - BETWEEN) / 2 } else { width };
        // What is below is to be seen, too.
        let rows = if two { (height.saturating_sub(16) / 4).clamp(2, 8) } else { 2 };
        let moments = Moments::new(reader.timeline(), (reader.now(), reader.until()), columns);
        let [tokens, running, failed, spent] =
            graphs(reader, &moments).map(|graph| graph.lines(columns, rows));
        self.document.begin();
        let axis = axis(reader, &moments, columns);
        if two {
            self.beside(tokens, running);
            self.beside(failed, spent);
            self.beside(vec![axis.clone()], vec![axis]);
        } else {
            for lines in [tokens, running, failed, spent, vec![axis]] {
                self.lines(lines);
            }
        }
    }

    fn latencies(&mut self, width: usize) {
        let Figures { first_token, whole, .. } = &self.figures;
        let rows = [("first token", *first_token), ("whole answer", *whole)];
        let count = first_token.of.max(whole.of);
        let cell = (width.saturating_sub(13) / 4).clamp(6, 10);
        let title = format!("latency of the latest {}", format::count(count as u64));
        let short = "latency";
        let label = width.saturating_sub(4 * cell).min(30);
        let title = if title.len() <= label { &title } else { short };
        let names = ["median", "90 %", "99 %", "most"].map(|name| (name.to_owned(), Role::Faint));
        let mut lines = vec![row(Span::new(title, Role::Title), label, &names, cell)];
        for (name, Percentiles { of, values }) in rows {
            let told = |ms: f64| match of {
                0 => ("-".to_owned(), Role::Dim),
                _ => (format::duration(ms), Role::Text),
            };
            lines.push(row(Span::new(name, Role::Dim), label, &values.map(told), cell));
        }
        self.section(lines);
    }

    fn spenders(&mut self, reader: &Reader<'_>, width: usize) {
        const COLS: [(Col, &str, usize); 4] = [
            (Col::Cost, "COST", 9),
            (Col::Burn, "$/H", 7),
            (Col::Output, "OUT", 7),
            (Col::Errors, "ERR", 5),
        ];
        let shown = if width < 45 { 3 } else { 4 };
        let cols = &COLS[..shown];
        let figures: usize = cols.iter().map(|(_, _, width)| width).sum();
        let label = width.saturating_sub(figures).min(40);
        let mut head = padded(vec![Span::new("top spenders", Role::Title)], label);
        let titles = cols.iter().map(|(_, name, width)| format!("{name:>width$}"));
        head.extend(titles.map(|title| Span::new(title, Role::Faint)));
        let mut lines = vec![head];
        for &key in &self.figures.spenders {
            let Some(process) = reader.process(key) else { continue };
            let Some(sums) = reader.sums(key) else { continue };
            let pid = match process.folded {
                0 => format!(" {}", process.process.pid),
                many => format!(" ×{many} ended"),
            };
            let name = truncated(&process_name(reader, key), label.saturating_sub(pid.width() + 1));
            let name = vec![Span::new(name, Role::Process), Span::new(pid, Role::Dim)];
            let mut line = padded(name, label);
            let cells =
                of_process(reader, key, sums, cols.iter().map(|&(col, _, width)| (col, width)));
            line.extend(cells.zip(cols).map(|(span, (_, _, width))| {
                Span::new(format!("{:>width$}", span.text), span.role)
            }));
            lines.push(line);
        }
        self.section(lines);
    }

    fn limits(&mut self, reader: &Reader<'_>, width: usize) {
        if self.figures.limits.is_empty() {
            return;
        }
        let mut lines = vec![vec![
            Span::new("quotas left", Role::Title),
            Span::new(
                truncated(", and when they begin anew", width.saturating_sub(11)),
                Role::Faint,
            ),
        ]];
        for (name, sums) in &self.figures.limits {
            let name = padded(vec![Span::new(gist(name, 18), Role::Text)], 20);
            lines.push(name.into_iter().chain([quota(sums, reader)]).collect());
        }
        self.section(lines);
    }

    fn failures(&mut self, reader: &Reader<'_>, width: usize) {
        let mut lines = vec![vec![Span::new("latest failures", Role::Title)]];
        for record in self.figures.failures.iter().filter_map(|&id| reader.exchange(id)) {
            let exchange = &record.exchange;
            let clock = format::clock(exchange.timing.started, reader.utc_offset);
            let mut line = vec![
                Span::new(format!("{clock} "), Role::Dim),
                Span::new(process_name(reader, record.process), Role::Process),
                Span::new(" ", Role::Dim),
            ];
            line.push(match super::exchanges::failed(exchange) {
                true => super::exchanges::status(exchange),
                false => Span::new("cut off", Role::Warning),
            });
            if let Some(error) = &exchange.error {
                let words = [error.kind.as_deref(), error.message.as_deref()];
                let words: Vec<_> = words.into_iter().flatten().collect();
                line.push(Span::new(format!(" {}", gist(&words.join(": "), width)), Role::Error));
            }
            lines.push(line);
        }
        if lines.len() > 1 {
            self.section(lines);
        }
    }

    /// A group of lines below a blank one.
    fn section(&mut self, lines: Vec<Vec<Span>>) {
        self.document.blank();
        self.document.begin();
        self.lines(lines);
    }

    fn lines(&mut self, lines: Vec<Vec<Span>>) {
        for line in lines {
            self.document.line(line, Look::default());
        }
    }

    fn beside(&mut self, left: Vec<Vec<Span>>, right: Vec<Vec<Span>>) {
        let between = || Span::new(" ".repeat(BETWEEN), Role::Text);
        let both = left.into_iter().zip(right);
        self.lines(
            both.map(|(l, r)| l.into_iter().chain([between()]).chain(r).collect()).collect(),
        );
    }
}

fn graphs(reader: &Reader<'_>, moments: &Moments) -> [Graph; 4] {
    let title = |name: &str, figure: String, role| {
        vec![Span::new(format!("{name}  "), Role::Title), Span::new(figure, role)]
    };
    let most = |values: &[f32]| values.iter().copied().fold(0.0, f32::max);
    let begin = Timestamp(moments.begin.saturating_mul(1_000_000_000));
    let since = format::clock(begin, reader.utc_offset);
    let sum = |of: fn(&Second) -> u32, seconds: &[Second]| -> u32 { seconds.iter().map(of).sum() };

    let tokens = moments.each(|seconds| {
        let tokens: f32 = seconds.iter().map(|second| second.tokens).sum();
        tokens.max(0.0) / seconds.len().max(1) as f32
    });
    // Whole seconds, and this one.
    let latest = reader.timeline().seconds(reader.now(), RATE + 1);
    let rate: f32 = latest.iter().take(RATE).map(|second| second.tokens).sum();
    let rate = f64::from(rate.max(0.0)) / RATE as f64;

    let running = moments
        .each(|seconds| seconds.iter().map(|second| second.running).max().unwrap_or(0) as f32);
    let now = latest.last().map_or(0, |second| second.left);

    let failed = moments.each(|seconds| sum(|second| second.errors, seconds) as f32);
    let limited = moments.each(|seconds| sum(|second| second.limited, seconds) > 0);
    let errors = moments.sum(|second| u64::from(second.errors));
    let limits = moments.sum(|second| u64::from(second.limited));
    let ended = moments.sum(|second| u64::from(second.ended));
    let role = if errors > 0 { Role::Error } else { Role::Good };
    let mut failures = title("failed", format::count(errors), role);
    if limits > 0 {
        failures.push(Span::new(format!(", {} by a limit", format::count(limits)), Role::Warning));
    }

    let spent =
        moments.each(|seconds| seconds.iter().map(|second| second.usd).sum::<f32>().max(0.0));
    let usd = moments.sum(|second| f64::from(second.usd)).max(0.0);
    let graph = |title, note, values, role| Graph {
        title,
        note,
        values,
        role,
        warned: Vec::new(),
        cursor: moments.cursor,
    };
    let peak = |values: &[f32]| format!("peak {}", format::count(most(values).round() as u64));
    [
        graph(
            title("tokens a second", format::rate(rate), Role::Live),
            peak(&tokens),
            tokens,
            Role::Live,
        ),
        graph(
            title("running", format::count(now.into()), Role::Live),
            peak(&running),
            running,
            Role::Accent,
        ),
        Graph {
            warned: limited,
            ..graph(failures, format!("of {}", format::count(ended)), failed, Role::Error)
        },
        graph(
            title("spent", format::usd(usd), Role::Money),
            format!("since {since}"),
            spent,
            Role::Money,
        ),
    ]
}

/// Between which times of day the graphs are.
fn axis(reader: &Reader<'_>, moments: &Moments, columns: usize) -> Vec<Span> {
    let clock = |second: u64| {
        format::clock(Timestamp(second.saturating_mul(1_000_000_000)), reader.utc_offset)
    };
    let (from, to) = (clock(moments.begin), clock(reader.until().0 / 1_000_000_000));
    let step = format!("{} s a dot", moments.step);
    let room = columns.saturating_sub(from.len() + to.len());
    let middle = if step.len() + 2 <= room { step } else { String::new() };
    vec![Span::new(format!("{from}{middle:^room$}{to}"), Role::Faint)]
}

/// A label and cells at the right of it.
fn row(label: Span, width: usize, cells: &[(String, Role)], cell: usize) -> Vec<Span> {
    let mut line = padded(vec![label], width);
    line.extend(cells.iter().map(|(text, role)| Span::new(format!("{text:>cell$}"), *role)));
    line
}

/// Pieces of text with blanks behind them, `columns` wide at least.
fn padded(mut spans: Vec<Span>, columns: usize) -> Vec<Span> {
    let used: usize = spans.iter().map(|span| width_of(&span.text)).sum();
    if used < columns {
        spans.push(Span::new(" ".repeat(columns - used), Role::Text));
    }
    spans
}

fn width_of(text: &str) -> usize {
    text.width()
}
