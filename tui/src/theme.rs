//! What roles look like: presets, and what the terminal is able to show.

use std::env;

use ratatui::style::{Color, Modifier, Style};

use crate::view::Role;

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: `NO_COLOR`, or a terminal that has none.
    None,
    /// The 16 of the terminal's own palette.
    Ansi,
    /// The 256 of xterm.
    Indexed,
    /// 24 bits.
    True,
}

/// A set of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    name: &'static str,
    palette: &'static Palette,
    depth: Depth,
    /// What the terminal has.
    most: Depth,
}

#[derive(Debug, PartialEq, Eq)]
struct Palette {
    text: Tone,
    dim: Tone,
    faint: Tone,
    accent: Tone,
    good: Tone,
    warning: Tone,
    error: Tone,
    money: Tone,
    model: Tone,
    system: Tone,
    user: Tone,
    tool: Tone,
    string: Tone,
    number: Tone,
    /// Behind the selected row.
    selection: Tone,
    /// Behind the selected row of a pane without focus.
    shade: Tone,
    /// Text on a badge.
    badge: Tone,
}

/// A colour in 24 bits, and its nearest in the terminal's own palette; the
/// latter is `None` for the terminal's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tone(u32, Option<Color>);

const fn tone(rgb: u32, ansi: Color) -> Tone {
    Tone(rgb, Some(ansi))
}

const fn plain(rgb: u32) -> Tone {
    Tone(rgb, None)
}

static DARK: Palette = Palette {
    text: plain(0xd8dee9),
    dim: tone(0x8a93a6, Color::Gray),
    faint: tone(0x4c566a, Color::DarkGray),
    accent: tone(0x7dcfff, Color::LightCyan),
    good: tone(0x9ece6a, Color::Green),
    warning: tone(0xe0af68, Color::Yellow),
    error: tone(0xf7768e, Color::LightRed),
    money: tone(0xe5c890, Color::LightYellow),
    model: tone(0xbb9af7, Color::LightMagenta),
    system: tone(0x7a88cf, Color::Blue),
    user: tone(0x7aa2f7, Color::LightBlue),
    tool: tone(0xff9e64, Color::Yellow),
    string: tone(0x9ece6a, Color::Green),
    number: tone(0xff9e64, Color::LightYellow),
    selection: tone(0x2f3b57, Color::Blue),
    shade: tone(0x252a37, Color::DarkGray),
    badge: tone(0x16161e, Color::Black),
};

static LIGHT: Palette = Palette {
    text: plain(0x24292f),
    dim: tone(0x57606a, Color::DarkGray),
    faint: tone(0xafb8c1, Color::Gray),
    accent: tone(0x0550ae, Color::Blue),
    good: tone(0x1a7f37, Color::Green),
    warning: tone(0x9a6700, Color::Yellow),
    error: tone(0xcf222e, Color::Red),
    money: tone(0x7d4e00, Color::Yellow),
    model: tone(0x8250df, Color::Magenta),
    system: tone(0x4f5d95, Color::Blue),
    user: tone(0x0969da, Color::Blue),
    tool: tone(0xbc4c00, Color::Red),
    string: tone(0x116329, Color::Green),
    number: tone(0x953800, Color::Red),
    selection: tone(0xcfe3ff, Color::Cyan),
    shade: tone(0xeaeef2, Color::Gray),
    badge: tone(0xffffff, Color::White),
};

static HIGH_CONTRAST: Palette = Palette {
    text: tone(0xffffff, Color::White),
    dim: tone(0xe0e0e0, Color::White),
    faint: tone(0xa0a0a0, Color::Gray),
    accent: tone(0x00ffff, Color::LightCyan),
    good: tone(0x00ff00, Color::LightGreen),
    warning: tone(0xffff00, Color::LightYellow),
    error: tone(0xff6060, Color::LightRed),
    money: tone(0xffff00, Color::LightYellow),
    model: tone(0xff80ff, Color::LightMagenta),
    system: tone(0x80a0ff, Color::LightBlue),
    user: tone(0x00ffff, Color::LightCyan),
    tool: tone(0xffa040, Color::LightYellow),
    string: tone(0x00ff00, Color::LightGreen),
    number: tone(0xffa040, Color::LightYellow),
    selection: tone(0x0000c0, Color::Blue),
    shade: tone(0x303030, Color::DarkGray),
    badge: tone(0x000000, Color::Black),
};

