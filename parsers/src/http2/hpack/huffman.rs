//! The static Huffman code (RFC 7541 section 5.2 and appendix B).
//!
//! The code is canonical, so the lengths of its codes say all of it: sorted by
//! length and then by symbol, codes count upwards. The tables are worked out
//! from them at compile time: one look-up decides codes of up to [`FAST`]
//! bits, which is nearly all text, and the first code of each length decides
//! the rest.

use super::Error;

/// Bits decided by one look-up.
const FAST: u32 = 10;
const LONGEST: usize = 30;
/// The symbol that never occurs; its first bits are the padding.
const END: u16 = 256;

/// Bits of the code of each symbol.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

struct Tables {
    /// By the next [`FAST`] bits: the symbol and the length of its code; a
    /// length of 0 means a longer code.
    fast: [(u8, u8); 1 << FAST],
    /// By length: the first code longer than that, left-aligned in 32 bits.
    end: [u64; LONGEST + 1],
    /// By length: what to add to a code to get its place in `symbols`.
    place: [i64; LONGEST + 1],
    /// Sorted by code.
    symbols: [u16; 257],
}

static TABLES: Tables = tables();

const fn tables() -> Tables {
    let mut tables = Tables {
        fast: [(0, 0); 1 << FAST],
        end: [0; LONGEST + 1],
        place: [0; LONGEST + 1],
        symbols: [0; 257],
    };
    let mut code: u64 = 0;
    let mut sorted = 0;
    let mut length = 1;
    while length <= LONGEST {
        code <<= 1;
        tables.place[length] = sorted as i64 - code as i64;
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                tables.symbols[sorted] = symbol as u16;
                if length <= FAST as usize {
                    let spare = FAST as usize - length;
                    let mut low = 0;
                    while low < 1 << spare {
                        tables.fast[((code as usize) << spare) + low] =
                            (symbol as u8, length as u8);
                        low += 1;
                    }
                }
                sorted += 1;
                code += 1;
            }
            symbol += 1;
        }
        tables.end[length] = code << (32 - length);
        length += 1;
    }
    tables
}

/// Decodes a whole string, at most 8/5 as long as `input`.
///
/// The rest of the last byte must be padding: fewer than eight bits, all ones.
pub(super) fn decode(input: &[u8]) -> Result<Vec<u8>, Error> {
    let mut output = Vec::with_capacity(input.len() + input.len() / 2);
    let mut input = input.iter();
    // The next bits, left-aligned, with zeros behind them.
    let mut bits: u64 = 0;
    let mut held: u32 = 0;
    loop {
        while held <= 56 {
            let Some(&byte) = input.next() else { break };
            bits |= u64::from(byte) << (56 - held);
            held += 8;
        }
        let (mut symbol, mut length) = TABLES.fast[(bits >> (64 - FAST)) as usize];
        if length == 0 {
            let (long, bits) = long_code((bits >> 32) as u32);
            if long == END {
                // Twenty-three ones and more: padding is shorter than that,
                // and the zeros behind the input are not ones.
                return Err(Error::Huffman);
            }
            (symbol, length) = (long as u8, bits);
        }
        let length = u32::from(length);
        if length > held {
            break;
        }
        output.push(symbol);
        bits <<= length;
        held -= length;
    }
    let padding = !(u64::MAX >> held);
    if held < 8 && bits == padding { Ok(output) } else { Err(Error::Huffman) }
}

/// The symbol whose code begins `window`, and the code's length.
fn long_code(window: u32) -> (u16, u8) {
    let mut length = FAST as usize + 1;
    while length < LONGEST && u64::from(window) >= TABLES.end[length] {
        length += 1;
    }
    let code = i64::from(window >> (32 - length));
    let place = usize::try_from(code + TABLES.place[length]).unwrap_or(usize::MAX);
    // Past the last code there are only more ones: the end symbol again.
    (TABLES.symbols.get(place).copied().unwrap_or(END), length as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of a symbol, left-aligned, from the sorted table.
    fn code(symbol: u16) -> (u32, u32) {
        let place = TABLES.symbols.iter().position(|&s| s == symbol).unwrap() as i64;
        let length = u32::from(LENGTHS[usize::from(symbol)]);
        ((place - TABLES.place[length as usize]) as u32, length)
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // Appendix B, one line of each kind and the two ends.
        let cases = [
            (u16::from(b'0'), 0x0, 5),
            (u16::from(b'a'), 0x3, 5),
            (u16::from(b' '), 0x14, 6),
            (u16::from(b':'), 0x5c, 7),
            (u16::from(b'X'), 0xfc, 8),
            (u16::from(b'!'), 0x3f8, 10),
            (u16::from(b'#'), 0xffa, 12),
            (u16::from(b'\\'), 0x7fff0, 19),
            (0, 0x1ff8, 13),
            (255, 0x3ff_ffee, 26),
            (10, 0x3fff_fffc, 30),
            (END, 0x3fff_ffff, 30),
        ];
        for (symbol, bits, length) in cases {
            assert_eq!(code(symbol), (bits, length), "symbol {symbol}");
        }
    }

    #[test]
    fn every_symbol_decodes_alone() {
        for symbol in 0..256u16 {
            let (code, length) = code(symbol);
            let padded = length.div_ceil(8) * 8;
            let bits = (u64::from(code) << (padded - length)) | ((1 << (padded - length)) - 1);
            let bytes = bits.to_be_bytes();
            let input = &bytes[8 - padded as usize / 8..];
            assert_eq!(decode(input), Ok(vec![symbol as u8]), "symbol {symbol}");
        }
    }

    proptest::proptest! {
        #[test]
        fn strings(text: Vec<u8>) {
            let (mut bytes, mut bits, mut held) = (Vec::new(), 0u64, 0);
            for &octet in &text {
                let (code, length) = code(u16::from(octet));
                (bits, held) = (bits << length | u64::from(code), held + length);
                while held >= 8 {
                    held -= 8;
                    bytes.push((bits >> held) as u8);
                }
            }
            if held > 0 {
                bytes.push((bits << (8 - held)) as u8 | (0xff >> held));
            }
            proptest::prop_assert_eq!(decode(&bytes), Ok(text));
        }
    }

    #[test]
    fn padding() {
        let ok: [(&[u8], &[u8]); 2] = [(&[], b""), (&[0b0001_1111], b"a")];
        for (input, expected) in ok {
            assert_eq!(decode(input), Ok(expected.to_vec()), "{input:x?}");
        }
        let broken: [&[u8]; 6] = [
            &[0b0001_1110],
            &[0b0001_1000],
            &[0xff],
            &[0b0001_1111, 0xff],
            &[0xff, 0xff, 0xff, 0xff],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ];
        for input in broken {
            assert_eq!(decode(input), Err(Error::Huffman), "{input:x?}");
        }
    }
}
