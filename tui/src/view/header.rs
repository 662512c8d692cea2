//! The header: totals, and the state of the session.

use llmtop_probe::Untracked;

use super::{Reader, Role, Show, Span, format, gist};
use crate::store::{Recording, Scope, Session, Status, Totals};

/// Running exchanges that are looked at.
const RUNNING: usize = 512;

/// Both rows of the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What everything adds up to, the most important first.
    pub totals: Vec<Vec<Span>>,
    /// What is captured, and how the screen is set; the most important first.
    pub session: Vec<Vec<Span>>,
    /// Badges at the right: `PAUSED`.
    pub badges: Vec<Span>,
}

/// How the screen is set.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Of what the figures are, where they are not of everything.
    pub of: Vec<Span>,
    /// Those figures are not known yet.
    pub counting: bool,
    /// How many processes are listed.
    pub processes: usize,
    /// Frozen, at so many milliseconds before the pause, of so many that are kept.
    pub paused: Option<(f64, f64)>,
    /// The list goes with what is new.
    pub follow: bool,
    /// Which exchanges are shown.
    pub show: Show,
    /// Credentials are shown as they are.
    pub secrets: bool,
    /// The mouse is the terminal's own.
    pub mouse_off: bool,
}

/// Builds the header.
pub fn header(reader: &Reader<'_>, session: &Session, setting: Setting) -> Header {
    Header {
        totals: totals(reader, &setting),
        session: facts(reader, session, &setting),
        badges: badges(reader, session, &setting),
    }
}

fn totals(reader: &Reader<'_>, setting: &Setting) -> Vec<Vec<Span>> {
    let totals = reader.totals();
    let tally = &totals.tally;
    let fact = |figure: String, word: &str, role| {
        vec![Span::new(figure, role), Span::new(format!(" {word}"), Role::Dim)]
    };
    let plural =
        |n: usize, one: &str, many: &str| if n == 1 { one.to_owned() } else { many.to_owned() };
    let growing = growing(reader);
    let estimated = tally.estimated > 0;
    let tokens = |n: u64, estimated| format::about(estimated && n > 0, &format::count(n));
    let output = tally.output_tokens.saturating_add(growing);
    let mut facts = vec![
        exchanges(reader, &totals, setting),
        fact(
            format::count(tally.active),
            "active",
            if tally.active > 0 { Role::Live } else { Role::Dim },
        ),
        vec![
            Span::new(tokens(tally.input_tokens, estimated), Role::Title),
            Span::new(" → ", Role::Dim),
            Span::new(tokens(output, estimated || growing > 0), Role::Title),
            Span::new(" tokens", Role::Dim),
        ],
        vec![Span::new(format::cost_of(tally).unwrap_or_else(|| format::usd(0.0)), Role::Money)],
    ];
    // Bytes belong to connections: they are told of everything.
    let of_all = |word: &str| match setting.of.is_empty() {
        true => word.to_owned(),
        false => format!("{word} in all"),
    };
    if totals.lost_bytes > 0 {
        // Wherever there is room for anything.
        facts.insert(0, fact(format::bytes(totals.lost_bytes), &of_all("LOST"), Role::Error));
    }
    let processes = setting.processes;
    facts.push(fact(
        format::count(processes as u64),
        &plural(processes, "process", "processes"),
        Role::Text,
    ));
    let captured = of_all("captured");
    facts.push(fact(format::bytes(totals.captured_bytes), &captured, Role::Text));
    if totals.lost_bytes == 0 {
        facts.push(fact("0".to_owned(), "lost", Role::Dim));
    }
    if totals.evicted > 0 {
        facts.push(fact(format::count(totals.evicted), &of_all("forgotten"), Role::Warning));
    }
    if !setting.of.is_empty() {
        let only = std::iter::once(Span::new("only ", Role::Dim));
        facts.insert(0, only.chain(setting.of.iter().cloned()).collect());
    }
    facts
}

/// Tokens of the answers that have not ended, as the lists count them.
fn growing(reader: &Reader<'_>) -> u64 {
    let count = reader.count(Scope::Active);
    let latest = (count.saturating_sub(RUNNING)..count).rev();
    let records = latest.filter_map(|rank| reader.exchange_at(Scope::Active, rank));
    let answers = records.filter(|it| it.exchange.dialect.is_some() && reader.counts(it));
    answers.filter_map(|record| reader.output(&record.exchange).tokens).sum()
}

