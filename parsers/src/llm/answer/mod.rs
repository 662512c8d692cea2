//! An answer being put together, piece by piece.

mod arriving;
mod slot;
mod watch;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

pub use self::slot::{Slot, SlotKind};

use self::arriving::Arriving;
use self::slot::Content;
use self::watch::Growth;
use crate::headers::{self, RateLimit};
use crate::usage::{self, Pass, Reported};
use crate::{ApiError, Cost, CostSource, DeltaKind, Exchange, Finding, ToolCall};

/// Slots an answer may have; what comes after them is counted as truncated.
const MAX_SLOTS: usize = 8192;

/// Text an answer may hold, unless told otherwise.
const DEFAULT_LIMIT: usize = 64 << 20;

/// An answer being put together. A dialect adds what it reads; the driver
/// takes [`deltas`](Self::deltas) after each event and copies the whole into
/// the exchange with [`fill`](Self::fill) when it has something to show.
///
/// Content goes into [`Slot`]s: the places an API numbers its output by. They
/// may be filled in any order and interleaved; a slot's numbers are only names,
/// so an index of 10^9 costs no more than 0. Memory is bounded by a limit on
/// the text (names and ids of calls included) and one on the number of slots.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The model that answers.
    pub model: Option<String>,
    /// The API's id.
    pub id: Option<String>,
    /// Why it ended.
    pub finish_reason: Option<String>,
    /// Usage as reported so far, in the API's own sense.
    pub reported: Reported,
    /// The times that a model was run for it, where the API tells them apart.
    pub passes: Vec<Pass>,
    /// Cost, where the API reports it, in US dollars.
    pub cost: Option<f64>,
    /// The tier of service, if it is not the standard one: see [`served`](Self::served).
    tier: Option<String>,
    /// The API's error.
    pub error: Option<ApiError>,
    /// What is left of quotas, as far as the answer itself tells.
    pub limits: Vec<RateLimit>,
    /// How long to wait before another attempt, as far as the answer itself tells.
    pub retry_after_ms: Option<u64>,
    /// The stream said that it is over.
    pub done: bool,
    /// Added since the driver last took them. Of several choices, only the
    /// first one's text and reasoning are told as they arrive.
    pub deltas: Vec<(DeltaKind, String)>,
    slots: Vec<Content>,
    places: HashMap<Slot, usize>,
    room: usize,
    truncated: bool,
    told: bool,
    muted: bool,
    reasons: bool,
    /// Where the last piece went.
    recent: Option<usize>,
    growth: Growth,
    /// A call whose arguments come in pieces that are no text.
    arriving: Option<Arriving>,
    /// Pieces of arguments did not fit together.
    broken: bool,
    /// What else deserves a second look.
    notes: BTreeMap<&'static str, String>,
}

impl Default for Answer {
    fn default() -> Self {
        Answer::with_limit(DEFAULT_LIMIT)
    }
}

/// Adding, for dialects.
impl Answer {
    /// An empty answer that will hold at most `limit` bytes of text.
    pub fn with_limit(limit: usize) -> Self {
        Answer {
            model: None,
            id: None,
            finish_reason: None,
            reported: Reported::default(),
            passes: Vec::new(),
            cost: None,
            tier: None,
            error: None,
            limits: Vec::new(),
            retry_after_ms: None,
            done: false,
            deltas: Vec::new(),
            slots: Vec::new(),
            places: HashMap::new(),
            room: limit,
            truncated: false,
            told: false,
            muted: false,
            reasons: false,
            recent: None,
            growth: Growth::None,
            arriving: None,
            broken: false,
            notes: BTreeMap::new(),
        }
    }

    /// The slot grew by `piece`. An empty piece does not make a slot.
    pub fn add(&mut self, slot: Slot, piece: &str) {
        if let Some((kind, kept)) = self.grow(slot, piece) {
            self.deltas.push((kind, kept.to_owned()));
        }
    }

