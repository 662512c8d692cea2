//! A message's head, from its header block.

use super::hpack::Field;
use crate::Role;

/// What a field costs besides its octets (RFC 9113 section 6.5.2).
const OVERHEAD: usize = 32;

/// The fields of a header block: a request's or a response's head, or trailers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// `:method`.
    pub method: Option<String>,
    /// `:scheme`.
    pub scheme: Option<String>,
    /// `:authority`.
    pub authority: Option<String>,
    /// `:path`.
    pub path: Option<String>,
    /// `:protocol` of an extended CONNECT (RFC 8441).
    pub protocol: Option<String>,
    /// `:status`.
    pub status: Option<u16>,
    /// The other fields, in wire order.
    pub headers: Vec<(String, String)>,
    /// Fields whose name or value is not known: they refer to what was sent
    /// unseen.
    pub unknown: usize,
    /// Fields left out to stay inside the bounds.
    pub dropped: usize,
    /// The block did not arrive whole, or was broken: fields are missing at
    /// its end.
    pub broken: bool,
}

impl Head {
    /// Adds a field. `room`: how much may still be kept.
    pub(super) fn push(&mut self, field: Field<'_>, room: &mut usize) {
        let (Some(name), Some(value)) = (field.name, field.value) else {
            // A value without its name is not shown: it may be a credential.
            self.unknown += 1;
            return;
        };
        let Some(left) = room.checked_sub(name.len() + value.len() + OVERHEAD) else {
            self.dropped += 1;
            return;
        };
        *room = left;
        let value = String::from_utf8_lossy(value).into_owned();
        let pseudo = match name {
            b":method" => &mut self.method,
            b":scheme" => &mut self.scheme,
            b":authority" => &mut self.authority,
            b":path" => &mut self.path,
            b":protocol" => &mut self.protocol,
            b":status" => {
                self.status = self.status.or(value.parse().ok());
                return;
            }
            _ => {
                self.headers.push((String::from_utf8_lossy(name).into_owned(), value));
                return;
            }
        };
        // The first counts.
        pseudo.get_or_insert(value);
    }

    /// What its fields cost.
    pub(super) fn size(&self) -> usize {
        self.headers.iter().map(|(name, value)| name.len() + value.len() + OVERHEAD).sum()
    }

    /// Who wrote it, where a pseudo-header field says so.
    pub(super) fn writer(&self) -> Option<Role> {
        let request = self.method.is_some() || self.scheme.is_some() || self.path.is_some();
        match (request, self.status) {
            (true, None) => Some(Role::Client),
            (false, Some(_)) => Some(Role::Server),
            _ => None,
        }
    }
}