impl Theme {
    /// The names that [`named`](Self::named) knows.
    pub const NAMES: [&'static str; 4] = ["dark", "light", "high-contrast", "ansi"];

    /// A preset, in the colours that a terminal has. `ansi` keeps to the
    /// terminal's own 16 whatever it has. `None`: there is no such preset.
    pub fn named(name: &str, depth: Depth) -> Option<Self> {
        let most = depth;
        let (name, palette, depth) = match name {
            "dark" => ("dark", &DARK, depth),
            "light" => ("light", &LIGHT, depth),
            "high-contrast" => ("high-contrast", &HIGH_CONTRAST, depth),
            "ansi" => ("ansi", &DARK, depth.min(Depth::Ansi)),
            _ => return None,
        };
        Some(Theme { name, palette, depth, most })
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The next preset, on the same terminal.
    #[must_use]
    pub fn next(&self) -> Self {
        let at = Theme::NAMES.iter().position(|name| *name == self.name).unwrap_or(0);
        let name = Theme::NAMES[(at + 1) % Theme::NAMES.len()];
        Theme::named(name, self.most).unwrap_or(*self)
    }

    /// The dark preset.
    pub fn dark(depth: Depth) -> Self {
        Theme { name: "dark", palette: &DARK, depth, most: depth }
    }

    /// The preset that suits the environment: light where `COLORFGBG` says
    /// that the background is.
    pub fn detected() -> Self {
        let depth = Depth::detected();
        let background = env::var("COLORFGBG").ok();
        let background = background.as_deref().and_then(|value| value.rsplit(';').next());
        match background.and_then(|value| value.parse::<u8>().ok()) {
            Some(7 | 15) => Theme { name: "light", palette: &LIGHT, depth, most: depth },
            _ => Theme::dark(depth),
        }
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        let palette = self.palette;
        let (tone, bold, italic) = match role {
            Role::Text => (palette.text, false, false),
            Role::Dim => (palette.dim, false, false),
            Role::Faint => (palette.faint, false, false),
            Role::Title => (palette.text, true, false),
            Role::Accent => (palette.accent, true, false),
            Role::Good => (palette.good, false, false),
            Role::Warning => (palette.warning, false, false),
            Role::Error => (palette.error, true, false),
            Role::Money => (palette.money, false, false),
            Role::Live => (palette.accent, false, false),
            Role::Model => (palette.model, false, false),
            Role::Process => (palette.text, true, false),
            Role::System => (palette.system, false, false),
            Role::User => (palette.user, true, false),
            Role::Assistant => (palette.good, true, false),
            Role::Reasoning => (palette.dim, false, true),
            Role::Tool => (palette.tool, false, false),
            Role::JsonKey => (palette.user, false, false),
            Role::JsonString => (palette.string, false, false),
            Role::JsonNumber => (palette.number, false, false),
            Role::JsonLiteral => (palette.model, false, false),
            Role::JsonPunctuation => (palette.dim, false, false),
            Role::Heading => (palette.accent, true, false),
            Role::Strong => (palette.text, true, false),
            Role::Code => (palette.string, false, false),
            Role::Keyword => (palette.model, false, false),
            Role::Comment => (palette.dim, false, true),
            Role::Match => return self.reversed(palette.warning),
        };
        let mut style = self.fg(tone);
        if bold {
            style = style.add_modifier(Modifier::BOLD);
        }
        if italic {
            style = style.add_modifier(Modifier::ITALIC);
        }
        if self.depth == Depth::None && matches!(role, Role::Dim | Role::Faint) {
            style = style.add_modifier(Modifier::DIM);
        }
        style
    }

    /// How a selected row looks, over what its cells look like.
    pub fn selection(&self, focused: bool) -> Style {
        if self.depth == Depth::None {
            let bold = Style::new().add_modifier(Modifier::BOLD);
            return if focused { Style::new().add_modifier(Modifier::REVERSED) } else { bold };
        }
        let tone = if focused { self.palette.selection } else { self.palette.shade };
        Style { bg: self.color(tone), ..Style::new() }
    }

    /// How a badge looks that means `role`.
    pub fn badge(&self, role: Role) -> Style {
        match self.style(role).fg {
            Some(background) => Style {
                fg: self.color(self.palette.badge),
                bg: Some(background),
                ..Style::new().add_modifier(Modifier::BOLD)
            },
            None => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    fn reversed(&self, tone: Tone) -> Style {
        match self.color(tone) {
            Some(background) => {
                Style { fg: self.color(self.palette.badge), bg: Some(background), ..Style::new() }
            }
            None => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    fn fg(&self, tone: Tone) -> Style {
        Style { fg: self.color(tone), ..Style::new() }
    }

    fn color(&self, Tone(rgb, ansi): Tone) -> Option<Color> {
        let [_, r, g, b] = rgb.to_be_bytes();
        match self.depth {
            Depth::None => None,
            Depth::Ansi => ansi,
            Depth::Indexed => Some(Color::Indexed(indexed(r, g, b))),
            Depth::True => Some(Color::Rgb(r, g, b)),
        }
    }
}

impl Depth {
    /// What the environment says: `NO_COLOR`, `COLORTERM`, `TERM`.
    pub fn detected() -> Self {
        let var = |name| env::var(name).unwrap_or_default();
        Depth::of(&var("NO_COLOR"), &var("COLORTERM"), &var("TERM"))
    }

    fn of(no_color: &str, colorterm: &str, term: &str) -> Self {
        if !no_color.is_empty() || term == "dumb" || term.ends_with("-m") {
            Depth::None
        } else if matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct") {
            Depth::True
        } else if term.contains("256") || matches!(term, "alacritty" | "foot" | "xterm-kitty") {
            Depth::Indexed
        } else {
            Depth::Ansi
        }
    }
}

/// The nearest of xterm's 6x6x6 cube and its greys.
fn indexed(r: u8, g: u8, b: u8) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest =
        |value: u8| (0..6u8).min_by_key(|&at| STEPS[usize::from(at)].abs_diff(value)).unwrap_or(0);
    let distance = |a: [u8; 3]| -> u32 {
        a.iter().zip([r, g, b]).map(|(&x, y)| u32::from(x.abs_diff(y)).pow(2)).sum()
    };
    let (cr, cg, cb) = (nearest(r), nearest(g), nearest(b));
    let cube = [cr, cg, cb].map(|at| STEPS[usize::from(at)]);
    let grey = ((u16::from(r) + u16::from(g) + u16::from(b)) / 3).saturating_sub(3) / 10;
    let grey = grey.min(23) as u8;
    let level = 8 + 10 * grey;
    if distance([level; 3]) < distance(cube) { 232 + grey } else { 16 + 36 * cr + 6 * cg + cb }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::{Depth, Theme, indexed};
    use crate::view::Role;

    #[test]
    fn the_terminal_tells_its_colours() {
        for (no_color, colorterm, term, depth) in [
            ("", "truecolor", "xterm-256color", Depth::True),
            ("", "", "xterm-256color", Depth::Indexed),
            ("", "", "linux", Depth::Ansi),
            ("1", "truecolor", "xterm-256color", Depth::None),
            ("", "", "dumb", Depth::None),
        ] {
            assert_eq!(Depth::of(no_color, colorterm, term), depth, "{colorterm} {term}");
        }
    }

    #[test]
    fn every_preset_keeps_to_its_depth() {
        for name in Theme::NAMES {
            let role = Role::Error;
            let color = |depth| Theme::named(name, depth).unwrap().style(role).fg;
            assert_eq!(color(Depth::None), None);
            assert!(!matches!(color(Depth::Ansi), Some(Color::Rgb(..) | Color::Indexed(_)) | None));
            assert!(!matches!(color(Depth::Indexed), Some(Color::Rgb(..))));
        }
        assert_eq!(Theme::named("nonsense", Depth::True), None);
    }

    #[test]
    fn each_preset_leads_to_the_next_and_around() {
        let mut theme = Theme::dark(Depth::True);
        let mut names = Vec::new();
        for _ in Theme::NAMES {
            names.push(theme.name());
            theme = theme.next();
        }
        assert_eq!(names, Theme::NAMES);
        assert_eq!(theme, Theme::dark(Depth::True), "the terminal's colours are not lost");
    }

    #[test]
    fn nearest_of_256() {
        for (rgb, index) in
            [((0, 0, 0), 16), ((255, 255, 255), 231), ((95, 0, 0), 52), ((128, 128, 128), 244)]
        {
            assert_eq!(indexed(rgb.0, rgb.1, rgb.2), index);
        }
    }
}
