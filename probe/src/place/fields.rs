//! Which fields of what an argument points to a function uses.

use std::collections::BTreeSet;

use iced_x86::{
    Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register,
};

use super::straight::{ARGUMENTS, writes};

/// Instructions looked at.
const BUDGET: usize = 4096;

/// At which distances a function reads or writes memory to which its argument with
/// the number `argument` points (0 is the first). `code` are its bytes, all and no
/// others, or as many as there are.
///
/// The code is read from its start to its end, jumps or not: of a register or place
/// in the stack frame that held the argument, whatever is done with it further down
/// counts, until something else is written to it. That is what compilers make of a
/// pointer that is used and then forgotten; it proves nothing by itself.
pub fn fields(code: &[u8], argument: usize) -> BTreeSet<i64> {
    let mut info = InstructionInfoFactory::new();
    let mut holders: BTreeSet<Register> = ARGUMENTS.get(argument).copied().into_iter().collect();
    let mut places = BTreeSet::new();
    let mut fields = BTreeSet::new();
    for instruction in Decoder::with_ip(64, code, 0, DecoderOptions::NONE).iter().take(BUDGET) {
        if instruction.is_invalid() {
            break;
        }
        let used = info.info(&instruction);
        for memory in used.used_memory() {
            if holders.contains(&memory.base()) && memory.index() == Register::None {
                fields.insert(memory.displacement().cast_signed());
            }
        }
        let moves = instruction.mnemonic() == Mnemonic::Mov;
        let place = moves.then(|| frame(&instruction)).flatten();
        let holds = match (instruction.op1_kind(), place) {
            (OpKind::Register, _) => holders.contains(&instruction.op1_register()),
            (OpKind::Memory, Some(place)) => places.contains(&place),
            _ => false,
        };
        for register in used.used_registers() {
            if writes(register.access()) {
                holders.remove(&register.register().full_register());
            }
        }
        match (instruction.op0_kind(), place) {
            (OpKind::Register, _) if moves && holds => {
                holders.insert(instruction.op0_register());
            }
            (OpKind::Memory, Some(place)) if holds => {
                places.insert(place);
            }
            (OpKind::Memory, Some(place)) => {
                places.remove(&place);
            }
            _ => {}
        }
    }
    fields
}

/// The place in the stack frame that an instruction reads or writes.
fn frame(instruction: &Instruction) -> Option<(Register, u64)> {
    let base = instruction.memory_base();
    let is_frame = base == Register::RSP || base == Register::RBP;
    (is_frame && instruction.memory_index() == Register::None)
        .then(|| (base, instruction.memory_displacement64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &[u8], argument: usize, expected: &[i64]) {
        let found: Vec<_> = fields(code, argument).into_iter().collect();
        assert_eq!(found, expected, "{code:02x?}");
    }

    #[test]
    fn followed() {
        // mov rax,[rdx+0x10]; mov rbx,rdx; mov rdx,rcx; mov rax,[rdx]; mov rax,[rbx+0x18]
        let code = [
            0x48, 0x8b, 0x42, 0x10, 0x48, 0x89, 0xd3, 0x48, 0x89, 0xca, 0x48, 0x8b, 0x02, 0x48,
            0x8b, 0x43, 0x18,
        ];
        check(&code, 2, &[0x10, 0x18]);
        // Of it, rcx is a holder from the start on: mov rax,[rdx] counts there.
        check(&code, 3, &[0]);
        check(&code, 0, &[]);
        // mov [rsp+8],rdx; xor edx,edx; mov rax,[rsp+8]; cmp qword [rax],0
        let code = [
            0x48, 0x89, 0x54, 0x24, 0x08, 0x31, 0xd2, 0x48, 0x8b, 0x44, 0x24, 0x08, 0x48, 0x83,
            0x38, 0x00,
        ];
        check(&code, 2, &[0]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(code in proptest::collection::vec(proptest::num::u8::ANY, 0..2048)) {
            for argument in 0..8 {
                fields(&code, argument);
            }
        }
    }
}
