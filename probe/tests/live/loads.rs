//! Every program passes this kernel's verifier, those for older kernels too.

use aya::EbpfLoader;
use aya::programs::Program;

use crate::root;

#[test]
fn every_program_loads() {
    let Some(_alone) = root() else { return };
    let object = format!("{}/bpf/llmtop-{}.o", env!("CARGO_MANIFEST_DIR"), std::env::consts::ARCH);
    // Where things are in the kernel does not matter here, only that it is
    // known: else the verifier would not look at what depends on it.
    let offsets = [1u32; size_of::<llmtop_probe_common::Offsets>() / 4];
    // The same of what is optional: whether standard input and output are looked at.
    let settings: [u32; size_of::<llmtop_probe_common::Settings>() / 4] = [0, 0, 0, 1];
    let mut bpf = EbpfLoader::new()
        .override_global(llmtop_probe_common::names::OFFSETS, &offsets, true)
        .override_global(llmtop_probe_common::names::SETTINGS, &settings, true)
        .load_file(object)
        .unwrap();
    let mut count = 0;
    for (name, program) in bpf.programs_mut() {
        let loaded = match program {
            Program::UProbe(program) => program.load(),
            Program::TracePoint(program) => program.load(),
            Program::RawTracePoint(program) => program.load(),
            other => panic!("{name} is of a kind nobody attaches: {other:?}"),
        };
        loaded.unwrap_or_else(|error| panic!("{name}: {error}"));
        count += 1;
    }
    assert!(count > 20, "{count}");
}
