//! Header compression through its public door.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod encoder;
mod rfc7541;
mod streams;

use llmtop_parsers::http2::hpack::{Decoder, Error};

/// A field as decoded; `None` is unknown.
type Seen = (Option<Vec<u8>>, Option<Vec<u8>>);

fn decode(decoder: &mut Decoder, block: &[u8]) -> (Vec<Seen>, Result<(), Error>) {
    let mut fields = Vec::new();
    let result = decoder.decode(block, |field| {
        fields.push((field.name.map(<[u8]>::to_vec), field.value.map(<[u8]>::to_vec)));
    });
    (fields, result)
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn known(name: &str, value: &str) -> Seen {
    (Some(name.into()), Some(value.into()))
}

#[test]
fn joined_midway_older_references_are_unknown() {
    let mut decoder = Decoder::midway();
    // `:method: POST`, an entry from before, a new entry, a name from before
    // with a new value.
    let (fields, result) = decode(&mut decoder, &unhex("83 be 4003 782d 6101 31 7f00 0132"));
    assert_eq!(result, Ok(()));
    assert_eq!(
        fields,
        [known(":method", "POST"), (None, None), known("x-a", "1"), (None, Some("2".into()))]
    );
    // The newest two are exact, what is behind them is unknown still.
    let (fields, _) = decode(&mut decoder, &unhex("bf be c0"));
    assert_eq!(fields, [known("x-a", "1"), (None, Some("2".into())), (None, None)]);
    assert!(!decoder.is_whole());
    // A table of no octets is empty, of those unseen too: all is known.
    decode(&mut decoder, &unhex("20 3fe1 1f")).1.unwrap();
    assert!(decoder.is_whole());
}

#[test]
fn lost_blocks_forget_what_an_index_counts_from() {
    let mut decoder = Decoder::new();
    decode(&mut decoder, &unhex("4003 782d 6101 31")).1.unwrap();
    decoder.lost();
    assert_eq!(decode(&mut decoder, &unhex("be")).0, [(None, None)]);
}

#[test]
fn an_index_past_a_whole_table_shows_that_blocks_went_by_unseen() {
    let mut decoder = Decoder::new();
    decode(&mut decoder, &unhex("4003 782d 6101 31")).1.unwrap();
    let (fields, result) = decode(&mut decoder, &unhex("be bf be"));
    assert_eq!(result, Ok(()));
    assert_eq!(fields, [known("x-a", "1"), (None, None), (None, None)]);
    assert!(!decoder.is_whole());
}

#[test]
fn broken_blocks_keep_what_came_before() {
    let cases = [
        ("82 80", Error::Index),
        ("82 400a 6375", Error::Truncated),
        ("82 ffff ffff ffff ff", Error::Integer),
        ("82 0001 6181 00", Error::Huffman),
    ];
    for (hex, error) in cases {
        let mut decoder = Decoder::new();
        let (fields, result) = decode(&mut decoder, &unhex(hex));
        assert_eq!((fields, result), (vec![known(":method", "GET")], Err(error)), "{hex}");
        assert!(!decoder.is_whole(), "{hex}");
    }
}

#[test]
fn an_encoder_with_a_huge_table_costs_bounded_memory() {
    let mut decoder = Decoder::new();
    // A limit of nearly 4 GiB, then an entry larger than what is kept.
    decode(&mut decoder, &unhex("3fe0 ffff ff0f")).1.unwrap();
    let mut block = unhex("4003 782d 617f 81ff 03");
    block.extend(std::iter::repeat_n(b'v', 0x1_0000));
    decode(&mut decoder, &block).1.unwrap();
    assert_eq!(decode(&mut decoder, &unhex("be")).0, [(None, None)]);
    assert!(!decoder.is_whole());
}
