//! Follows a small function and says which calls it makes with what.

use std::collections::HashSet;

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind,
    Register,
};

use super::straight::{ARGUMENTS, writes};
use super::{Call, Value};

/// Instructions looked at, over all paths.
const BUDGET: usize = 512;
/// Paths waiting to be followed.
const MAX_PATHS: usize = 64;
/// The longest x86 instruction.
const LONGEST: usize = 15;

/// The direct calls and tail jumps that the function at `entry` can make, on
/// both sides of its branches, each with the values of its argument registers.
/// `code` reads bytes at an address.
///
/// A jump is followed as well as reported: whether it stays in the function is
/// not known. Where the budget ends, so does the answer: what it names is true,
/// what it does not name may still be called.
pub fn walk(entry: u64, code: impl Fn(u64, usize) -> Vec<u8>) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut seen = HashSet::new();
    let mut paths = vec![(entry, Registers::at_entry())];
    let mut budget = BUDGET;
    let mut info = InstructionInfoFactory::new();
    let mut window = Window { code, start: 0, bytes: Vec::new() };
    while let Some((mut ip, mut registers)) = paths.pop() {
        while budget > 0 && seen.insert((ip, registers)) {
            budget -= 1;
            let Some(instruction) = window.decode(ip) else {
                break;
            };
            ip = instruction.next_ip();
            let direct =
                instruction.op_count() == 1 && instruction.op0_kind() == OpKind::NearBranch64;
            match instruction.flow_control() {
                FlowControl::Next => registers.step(&instruction, &mut info),
                FlowControl::Call => {
                    if direct {
                        calls.push(registers.call(instruction.near_branch64()));
                    }
                    registers.clobber();
                }
                FlowControl::IndirectCall => {
                    calls.extend(registers.slot_call(&instruction));
                    registers.clobber();
                }
                FlowControl::IndirectBranch => {
                    calls.extend(registers.slot_call(&instruction));
                    break;
                }
                FlowControl::ConditionalBranch if direct => {
                    if paths.len() < MAX_PATHS {
                        paths.push((instruction.near_branch64(), registers));
                    }
                }
                FlowControl::UnconditionalBranch if direct => {
                    ip = instruction.near_branch64();
                    calls.push(registers.call(ip));
                }
                _ => break,
            }
        }
    }
    calls
}

/// A piece of code, read once.
struct Window<F> {
    code: F,
    start: u64,
    bytes: Vec<u8>,
}

impl<F: Fn(u64, usize) -> Vec<u8>> Window<F> {
    fn decode(&mut self, ip: u64) -> Option<Instruction> {
        let inside = ip
            .checked_sub(self.start)
            .and_then(|d| usize::try_from(d).ok())
            .filter(|d| d + LONGEST <= self.bytes.len());
        let at = match inside {
            Some(at) => at,
            None => {
                self.start = ip;
                self.bytes = (self.code)(ip, 512);
                0
            }
        };
        let bytes = self.bytes.get(at..).filter(|b| !b.is_empty())?;
        let mut decoder = Decoder::with_ip(64, bytes, ip, DecoderOptions::NONE);
        let instruction = decoder.decode();
        (!instruction.is_invalid()).then_some(instruction)
    }
}

/// What the sixteen general registers hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Registers([Value; 16]);

impl Registers {
    fn at_entry() -> Self {
        let mut this = Self([Value::Unknown; 16]);
        for (number, register) in (0_u8..).zip(ARGUMENTS) {
            this.set(register, Value::Argument(number));
        }
        this.set(Register::RSP, Value::Frame);
        this
    }

    fn slot(register: Register) -> Option<usize> {
        register.is_gpr().then(|| register.full_register().number())
    }

    fn of(&self, register: Register) -> Value {
        Self::slot(register).map_or(Value::Unknown, |i| self.0[i])
    }

    fn set(&mut self, register: Register, value: Value) {
        if let Some(i) = Self::slot(register) {
            self.0[i] = value;
        }
    }

    fn call(&self, target: u64) -> Call {
        Call { target, indirect: false, arguments: ARGUMENTS.map(|r| self.of(r)) }
    }

    /// `call [rip+slot]`, `jmp [rip+slot]`.
    fn slot_call(&self, instruction: &Instruction) -> Option<Call> {
        let call = self.call(instruction.memory_displacement64());
        instruction.is_ip_rel_memory_operand().then_some(Call { indirect: true, ..call })
    }

    /// A call keeps rbx, rbp, rsp and r12 to r15 only.
    fn clobber(&mut self) {
        use Register::{R8, R9, R10, R11, RAX, RCX, RDI, RDX, RSI};
        for register in [RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11] {
            self.set(register, Value::Unknown);
        }
    }

    fn step(&mut self, instruction: &Instruction, info: &mut InstructionInfoFactory) {
        let target = instruction.op0_register();
        if let Some(value) = self.known(instruction) {
            self.set(target, value);
            return;
        }
        for used in info.info(instruction).used_registers() {
            let register = used.register().full_register();
            // Pushes and frame set-up move the stack pointer within the frame.
            if writes(used.access()) && register != Register::RSP {
                self.set(register, Value::Unknown);
            }
        }
    }

