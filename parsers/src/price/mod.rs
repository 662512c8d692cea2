//! What tokens cost.
//!
//! Prices are looked up by provider and model: as named first, then without
//! region, vendor, date and version, then by the model alone. How it matched
//! is part of the answer ([`Match`]). What is not found is unpriced, never 0.

mod bill;
mod lookup;
mod tier;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Deserialize;

pub use bill::{Bill, Line};
pub use lookup::Match;

use crate::llm::{self, Dialect};
use crate::{Cost, CostSource, Exchange, Usage, usage};
use lookup::Entry;

/// Prices by provider and model.
#[derive(Clone, Debug, Default)]
pub struct PriceTable {
    as_of: Option<String>,
    source: Option<String>,
    providers: Providers,
    /// Entries by each shortened form of their id.
    forms: HashMap<String, Vec<Entry>>,
}

/// Rates by model, by provider.
pub type Providers = BTreeMap<String, BTreeMap<String, Rates>>;

/// Stands for any provider, in tables that people write.
pub const ANY_PROVIDER: &str = "*";

/// What a model's tokens cost, in US dollars per million.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Input that no cache had a part in.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Input read from a cache; as other input where it is absent.
    pub cache_read: Option<f64>,
    /// Input written to a cache for five minutes; as other input where it is
    /// absent.
    pub cache_write: Option<f64>,
    /// Input written to a cache for an hour; where it is absent but
    /// `cache_write` is not, twice the input, which is Anthropic's rule.
    pub cache_write_1h: Option<f64>,
    /// Reasoning; as other output where it is absent.
    pub reasoning: Option<f64>,
    /// Audio that no cache had a part in; unpriced where it is absent.
    pub input_audio: Option<f64>,
    /// Audio; unpriced where it is absent.
    pub output_audio: Option<f64>,
    /// Other rates for long requests.
    #[serde(default)]
    pub tiers: Vec<Tier>,
    /// Tokens that fit into the model's context window, question and answer.
    pub context: Option<u64>,
    /// Not of the table itself, but added to it.
    #[serde(skip)]
    pub added: bool,
}

/// The size of a model's context window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Tokens.
    pub tokens: u64,
    /// How provider and model of the exchange led there.
    pub matched: Match,
}

/// Rates that hold for all tokens of a request with more input than a limit.
/// What is absent is as in the [`Rates`] around it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// They hold above this many input tokens, cached ones included.
    pub above: u64,
    /// See [`Rates::input`].
    pub input: Option<f64>,
    /// See [`Rates::output`].
    pub output: Option<f64>,
    /// See [`Rates::cache_read`].
    pub cache_read: Option<f64>,
    /// See [`Rates::cache_write`].
    pub cache_write: Option<f64>,
    /// See [`Rates::cache_write_1h`].
    pub cache_write_1h: Option<f64>,
    /// See [`Rates::reasoning`].
    pub reasoning: Option<f64>,
}

/// A price table could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceError(pub String);

impl fmt::Display for PriceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "price table: {}", self.0)
    }
}

impl std::error::Error for PriceError {}

/// The file's shape.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    as_of: Option<String>,
    source: Option<String>,
    unit: Option<String>,
    providers: Providers,
}

/// The only unit there is.
const UNIT: &str = "USD per million tokens";

impl PriceTable {
    /// Reads the format of `assets/prices.json`: `as_of`, `source`, `unit`, and
    /// under `providers`, by provider and model, [`Rates`].
    ///
    /// # Errors
    /// Says what is wrong, and where.
    pub fn parse(json: &str) -> Result<Self, PriceError> {
        let file: File =
            serde_json::from_str(json).map_err(|error| PriceError(error.to_string()))?;
        if let Some(unit) = file.unit
            && unit != UNIT
        {
            return Err(PriceError(format!("unit is {unit:?}, not {UNIT:?}")));
        }
        let mut table = PriceTable::from_providers(file.providers)?;
        table.as_of = file.as_of;
        table.source = file.source;
        Ok(table)
    }

    /// A table of these rates, as a configuration file has them. The provider
    /// [`ANY_PROVIDER`] stands for all.
    ///
    /// # Errors
    /// A rate is negative or not a number.
    pub fn from_providers(providers: Providers) -> Result<Self, PriceError> {
        for (provider, models) in &providers {
            for (model, rates) in models {
                rates.check().map_err(|what| PriceError(format!("{provider}/{model}: {what}")))?;
            }
        }
        let forms = lookup::index(&providers);
        Ok(PriceTable { as_of: None, source: None, providers, forms })
    }

    /// Adds the entries of `other`; they win over those that are there, but for
    /// context windows that they do not tell. The date stays that of the table
    /// extended.
    pub fn extend(&mut self, other: PriceTable) {
        for (provider, models) in other.providers {
            let known = self.providers.entry(provider).or_default();
            for (model, mut rates) in models {
                let before = known.get(&model).and_then(|before| before.context);
                rates.context = rates.context.or(before);
                rates.added = true;
                known.insert(model, rates);
            }
        }
        self.as_of = self.as_of.take().or(other.as_of);
        self.source = self.source.take().or(other.source);
        self.forms = lookup::index(&self.providers);
    }

    /// The day its figures were right, as the table says (`2026-01-31`).
    pub fn as_of(&self) -> Option<&str> {
        self.as_of.as_deref()
    }

