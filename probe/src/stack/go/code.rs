//! The code of one of Go's functions: where it is entered, where it returns, and
//! where it keeps its arguments.
//!
//! Arguments and results are in registers since Go 1.17 (`cmd/compile/abi-internal.md`):
//! the receiver in `rax`, the slice in `rbx`, `rcx`, `rdi`; of the results the length
//! in `rax`. Above the return address the caller leaves room for the arguments, in
//! their order. Between functions there is nothing but padding, and in them nothing
//! but instructions.

use std::collections::BTreeSet;

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic,
    OpKind, Register,
};

use super::table::Extent;
use crate::elf::Elf;
use crate::place::{is_emulated, writes};
use crate::{Abi, Placement, Site};

/// Larger functions are not looked at.
const MAX_SIZE: u64 = 64 << 10;
/// Read of a function to see how it begins.
pub(super) const BEGINNING: usize = 16;
/// `cmp rsp, [r14+0x10]`: is there room on the goroutine's stack?
const SMALL_FRAME: [u8; 4] = [0x49, 0x3b, 0x66, 0x10];
/// `cmp r12, [r14+0x10]`, after `lea r12, [rsp-x]` with one byte, or four.
const LARGE_FRAME: [u8; 4] = [0x4d, 0x3b, 0x66, 0x10];
const LEA_NEAR: [u8; 4] = [0x4c, 0x8d, 0x64, 0x24];
const LEA_FAR: [u8; 4] = [0x4c, 0x8d, 0xa4, 0x24];
/// Where a function finds the first two words of its arguments' room, from where its
/// return address is.
const ROOM: std::ops::Range<i64> = 8..24;

/// Whether code begins as that of Go's functions does which look for room.
pub(super) fn is_beginning(code: &[u8]) -> bool {
    let large = |lea: [u8; 4], distance: usize| {
        code.starts_with(&lea)
            && code.get(4 + distance..).is_some_and(|c| c.starts_with(&LARGE_FRAME))
    };
    code.starts_with(&SMALL_FRAME) || large(LEA_NEAR, 1) || large(LEA_FAR, 4)
}

/// One of Go's functions.
#[derive(Debug)]
pub(super) struct Function {
    address: u64,
    code: Vec<u8>,
    instructions: Vec<Instruction>,
    /// By how much its frame lowers the stack pointer.
    frame: i64,
}

impl Function {
    /// Reads a function. `base`: where all code begins.
    ///
    /// # Errors
    /// What about its code is not as it has to be, for people.
    pub(super) fn read(elf: &Elf, base: u64, extent: Extent) -> Result<Self, String> {
        let size =
            extent.end.checked_sub(extent.start).filter(|size| (1..=MAX_SIZE).contains(size));
        let address = base.checked_add(extent.start).filter(|&address| elf.is_code(address));
        let (Some(size), Some(address)) = (size, address) else {
            return Err("its code is not where the table says".to_owned());
        };
        let code = elf.at(address, size as usize);
        let mut decoder = Decoder::with_ip(64, &code, address, DecoderOptions::NONE);
        let instructions: Vec<Instruction> = decoder.iter().collect();
        if code.len() as u64 != size || instructions.iter().any(Instruction::is_invalid) {
            return Err("its code cannot be followed".to_owned());
        }
        // Whoever read them otherwise would jump between them.
        let starts: BTreeSet<u64> = instructions.iter().map(Instruction::ip).collect();
        let inside = address..address + size;
        let mut targets =
            instructions.iter().filter(|i| is_branch(i)).map(Instruction::near_branch64);
        if targets.any(|target| inside.contains(&target) && !starts.contains(&target)) {
            return Err("its code jumps into an instruction".to_owned());
        }
        let frame = instructions.iter().take_while(straight()).map(lowers).sum();
        Ok(Self { address, code, instructions, frame })
    }

