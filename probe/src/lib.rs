//! Which process moved which bytes.
//!
//! [`Live`] attaches llmtop's kernel programs to the TLS libraries of the
//! machine's processes; [`recording`] plays what was captured earlier. Both
//! are a [`Source`] of [`Capture`]s, and nothing here knows what the bytes mean.

mod capture;
#[cfg(test)]
mod compiled;
mod decode;
mod discovery;
pub mod doctor;
pub mod elf;
pub mod endpoint;
mod error;
mod kernel;
pub mod live;
mod object;
pub mod place;
pub mod privileges;
pub mod process;
pub mod recording;
mod source;
pub mod stack;
mod target;

pub use capture::{
    Capture, Chunk, ConnId, Direction, Endpoint, Gap, Open, Process, Timestamp, Tls,
};
pub use discovery::{Discovery, Explanation, FileCoverage, Found, Handle};
pub use error::Error;
pub use live::Live;
pub use source::{Control, Outlet, Source, StopFlag, Totals, Untracked};
pub use target::{Abi, FileId, Function, Method, Placement, Site, Target};
