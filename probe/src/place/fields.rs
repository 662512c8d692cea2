//! Which fields of what an argument points to a function uses.

use std::collections::{BTreeSet, HashSet};

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind,
    Register,
};

use super::straight::{ARGUMENTS, writes};

/// Instructions looked at, over all paths.
const BUDGET: usize = 16_384;

/// At which distances a function reads or writes memory to which its argument with
/// the number `argument` points (0 is the first). `code` are its bytes, all and no
/// others, or as many as there are.
///
/// The code is read from its start to its end, jumps or not: of a register or place
/// in the stack frame that held the argument, whatever is done with it further down
/// counts, until something else is written to it. Then from the target of each jump,
/// with what held the argument there: rare cases lie behind the rest. That is what
/// compilers make of a pointer that is used and then forgotten; it proves nothing by
/// itself.
pub fn fields(code: &[u8], argument: usize) -> BTreeSet<i64> {
    let mut info = InstructionInfoFactory::new();
    let mut fields = BTreeSet::new();
    let holders = Holders {
        registers: ARGUMENTS.get(argument).copied().into_iter().collect(),
        places: BTreeSet::new(),
    };
    let mut paths = vec![(0, holders)];
    let mut known = HashSet::new();
    let mut budget = BUDGET;
    while let Some((start, mut holders)) = paths.pop() {
        let Some(rest) = usize::try_from(start).ok().and_then(|start| code.get(start..)) else {
            continue;
        };
        for instruction in Decoder::with_ip(64, rest, start, DecoderOptions::NONE).iter() {
            if instruction.is_invalid() || budget == 0 {
                break;
            }
            budget -= 1;
            fields.extend(holders.step(&instruction, &mut info));
            let jumps = matches!(
                instruction.flow_control(),
                FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
            );
            let target = instruction.near_branch_target();
            if jumps && !holders.is_empty() && known.insert((target, holders.clone())) {
                paths.push((target, holders.clone()));
            }
            let ends = matches!(
                instruction.flow_control(),
                FlowControl::UnconditionalBranch
                    | FlowControl::IndirectBranch
                    | FlowControl::Return
                    | FlowControl::Exception
            );
            if start > 0 && ends || holders.is_empty() {
                break;
            }
        }
    }
    fields
}

/// What holds the argument at a place in the code.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Holders {
    registers: BTreeSet<Register>,
    /// In the stack frame.
    places: BTreeSet<(Register, u64)>,
}

impl Holders {
    fn is_empty(&self) -> bool {
        self.registers.is_empty() && self.places.is_empty()
    }

    /// Goes past an instruction. Answers with the fields that it uses.
    fn step(&mut self, instruction: &Instruction, info: &mut InstructionInfoFactory) -> Vec<i64> {
        let used = info.info(instruction);
        let through = used.used_memory().iter().filter(|memory| {
            self.registers.contains(&memory.base()) && memory.index() == Register::None
        });
        let fields = through.map(|memory| memory.displacement().cast_signed()).collect();
        let moves = instruction.mnemonic() == Mnemonic::Mov;
        let place = moves.then(|| frame(instruction)).flatten();
        let holds = match (instruction.op1_kind(), place) {
            (OpKind::Register, _) => self.registers.contains(&instruction.op1_register()),
            (OpKind::Memory, Some(place)) => self.places.contains(&place),
            _ => false,
        };
        for register in used.used_registers() {
            if writes(register.access()) {
                self.registers.remove(&register.register().full_register());
            }
        }
        match (instruction.op0_kind(), place) {
            (OpKind::Register, _) if moves && holds => {
                self.registers.insert(instruction.op0_register());
            }
            (OpKind::Memory, Some(place)) if holds => {
                self.places.insert(place);
            }
            (OpKind::Memory, Some(place)) => {
                self.places.remove(&place);
            }
            _ => {}
        }
        fields
    }
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
        // What is behind the rest: cmp qword [rdx],0; mov rbp,rdx; jne +3; xor ebp,ebp; ret;
        // mov rax,[rbp+0x18]; ret
        let code = [
            0x48, 0x83, 0x3a, 0x00, 0x48, 0x89, 0xd5, 0x75, 0x03, 0x31, 0xed, 0xc3, 0x48, 0x8b,
            0x45, 0x18, 0xc3,
        ];
        check(&code, 2, &[0, 0x18]);
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
