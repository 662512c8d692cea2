//! The terminal: taken, given back whatever happens, and written to.

use std::fs::File;
use std::io::{self, IsTerminal, Stdout, Write, stdin, stdout};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// Bytes of a clipboard text: terminals drop longer ones, some misbehave.
pub const CLIPBOARD: usize = 72 << 10;

/// Whether the terminal is ours: what a panic has to give back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, while the screen runs. Given back when dropped, and before a
/// panic's message is printed.
pub struct Term {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
}

/// What the screen needs and does not have.
pub fn missing() -> Option<&'static str> {
    if !stdout().is_terminal() {
        return Some("standard output is no terminal");
    }
    // Keys come from there where something else is read from standard input.
    let has_keys = stdin().is_terminal() || File::open("/dev/tty").is_ok();
    (!has_keys).then_some("there is no terminal to read keys from")
}

impl Term {
    /// Takes the terminal: raw mode, alternate screen, mouse, bracketed paste.
    ///
    /// # Errors
    /// There is no terminal, or it refuses.
    pub fn take(mouse: bool) -> io::Result<Self> {
        restore_on_panic();
        let terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        let mut term = Term { terminal, mouse };
        term.enter()?;
        Ok(term)
    }

    /// Draws a frame, in one synchronised update.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(
        &mut self,
        render: impl FnOnce(&mut ratatui::buffer::Buffer) -> Option<(u16, u16)>,
    ) -> io::Result<()> {
        queue!(stdout(), crossterm::terminal::BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            if let Some(cursor) = render(frame.buffer_mut()) {
                frame.set_cursor_position(cursor);
            }
        })?;
        execute!(stdout(), crossterm::terminal::EndSynchronizedUpdate)
    }

    /// Takes the mouse, or leaves it to the terminal, where it selects text.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        if on {
            execute!(stdout(), EnableMouseCapture)
        } else {
            execute!(stdout(), DisableMouseCapture)
        }
    }

    /// Puts text on the clipboard by OSC 52, which works over ssh and under
    /// sudo. Control characters but line breaks and tabs are left out: what
    /// was captured must not type commands where it is pasted. Returns the
    /// bytes that were copied: at most [`CLIPBOARD`].
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<usize> {
        let clean = clipboard(text);
        let mut out = stdout();
        out.write_all(osc52(&clean, std::env::var_os("TMUX").is_some()).as_bytes())?;
        out.flush()?;
        Ok(clean.len())
    }

    /// Gives the terminal back, to stop or to run something else on it.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn leave(&mut self) -> io::Result<()> {
        restore()
    }

    /// Takes it again. Everything is drawn anew.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::Release);
        execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        if self.mouse {
            execute!(stdout(), EnableMouseCapture)?;
        }
        // Not `clear`, which asks the terminal where its cursor is: a terminal
        // that does not answer would hold us up.
        self.terminal.resize(self.terminal.size()?.into())
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        // The terminal may be gone; then there is nothing to give back.
        let _ = restore();
    }
}

fn restore() -> io::Result<()> {
    if !TAKEN.swap(false, Ordering::AcqRel) {
        return Ok(());
    }
    let written = execute!(
        stdout(),
        DisableMouseCapture,
        DisableBracketedPaste,
        crossterm::terminal::EndSynchronizedUpdate,
        LeaveAlternateScreen,
        cursor::Show
    );
    disable_raw_mode().and(written)
}

fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let _ = restore();
            before(info);
        }));
    });
}

/// Text fit for a clipboard.
fn clipboard(text: &str) -> String {
    let keep = |character: &char| !character.is_control() || matches!(character, '\n' | '\t');
    let mut clean = String::new();
    for character in text.chars().filter(keep) {
        if clean.len() + character.len_utf8() > CLIPBOARD {
            break;
        }
        clean.push(character);
    }
    clean
}

/// The sequence that sets the clipboard; inside tmux, also wrapped so that it
/// reaches the terminal outside.
fn osc52(text: &str, tmux: bool) -> String {
    let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    if !tmux {
        return sequence;
    }
    // Depending on its settings, tmux understands one or the other.
    let wrapped = sequence.replace('\x1b', "\x1b\x1b");
    format!("{sequence}\x1bPtmux;{wrapped}\x1b\\")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::{CLIPBOARD, Term, clipboard, osc52};

    #[test]
    fn the_clipboard_gets_no_control_characters() {
        assert_eq!(clipboard("rm -rf\r\x1b[201~\u{9b}1m\tok\n"), "rm -rf[201~1m\tok\n");
        assert_eq!(clipboard(&"é".repeat(CLIPBOARD)).len(), CLIPBOARD);
    }

    #[test]
    fn nothing_copied_can_end_the_sequence() {
        let sequence = osc52("\x07;rm\x1b\\", false);
        assert_eq!(sequence.matches(['\x07', '\x1b']).count(), 2);
        let wrapped = osc52("x", true);
        assert!(wrapped.contains("\x1bPtmux;\x1b\x1b]52") && wrapped.ends_with("\x07\x1b\\"));
    }

    /// Takes the terminal and panics, in the process that the next test starts.
    #[test]
    fn panics_when_told_to() {
        if std::env::var_os("LLMTOP_TEST_PANIC").is_some() {
            let _term = Term::take(true).unwrap();
            panic!("on purpose");
        }
    }

    #[test]
    fn a_panic_gives_the_terminal_back_and_is_readable() {
        let size = PtySize { rows: 24, cols: 80, ..PtySize::default() };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", "term::tests::panics_when_told_to", "--nocapture"]);
        command.env("LLMTOP_TEST_PANIC", "1");
        command.env("RUST_BACKTRACE", "0");
        let before = format!("{:?}", pty.master.get_termios());
        let mut child = pty.slave.spawn_command(command).unwrap();
        // Read while it writes, so that it never waits for us; the slave that
        // we hold keeps what it wrote readable after its end.
        let mut reader = pty.master.try_clone_reader().unwrap();
        let output = std::thread::spawn(move || {
            let mut output = Vec::new();
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut piece) {
                output.extend_from_slice(&piece[..read]);
            }
            output
        });
        child.wait().unwrap();
        assert_eq!(format!("{:?}", pty.master.get_termios()), before, "cooked again");
        drop(pty.slave);
        let output = output.join().unwrap();
        let entered = b"\x1b[?1049h";
        assert!(output.windows(entered.len()).any(|bytes| bytes == entered));
        let mut parser = vt100::Parser::new(24, 80, 1000);
        parser.process(&output);
        let screen = parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(screen.contents().contains("on purpose"), "{}", screen.contents());
    }
}
