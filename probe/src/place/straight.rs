//! The first emulated instruction on the straight path from a function's entry.

use iced_x86::{
    Decoder, DecoderOptions, Formatter, Instruction, InstructionInfoFactory, Mnemonic,
    NasmFormatter, OpAccess, OpKind, Register,
};

use super::emulated::is_emulated;
use super::{Needs, Place};
use crate::Placement;

/// How many instructions are looked at.
const REACH: usize = 16;

/// The registers of the System V AMD64 ABI's integer arguments, in order.
pub(super) const ARGUMENTS: [Register; 6] =
    [Register::RDI, Register::RSI, Register::RDX, Register::RCX, Register::R8, Register::R9];

/// Chooses a place in the function whose code starts with `code`, and goes on
/// as far as `code` does.
pub fn straight(code: &[u8], needs: Needs) -> Place {
    let stepped = |why: &str| Place {
        at: 0,
        placement: Placement::Stepped,
        reason: format!("{why}; single-stepped at the entry"),
    };
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut info = InstructionInfoFactory::new();
    let mut first = None;
    for _ in 0..REACH {
        if !decoder.can_decode() {
            break;
        }
        let instruction = decoder.decode();
        let at = instruction.ip();
        let name = *first.get_or_insert(instruction);
        let range = at as usize..instruction.next_ip() as usize;
        let Some(bytes) = code.get(range).filter(|_| !instruction.is_invalid()) else {
            break;
        };
        if is_emulated(&instruction, bytes) {
            if at == 0 {
                return Place {
                    at,
                    placement: Placement::Emulated,
                    reason: format!("the first instruction, `{}`, is emulated", text(&name)),
                };
            }
            if is_jumped_to(code, at) {
                return stepped("a loop comes back to the first emulated instruction");
            }
            return Place {
                at,
                placement: Placement::Later,
                reason: format!(
                    "`{}` at +{at:#x} is emulated, the first instruction, `{}`, is not",
                    text(&instruction),
                    text(&name)
                ),
            };
        }
        if instruction.is_jmp_short_or_near()
            || instruction.flow_control() != iced_x86::FlowControl::Next
        {
            return stepped("the path leaves the function before an emulated instruction");
        }
        if instruction.mnemonic() != Mnemonic::Endbr64 {
            let used = info.info(&instruction);
            for register in used.used_registers() {
                if !writes(register.access()) {
                    continue;
                }
                let full = register.register().full_register();
                let needed = &ARGUMENTS[..usize::from(needs.arguments).min(6)];
                if needed.contains(&full) {
                    return stepped("an argument is overwritten before an emulated instruction");
                }
                if needs.returns && full == Register::RSP {
                    return stepped("the stack moves before an emulated instruction");
                }
            }
        }
    }
    stepped("no emulated instruction near the entry")
}

/// Whether a register or memory is written, or may be.
pub(crate) fn writes(access: OpAccess) -> bool {
    !matches!(access, OpAccess::None | OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess)
}

/// Whether a branch within `code` leads to somewhere after the entry and not
/// behind `at`: the place would be passed more than once a call.
fn is_jumped_to(code: &[u8], at: u64) -> bool {
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        let branch = instruction.op_count() == 1
            && instruction.op0_kind() == OpKind::NearBranch64
            && !instruction.is_call_near();
        if branch && (1..=at).contains(&instruction.near_branch64()) {
            return true;
        }
    }
    false
}

/// Branch targets mean nothing to a reader, and are left out.
fn text(instruction: &Instruction) -> String {
    if instruction.op0_kind() == OpKind::NearBranch64 {
        return format!("{:?}", instruction.mnemonic()).to_lowercase();
    }
    let mut text = String::new();
    NasmFormatter::new().format(instruction, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: &[u8], arguments: u8, returns: bool, at: u64, placement: Placement) {
        let place = straight(code, Needs { arguments, returns });
        assert_eq!((place.at, place.placement), (at, placement), "{code:02x?}: {place:?}");
    }

    #[test]
    fn transfers() {
        let check = |code: &[u8], at, placement| check(code, 4, true, at, placement);
        // push r14; push rbp
        check(&[0x41, 0x56, 0x55], 0, Placement::Emulated);
        check(&[0x55], 0, Placement::Emulated);
        // endbr64; push rbp: the return address is still on top
        check(&[0xf3, 0x0f, 0x1e, 0xfa, 0x55], 4, Placement::Later);
        // test edx,edx; js
        check(&[0x85, 0xd2, 0x78, 0x10], 2, Placement::Later);
        // sub rsp,0x18; call: the return address is buried
        check(&[0x48, 0x83, 0xec, 0x18, 0xe8, 0, 0, 0, 0], 0, Placement::Stepped);
        // mov r8,rcx; xor ecx,ecx; jmp: the fourth argument is gone
        check(&[0x49, 0x89, 0xc8, 0x31, 0xc9, 0xeb, 0x10], 0, Placement::Stepped);
        // xor edx,edx (a 32-bit write clears the whole register)
        check(&[0x31, 0xd2, 0x55], 0, Placement::Stepped);
        // push qword [rax]; push fs; pushw ax: not the emulated push
        check(&[0xff, 0x30], 0, Placement::Stepped);
        check(&[0x66, 0x50], 0, Placement::Stepped);
        // jmp short, jmp rel32, jne rel32, nop
        check(&[0xeb, 0x10], 0, Placement::Emulated);
        check(&[0xe9, 0, 0, 0, 0], 0, Placement::Emulated);
        check(&[0x0f, 0x85, 0, 0, 0, 0], 0, Placement::Emulated);
        check(&[0x90], 0, Placement::Emulated);
        // jmp rax, ret, pause, callw
        check(&[0xff, 0xe0], 0, Placement::Stepped);
        check(&[0xc3], 0, Placement::Stepped);
        check(&[0x66, 0xe8, 0, 0, 0, 0], 0, Placement::Stepped);
        // mov rax,rdi; push rbx; ...; jmp back to the push
        check(&[0x48, 0x89, 0xf8, 0x53, 0xeb, 0xfd], 0, Placement::Stepped);
        // cut off, nothing, rubbish
        check(&[0x48, 0x83], 0, Placement::Stepped);
        check(&[], 0, Placement::Stepped);
        check(&[0x06, 0x06], 0, Placement::Stepped);
    }

    #[test]
    fn entry_only() {
        // sub rsp,8; call: nobody needs the return address
        check(&[0x48, 0x83, 0xec, 8, 0xe8, 0, 0, 0, 0], 1, false, 4, Placement::Later);
        // test rdi,rdi; je
        check(&[0x48, 0x85, 0xff, 0x74, 0x10], 1, false, 3, Placement::Later);
        // mov esi,1; push rbx: the second argument is not needed, then is
        check(&[0xbe, 1, 0, 0, 0, 0x53], 1, false, 5, Placement::Later);
        check(&[0xbe, 1, 0, 0, 0, 0x53], 2, false, 0, Placement::Stepped);
    }
}
