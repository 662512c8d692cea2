//! HTTP/2 (RFC 9113), passively, both directions, joined at any moment.

pub mod hpack;
