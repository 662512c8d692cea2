//! A certificate authority for one test run, and the server's certificate.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::Scratch;

/// Made once a run; the folder goes when the machine cleans its temporary
/// files, since statics are never dropped.
static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(Certificates::make);

pub(crate) struct Certificates {
    folder: Scratch,
}

impl Certificates {
    pub(crate) fn of_this_run() -> &'static Self {
        &CERTIFICATES
    }

    /// The CA to trust.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.file("ca.pem")
    }

    /// The server's certificate for `localhost` and `127.0.0.1`.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.file("server.pem")
    }

    /// Its key.
    pub(crate) fn key(&self) -> PathBuf {
        self.folder.file("server.key")
    }

    fn make() -> Self {
        let folder = Scratch::new();
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        openssl(
            folder.path(),
            &[
                &["req", "-x509", "-subj", "/CN=llmtop test CA", "-days", "2"][..],
                &new_key,
                &["-keyout", "ca.key", "-out", "ca.pem"],
                &["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
            ],
        );
        openssl(
            folder.path(),
            &[
                &["req", "-subj", "/CN=localhost"][..],
                &new_key,
                &["-keyout", "server.key", "-out", "server.csr"],
            ],
        );
        let extensions = "subjectAltName=DNS:localhost,IP:127.0.0.1\n\
                          basicConstraints=critical,CA:FALSE\n\
                          keyUsage=critical,digitalSignature\n\
                          extendedKeyUsage=serverAuth\n\
                          subjectKeyIdentifier=hash\n\
                          authorityKeyIdentifier=keyid\n";
        std::fs::write(folder.file("extensions"), extensions).unwrap();
        openssl(
            folder.path(),
            &[
                &["x509", "-req", "-in", "server.csr", "-out", "server.pem", "-days", "2"][..],
                &["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"],
                &["-extfile", "extensions"],
            ],
        );
        Certificates { folder }
    }
}

fn openssl(folder: &Path, arguments: &[&[&str]]) {
    let output = Command::new("openssl")
        .args(arguments.concat())
        .current_dir(folder)
        .output()
        .expect("openssl is needed: apt-get install openssl");
    assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
}
