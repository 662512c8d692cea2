//! Streams of blocks, joined at every block, against a published decoder and
//! of a published encoder.

use llmtop_parsers::http2::hpack::Decoder;
use proptest::prelude::*;

use crate::encoder::{Encoder, Form, NAMES, Sent, Step, value};
use crate::{Seen, decode};

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
