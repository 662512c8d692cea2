use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn framed(flags: u8, message: &[u8]) -> Vec<u8> {
    [&[flags], &(message.len() as u32).to_be_bytes()[..], message].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Messages, what comes after them with `end ` before it.
fn units(parser: &mut Parser, pieces: &[&[u8]]) -> Vec<String> {
    let mut units = Vec::new();
    for piece in pieces {
        parser.push(piece, &mut |unit| {
            units.push(match unit {
                Unit::Message(bytes) => bytes.escape_ascii().to_string(),
                Unit::End(bytes) => format!("end {}", bytes.escape_ascii()),
            });
        });
    }
    units
}

#[test]
fn any_cut_reads_the_same() {
    let stream = [
        framed(0, b"one"),
        framed(0, b""),
        framed(1, &gzip(b"three")),
        framed(3, &gzip(b"{\"a\":1}")),
    ]
    .concat();
    for at in 0..=stream.len() {
        for coding in ["gzip", "GZIP ", ""] {
            let mut parser = Parser::new(Family::Connect, coding, 100);
            let (before, after) = stream.split_at(at);
            let expected = ["one", "", "three", "end {\\\"a\\\":1}"];
            assert_eq!(units(&mut parser, &[before, after]), expected, "cut at {at}");
            assert_eq!((parser.uncut(), parser.is_cut()), (0, false));
            assert_eq!(parser.problem(), None);
        }
    }
    let mut parser = Parser::new(Family::GrpcWeb, "", 100);
    let web = [framed(0, b"one"), framed(0x80, b"grpc-status: 0\r\n")].concat();
    assert_eq!(units(&mut parser, &[&web]), ["one", "end grpc-status: 0\\r\\n"]);
}

#[test]
fn what_cannot_be_cut_is_counted() {
    for (family, flags) in [(Family::Grpc, 2), (Family::GrpcWeb, 2), (Family::Connect, 0x80)] {
        let stream = [framed(0, b"one"), framed(flags, b"two"), framed(0, b"three")].concat();
        let mut parser = Parser::new(family, "", 100);
        assert_eq!(units(&mut parser, &[&stream]), ["one"]);
        assert_eq!(parser.uncut(), 18);
    }
}

#[test]
fn what_is_too_long_is_passed_over() {
    let bomb = gzip(&[0; 100 << 10]);
    let stream = [framed(0, &[7; 200]), framed(1, &bomb), framed(0, b"3")].concat();
    for size in [1, 7, 1 << 20] {
        let mut parser = Parser::new(Family::Grpc, "gzip", 199);
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        assert_eq!(units(&mut parser, &pieces), ["3"]);
        assert_eq!(parser.dropped(), 1);
        assert_eq!(parser.problem(), Some("gzip: decompression bomb"));
    }
}

#[test]
fn nothing_comes_after_the_end() {
    let end = framed(0x80, b"grpc-status: 0\r\n");
    let stream = [framed(0, b"one"), end.clone(), end.clone(), framed(0, b"two")].concat();
    for size in [1, 7, 1 << 20] {
        let mut parser = Parser::new(Family::GrpcWeb, "", 100);
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        assert_eq!(units(&mut parser, &pieces), ["one", "end grpc-status: 0\\r\\n"]);
        assert_eq!(parser.uncut(), end.len() as u64 + 8);
    }
}

/// Each of them might be a message, all of them are a bomb.
#[test]
fn messages_share_one_allowance() {
    let dense = zstd::encode_all(&[0; 90 << 10][..], 19).unwrap();
    let stream = framed(1, &dense).repeat(20);
    let mut parser = Parser::new(Family::Grpc, "zstd", 100 << 10);
    let told = units(&mut parser, &[&stream]).len();
    assert!((1..=2).contains(&told), "{told}");
    assert_eq!(parser.problem(), Some("zstd: decompression bomb"));
    // What is as dense as text may be takes nothing of it.
    let text = framed(1, &gzip("to be or not to be ".repeat(500).as_bytes()));
    let mut parser = Parser::new(Family::Grpc, "gzip", 100 << 10);
    let all = text.repeat(200);
    assert_eq!(units(&mut parser, &[&all]).len(), 200);
}

#[test]
fn a_message_that_cannot_be_decompressed_is_told_of() {
    let mut torn = gzip(b"two");
    torn.truncate(15);
    let stream = [framed(0, b"1"), framed(1, &torn), framed(0, b"3")].concat();
    for coding in ["gzip", "snappy", "deflate"] {
        let mut parser = Parser::new(Family::Grpc, coding, 100);
        assert_eq!(units(&mut parser, &[&stream]), ["1", "3"]);
        assert!(parser.problem().is_some(), "{coding}");
    }
}

#[test]
fn a_hole_within_a_message_costs_that_message() {
    let stream = [framed(0, b"one"), framed(0, b"second"), framed(0, b"3")].concat();
    for from in 1..stream.len() {
        for to in from + 1..stream.len() {
            let mut parser = Parser::new(Family::Grpc, "", 100);
            let mut told = units(&mut parser, &[&stream[..from]]);
            parser.hole(Some((to - from) as u64));
            told.extend(units(&mut parser, &[&stream[to..]]));
            let inside = |begin, end| from >= begin && to <= end;
            let expected: &[&str] = match from {
                _ if inside(5, 8) => &["second", "3"],
                _ if inside(13, 19) => &["one", "3"],
                8.. if from < 19 => &["one"],
                19.. => &["one", "second"],
                _ => &[],
            };
            assert_eq!(told, expected, "{from} to {to}");
        }
    }
    let mut parser = Parser::new(Family::Grpc, "", 100);
    units(&mut parser, &[&stream[..6]]);
    parser.hole(None);
    assert!(units(&mut parser, &[&stream[6..]]).is_empty());
}

proptest! {
    #[test]
    fn any_stream_comes_apart(
        messages in prop::collection::vec(("[a-z]{0,40}", any::<bool>()), 0..6),
        size in 1..30usize,
    ) {
        let stream: Vec<u8> = messages
            .iter()
            .flat_map(|(message, compress)| match compress {
                true => framed(1, &gzip(message.as_bytes())),
                false => framed(0, message.as_bytes()),
            })
            .collect();
        let mut parser = Parser::new(Family::Grpc, "gzip", 1000);
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        let expected: Vec<String> = messages.into_iter().map(|(message, _)| message).collect();
        prop_assert_eq!(units(&mut parser, &pieces), expected);
        prop_assert!(!parser.is_cut());
    }

    #[test]
    fn any_bytes_are_survived(bytes in any::<Vec<u8>>(), size in 1..30usize) {
        let mut parser = Parser::new(Family::Connect, "gzip", 1000);
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        units(&mut parser, &pieces);
    }
}
