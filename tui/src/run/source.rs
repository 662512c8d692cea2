//! Where captures come from.

use std::io;
use std::path::Path;

use anyhow::Context;
use llmtop_probe::recording::Recording;

/// Opens a recording; `-` is standard input.
pub(super) fn recording(path: &Path) -> anyhow::Result<Recording> {
    let opened = if path.as_os_str() == "-" {
        Recording::new(Box::new(io::BufReader::new(io::stdin())))
    } else {
        Recording::open(path)
    };
    opened.with_context(|| path.display().to_string())
}
