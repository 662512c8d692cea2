//! Programs that move messages and look at what arrives: `clients/mover.py` and its like.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use super::process::end;
use super::{Certificates, bun, client, rustls_mover, tests_folder};

/// What moves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stack {
    /// The system's library.
    OpenSsl,
    /// Bun's, stripped.
    BoringSsl,
    GnuTls,
    Nss,
    /// Stripped; between so many goroutines.
    Go(usize),
    Rustls,
    /// HTTP on a socket.
    Plain,
}

/// One that waits, or moves; killed when dropped.
pub(crate) struct Mover(Child);

/// What one did.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Moved {
    /// Bytes, written and read.
    pub(crate) moved: u64,
    /// Calls that moved them, as far as the program made them itself.
    pub(crate) calls: u64,
    /// Its processor time.
    #[allow(dead_code, reason = "a bench uses it")]
    pub(crate) seconds: f64,
}

impl Mover {
    /// Runs, and waits.
    pub(crate) fn start(stack: Stack, calls: u64, size: usize) -> Self {
        let script = |name: &str| tests_folder().join("clients").join(name).display().to_string();
        let python = |what: &str| (client::python(), vec![script("mover.py"), what.to_owned()]);
        let (program, first): (PathBuf, Vec<String>) = match stack {
            Stack::OpenSsl => python("openssl"),
            Stack::GnuTls => python("gnutls"),
            Stack::Nss => python("nss"),
            Stack::Plain => python("plain"),
            Stack::BoringSsl => (bun(), vec![script("mover.mjs")]),
            Stack::Go(goroutines) => {
                (client::go_mover(), vec![format!("--goroutines={goroutines}")])
            }
            Stack::Rustls => (rustls_mover(), Vec::new()),
        };
        let certificates = Certificates::of_this_run();
        let option = |name: &str, path: &Path| format!("--{name}={}", path.display());
        let mut command = Command::new(program);
        command.args(first).arg(option("certificate", &certificates.certificate()));
        command.arg(option("key", &certificates.key()));
        if !matches!(stack, Stack::Go(_)) {
            command.arg(option("ca", &certificates.authority()));
        }
        command.args([format!("--calls={calls}"), format!("--size={size}")]);
        // Beside the scripts there is to be nothing new.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Lets it move, until it has.
    ///
    /// # Panics
    /// Where it failed, or got other bytes than it sent.
    pub(crate) fn run(mut self) -> Moved {
        let mut stdin = self.0.stdin.take().unwrap();
        stdin.write_all(b"go\n").unwrap();
        let mut said = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}: {said}");
        serde_json::from_str(&said).expect(&said)
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}
