//! What tokens cost.

use crate::{Cost, Usage};

/// Prices by provider and model.
#[derive(Clone, Debug, Default)]
pub struct PriceTable {}

/// A price table could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceError(pub String);

impl PriceTable {
    /// Reads the format of `assets/prices.json`.
    ///
    /// # Errors
    /// Says what is wrong, and where.
    pub fn parse(json: &str) -> Result<Self, PriceError> {
        let _ = json;
        Ok(PriceTable {})
    }

    /// Adds the entries of `other`; they win over those that are there.
    pub fn extend(&mut self, other: PriceTable) {
        let _ = other;
    }

    /// What an exchange costs. `model` as the answer names it, else as asked.
    pub fn cost(&self, provider: Option<&str>, model: &str, usage: &Usage) -> Cost {
        let _ = (provider, model, usage);
        Cost::default()
    }
}
