//! What the running kernel says of itself.

mod btf;
mod offsets;

pub(crate) use offsets::{offsets, plain_sockets};
