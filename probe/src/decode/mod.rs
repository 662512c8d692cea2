//! From records of the kernel programs to [`Capture`](crate::Capture)s.
//!
//! Pure: no kernel, no clock, no files. [`Record`] reads one record, [`Tracker`]
//! keeps what connects them.

mod direction;
#[cfg(test)]
pub(crate) mod fixture;
mod record;
mod tracker;

pub(crate) use record::Record;
pub(crate) use tracker::{Facts, Final, Tracker};
