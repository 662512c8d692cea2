//! Drives the built `llmtop` and real clients.
//!
//! Everything here runs as root on one machine: a local model API (`server/`),
//! real clients of it (`clients/`), and llmtop as a user starts it. What the
//! server sent and what the clients printed is what llmtop has to show.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step of a test ends it, and its helpers are not in `#[test]` functions"
)]

mod calls;
mod cli;
mod clients;
mod containers;
mod endurance;
mod export;
mod filter;
mod go;
mod hangup;
mod harness;
mod http2;
mod libraries;
mod lifecycle;
mod load;
mod overtaken;
mod pager;
mod piped;
mod plain;
mod protocols;
mod recording;
mod rooms;
mod rustls;
mod screen;
mod shown;
mod stacks;
mod stdio;
mod tour;
mod vendors;