    /// The value that `instruction` leaves in its first operand, for the few
    /// forms by which compilers pass arguments on.
    fn known(&self, instruction: &Instruction) -> Option<Value> {
        let target = instruction.op0_register();
        let source = instruction.op1_register();
        match instruction.mnemonic() {
            Mnemonic::Mov | Mnemonic::Movsxd
                if instruction.op1_kind() == OpKind::Register && target.size() == 8 =>
            {
                Some(self.of(source))
            }
            // A 32-bit move keeps a zero and the lower half of an `int`.
            Mnemonic::Mov
                if instruction.op1_kind() == OpKind::Register
                    && target.is_gpr32()
                    && !matches!(self.of(source), Value::Frame) =>
            {
                Some(self.of(source))
            }
            Mnemonic::Mov
                if target.size() >= 4
                    && target.is_gpr()
                    && is_immediate(instruction)
                    && instruction.immediate(1) == 0 =>
            {
                Some(Value::Zero)
            }
            Mnemonic::Xor | Mnemonic::Sub
                if instruction.op1_kind() == OpKind::Register
                    && target == source
                    && target.size() >= 4
                    && target.is_gpr() =>
            {
                Some(Value::Zero)
            }
            Mnemonic::Lea
                if target.size() == 8 && self.of(instruction.memory_base()) == Value::Frame =>
            {
                Some(Value::Frame)
            }
            _ => None,
        }
    }
}

fn is_immediate(instruction: &Instruction) -> bool {
    matches!(
        instruction.op1_kind(),
        OpKind::Immediate8
            | OpKind::Immediate32
            | OpKind::Immediate64
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use Value::{Argument, Frame, Unknown, Zero};

    fn calls(bytes: &[u8]) -> Vec<Call> {
        walk(0x1000, |at, length| {
            let from = at.checked_sub(0x1000).map_or(usize::MAX, |d| d as usize);
            let rest = bytes.get(from..).unwrap_or_default();
            rest[..rest.len().min(length)].to_vec()
        })
    }

    #[test]
    fn arguments_are_followed() {
        // sub rsp,0x18; test edx,edx; js +0xd; lea rcx,[rsp+8]; movsxd rdx,edx;
        // call +0x100; add rsp,0x18; ret: OpenSSL 1.1's SSL_write
        let found = calls(&[
            0x48, 0x83, 0xec, 0x18, 0x85, 0xd2, 0x78, 0x12, 0x48, 0x8d, 0x4c, 0x24, 0x08, 0x48,
            0x63, 0xd2, 0xe8, 0x00, 0x01, 0x00, 0x00, 0x48, 0x83, 0xc4, 0x18, 0xc3,
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].target, 0x1115);
        assert_eq!(found[0].arguments[..4], [Argument(0), Argument(1), Argument(2), Frame]);
    }

    #[test]
    fn tail_jumps_are_followed() {
        // mov r8,rcx; xor ecx,ecx; jmp 1; int3; sub rsp,8; call 0: SSL_write_ex of 3.3
        let found = calls(&[
            0x49, 0x89, 0xc8, 0x31, 0xc9, 0xeb, 0x01, 0xcc, 0x48, 0x83, 0xec, 0x08, 0xe8, 0, 0, 0,
            0, 0xc3,
        ]);
        let arguments = [Argument(0), Argument(1), Argument(2), Zero, Argument(3)];
        assert_eq!(found.len(), 2);
        for (call, target) in found.iter().zip([0x1008, 0x1011]) {
            assert_eq!(call.target, target);
            assert_eq!(call.arguments[..5], arguments);
        }
    }

    #[test]
    fn slots_are_named() {
        // call [rip+0x10]; jmp [rip+0x10]; call rax is not told
        let found = calls(&[0xff, 0x15, 0x10, 0, 0, 0, 0xff, 0xd0, 0xff, 0x25, 0x10, 0, 0, 0]);
        let slots: Vec<_> = found.iter().map(|c| (c.target, c.indirect)).collect();
        assert_eq!(slots, [(0x1016, true), (0x101e, true)]);
    }

    #[test]
    fn calls_and_writes_forget() {
        // call 0; call 0: after the first nothing is known of the arguments
        let found = calls(&[0xe8, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0xc3]);
        assert_eq!(found[1].arguments, [Unknown; 6]);
        // mov rdi,[rdi]; call 0
        let found = calls(&[0x48, 0x8b, 0x3f, 0xe8, 0, 0, 0, 0, 0xc3]);
        assert_eq!(found[0].arguments[0], Unknown);
        // push rbx; mov rbx,rdi; mov rdi,rbx; call: through a kept register
        let found = calls(&[0x53, 0x48, 0x89, 0xfb, 0x48, 0x89, 0xdf, 0xe8, 0, 0, 0, 0, 0xc3]);
        assert_eq!(found[0].arguments[0], Argument(0));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2048)) {
            proptest::prop_assert!(calls(&bytes).len() <= BUDGET);
        }
    }
}
