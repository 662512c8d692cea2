//! Header compression through its public door: the examples of RFC 7541, and
//! streams of blocks joined at every block, against a published decoder.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::collections::VecDeque;

use llmtop_parsers::http2::hpack::{Decoder, Error};
use proptest::prelude::*;

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

/// Decodes the blocks of one connection and compares with `name: value` lines.
fn check(blocks: &[(&str, &[&str])]) {
    let mut decoder = Decoder::new();
    for (hex, lines) in blocks {
        let expected: Vec<Seen> = lines
            .iter()
            .map(|line| {
                let (name, value) = line[1..].split_once(": ").unwrap();
                known(&line[..=name.len()], value)
            })
            .collect();
        let (fields, result) = decode(&mut decoder, &unhex(hex));
        assert_eq!(result, Ok(()), "{hex}");
        assert_eq!(fields, expected, "{hex}");
        assert!(decoder.is_whole());
    }
}

#[test]
fn rfc7541_c2_fields() {
    check(&[(
        "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
        &["custom-key: custom-header"],
    )]);
    check(&[("040c 2f73 616d 706c 652f 7061 7468", &[":path: /sample/path"])]);
    check(&[("1008 7061 7373 776f 7264 0673 6563 7265 74", &["password: secret"])]);
    check(&[("82", &[":method: GET"])]);
}

const REQUESTS: [&[&str]; 3] = [
    &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    &[
        ":method: GET",
        ":scheme: http",
        ":path: /",
        ":authority: www.example.com",
        "cache-control: no-cache",
    ],
    &[
        ":method: GET",
        ":scheme: https",
        ":path: /index.html",
        ":authority: www.example.com",
        "custom-key: custom-value",
    ],
];

#[test]
fn rfc7541_c3_requests() {
    check(&[
        ("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", REQUESTS[0]),
        ("8286 84be 5808 6e6f 2d63 6163 6865", REQUESTS[1]),
        ("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", REQUESTS[2]),
    ]);
}

#[test]
fn rfc7541_c4_requests_with_huffman() {
    check(&[
        ("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", REQUESTS[0]),
        ("8286 84be 5886 a8eb 1064 9cbf", REQUESTS[1]),
        ("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", REQUESTS[2]),
    ]);
}

