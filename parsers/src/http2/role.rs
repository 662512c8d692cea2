//! Which direction the client writes.

use crate::{Direction, Role};

/// What is known of the direction that the client writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Client {
    Unknown,
    /// By what is usual.
    Likely(Direction),
    Certain(Direction),
}

impl Client {
    pub(super) fn direction(self) -> Option<Direction> {
        match self {
            Client::Unknown => None,
            Client::Likely(direction) | Client::Certain(direction) => Some(direction),
        }
    }

    /// Who writes `direction`.
    pub(super) fn writer(self, direction: Direction) -> Option<Role> {
        let client = self.direction()?;
        Some(if client == direction { Role::Client } else { Role::Server })
    }

    /// Learns that `role` writes `direction`.
    pub(super) fn learn(&mut self, direction: Direction, role: Role) {
        if !matches!(self, Client::Certain(_)) {
            *self = Client::Certain(client_if(direction, role));
        }
    }

    /// Takes it that `role` writes `direction`, unless more is known.
    pub(super) fn suppose(&mut self, direction: Direction, role: Role) {
        if matches!(self, Client::Unknown) {
            *self = Client::Likely(client_if(direction, role));
        }
    }
}

fn client_if(direction: Direction, role: Role) -> Direction {
    match role {
        Role::Client => direction,
        Role::Server => direction.opposite(),
    }
}

/// Whether a body's bytes are server-sent events, which only servers send.
pub(super) fn are_events(bytes: &[u8]) -> bool {
    let begins = [&b"data:"[..], b"event:", b"id:", b": "];
    begins.iter().any(|field| bytes.starts_with(field))
        || memchr::memmem::find(bytes, b"\ndata: ").is_some()
}