    /// Where to probe it.
    ///
    /// # Errors
    /// Why that is not possible, for people.
    pub(super) fn site(&self, elf: &Elf, name: &str) -> Result<Site, String> {
        let (function, needs): (_, &[Register]) = match name.rsplit('.').next() {
            Some("Write") => (crate::Function::Write, &WRITE),
            Some("Read") => (crate::Function::Read, &RECEIVER),
            Some("Close") => (crate::Function::Free, &RECEIVER),
            _ => (crate::Function::Handshake, &RECEIVER),
        };
        let moves = matches!(function, crate::Function::Write | crate::Function::Read);
        let returns = if moves { self.returns()? } else { Vec::new() };
        let spilled = function == crate::Function::Read;
        if spilled {
            self.keeps_arguments()?;
        }
        let (at, placement, entry) = self.entry(needs);
        let count = returns.len();
        let (abi, at, placement, reason) = match function {
            crate::Function::Read => (
                Abi::Spilled,
                0,
                Placement::Returns,
                format!(
                    "at its {count} `ret`, each single-stepped, where its arguments are above its \
                     return address"
                ),
            ),
            crate::Function::Write => (
                Abi::Goroutine,
                at,
                placement,
                format!("{entry}; and at its {count} `ret`, each single-stepped"),
            ),
            _ => (Abi::None, at, placement, entry),
        };
        let offset = |address: u64| elf.offset_of(address).ok_or("its code is not in the file");
        let entry = offset(self.address + at)?;
        let returns = returns.into_iter().map(offset).collect::<Result<_, _>>()?;
        let symbol = name.to_owned();
        Ok(Site { function, abi, symbol, entry, start: entry, returns, placement, reason })
    }

    /// The first emulated instruction at which `needs` hold what they held at the
    /// entry, else the entry. Either may run twice a call: where the stack has to
    /// grow, the function begins again.
    fn entry(&self, needs: &[Register]) -> (u64, Placement, String) {
        let mut info = InstructionInfoFactory::new();
        for instruction in &self.instructions {
            let at = instruction.ip() - self.address;
            let bytes = self.code.get(at as usize..).unwrap_or_default();
            let bytes = bytes.get(..instruction.len()).unwrap_or_default();
            if is_emulated(instruction, bytes) && !self.comes_back(instruction.ip()) {
                let name = format!("{:?}", instruction.mnemonic()).to_lowercase();
                let placement = if at == 0 { Placement::Emulated } else { Placement::Later };
                return (at, placement, format!("`{name}` at +{at:#x} is emulated"));
            }
            let used = info.info(instruction).used_registers();
            let changes = |r: &Register| {
                used.iter().any(|u| writes(u.access()) && u.register().full_register() == *r)
            };
            if instruction.flow_control() != FlowControl::Next || needs.iter().any(changes) {
                break;
            }
        }
        let reason = "no emulated instruction near the entry; single-stepped there";
        (0, Placement::Stepped, reason.to_owned())
    }

    /// Whether a branch leads to somewhere after the entry, and not behind `place`.
    fn comes_back(&self, place: u64) -> bool {
        let mut branches = self.instructions.iter().filter(|i| is_branch(i));
        branches.any(|i| (self.address + 1..=place).contains(&i.near_branch64()))
    }

    /// Where it returns, its frame gone.
    fn returns(&self) -> Result<Vec<u64>, String> {
        let returns = self.instructions.iter().enumerate().filter(|(_, i)| is_return(i));
        let returns: Vec<usize> = returns.map(|(n, _)| n).collect();
        for &at in &returns {
            let before = self.instructions[..at].iter().rev();
            let raised: i64 = before.take_while(|i| is_leaving(i)).map(lowers).sum();
            if raised != -self.frame {
                return Err("what it does with its stack is not understood".to_owned());
            }
        }
        if returns.is_empty() {
            return Err("it does not return".to_owned());
        }
        Ok(returns.into_iter().map(|at| self.instructions[at].ip()).collect())
    }