const RESPONSES: [&[&str]; 3] = [
    &[
        ":status: 302",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:21 GMT",
        "location: https://www.example.com",
    ],
    &[
        ":status: 307",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:21 GMT",
        "location: https://www.example.com",
    ],
    &[
        ":status: 200",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:22 GMT",
        "location: https://www.example.com",
        "content-encoding: gzip",
        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
];

/// The examples of C.5 and C.6 evict: their table holds 256 octets. Here the
/// encoder says so itself, as it must (RFC 7541 section 4.2).
const TABLE_OF_256: &str = "3fe1 01";

#[test]
fn rfc7541_c5_responses() {
    check(&[
        (
            &format!(
                "{TABLE_OF_256} 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63
                 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777
                 2e65 7861 6d70 6c65 2e63 6f6d"
            ),
            RESPONSES[0],
        ),
        ("4803 3330 37c1 c0bf", RESPONSES[1]),
        (
            "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0
             5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851
             5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
            RESPONSES[2],
        ),
    ]);
}

#[test]
fn rfc7541_c6_responses_with_huffman() {
    check(&[
        (
            &format!(
                "{TABLE_OF_256} 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504
                 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3"
            ),
            RESPONSES[0],
        ),
        ("4883 640e ffc1 c0bf", RESPONSES[1]),
        (
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad
             94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160
             65c0 03ed 4ee5 b106 3d50 07",
            RESPONSES[2],
        ),
    ]);
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

/// How a field is to be sent.
#[derive(Clone, Debug)]
enum Form {
    /// By index if the table has it, else added to it.
    Indexed,
    Added,
    NotAdded,
    NeverAdded,
}

#[derive(Clone, Debug)]
enum Step {
    Field { name: usize, value: usize, form: Form },
    Resize(usize),
}

const NAMES: [&str; 7] =
    [":path", ":status", "authorization", "content-type", "x-api-key", "x-request-id", "x"];

fn value(number: usize) -> String {
    format!("value-{number}-").repeat(number % 7)
}

/// Always known, whenever one joined.
const ALWAYS: usize = usize::MAX;

/// A field with the latest block at which one may join and know its name, and
/// its value.
#[derive(Clone)]
struct Sent {
    name: (String, usize),
    value: (String, usize),
}

/// An encoder that obeys its instructions rather than saves octets.
struct Encoder {
    table: VecDeque<Sent>,
    limit: usize,
    block: usize,
}

impl Encoder {
    fn new() -> Self {
        Encoder { table: VecDeque::new(), limit: 4096, block: 0 }
    }

    fn encode(&mut self, steps: &[Step]) -> (Vec<u8>, Vec<Sent>) {
        let mut out = Vec::new();
        let sent = steps.iter().filter_map(|step| self.step(&mut out, step)).collect();
        self.block += 1;
        (out, sent)
    }

    fn integer(out: &mut Vec<u8>, pattern: u8, prefix: u32, value: usize) {
        let mask = (1usize << prefix) - 1;
        if value < mask {
            out.push(pattern | value as u8);
            return;
        }
        out.push(pattern | mask as u8);
        let mut rest = value - mask;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    fn string(out: &mut Vec<u8>, text: &str) {
        Self::integer(out, 0, 7, text.len());
        out.extend(text.as_bytes());
    }

    fn evict(&mut self) {
        let size = |entry: &Sent| entry.name.0.len() + entry.value.0.len() + 32;
        while self.table.iter().map(size).sum::<usize>() > self.limit {
            self.table.pop_back();
        }
    }

    fn step(&mut self, out: &mut Vec<u8>, step: &Step) -> Option<Sent> {
        let (name, value, form) = match step {
            Step::Resize(limit) => {
                self.limit = *limit;
                self.evict();
                Self::integer(out, 0x20, 5, self.limit);
                return None;
            }
            Step::Field { name, value: number, form } => (NAMES[*name], value(*number), form),
        };
        let whole = self.table.iter().position(|sent| sent.name.0 == name && sent.value.0 == value);
        let (named, since) = match name {
            ":path" => (4, ALWAYS),
            ":status" => (8, ALWAYS),
            "authorization" => (23, ALWAYS),
            _ => match self.table.iter().position(|sent| sent.name.0 == name) {
                Some(at) => (at + 62, self.table[at].name.1),
                None => (0, ALWAYS),
            },
        };
        let (pattern, prefix) = match (form, whole) {
            (Form::Indexed, Some(at)) => {
                Self::integer(out, 0x80, 7, at + 62);
                return Some(self.table[at].clone());
            }
            (Form::Indexed | Form::Added, _) => (0x40, 6),
            (Form::NotAdded, _) => (0x00, 4),
            (Form::NeverAdded, _) => (0x10, 4),
        };
        Self::integer(out, pattern, prefix, named);
        if named == 0 {
            Self::string(out, name);
        }
        Self::string(out, &value);
        if pattern == 0x40 {
            self.table.push_front(Sent {
                name: (name.into(), since.min(self.block)),
                value: (value.clone(), self.block),
            });
            self.evict();
        }
        Some(Sent { name: (name.into(), since), value: (value, ALWAYS) })
    }
}

fn step() -> impl Strategy<Value = Step> {
    let form = prop_oneof![
        6 => Just(Form::Indexed),
        2 => Just(Form::Added),
        1 => Just(Form::NotAdded),
        1 => Just(Form::NeverAdded),
    ];
    (0..NAMES.len(), 0..12usize, form).prop_map(|(name, value, form)| Step::Field {
        name,
        value,
        form,
    })
}

/// Blocks, each with the size updates that may begin it.
fn blocks() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let resize = prop_oneof![Just(0usize), 40..400usize, Just(4096)].prop_map(Step::Resize).boxed();
    let resizes = prop_oneof![
        4 => Just(Vec::new()),
        1 => proptest::collection::vec(resize, 1..3),
    ];
    let block = (resizes, proptest::collection::vec(step(), 1..8))
        .prop_map(|(resizes, steps)| [resizes, steps].concat());
    proptest::collection::vec(block, 1..14)
}

proptest! {
    #[test]
    fn joined_at_every_block_exactly_what_was_sent_since_is_known(blocks in blocks()) {
        let mut encoder = Encoder::new();
        let blocks: Vec<_> = blocks.iter().map(|steps| encoder.encode(steps)).collect();
        let mut oracle = loona_hpack::Decoder::new();
        for (block, sent) in &blocks {
            let truth = oracle.decode(block).unwrap();
            let sent = sent.iter().map(|sent| (sent.name.0.as_bytes(), sent.value.0.as_bytes()));
            prop_assert!(truth.iter().map(|(n, v)| (&n[..], &v[..])).eq(sent));
        }
        for joined in 0..blocks.len() {
            let mut decoder = if joined == 0 { Decoder::new() } else { Decoder::midway() };
            for (block, sent) in &blocks[joined..] {
                let expected: Vec<Seen> = sent
                    .iter()
                    .map(|Sent { name, value }| {
                        (
                            (name.1 >= joined).then(|| name.0.clone().into()),
                            (value.1 >= joined).then(|| value.0.clone().into()),
                        )
                    })
                    .collect();
                prop_assert_eq!(decode(&mut decoder, block), (expected, Ok(())));
            }
        }
    }

    #[test]
    fn a_published_encoder_is_understood(lists in proptest::collection::vec(
        proptest::collection::vec((0..NAMES.len(), 0..12usize), 0..8), 1..14)) {
        let mut encoder = loona_hpack::Encoder::new();
        let blocks: Vec<_> = lists
            .iter()
            .map(|list| {
                let fields: Vec<_> =
                    list.iter().map(|&(name, number)| (NAMES[name], value(number))).collect();
                (encoder.encode(fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()))), fields)
            })
            .collect();
        for joined in 0..blocks.len() {
            let mut decoder = if joined == 0 { Decoder::new() } else { Decoder::midway() };
            for (block, fields) in &blocks[joined..] {
                let (seen, result) = decode(&mut decoder, block);
                prop_assert_eq!(result, Ok(()));
                prop_assert_eq!(seen.len(), fields.len());
                for ((seen_name, seen_value), (name, value)) in seen.iter().zip(fields) {
                    let equal = |seen: &Option<Vec<u8>>, truth: &str| {
                        seen.as_deref().map_or(joined > 0, |seen| seen == truth.as_bytes())
                    };
                    prop_assert!(equal(seen_name, name) && equal(seen_value, value));
                }
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(blocks: Vec<Vec<u8>>) {
        for mut decoder in [Decoder::new(), Decoder::midway()] {
            for block in &blocks {
                let _ = decode(&mut decoder, block);
            }
        }
    }
}
