//! What is typed: read by a thread of its own, because the terminal library
//! waits for the rest of a key that has begun, and the screen must not.

use std::fs::File;
use std::io::{self, IsTerminal, Write, stdin};
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
    /// Its end is the reader's.
    _working: UnixStream,
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
        let listening = Listening { source: self.source, events, _working: working };
        let terminal = listening.as_fd().try_clone_to_owned()?;
        thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
            // An error is the terminal's end, which the other side sees too.
            let _ = read(&terminal, &stop, &sender, &wake);
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
    stop: &UnixStream,
    events: &SyncSender<Event>,
    mut wake: &UnixStream,
) -> io::Result<()> {
    loop {
        let mut fds = [PollFd::new(terminal, PollFlags::IN), PollFd::new(stop, PollFlags::empty())];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if fds[0].revents() != PollFlags::IN || !fds[1].revents().is_empty() {
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