    /// The same, but for the last of the deltas: what is to be told of it.
    pub(crate) fn grow<'a>(&mut self, slot: Slot, piece: &'a str) -> Option<(DeltaKind, &'a str)> {
        if piece.is_empty() {
            return None;
        }
        self.growth = if self.growth == Growth::None { Growth::Once(slot) } else { Growth::More };
        let place = self.place(slot)?;
        let kept = self.take_room(piece);
        self.slots[place].text.push_str(kept);
        self.is_told(slot, kept).then(|| (slot.kind.delta(), kept))
    }

    /// The slot's whole content, as the API says at its end: wins over what
    /// was added. Only what had not arrived yet becomes a delta.
    pub fn replace(&mut self, slot: Slot, whole: &str) {
        if whole.is_empty() && slot.kind.delta() == DeltaKind::Reasoning {
            return;
        }
        self.growth = Growth::More;
        let Some(place) = self.place(slot) else {
            return;
        };
        let before = std::mem::take(&mut self.slots[place].text);
        self.room += before.len();
        let kept = self.take_room(whole);
        self.slots[place].text.push_str(kept);
        if let Some(rest) = kept.strip_prefix(before.as_str()) {
            self.tell(slot, rest);
        }
    }

    /// The slot's whole content so far, or only what is new of it: its beginning
    /// tells which.
    pub(super) fn go_on(&mut self, slot: Slot, piece: &str) {
        let known = self.places.get(&slot).map_or("", |place| &self.slots[*place].text);
        if piece.starts_with(known) {
            self.replace(slot, piece);
        } else {
            self.add(slot, piece);
        }
        self.growth = Growth::More;
    }

    /// A tool call's id and name, whichever is known; the first one told stays.
    pub fn call(&mut self, slot: Slot, id: Option<&str>, name: Option<&str>) {
        let Some(place) = self.place(slot) else {
            return;
        };
        let said = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        if self.slots[place].id.is_none()
            && let Some(id) = said(id.map(|id| self.take_room(id)))
        {
            self.growth = Growth::More;
            self.slots[place].id = Some(id);
        }
        if self.slots[place].name.is_none()
            && let Some(name) = said(name.map(|name| self.take_room(name)))
        {
            self.growth = Growth::More;
            self.tell(slot, &name);
            self.slots[place].name = Some(name);
        }
    }

    /// The id of the call in this slot.
    pub(super) fn call_id(&self, slot: Slot) -> Option<&str> {
        self.places.get(&slot).and_then(|place| self.slots[*place].id.as_deref())
    }

    /// Frees the name: what is next put into `slot` is another one.
    pub(super) fn detach(&mut self, slot: Slot) {
        self.places.remove(&slot);
        self.recent = None;
        self.growth = Growth::More;
    }

    /// Whether a call stands in this slot that has arguments.
    pub(super) fn has_arguments(&self, slot: Slot) -> bool {
        self.places.get(&slot).is_some_and(|place| !self.slots[*place].text.is_empty())
    }

    /// Whether a call stands in this slot that has no arguments (yet).
    pub(super) fn lacks_arguments(&self, slot: Slot) -> bool {
        self.places.get(&slot).is_some_and(|place| self.slots[*place].text.is_empty())
    }

    /// Reads the answers to several prompts, which one body holds, each by its number:
    /// their figures are added up.
    pub(super) fn read_all(&mut self, all: &[Value], mut read: impl FnMut(&Value, u64, &mut Self)) {
        let figures = all.iter().zip(0..).map(|(one, number)| {
            self.reported = Reported::default();
            read(one, number, self);
            self.reported
        });
        self.reported = figures.reduce(Reported::and).unwrap_or_default();
    }

    /// The API names the tier of service that it was given, or what else has prices of its
    /// own; what it says later wins.
    pub(super) fn served<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let mut names = names.into_iter().peekable();
        if names.peek().is_some() {
            let others = names.filter_map(other_tier);
            self.tier = others.reduce(|all, name| format!("{all}, {name}"));
        }
    }

    /// Tools of the provider's own were called that are paid for beside the tokens. Where
    /// it tells the cost, they are in it.
    pub(super) fn called(&mut self, tools: &str) {
        if self.cost.is_none() {
            let detail =
                format!("{tools}: paid for beside the tokens, and in no figure of the cost");
            self.note("provider_tools", detail);
        }
    }

    /// Something deserves a second look; what is said later of the same wins.
    pub(super) fn note(&mut self, kind: &'static str, detail: impl Into<String>) {
        self.notes.insert(kind, detail.into());
    }

    /// Forgets all content, for an API that repeats the whole at the end. If
    /// any of it was told as a delta, the repetition is not.
    pub(super) fn restart(&mut self) {
        self.muted = self.told;
        self.reasons = false;
        self.room += self.slots.iter().map(Content::size).sum::<usize>();
        self.slots.clear();
        self.places.clear();
        self.recent = None;
        self.arriving = None;
        self.growth = Growth::More;
        self.truncated = false;
    }

    fn place(&mut self, slot: Slot) -> Option<usize> {
        if self.recent.is_some_and(|place| self.slots[place].slot == slot) {
            return self.recent;
        }
        if let Some(place) = self.places.get(&slot) {
            self.recent = Some(*place);
            return self.recent;
        }
        if self.slots.len() >= MAX_SLOTS {
            self.truncated = true;
            return None;
        }
        if slot.choice == 0 && slot.kind.delta() == DeltaKind::Reasoning {
            if self.reasons {
                self.tell(slot, PARAGRAPH);
            }
            self.reasons = true;
        }
        self.places.insert(slot, self.slots.len());
        self.slots.push(Content { slot, text: String::new(), id: None, name: None });
        Some(self.slots.len() - 1)
    }

    fn take_room<'a>(&mut self, piece: &'a str) -> &'a str {
        if piece.len() <= self.room {
            self.room -= piece.len();
            return piece;
        }
        self.truncated = true;
        let mut end = self.room;
        while !piece.is_char_boundary(end) {
            end -= 1;
        }
        self.room = 0;
        &piece[..end]
    }

    fn tell(&mut self, slot: Slot, piece: &str) {
        if self.is_told(slot, piece) {
            self.deltas.push((slot.kind.delta(), piece.to_owned()));
        }
    }

    /// Whether a piece that the slot grew by is to be told.
    fn is_told(&mut self, slot: Slot, piece: &str) -> bool {
        let shown = slot.choice == 0 || slot.kind == SlotKind::ToolCall;
        let is_told = shown && !self.muted && !piece.is_empty();
        self.told |= is_told;
        is_told
    }
}

