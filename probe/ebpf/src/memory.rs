//! What lies in the observed process's memory.

use aya_ebpf::helpers::generated::bpf_probe_read_user;

/// So many words.
#[inline(always)]
pub fn words<const WORDS: usize>(at: u64) -> Option<[u64; WORDS]> {
    let mut words = [0u64; WORDS];
    // SAFETY: writes the array's size to it; the helper copes with any address.
    let failed =
        unsafe { bpf_probe_read_user((&raw mut words).cast(), 8 * WORDS as u32, at as *const _) };
    (failed == 0).then_some(words)
}

/// A word; 0 where there is none.
#[inline(always)]
pub fn word(at: u64) -> u64 {
    let [word] = words(at).unwrap_or([0]);
    word
}
