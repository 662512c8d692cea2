//! What few functions do, and so tells one apart.

use std::collections::BTreeSet;

use iced_x86::{Decoder, DecoderOptions, Mnemonic, OpKind};

/// See [`marks`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The constants that something is compared with.
    pub compared: BTreeSet<u64>,
    /// The bytes of a word are turned around.
    pub turns_bytes: bool,
    /// The functions that are called, or jumped to.
    pub callees: BTreeSet<u64>,
}

/// What a function does somewhere that begins at `start`. `code` are its bytes, which are
/// read to their end, or to the first that is no instruction: where a table of jumps leads,
/// it goes on.
pub fn marks(start: u64, code: &[u8]) -> Marks {
    let mut marks = Marks::default();
    let own = start..start.saturating_add(code.len() as u64);
    let decoder = Decoder::with_ip(64, code, start, DecoderOptions::NONE);
    for instruction in decoder.into_iter().take_while(|i| !i.is_invalid()) {
        let target = instruction.near_branch_target();
        if target != 0 && !own.contains(&target) {
            marks.callees.insert(target);
        }
        match instruction.mnemonic() {
            Mnemonic::Cmp if is_constant(instruction.op1_kind()) => {
                marks.compared.insert(instruction.immediate(1));
            }
            Mnemonic::Bswap | Mnemonic::Movbe => marks.turns_bytes = true,
            _ => {}
        }
    }
    marks
}

fn is_constant(operand: OpKind) -> bool {
    use OpKind::{
        Immediate8, Immediate8to16, Immediate8to32, Immediate8to64, Immediate16, Immediate32,
        Immediate32to64,
    };
    matches!(
        operand,
        Immediate8
            | Immediate8to16
            | Immediate8to32
            | Immediate8to64
            | Immediate16
            | Immediate32
            | Immediate32to64
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seen() {
        // bswap rcx; jmp rax; cmp rdx,0x4001; cmp byte [rdi],5; je +0; call +0x100; ret
        let code = [
            0x48, 0x0f, 0xc9, 0xff, 0xe0, 0x48, 0x81, 0xfa, 0x01, 0x40, 0, 0, 0x80, 0x3f, 0x05,
            0x74, 0x00, 0xe8, 0x00, 0x01, 0x00, 0x00, 0xc3,
        ];
        let compared = [5, 0x4001].into();
        let expected = Marks { compared, turns_bytes: true, callees: [0x1116].into() };
        assert_eq!(marks(0x1000, &code), expected);
        // cmp rdi,rsi; rubbish; bswap rcx
        assert_eq!(marks(0, &[0x48, 0x39, 0xf7, 0x06, 0x48, 0x0f, 0xc9]), Marks::default());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(code in proptest::collection::vec(proptest::num::u8::ANY, 0..2048)) {
            marks(0, &code);
        }
    }
}
