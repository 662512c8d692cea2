//! llmtop: `top` for the LLM exchanges of every process on the machine.
//!
//! This library is the binary's inside, open to its tests and benches; it
//! promises nothing to others.

// The fixture of the tests is the benches' too, and calls us by name.
#[cfg(test)]
extern crate self as llmtop;

pub mod action;
pub mod app;
pub mod cli;
pub mod config;
pub mod filter;
#[cfg(test)]
#[path = "../benches/fixture/mod.rs"]
mod fixture;
pub mod keymap;
pub mod kill;
pub mod logging;
mod nearest;
pub mod pipeline;
pub mod program;
pub mod run;
pub mod sink;
pub mod store;
pub mod term;
pub mod theme;
pub mod ui;
pub mod view;
