//! What every test here needs: a server with its own CA, clients of it, the
//! llmtop process, a terminal, and folders that vanish.

mod certificates;
mod client;
mod container;
pub(crate) mod kernel;
mod llmtop;
mod load;
mod mover;
mod process;
mod rustls;
mod scratch;
mod server;
mod terminal;
mod tmux;
mod told;
mod wait;

pub(crate) use certificates::Certificates;
#[allow(unused_imports, reason = "the benches use it")]
pub(crate) use client::python;
pub(crate) use client::{Ask, Call, Client, Tool, bun, clients_folder, go_client, program};
pub(crate) use container::Container;
pub(crate) use llmtop::{Exchange, Llmtop, Report, binary, command, run, watching};
pub(crate) use load::{Load, LoadCall, Round};
pub(crate) use mover::{Mover, Stack};
#[allow(unused_imports, reason = "the benches do not use it")]
pub(crate) use process::ended;
pub(crate) use process::{Gated, comm};
pub(crate) use rustls::{RUSTLS, rustls_mover};
pub(crate) use scratch::{Scratch, target_folder, tests_folder};
pub(crate) use server::{RequestLog, Server};
pub(crate) use terminal::Terminal;
pub(crate) use tmux::Tmux;
pub(crate) use told::Told;
pub(crate) use wait::{PATIENCE, eventually};
