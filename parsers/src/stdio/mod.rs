//! JSON-RPC 2.0 on standard input and output, as MCP has it
//! (<https://modelcontextprotocol.io/specification>, transports: stdio): a message is a
//! line of UTF-8, and nothing else is written there.
//!
//! `lines` finds the messages of one direction, [`Session`] hands those of both to who
//! makes exchanges of them.

mod lines;
mod session;

pub(crate) use lines::Line;
pub(crate) use session::Session;
