//! The ABI between llmtop's kernel programs and its user side: event records,
//! map keys and values, limits. Both ends compile this very file, and the
//! layouts are asserted at compile time.
//!
//! Records are in the byte order of the machine; both ends run on it.
#![no_std]
#![forbid(unsafe_code)]

mod config;
mod event;
mod state;

pub use config::{Control, Filters, Offsets, Settings, named, names, unfinished};
pub use event::{
    Address, Args, Bound, CHUNK_TIERS, Chunk, Close, Exec, Exit, Header, Kind, MAX_ARGS,
    MAX_ARGS_BYTES, MAX_CALL_BYTES, MAX_CHUNK, MAX_FILENAME, MAX_SERVER_NAME, Mapped, Open,
    ServerName, Socket, direction, flags, tls,
};
pub use state::{
    Call, Conn, ConnKey, GoCall, GoFrame, INTEREST_SLOTS, Keys, PLAIN_SOCKET, STDIO, SocketKey,
    SocketState, Stats, TLS_SOCKET, Thread, Transfer, Vector, conn_flags, interest_slot, writing,
};
