//! Processes that wait, with a TLS library each.

use std::io::Read;
use std::process::{Child, Command, Stdio};

use crate::harness::{bun, program, python};

/// Most of them: this program again, with OpenSSL mapped.
const MEMBERS: usize = 270;
/// As many of each that people run.
const CLIENTS: usize = 10;
/// What makes this program one of them.
pub(crate) const MEMBER: &str = "--member";

/// Ended when dropped.
pub(crate) struct Crowd(Vec<Child>);

impl Crowd {
    /// Returns when all wait.
    pub(crate) fn gather() -> Self {
        let own = std::env::current_exe().unwrap();
        let mut crowd = Self(Vec::new());
        for _ in 0..MEMBERS {
            crowd.join(Command::new(&own).arg(MEMBER));
        }
        let forever = "console.log('waits'); setInterval(() => {}, 2 ** 30)";
        let reads = "import ssl, sys; print('waits', flush=True); sys.stdin.read()";
        for _ in 0..CLIENTS {
            crowd.join(Command::new(python()).args(["-c", reads]));
            crowd.join(Command::new(program("node")).args(["-e", forever]));
            crowd.join(Command::new(bun()).args(["-e", forever]));
        }
        for child in &mut crowd.0 {
            let mut said = [0; 5];
            child.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
            assert_eq!(&said, b"waits");
        }
        crowd
    }

    fn join(&mut self, command: &mut Command) {
        self.0.push(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// One of them.
#[expect(unsafe_code, reason = "maps a library")]
pub(crate) fn wait() {
    // SAFETY: loading OpenSSL runs its initialisers, which have no preconditions.
    let _library = unsafe { libloading::Library::new("libssl.so.3").unwrap() };
    println!("waits");
    let _ = std::io::stdin().read(&mut [0]);
}
