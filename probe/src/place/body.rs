//! The instructions of a function whose size nobody tells.

use std::collections::BTreeMap;
use std::ops::Range;

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register,
};

use super::straight::ARGUMENTS;

/// Instructions followed.
const BUDGET: usize = 4096;

/// What of a function can be reached from its entry without a call or a jump out
/// of its bounds.
#[derive(Clone, Debug, Default)]
pub struct Body {
    instructions: BTreeMap<u64, Instruction>,
}

/// The immediate values in argument registers where a call is prepared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Immediates {
    /// `edi`, `esi`, `edx`, `ecx`, `r8d`, `r9d`.
    pub arguments: [Option<u32>; 6],
    /// Which of them the instruction that was asked about sets.
    pub holder: Option<usize>,
}

impl Body {
    /// Follows the function that begins with `bounds` and does not leave them;
    /// `code` holds their bytes, or as many as there are.
    pub fn follow(bounds: Range<u64>, code: &[u8]) -> Self {
        let mut instructions = BTreeMap::new();
        let mut waiting = vec![bounds.start];
        while let Some(mut ip) = waiting.pop() {
            while bounds.contains(&ip) && instructions.len() < BUDGET {
                if instructions.contains_key(&ip) {
                    break;
                }
                let into = usize::try_from(ip - bounds.start).unwrap_or(usize::MAX);
                let Some(bytes) = code.get(into..).filter(|b| !b.is_empty()) else { break };
                let instruction = Decoder::with_ip(64, bytes, ip, DecoderOptions::NONE).decode();
                if instruction.is_invalid() {
                    break;
                }
                instructions.insert(ip, instruction);
                let direct =
                    instruction.op_count() == 1 && instruction.op0_kind() == OpKind::NearBranch64;
                ip = instruction.next_ip();
                match instruction.flow_control() {
                    FlowControl::Next | FlowControl::Call | FlowControl::IndirectCall => {}
                    FlowControl::ConditionalBranch if direct => {
                        waiting.push(instruction.near_branch64());
                    }
                    FlowControl::UnconditionalBranch if direct => {
                        ip = instruction.near_branch64();
                    }
                    _ => break,
                }
            }
        }
        Self { instructions }
    }

    /// Whether one of the instructions holds the byte at `address`.
    pub fn holds(&self, address: u64) -> bool {
        self.at(address).is_some()
    }

    /// The targets of direct calls and of jumps to other functions.
    pub fn callees(&self) -> impl Iterator<Item = u64> {
        let direct = |i: &&Instruction| i.op_count() == 1 && i.op0_kind() == OpKind::NearBranch64;
        let targets = self.instructions.values().filter(direct).map(Instruction::near_branch64);
        targets.filter(|target| !self.instructions.contains_key(target))
    }

    /// The addresses that it takes of what lies elsewhere in its file.
    pub fn mentions(&self) -> impl Iterator<Item = u64> {
        let relative =
            |i: &&Instruction| i.mnemonic() == Mnemonic::Lea && i.is_ip_rel_memory_operand();
        self.instructions.values().filter(relative).map(Instruction::ip_rel_memory_address)
    }

    /// Whether it writes to memory other than its own stack frame.
    pub fn stores(&self) -> bool {
        let mut info = InstructionInfoFactory::new();
        let mut stores = |instruction: &Instruction| {
            let used = info.info(instruction);
            used.used_memory().iter().any(|memory| {
                let writes = matches!(
                    memory.access(),
                    OpAccess::Write
                        | OpAccess::ReadWrite
                        | OpAccess::CondWrite
                        | OpAccess::ReadCondWrite
                );
                writes && memory.base() != Register::RSP && memory.base() != Register::RBP
            })
        };
        // `push` and `call` write through the stack pointer.
        self.instructions.values().any(&mut stores)
    }

    /// What the argument registers are set to around the instruction that holds
    /// the byte at `address`, back to where its straight piece of code begins and
    /// on to the call or jump that ends it.
    pub fn immediates(&self, address: u64) -> Option<Immediates> {
        /// Far more than a call's preparation takes.
        const REACH: usize = 12;
        let at = self.at(address)?.ip();
        let mut found = Immediates::default();
        let ends = |i: &Instruction| i.flow_control() != FlowControl::Next;
        let before = self.instructions.range(..at).rev().take(REACH);
        let before: Vec<_> = before.map(|(_, i)| i).take_while(|i| !ends(i)).collect();
        let after = self.straight(at).take(REACH).take_while(|i| !ends(i));
        for instruction in before.into_iter().rev().chain(after) {
            let target = instruction.op0_register().full_register();
            let Some(slot) = ARGUMENTS.iter().position(|&r| r == target) else { continue };
            // A comparison's first operand is a register, too.
            if !matches!(instruction.mnemonic(), Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Push) {
                found.arguments[slot] = value(instruction);
            }
            if instruction.ip() == at {
                found.holder = Some(slot);
            }
        }
        Some(found)
    }

