//! Which instructions the kernel emulates under a uprobe
//! (`arch/x86/kernel/uprobes.c`, `branch_setup_xol_ops` and `push_setup_xol_ops`).

use iced_x86::{Code, FlowControl, Instruction, OpKind};

/// Whether the kernel emulates `instruction`, whose bytes are `bytes`.
///
/// Only what every kernel since 5.0 emulates: multi-byte `nop`s, emulated since
/// 6.18, are not counted.
pub(crate) fn is_emulated(instruction: &Instruction, bytes: &[u8]) -> bool {
    match instruction.code() {
        Code::Push_r64 => matches!(bytes, [0x50..=0x57] | [0x41, 0x50..=0x57]),
        Code::Nopd => bytes == [0x90],
        Code::Call_rel32_64 => bytes.first() == Some(&0xe8),
        _ => {
            let near =
                instruction.op_count() == 1 && instruction.op0_kind() == OpKind::NearBranch64;
            let jump = matches!(bytes, [0xeb | 0xe9 | 0x70..=0x7f, ..] | [0x0f, 0x80..=0x8f, ..]);
            let flow = instruction.flow_control();
            near && jump
                && matches!(flow, FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch)
        }
    }
}
