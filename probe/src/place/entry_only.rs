//! Where code is not disassembled, probes sit at the entry.

use super::{Call, Needs, Place};
use crate::Placement;

/// The entry.
pub fn straight(_: &[u8], _: Needs) -> Place {
    Place {
        at: 0,
        placement: Placement::Stepped,
        reason: "code is followed on x86_64 only; at the entry".to_owned(),
    }
}

/// Nothing: no claim is made.
pub fn walk(_: u64, _: impl Fn(u64, usize) -> Vec<u8>) -> Vec<Call> {
    Vec::new()
}
