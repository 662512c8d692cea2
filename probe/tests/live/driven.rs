//! A process driven by lines on its stdin, one answer a line.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A script that runs. It says `ready` when it does, and after each line it is
/// given `done`, and what there is to say.
pub(crate) struct Driven {
    pub(crate) child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Driven {
    /// Runs a script of this folder with a certificate, made in `folder`.
    pub(crate) fn start(interpreter: &str, script: &str, folder: &Path) -> Self {
        let scripts = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live"));
        let mut child = Command::new(interpreter)
            .arg(scripts.join(script))
            .arg(certificate(folder))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut this = Self { child, stdin, stdout };
        assert_eq!(this.answer(), "ready");
        this
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs a line, and gives what it says.
    pub(crate) fn run(&mut self, line: &str) -> String {
        writeln!(self.stdin, "{line}").unwrap();
        let answer = self.answer();
        answer.strip_prefix("done").unwrap_or_else(|| panic!("{answer}")).trim().to_owned()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn end(mut self) {
        drop(self.stdin);
        assert!(self.child.wait().unwrap().success());
    }
}

/// A self-signed certificate and its key, in one file.
fn certificate(folder: &Path) -> PathBuf {
    let pem = folder.join("both.pem");
    if !pem.exists() {
        let (key, cert) = (folder.join("key.pem"), folder.join("cert.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=example.test", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&cert)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
        let mut both = std::fs::read(key).unwrap();
        both.extend(std::fs::read(cert).unwrap());
        std::fs::write(&pem, both).unwrap();
    }
    pem
}
