//! Files that tests have compiled of C. Where Rust links, there is a compiler.

use std::path::PathBuf;
use std::process::Command;

/// A program or a library, gone with this.
pub(crate) struct Compiled(tempfile::TempDir);

impl Compiled {
    /// Of `source`, a file of C, by `options`, which say what it is to become.
    pub(crate) fn new(source: &str, options: &[&str]) -> Self {
        let compiled = Compiled(tempfile::tempdir().unwrap());
        let code = compiled.0.path().join("a.c");
        std::fs::write(&code, source).unwrap();
        let mut cc = Command::new("cc");
        // The sources are terse, and have no warnings of interest.
        cc.arg("-w").args(options).arg("-o").arg(compiled.path()).arg(code);
        let status = cc.status().expect("cc, of which Rust has need too");
        assert!(status.success(), "{options:?}");
        compiled
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("compiled")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }
}