/// How many exchanges there are: as many as the list has, and how many of them are with
/// an LLM, of which the other figures are.
fn exchanges(reader: &Reader<'_>, totals: &Totals, setting: &Setting) -> Vec<Span> {
    let (all, llm) = match reader.part() {
        Some(part) => (reader.count(part.scope), totals.tally.exchanges as usize),
        None => (
            reader.count(Scope::All).max(totals.all_exchanges as usize),
            reader.count(Scope::Llm).max(totals.tally.exchanges as usize),
        ),
    };
    let word = |n: usize| if n == 1 { "exchange" } else { "exchanges" };
    let count = |n: usize| format::count(n as u64);
    let (figure, word) = match setting.show {
        _ if setting.counting => (count(all), format!(" {} …", word(all))),
        Show::LlmOnly => (count(llm), format!(" LLM {}", word(llm))),
        _ if all == llm => (count(all), format!(" {}", word(all))),
        _ => (count(all), format!(" {}, {} LLM", word(all), count(llm))),
    };
    vec![Span::new(figure, Role::Title), Span::new(word, Role::Dim)]
}

fn facts(reader: &Reader<'_>, session: &Session, setting: &Setting) -> Vec<Vec<Span>> {
    let mut facts = Vec::new();
    let mut fact = |text: String, role| facts.push(vec![Span::new(text, role)]);
    match &session.status {
        Status::Starting(what) => fact(format!("{} …", gist(what, 60)), Role::Warning),
        Status::Failed(why) => fact(format!("stopped: {}", gist(why, 120)), Role::Error),
        Status::Ended => fact("ended".to_owned(), Role::Dim),
        Status::Running => {}
    }
    if !session.source.is_empty() {
        fact(gist(&session.source, 40), Role::Text);
    }
    if session.probes > 0 {
        fact(format!("{} probes", session.probes), Role::Dim);
    }
    if !session.filters.is_empty() {
        fact(format!("only {}", gist(&session.filters.join(", "), 60)), Role::Accent);
    }
    match &session.recording {
        Recording::None => {}
        Recording::To(file) if session.status == Status::Ended => {
            fact(format!("recorded to {}", gist(file, 60)), Role::Dim);
        }
        Recording::To(file) => fact(format!("● recording to {}", gist(file, 60)), Role::Error),
        Recording::Failed(what) => fact(gist(what, 120), Role::Error),
    }
    if reader.totals().lost_bytes > 0 {
        let why = match session.recorded {
            true => "lost when it was recorded",
            false => "lost: a larger --ring holds more",
        };
        fact(why.to_owned(), Role::Warning);
    }
    if session.untracked != Untracked::default() {
        fact("not all captured: too many threads or connections".to_owned(), Role::Warning);
    }
    if let Some((last, others)) = session.problems.split_last() {
        let others = match others.len() {
            0 => String::new(),
            more => format!(" (and {more} more, told at the end)"),
        };
        fact(format!("{}{others}", gist(last, 120)), Role::Warning);
    }
    match setting.show {
        Show::Smart => {}
        Show::LlmOnly => fact("LLM only".to_owned(), Role::Dim),
        Show::All => fact("showing all".to_owned(), Role::Dim),
    }
    if session.ignored_bytes > 0 {
        fact(format!("{} not LLM", format::bytes(session.ignored_bytes)), Role::Faint);
    }
    facts
}

fn badges(reader: &Reader<'_>, session: &Session, setting: &Setting) -> Vec<Span> {
    let mut badges = Vec::new();
    if matches!(session.recording, Recording::To(_)) && session.status != Status::Ended {
        badges.push(Span::new("● REC", Role::Error));
    }
    if setting.secrets {
        badges.push(Span::new("SECRETS SHOWN", Role::Error));
    }
    if setting.mouse_off {
        badges.push(Span::new("MOUSE OFF", Role::Dim));
    }
    if let Some((before, kept)) = setting.paused {
        let text = if before > 0.0 {
            let clock = format::clock(reader.now(), reader.utc_offset);
            let minutes = |ms: f64| {
                let seconds = (ms / 1e3).ceil() as u64;
                format!("{}:{:02}", seconds / 60, seconds % 60)
            };
            format!("PAUSED {clock} -{}/{}", minutes(before), minutes(kept))
        } else {
            "PAUSED".to_owned()
        };
        badges.push(Span::new(text, Role::Warning));
    } else if matches!(session.status, Status::Running) {
        badges.push(if setting.follow {
            Span::new("FOLLOWING", Role::Good)
        } else {
            Span::new("LIVE", Role::Good)
        });
    }
    badges
}