    /// Whether it keeps its receiver and its buffer above its return address before
    /// it calls anybody, and nothing else there ever.
    fn keeps_arguments(&self) -> Result<(), String> {
        let mut info = InstructionInfoFactory::new();
        let room = ROOM.start + self.frame..ROOM.end + self.frame;
        let kept = |register: Register, at: i64| {
            let mut path = self.instructions.iter().take_while(straight());
            let mut depth = 0;
            path.find(|i| {
                depth += lowers(i);
                depth == self.frame && is_store(i, register, at)
            })
            .map(Instruction::ip)
        };
        let untouched = |register: Register, until: u64| {
            let mut info = InstructionInfoFactory::new();
            let before = self.instructions.iter().take_while(|i| i.ip() < until);
            let mut used = before.flat_map(|i| info.info(i).used_registers().to_vec());
            !used.any(|u| writes(u.access()) && u.register().full_register() == register)
        };
        let receiver = kept(Register::RAX, room.start).filter(|&at| untouched(Register::RAX, at));
        let buffer = kept(Register::RBX, room.start + 8).filter(|&at| untouched(Register::RBX, at));
        let (Some(receiver), Some(buffer)) = (receiver, buffer) else {
            return Err("it does not keep its arguments above its return address".to_owned());
        };
        for instruction in &self.instructions {
            if [receiver, buffer].contains(&instruction.ip()) {
                continue;
            }
            let takes = instruction.mnemonic() == Mnemonic::Lea
                && instruction.memory_base() == Register::RSP
                && room.contains(&(instruction.memory_displacement64() as i64));
            let used = info.info(instruction);
            let changes = used.used_memory().iter().any(|memory| {
                let at = memory.displacement() as i64;
                let overlaps =
                    at < room.end && at + memory.memory_size().size() as i64 > room.start;
                let unknown = memory.index() != Register::None;
                let frame = memory.base() == Register::RSP && (overlaps || unknown);
                writes(memory.access()) && (frame || memory.base() == Register::RBP)
            });
            if takes || changes {
                return Err("it changes its arguments above its return address".to_owned());
            }
        }
        Ok(())
    }
}

const RECEIVER: [Register; 1] = [Register::RAX];
/// The receiver, the buffer, its length, the frame and the goroutine.
const WRITE: [Register; 5] =
    [Register::RAX, Register::RBX, Register::RCX, Register::RSP, Register::R14];

/// Holds until the path from the entry divides, or leaves, but for the first choice:
/// whether there is room on the stack.
fn straight() -> impl FnMut(&&Instruction) -> bool {
    let mut choices = 0;
    move |instruction| match instruction.flow_control() {
        FlowControl::Next => true,
        FlowControl::ConditionalBranch => {
            choices += 1;
            choices == 1
        }
        _ => false,
    }
}

/// By how much an instruction lowers the stack pointer, as far as functions do on
/// their way in and out.
fn lowers(instruction: &Instruction) -> i64 {
    let by = || match instruction.op1_kind() {
        OpKind::Immediate8to64 => instruction.immediate8to64(),
        OpKind::Immediate32to64 => instruction.immediate32to64(),
        _ => 0,
    };
    let stack = instruction.op0_register() == Register::RSP;
    match instruction.mnemonic() {
        Mnemonic::Push => 8,
        Mnemonic::Pop => -8,
        Mnemonic::Sub if stack => by(),
        Mnemonic::Add if stack => -by(),
        _ => 0,
    }
}

/// `mov [rsp+at], register`
fn is_store(instruction: &Instruction, register: Register, at: i64) -> bool {
    instruction.code() == Code::Mov_rm64_r64
        && instruction.op0_kind() == OpKind::Memory
        && instruction.memory_base() == Register::RSP
        && instruction.memory_index() == Register::None
        && instruction.memory_displacement64() as i64 == at
        && instruction.op1_register() == register
}

/// Whether it belongs to the taking away of a frame, or is padding in between.
fn is_leaving(instruction: &Instruction) -> bool {
    lowers(instruction) < 0 || instruction.mnemonic() == Mnemonic::Nop
}

fn is_return(instruction: &Instruction) -> bool {
    instruction.code() == Code::Retnq
}

fn is_branch(instruction: &Instruction) -> bool {
    instruction.op_count() == 1
        && instruction.op0_kind() == OpKind::NearBranch64
        && !instruction.is_call_near()
}

/// Where functions may begin in some code.
pub(super) fn beginnings(code: &[u8]) -> impl Iterator<Item = usize> {
    /// Go's functions begin at multiples of it.
    const ALIGNMENT: usize = 16;
    (0..code.len()).step_by(ALIGNMENT).filter(|&at| is_beginning(&code[at..]))
}