    /// The instructions from `at` on as they are executed, jumps left out, up to a
    /// call, a return or a choice, and that.
    fn straight(&self, at: u64) -> impl Iterator<Item = &Instruction> {
        let jump = |i: &Instruction| {
            i.flow_control() == FlowControl::UnconditionalBranch
                && i.op0_kind() == OpKind::NearBranch64
        };
        let mut next = self.instructions.get(&at);
        let path = std::iter::from_fn(move || {
            let instruction = next?;
            let to =
                if jump(instruction) { instruction.near_branch64() } else { instruction.next_ip() };
            next = self.instructions.get(&to);
            Some(instruction)
        });
        // A circle of jumps has no end of its own.
        path.take(BUDGET).filter(move |i| !jump(i))
    }

    fn at(&self, address: u64) -> Option<&Instruction> {
        let (_, instruction) = self.instructions.range(..=address).next_back()?;
        (address < instruction.next_ip()).then_some(instruction)
    }
}

/// The constant that an instruction leaves in its first operand.
fn value(instruction: &Instruction) -> Option<u32> {
    let same = instruction.op1_register() == instruction.op0_register();
    match instruction.mnemonic() {
        Mnemonic::Xor if instruction.op1_kind() == OpKind::Register && same => Some(0),
        Mnemonic::Mov => match instruction.op1_kind() {
            OpKind::Immediate32 => Some(instruction.immediate32()),
            OpKind::Immediate32to64 => u32::try_from(instruction.immediate32to64()).ok(),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(code: &[u8]) -> Body {
        Body::follow(0x1000..0x1000 + code.len() as u64, code)
    }

    #[test]
    fn what_is_reached() {
        // je +2; push rbx; ret; (int3); mov [rax],rcx; jmp out
        let body =
            body(&[0x74, 0x03, 0x53, 0xc3, 0xcc, 0x48, 0x89, 0x08, 0xe9, 0x00, 0x10, 0x00, 0x00]);
        for (address, held) in [(0x1000, true), (0x1001, true), (0x1003, true), (0x1004, false)] {
            assert_eq!(body.holds(address), held, "{address:#x}");
        }
        assert!(body.stores());
        assert_eq!(body.callees().collect::<Vec<_>>(), [0x200d]);
    }

    #[test]
    fn frames_are_no_stores() {
        // push rbx; sub rsp,8; mov [rsp],rax; mov [rbp-8],rax; call; ret
        let body = body(&[
            0x53, 0x48, 0x83, 0xec, 0x08, 0x48, 0x89, 0x04, 0x24, 0x48, 0x89, 0x45, 0xf8, 0xe8, 0,
            0, 0, 0, 0xc3,
        ]);
        assert!(body.holds(0x1012));
        assert!(!body.stores());
    }

    #[test]
    fn preparations() {
        // ret; mov edx,1; jmp; mov edi,16; xor esi,esi; lea rcx,[rip]; mov edx,0x42;
        // mov r8d,931; call; mov r9d,1
        let code = [
            0x74, 0x07, 0xba, 0x01, 0, 0, 0, 0xeb, 0x00, 0xbf, 0x10, 0, 0, 0, 0x31, 0xf6, 0x48,
            0x8d, 0x0d, 0, 0, 0, 0, 0xba, 0x42, 0, 0, 0, 0x41, 0xb8, 0xa3, 3, 0, 0, 0xe8, 0, 0, 0,
            0, 0x41, 0xb9, 1, 0, 0, 0,
        ];
        let found = body(&code).immediates(0x1013).unwrap();
        assert_eq!(found.arguments, [Some(16), Some(0), Some(0x42), None, Some(931), None]);
        assert_eq!(found.holder, Some(3));
        assert_eq!(body(&code).immediates(0x2000), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(code in proptest::collection::vec(proptest::num::u8::ANY, 0..2048)) {
            let body = body(&code);
            body.stores();
            for address in 0x1000..0x1000 + code.len() as u64 {
                body.immediates(address);
            }
            proptest::prop_assert!(body.callees().count() <= BUDGET);
        }
    }
}
