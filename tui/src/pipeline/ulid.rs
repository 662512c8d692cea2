//! Names of exchanges outside this run: ULIDs.

use std::hash::{DefaultHasher, Hash, Hasher};

use llmtop_parsers::{ExchangeSeq, Timestamp};
use llmtop_probe::ConnId;

/// Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The [ULID](https://github.com/ulid/spec) of an exchange. Made from what it
/// is and not from chance, so that a recording played again gives the same:
/// 48 bits milliseconds, 20 bits nanoseconds within, 60 bits of a hash of its
/// connection and place there.
pub(super) fn ulid(started: Timestamp, conn: ConnId, seq: ExchangeSeq) -> String {
    let (millis, nanos) = (started.0 / 1_000_000, started.0 % 1_000_000);
    let mut hasher = DefaultHasher::new();
    (conn.0, seq.0).hash(&mut hasher);
    let value =
        (u128::from(millis) << 80) | (u128::from(nanos) << 60) | u128::from(hasher.finish() >> 4);
    (0..26).rev().map(|digit| char::from(DIGITS[(value >> (digit * 5)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_by_time_and_different_within_one() {
        let name = |time, conn, seq| ulid(Timestamp(time), ConnId(conn), ExchangeSeq(seq));
        // The specification's example: 1469918176385 ms is 01ARYZ6S41.
        assert!(name(1_469_918_176_385_000_000, 0, 0).starts_with("01ARYZ6S41"));
        assert_eq!(name(5, 1, 2), name(5, 1, 2));
        assert_eq!(name(5, 1, 2).len(), 26);
        let mut names = vec![name(5, 1, 0), name(5, 1, 1), name(5, 2, 0), name(6, 1, 0)];
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 4);
        assert!(name(1_000_000, 9, 9) < name(1_000_001, 0, 0));
        assert!(name(1_999_999, 9, 9) < name(2_000_000, 0, 0));
    }
}
