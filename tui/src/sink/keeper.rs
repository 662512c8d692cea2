//! Writes files after privileges are gone.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use super::file;

struct Order {
    path: PathBuf,
    bytes: Vec<u8>,
    done: Sender<io::Result<()>>,
}

/// A thread that writes whole files for others.
///
/// Capture drops the capabilities that it does not need, on its thread and on
/// those started later; without them, root can neither write into a directory
/// of the user behind sudo nor give that user a file. A keeper that was
/// started before still can.
#[derive(Debug)]
pub struct Keeper(Sender<Order>);

impl Keeper {
    /// Starts the thread; it ends with the keeper.
    ///
    /// # Errors
    /// Where there can be no more threads.
    pub fn start() -> io::Result<Self> {
        let (orders, inbox) = channel();
        Builder::new().name("files".into()).spawn(move || serve(&inbox))?;
        Ok(Keeper(orders))
    }

    /// Writes a file, as [`file::create`] makes them.
    ///
    /// # Errors
    /// One line that names the file.
    pub fn write(&self, path: PathBuf, bytes: Vec<u8>) -> io::Result<()> {
        let (done, answer) = channel();
        let gone = |_| io::Error::other("the thread that writes files is gone");
        self.0.send(Order { path, bytes, done }).map_err(|_| gone(()))?;
        answer.recv().map_err(|_| gone(()))?
    }
}

fn serve(inbox: &Receiver<Order>) {
    for Order { path, bytes, done } in inbox {
        let written = file::create(&path).and_then(|mut file| file.write_all(&bytes));
        // Who does not wait for it, does not want to know.
        let _ = done.send(written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_writes_and_says_what_went_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::start().unwrap();
        let path = dir.path().join("one");
        keeper.write(path.clone(), b"1".to_vec()).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), b"1");
        let missing = dir.path().join("no/such/directory");
        let error = keeper.write(missing.clone(), Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with(missing.to_str().unwrap()), "{error}");
    }
}