    /// Where its figures come from.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// How many models it prices.
    pub fn len(&self) -> usize {
        self.providers.values().map(BTreeMap::len).sum()
    }

    /// Whether it prices none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What an exchange costs. `model` as the answer names it, else as asked.
    pub fn cost(&self, provider: Option<&str>, model: &str, usage: &Usage) -> Cost {
        match self.explain(provider, model, usage) {
            Some(bill) => Cost { usd: Some(bill.usd()), source: CostSource::Priced },
            None => Cost::default(),
        }
    }

    /// What an exchange costs: what its API reported, else the price of the
    /// model that answered, else of the model asked for.
    pub fn price(&self, exchange: &Exchange) -> Cost {
        if exchange.cost.source == CostSource::Reported {
            return exchange.cost;
        }
        match self.bill(exchange) {
            Some(bill) => Cost { usd: Some(bill.usd()), source: CostSource::Priced },
            None => Cost::default(),
        }
    }

    /// How [`price`](Self::price) comes about, item by item. Nothing is paid
    /// for counting. Unpriced is what one's own machine answers, unless the price was
    /// added, and what was served in a tier of which the price is not known.
    pub fn bill(&self, exchange: &Exchange) -> Option<Bill> {
        if exchange.only_counts() {
            return None;
        }
        let share = tier::share(exchange.provider, exchange.response.tier.as_deref())?;
        let dialect = exchange.dialect.and_then(llm::by_name);
        let at_home = exchange.provider.is_none() && dialect.is_some_and(Dialect::is_local);
        let paid = usage::paid_apart(exchange);
        let explain = |model: &Option<String>| {
            let bill = self.explain_all(exchange.provider, model.as_deref()?, &paid)?;
            // One's own machine takes nobody's price, unless one says so.
            (!at_home || bill.added).then(|| bill.at(share))
        };
        let answered = &exchange.response.model;
        let asked = || {
            // Azure's deployments are named as people like: after any model.
            let arbitrary =
                exchange.provider.is_some_and(|provider| provider.starts_with("azure."));
            let asked = (answered.is_none() || !arbitrary).then_some(&exchange.request.model)?;
            let mut bill = explain(asked)?;
            if answered.is_some() && bill.matched == Match::Exact {
                bill.matched = Match::Similar;
            }
            Some(bill)
        };
        explain(answered).or_else(asked)
    }

    /// The context window of the model that answered, else of the one asked for.
    /// `None`: it is not known.
    pub fn window(&self, exchange: &Exchange) -> Option<Window> {
        let models = [&exchange.response.model, &exchange.request.model];
        models.into_iter().flatten().find_map(|model| {
            let (entry, matched) =
                lookup::find(&self.providers, &self.forms, exchange.provider, model)?;
            let rates = self.providers.get(&entry.provider)?.get(&entry.model)?;
            rates.context.map(|tokens| Window { tokens, matched })
        })
    }

    /// How a cost comes about, item by item. `None`: unpriced, or no usage.
    pub fn explain(&self, provider: Option<&str>, model: &str, usage: &Usage) -> Option<Bill> {
        self.explain_all(provider, model, std::slice::from_ref(usage))
    }

    fn explain_all(&self, provider: Option<&str>, model: &str, paid: &[Usage]) -> Option<Bill> {
        let (entry, matched) = lookup::find(&self.providers, &self.forms, provider, model)?;
        let rates = self.providers.get(&entry.provider)?.get(&entry.model)?;
        Bill::new(entry, matched, rates, paid)
    }
}

impl Rates {
    fn check(&self) -> Result<(), &'static str> {
        let tiers = self.tiers.iter().flat_map(|tier| {
            [
                tier.input,
                tier.output,
                tier.cache_read,
                tier.cache_write,
                tier.cache_write_1h,
                tier.reasoning,
            ]
        });
        let rates = [Some(self.input), Some(self.output), self.cache_read, self.cache_write]
            .into_iter()
            .chain([self.cache_write_1h, self.reasoning, self.input_audio, self.output_audio])
            .chain(tiers);
        match rates.flatten().all(|rate| rate.is_finite() && rate >= 0.0) {
            true => Ok(()),
            false => Err("a price is negative or not a number"),
        }
    }

    /// The rates of a request with this much input, and the limit it is above.
    fn at(&self, input_tokens: u64) -> (Rates, Option<u64>) {
        let above = self.tiers.iter().filter(|tier| input_tokens > tier.above);
        let Some(tier) = above.max_by_key(|tier| tier.above) else {
            return (self.clone(), None);
        };
        let rates = Rates {
            input: tier.input.unwrap_or(self.input),
            output: tier.output.unwrap_or(self.output),
            cache_read: tier.cache_read.or(self.cache_read),
            cache_write: tier.cache_write.or(self.cache_write),
            cache_write_1h: tier.cache_write_1h.or(self.cache_write_1h),
            reasoning: tier.reasoning.or(self.reasoning.filter(|_| tier.output.is_none())),
            input_audio: self.input_audio,
            output_audio: self.output_audio,
            tiers: Vec::new(),
            context: self.context,
            added: self.added,
        };
        (rates, Some(tier.above))
    }
}

#[cfg(test)]
mod tests;
