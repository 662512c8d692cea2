//! What is typed: read by a thread of its own, because the terminal library
//! waits for the rest of a key that has begun, and the screen must not.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write, stdin};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crossterm::event as terminal_event;
use rustix::event::{PollFd, PollFlags, poll};

use super::event::{Code, Event, Key, Mouse, MouseKind};

/// Events that wait at most: who types faster than they are handled, waits.
const WAITING: usize = 256;

/// How long the reader may take to come to rest.
const REST: Duration = Duration::from_secs(2);

/// The terminal library takes no look at all if given no time.
const SOON: Duration = Duration::from_millis(1);

/// A terminal that keys will be read from.
pub(super) struct Keyboard {
    source: Source,
}

/// The keyboard, and its reader at work. The descriptor is the terminal's, to
/// be polled for its end. Once dropped, what is typed is left to the shell.
pub(super) struct Listening {
    source: Source,
    events: Receiver<Event>,
    /// A byte makes the reader rest, the next one wakes it; its end is the reader's.
    working: UnixStream,
    /// The reader rests.
    resting: Receiver<()>,
}

/// Where keys come from: standard input, or the terminal itself where that is
/// a recording.
enum Source {
    Stdin(io::Stdin),
    Tty(File),
}

impl Keyboard {
    /// # Errors
    /// There is no terminal.
    pub(super) fn open() -> io::Result<Self> {
        let stdin = stdin();
        let source = if stdin.is_terminal() {
            Source::Stdin(stdin)
        } else {
            Source::Tty(File::open("/dev/tty")?)
        };
        Ok(Keyboard { source })
    }

    /// Starts reading: each event is followed by a byte in `wake`. Nothing may
    /// wait for the reader: it may hang until the process ends.
    ///
    /// # Errors
    /// There can be no more descriptors or threads.
    pub(super) fn listen(self, wake: UnixStream) -> io::Result<Listening> {
        // What nobody has read wakes already: nothing to wait for.
        wake.set_nonblocking(true)?;
        let (sender, events) = sync_channel(WAITING);
        let (working, stop) = UnixStream::pair()?;
        let (rests, resting) = sync_channel(1);
        let listening = Listening { source: self.source, events, working, resting };
        let terminal = listening.as_fd().try_clone_to_owned()?;
        thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
            // An error is the terminal's end, which the other side sees too.
            let _ = read(&terminal, &stop, &rests, &sender, &wake);
        })?;
        Ok(listening)
    }
}

impl Listening {
    /// What was typed since the last call.
    pub(super) fn typed(&self) -> impl Iterator<Item = Event> {
        // No more than fit at once: the screen is drawn between.
        self.events.try_iter().take(WAITING)
    }
}

impl Listening {
    /// Leaves the terminal to another program, until [`resume`](Self::resume).
    /// `false`: it cannot be left now, for a key that has begun is waited for.
    pub(super) fn pause(&self) -> bool {
        // From a rest that came too late.
        while self.resting.try_recv().is_ok() {}
        let asked = (&self.working).write_all(&[0]).is_ok();
        if asked && self.resting.recv_timeout(REST).is_ok() {
            return true;
        }
        self.resume();
        false
    }

    /// Reads again.
    pub(super) fn resume(&self) {
        // A reader that has ended needs no telling.
        let _ = (&self.working).write_all(&[0]);
    }
}

impl AsFd for Listening {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.source {
            Source::Stdin(stdin) => stdin.as_fd(),
            Source::Tty(file) => file.as_fd(),
        }
    }
}

/// Reads until the terminal ends or nobody listens.
fn read(
    terminal: &OwnedFd,
    mut stop: &UnixStream,
    rests: &SyncSender<()>,
    events: &SyncSender<Event>,
    mut wake: &UnixStream,
) -> io::Result<()> {
    loop {
        let mut fds = [PollFd::new(terminal, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if !fds[1].revents().is_empty() {
            // To rest, until the next byte. Nobody listening is the end.
            let mut byte = [0];
            stop.read_exact(&mut byte)?;
            let _ = rests.try_send(());
            stop.read_exact(&mut byte)?;
            continue;
        }
        if fds[0].revents() != PollFlags::IN {
            return Ok(());
        }
        while terminal_event::poll(SOON)? {
            let Some(event) = translate(terminal_event::read()?) else { continue };
            if events.send(event).is_err() {
                return Ok(());
            }
            // A full socket wakes its reader already.
            let _ = wake.write(&[0]);
        }
    }
}

/// The terminal library's event as ours; `None`: it means nothing here.
fn translate(event: terminal_event::Event) -> Option<Event> {
    use crossterm::event::{KeyEventKind, MouseButton, MouseEventKind};
    match event {
        terminal_event::Event::Key(key) if key.kind != KeyEventKind::Release => {
            translate_key(key).map(Event::Key)
        }
        terminal_event::Event::Mouse(mouse) => {
            let kind = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => MouseKind::Press,
                MouseEventKind::ScrollUp => MouseKind::ScrollUp,
                MouseEventKind::ScrollDown => MouseKind::ScrollDown,
                _ => return None,
            };
            Some(Event::Mouse(Mouse { kind, x: mouse.column, y: mouse.row }))
        }
        terminal_event::Event::Paste(text) => Some(Event::Paste(text)),
        _ => None,
    }
}

fn translate_key(key: terminal_event::KeyEvent) -> Option<Key> {
    use crossterm::event::{KeyCode, KeyModifiers};
    let code = match key.code {
        KeyCode::Char(character) => Code::Char(character),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(number) => Code::Function(number),
        _ => return None,
    };
    Some(Key {
        code,
        ctrl: key.modifiers.contains(KeyModifiers::CONTROL),
        alt: key.modifiers.contains(KeyModifiers::ALT),
    })
}
