//! HTTP/1.0 and HTTP/1.1 (RFC 9112), read from the side: each direction is a
//! [`Half`], which tells a [`Sink`] of messages and their pieces as they pass.

mod chunked;
mod framing;
mod half;
mod head;

pub(crate) use framing::{Framing, content_codings, of_request, of_response};
pub(crate) use half::{Half, Sink};
pub(crate) use head::{Head, Start};
