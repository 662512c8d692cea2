//! Finding commands, and what else there is around keys.

use super::Person;
use crate::app::{Effect, Event, Exit, Mouse, MouseKind, Victim, With};
use crate::config::Config;
use crate::kill::Kill;
use crate::store::{ExchangeId, Recording, Status, Store};
use crate::view::Pane;

fn press(x: usize, y: usize) -> Event {
    Event::Mouse(Mouse { kind: MouseKind::Press, x: x as u16, y: y as u16 })
}

/// Where a text stands on a screen, in cells: the first of these texts on the
/// last row that has it.
fn place(screen: &str, text: &str) -> (usize, usize) {
    let rows: Vec<_> = screen.lines().collect();
    let y = rows.iter().rposition(|row| row.contains(text)).unwrap();
    let before = &rows[y][..rows[y].find(text).unwrap()];
    (unicode_width::UnicodeWidthStr::width(before), y)
}

#[test]
fn a_command_is_found_and_carried_out() {
    let mut person = Person::at(100, 30);
    let before = person.look();
    // Both of them change their minds.
    assert_eq!(person.keys(":").types("quit").keys("Esc").look(), before);
    assert_eq!(person.keys(": Backspace").look(), before);
    person.keys(":").types("pause").keys("Enter");
    assert!(person.look().contains("PAUSED"));
    // The arrows choose another; past the end it begins again.
    person.keys("2 :").types("next").keys("Down Up Up Down Enter");
    assert_eq!(person.app.main.focus, Pane::Answer);
    person.keys(":").types("nonsense").keys("Enter");
    assert!(person.look().contains("no such command here"), "{}", person.look());
    person.keys(":").does(Event::Paste("quit\n".into())).keys("Enter");
    assert_eq!(person.effects, [Effect::Exit(Exit::Quit)]);
}

#[test]
fn the_palette_offers_what_means_something_here() {
    let mut person = Person::at(80, 24);
    assert!(person.keys("1 :").types("tree").look().contains("below their parents"));
    let screen = person.keys("Esc 2 :").types("tree").look();
    assert!(screen.contains("no such command here"), "{screen}");
}

#[test]
fn the_mouse_works_the_palette() {
    let mut person = Person::at(100, 30);
    let screen = person.keys(":").types("help").look();
    let (x, y) = place(&screen, "help");
    // The last row is what is typed; the one above it is the last command.
    assert_eq!(y, 29);
    let screen = person.does(press(x, 28)).look();
    assert!(screen.contains("Help: "), "{screen}");
    person.keys("Esc :");
    let wheel = Mouse { kind: MouseKind::ScrollDown, x: 5, y: 20 };
    person.does(Event::Mouse(wheel)).keys("Up Up Up Enter");
    assert!(person.look().contains("conversation"), "the first is to open: {}", person.look());
    person.keys("Esc :").does(press(0, 0));
    assert!(!person.look().contains("Commands"));
}

#[test]
fn stepping_back_by_its_name_pauses_first() {
    let mut person = Person::at(100, 30);
    let screen = person.keys(":").types("earlier").look();
    // Its keys mean something else until then.
    assert!(screen.contains("▌              earlier"), "{screen}");
    let screen = person.keys("Enter").look();
    assert!(screen.contains("PAUSED") && screen.contains("nothing earlier is kept"), "{screen}");
    assert!(person.keys(":").types("earlier").look().contains("▌Left          earlier"));
}

#[test]
fn the_wheel_turns_wherever_the_mouse_is() {
    let mut person = Person::at(100, 30);
    let selected = |person: &Person| person.app.main.exchanges.selected;
    let last = selected(&person);
    // Over the header, and over the footer.
    for (kind, y, at) in [
        (MouseKind::ScrollUp, 0, Some(ExchangeId(4))),
        (MouseKind::ScrollUp, 29, Some(ExchangeId(1))),
        (MouseKind::ScrollDown, 29, Some(ExchangeId(4))),
        (MouseKind::ScrollDown, 0, last),
    ] {
        person.does(Event::Mouse(Mouse { kind, x: 3, y }));
        assert_eq!(selected(&person), at, "{kind:?} at {y}");
    }
}