/// Names of the tier of service that has the standard prices.
const STANDARD: &[&str] = &["auto", "default", "on_demand", "standard", "standard_only", ""];

/// A tier by its name in small letters, unless it is the standard one.
fn other_tier(name: &str) -> Option<String> {
    if STANDARD.contains(&name) {
        return None;
    }
    let name = name.to_lowercase();
    // Google's: on demand, and how.
    let name = name.strip_prefix("on_demand_").unwrap_or(&name);
    let is_standard = STANDARD.contains(&name) || name.ends_with("unspecified");
    (!is_standard).then(|| name.to_owned())
}

/// Between two pieces of reasoning.
const PARAGRAPH: &str = "\n\n";

/// Reading, for the driver.
impl Answer {
    /// Copies all that is known into the exchange. Costs as much as the answer
    /// is long: for when an exchange is shown or ends, not for each event.
    pub fn fill(&self, exchange: &mut Exchange) {
        let response = &mut exchange.response;
        let mut texts: BTreeMap<u64, String> = BTreeMap::new();
        let mut reasoning: Option<String> = None;
        response.tool_calls.clear();
        let first = self.slots.iter().map(|content| content.slot.choice).min().unwrap_or(0);
        for (place, content) in self.slots.iter().enumerate() {
            match content.slot.kind.delta() {
                DeltaKind::Text => {
                    texts.entry(content.slot.choice).or_default().push_str(&content.text);
                }
                DeltaKind::Reasoning if content.slot.choice == first => match &mut reasoning {
                    Some(reasoning) => {
                        reasoning.push_str(PARAGRAPH);
                        reasoning.push_str(&content.text);
                    }
                    None => reasoning = Some(content.text.clone()),
                },
                DeltaKind::Reasoning => {}
                DeltaKind::ToolCall => response.tool_calls.push(ToolCall {
                    id: content.id.clone(),
                    name: content.name.clone(),
                    arguments: self.arrived(place).unwrap_or_else(|| content.text.clone()),
                }),
            }
        }
        response.text = texts.remove(&first);
        response.other_choices = texts.into_values().collect();
        response.reasoning = reasoning;
        response.model.clone_from(&self.model);
        response.id.clone_from(&self.id);
        response.finish_reason.clone_from(&self.finish_reason);
        response.tier.clone_from(&self.tier);
        exchange.usage = usage::with_passes(self.reported.usage(self.done), &self.passes);
        exchange.passes.clone_from(&self.passes);
        if let Some(usd) = self.cost {
            exchange.cost = Cost { usd: Some(usd), source: CostSource::Reported };
        }
        if self.error.is_some() {
            exchange.error.clone_from(&self.error);
        }
        let response = &mut exchange.response;
        headers::merge(&mut response.limits, &self.limits);
        response.retry_after_ms = response.retry_after_ms.or(self.retry_after_ms);
        let mut note = |is, kind, detail: &str| {
            if is && !exchange.findings.iter().any(|finding| finding.kind == kind) {
                exchange.findings.push(Finding { kind, detail: detail.to_owned() });
            }
        };
        note(self.truncated, "answer_truncated", "the answer is longer than what is kept of it");
        let detail = "pieces of a tool call's arguments do not fit together";
        note(self.broken, "broken_arguments", detail);
        if let Some(tier) = self.tier.as_deref().filter(|_| self.cost.is_none()) {
            note(true, "service_tier", &format!("served as {tier}, not as standard"));
        }
        self.notes.iter().for_each(|(kind, detail)| note(true, kind, detail));
    }
}
