//! The kernel programs, embedded and loaded.

mod multi;
mod sys;

use aya::{Ebpf, EbpfLoader};
use llmtop_probe_common::{Offsets, Settings, names};

use crate::Error;
pub(crate) use multi::Multi;

/// The committed object of this architecture; `cargo xtask bpf build` makes it.
#[cfg(target_arch = "x86_64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../bpf/llmtop-x86_64.o");
#[cfg(target_arch = "aarch64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../bpf/llmtop-aarch64.o");
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("kernel programs exist for x86_64 and aarch64");

/// What may be chosen before loading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Patched into the programs.
    pub(crate) settings: Settings,
    /// Patched into the programs.
    pub(crate) offsets: Offsets,
    /// Size of the ring buffer: a power of two, whole pages.
    pub(crate) ring_bytes: u32,
}

/// Creates the maps and prepares the programs; none is in the kernel yet. Uprobes are
/// prepared twice where the kernel can have many places of a file in one link.
pub(crate) fn load(options: &Options) -> Result<(Ebpf, Option<Multi>), Error> {
    let settings = SettingsPod(options.settings);
    let offsets = OffsetsPod(options.offsets);
    let bpf = EbpfLoader::new()
        .override_global(names::SETTINGS, &settings, true)
        .override_global(names::OFFSETS, &offsets, true)
        .map_max_entries(names::EVENTS, options.ring_bytes)
        .map_max_entries(names::DESCRIPTORS, processes())
        .load(OBJECT)
        .map_err(|error| kernel("loading the kernel programs", &error))?;
    let multi = Multi::prepare(OBJECT, &bpf);
    if let Err(error) = &multi {
        log::info!("each probe by an event of its own: {error}");
    }
    Ok((bpf, multi.ok()))
}

/// How many processes' descriptors are remembered. Kernels before 6.16 give each processor
/// a share of 128 of such a map, and have it forget what is in use when that is used up.
fn processes() -> u32 {
    const LEAST: u32 = 4096;
    const EACH: u32 = 256;
    let processors = aya::util::nr_cpus().unwrap_or(1);
    u32::try_from(processors).unwrap_or(u32::MAX).saturating_mul(EACH).max(LEAST)
}

/// An error with all its causes in one line, as far as a person can use them:
/// the verifier's log is cut.
pub(crate) fn kernel(what: &str, error: &dyn std::error::Error) -> Error {
    const LONGEST: usize = 400;
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !why.contains(&cause_text) {
            why = format!("{why}: {cause_text}");
        }
        source = cause.source();
    }
    let why: String = why.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = why.chars().take(LONGEST).collect();
    Error::Kernel { what: what.to_owned(), why }
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct SettingsPod(Settings);
#[expect(unsafe_code, reason = "aya asks for the promise by an unsafe trait")]
// SAFETY: `Settings` is four `u32`s, without padding.
unsafe impl aya::Pod for SettingsPod {}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct OffsetsPod(Offsets);
#[expect(unsafe_code, reason = "aya asks for the promise by an unsafe trait")]
// SAFETY: `Offsets` is nothing but `u32`s, without padding.
unsafe impl aya::Pod for OffsetsPod {}
