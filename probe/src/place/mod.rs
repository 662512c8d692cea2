//! Where to put a probe: the place decides what a call costs.
//!
//! Under a uprobe the kernel emulates `push reg`, `call rel32`, `jmp`, `jcc` and
//! `nop`, and single-steps every other instruction, which costs some thirty
//! times as much. So a probe goes to an emulated instruction wherever the
//! arguments are still in place there (`straight`), or into the internal
//! function to which a public one hands its arguments (`walk`).

#[cfg(target_arch = "x86_64")]
mod body;
#[cfg(target_arch = "x86_64")]
mod emulated;
#[cfg(target_arch = "x86_64")]
mod fields;
#[cfg(target_arch = "x86_64")]
mod marks;
#[cfg(target_arch = "x86_64")]
mod straight;
#[cfg(target_arch = "x86_64")]
mod walk;

#[cfg(not(target_arch = "x86_64"))]
mod entry_only;

#[cfg(target_arch = "x86_64")]
pub use body::{Body, Immediates};
#[cfg(target_arch = "x86_64")]
pub(crate) use emulated::is_emulated;
#[cfg(not(target_arch = "x86_64"))]
pub use entry_only::{straight, walk};
#[cfg(target_arch = "x86_64")]
pub use fields::fields;
#[cfg(target_arch = "x86_64")]
pub use marks::{Marks, marks};
#[cfg(target_arch = "x86_64")]
pub use straight::straight;
#[cfg(target_arch = "x86_64")]
pub(crate) use straight::writes;
#[cfg(target_arch = "x86_64")]
pub use walk::walk;

use crate::Placement;

/// A place within one function, as distances from its first instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of the entry probe, and of the return probe where there is one.
    pub at: u64,
    /// What kind of place it is.
    pub placement: Placement,
    /// The instruction there and why it was taken, for people.
    pub reason: String,
}

/// What a probe needs to find in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// How many integer arguments must still be in their registers.
    pub arguments: u8,
    /// The return is probed too, so the return address must still be on top of
    /// the stack.
    pub returns: bool,
}

/// What a register holds, as far as following the code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// The function's argument with this number (0 is the first), perhaps sign
    /// extended.
    Argument(u8),
    /// An address in the function's stack frame.
    Frame,
    /// Zero.
    Zero,
    /// Anything else.
    Unknown,
}

/// A call or tail jump to a fixed place, and what its argument registers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// The callee's address.
    pub target: u64,
    /// `target` is the address of a word that holds the callee's.
    pub indirect: bool,
    /// The first six integer arguments (System V AMD64 ABI).
    pub arguments: [Value; 6],
}
