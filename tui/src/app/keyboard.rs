//! What is typed: read by a thread of its own, because the terminal library
//! reads the end of a terminal for ever, and a terminal can end at any time.

use std::fs::File;
use std::io::{self, IsTerminal, Write, stdin};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crossterm::event as terminal_event;

use super::event::{Code, Event, Key, Mouse, MouseKind};

/// Events that wait at most: who types faster than they are handled, waits.
const WAITING: usize = 256;

/// A terminal that keys will be read from.
pub(super) struct Keyboard {
    source: Source,
}

/// The keyboard, and its reader at work. The descriptor is the terminal's, to
/// be polled for its end.
pub(super) struct Listening {
    source: Source,
    events: Receiver<Event>,
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

    /// Starts reading: each event is followed by a byte in `wake`. The reader
    /// ends with the process: nothing may wait for it.
    ///
    /// # Errors
    /// There can be no more threads.
    pub(super) fn listen(self, wake: UnixStream) -> io::Result<Listening> {
        // What nobody has read wakes already: nothing to wait for.
        wake.set_nonblocking(true)?;
        let (sender, events) = sync_channel(WAITING);
        thread::Builder::new()
            .name("keyboard".to_owned())
            .spawn(move || read(&sender, &wake))
            .map(|_| Listening { source: self.source, events })
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

/// Reads until the terminal fails or nobody listens.
fn read(events: &SyncSender<Event>, mut wake: &UnixStream) {
    while let Ok(event) = terminal_event::read() {
        let Some(event) = translate(event) else { continue };
        if events.send(event).is_err() {
            return;
        }
        // A full socket wakes its reader already.
        let _ = wake.write(&[0]);
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