#[test]
fn what_the_footer_offers_can_be_clicked() {
    let mut person = Person::at(100, 30);
    for (text, then) in
        [("Space pause", "PAUSED"), ("? help", "Help: "), ("Esc back", "1 Processes")]
    {
        let (x, y) = place(&person.look(), text);
        assert_eq!(y, 29);
        // On the word as on the key.
        let screen = person.does(press(x + text.len() - 1, y)).look();
        assert!(screen.contains(then), "{text}: {screen}");
    }
    person.does(press(0, 29));
    assert_eq!(person.effects, []);
    let (x, y) = place(&person.look(), "q quit");
    person.does(press(x, y));
    assert_eq!(person.effects, [Effect::Exit(Exit::Quit)]);
    // Answers of a question too.
    person.keys("e");
    let (x, y) = place(&person.look(), "h HAR");
    person.does(press(x, y));
    assert!(matches!(person.effects.last(), Some(Effect::Export(..))), "{:?}", person.effects);
}

#[test]
fn a_signal_is_sent_once_it_is_confirmed() {
    let mut person = Person::at(100, 30);
    // Whoever does not say yes, says no.
    for keys in ["F9 Esc", "F9 x", "F9 C-t", "F9 t Esc", "F9 t n", "F9 t Enter", "F9 t t", "F9 y"] {
        person.keys("1 g").keys(keys);
        assert_eq!(person.effects, [], "{keys}");
    }
    for (keys, kill) in
        [("! s y", Kill::Stop), ("F9 c y", Kill::Continue), ("F9 t y", Kill::Terminate)]
    {
        person.keys(keys);
        let Some(Effect::Kill(sent, Victim { pid, comm, .. })) = person.effects.pop() else {
            panic!("{keys} sends nothing")
        };
        assert_eq!((sent, pid, comm.as_str()), (kill, 4242, "claude"), "{keys}");
    }
    // From an exchange, a conversation, a detail: whose it is.
    for keys in ["2 g F9 s y", "2 g Enter F9 s y", "Esc 2 g d F9 s y", "d ] F9 s y"] {
        person.keys(keys);
        let sent = person.effects.pop();
        assert!(matches!(&sent, Some(Effect::Kill(_, it)) if it.pid == 4242), "{keys}: {sent:?}");
    }
}

#[test]
fn what_cannot_be_signalled_is_told() {
    let mut person = Person::at(100, 30);
    // A group is no process.
    assert!(person.keys("1 b b g F9").look().contains("no process is selected"));
    let mut nobody = Person::with(Store::default(), 100, 30);
    assert!(nobody.keys("F9").look().contains("no process is selected"));
    let mut recorded = Person::at(100, 30);
    recorded.app.options.live = false;
    assert!(recorded.keys("1 F9").look().contains("this was recorded"));
    assert_eq!(recorded.keys("s").effects, []);
}

#[test]
fn keys_of_ones_own_are_obeyed_and_shown() {
    let config = "[keys]\nquit = \"Q\"\nsearch = \"C-s\"\nfilter = \"F3\"\nback = \"u\"\n\
        open = [\"C-o\", \"Enter\"]\npause = []\n";
    let mut person = Person::at(200, 50);
    person.app.options.keys = Config::parse(config).unwrap().key_map;
    let screen = person.look();
    let footer = screen.lines().last().unwrap();
    for offer in ["C-o open", "C-s search", "F3 filter", "? help  Q quit"] {
        assert!(footer.contains(offer), "{offer}: {footer}");
    }
    assert!(!footer.contains("pause"), "{footer}");
    let help = person.keys("?").look();
    let explained = |keys: &str| {
        // The last row is the footer.
        let lines = help.lines().take(49).map(|line| line.trim_start_matches(['▌', ' ']));
        lines.filter(|line| line.starts_with(&format!("{keys} "))).count()
    };
    for keys in ["C-o Enter", "C-s", "F3", "u", "Q", ":pause"] {
        assert_eq!(explained(keys), 1, "{keys}: {help}");
    }
    assert!(person.keys("u C-o").look().contains("conversation"));
    assert!(person.keys("u n").look().contains("nothing to search for: C-s asks"));
    person.keys("F3").types("model:none").keys("Enter");
    assert!(person.look().contains("F3 changes the filter, u shows all"), "{}", person.look());
    // What has no key is in the palette still.
    person.keys("q Space :").types("pause").keys("Enter");
    assert!(person.look().contains("PAUSED"));
    assert_eq!(person.effects, []);
    person.keys("Q");
    assert_eq!(person.effects, [Effect::Exit(Exit::Quit)]);
}

