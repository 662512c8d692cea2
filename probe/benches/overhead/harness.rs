//! What the end-to-end tests move messages by.
#![allow(dead_code, unused_imports, reason = "shared with the tests, which use all of it")]

#[path = "../../../tests/harness/certificates.rs"]
mod certificates;
#[path = "../../../tests/harness/client.rs"]
mod client;
#[path = "../../../tests/harness/mover.rs"]
mod mover;
#[path = "../../../tests/harness/process.rs"]
mod process;
#[path = "../../../tests/harness/rustls.rs"]
mod rustls;
#[path = "../../../tests/harness/scratch.rs"]
mod scratch;
#[path = "../../../tests/harness/wait.rs"]
mod wait;

pub(crate) use certificates::Certificates;
pub(crate) use client::bun;
pub(crate) use mover::{Mover, Stack};
pub(crate) use process::{Gated, comm};
pub(crate) use rustls::rustls_mover;
pub(crate) use scratch::{Scratch, target_folder, tests_folder};
pub(crate) use wait::eventually;
