//! How llmtop attaches where the kernel has links for many places: what is compared with
//! it does so, too.

use aya::Ebpf;

#[path = "../../src/object/multi.rs"]
mod multi;
#[path = "../../src/object/sys.rs"]
mod sys;

pub(crate) use multi::Multi;

/// The programs of `bytes` in that form, where the kernel has it.
pub(crate) fn multi(bytes: &[u8], bpf: &Ebpf) -> Option<Multi> {
    Multi::prepare(bytes, bpf).ok()
}