#[test]
fn a_recording_is_played_by_its_name() {
    let mut person = Person::at(100, 30);
    let screen = person.keys("L").look();
    assert!(screen.contains("end the capture, and play the recording:"), "{screen}");
    person.types("/tmp/a b.llmtop");
    assert!(person.look().contains("play the recording: /tmp/a b.llmtop"));
    person.keys("Enter L Enter L 'x Esc");
    assert_eq!(person.effects, [Effect::Play("/tmp/a b.llmtop".into())]);
    // Then everything begins again, but for how it is set.
    person.keys("\\ 'llm:yes Enter > > > Enter d Space").store = Store::default();
    person.app.restart();
    let screen = person.look();
    assert!(!screen.contains("PAUSED") && screen.contains("Exchanges of llm:yes"), "{screen}");
    assert_eq!(person.app.remembered().exchanges.sort.as_deref(), Some("ttft"));
    assert!(person.keys("1 F9").look().contains("this was recorded"), "{}", person.look());
}

#[test]
fn a_recording_begins_and_ends_by_one_key() {
    let mut person = Person::at(100, 30);
    let screen = person.keys("R").look();
    assert!(screen.contains("record from now on to: llmtop-140320.llmtop"), "{screen}");
    person.keys("Esc R C-u Enter R C-u '/tmp/a.llmtop Enter");
    assert_eq!(person.effects, [Effect::Record(Some("/tmp/a.llmtop".into()))]);
    person.session.recording = Recording::To("/tmp/a.llmtop".into());
    for size in [(40, 12), (100, 30)] {
        (person.size, person.app.size) = (size, size);
        assert!(person.look().contains("● REC"), "{}", person.look());
    }
    person.effects.clear();
    person.keys("Enter R");
    assert_eq!(person.effects, [Effect::Record(None)]);
    // Where nothing comes any more, there is nothing to record.
    person.session.status = Status::Ended;
    person.look();
    assert!(person.keys("R").look().contains("nothing comes any more"), "{}", person.look());
    assert!(!person.look().contains("REC"), "{}", person.look());
}

#[test]
fn what_is_shown_is_opened_as_a_whole() {
    let mut person = Person::at(80, 24);
    let mut opened = |keys: &str| match person.keys(keys).effects.pop() {
        Some(Effect::Open { with, extension, text }) => (with, extension, text),
        other => panic!("{keys}: {other:?}"),
    };
    // The whole body, whatever is folded or below the screen's end.
    let (with, extension, body) = opened("2 g d ] O v");
    assert_eq!((with, extension), (With::Pager, "json"));
    assert!(body.starts_with("{\n  \"model\":\"claude-sonnet-4-5\",\n"), "{body}");
    serde_json::from_str::<serde_json::Value>(&body).unwrap();
    let (with, extension, headers) = opened("[ E");
    assert_eq!((with, extension), (With::Editor, "txt"));
    assert!(headers.contains("lifetime"), "{headers}");
    let (_, _, chat) = opened("Esc Enter v");
    assert!(chat.contains("lifetime"), "{chat}");
    let (_, extension, exchange) = opened("Esc v");
    assert_eq!(extension, "md");
    assert!(exchange.starts_with("# "), "{exchange}");
    opened("3 v");
    let mut nothing = Person::with(Store::default(), 80, 24);
    assert!(nothing.keys("v").look().contains("no exchange is selected"));
}
