//! A long text as blocks of lines, and a window onto it.
//!
//! The window is anchored at a block and a line within it, so showing or
//! moving it touches the blocks on the screen and no others: a frame costs
//! the same whatever the document's length.

use super::{Line, Reader};

/// A place in a document: a line of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The block, from 0.
    pub block: usize,
    /// The line within it, from 0.
    pub line: usize,
}

/// A text as blocks. Blocks may be hidden (folded); the first never is.
pub trait Document {
    /// How many blocks there are, hidden ones too.
    fn blocks(&self) -> usize;

    /// The next block that is not hidden.
    fn next(&self, block: usize) -> Option<usize> {
        (block + 1 < self.blocks()).then_some(block + 1)
    }

    /// The previous block that is not hidden.
    fn previous(&self, block: usize) -> Option<usize> {
        block.checked_sub(1)
    }

    /// Lines of a block at a width.
    fn height(&mut self, reader: &Reader<'_>, block: usize, width: usize) -> usize;

    /// One line of a block, fit to be shown.
    fn line(&mut self, reader: &Reader<'_>, at: Position, width: usize) -> Line;

    /// How far into the whole a position is, in any unit: (here, all).
    fn progress(&self, at: Position) -> (usize, usize);

    /// What belongs together under the cursor (a message; a JSON line).
    fn group(&self, block: usize) -> usize {
        block
    }
}

/// A window onto a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The first line shown.
    pub top: Position,
    /// The block that the cursor is on.
    pub cursor: usize,
    /// The window stays at the end as the document grows.
    pub follow: bool,
    /// Where the last search ended.
    pub found: Option<Position>,
}

/// What a window shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The lines, at most the window's height.
    pub lines: Vec<Line>,
    /// The block of each line.
    pub blocks: Vec<usize>,
    /// Where the window is: (first line, last line, all), in any unit.
    pub progress: (usize, usize, usize),
    /// Everything fits.
    pub whole: bool,
}

impl Scroll {
    /// At the end, staying there.
    pub fn following() -> Self {
        Scroll { follow: true, ..Scroll::default() }
    }

    /// Moves the window by lines, up where negative. Moving up ends following;
    /// reaching the end by moving down does not begin it.
    pub fn by(
        &mut self,
        document: &mut dyn Document,
        reader: &Reader<'_>,
        lines: isize,
        size: (usize, usize),
    ) {
        let (width, height) = size;
        if self.follow {
            self.top = end(document, reader, width, height);
        }
        let last = end(document, reader, width, height);
        self.top = moved(document, reader, self.top, lines, width).min(last);
        self.follow = false;
        self.keep_cursor(document, reader, size);
    }

    /// To the first line.
    pub fn to_start(&mut self) {
        *self = Scroll::default();
    }

    /// Makes the window show a position, moving as little as possible.
    pub fn reveal(
        &mut self,
        document: &mut dyn Document,
        reader: &Reader<'_>,
        at: Position,
        size: (usize, usize),
    ) {
        let (width, height) = size;
        if self.follow {
            self.top = end(document, reader, width, height);
            self.follow = false;
        }
        let lowest = moved(document, reader, at, 1 - height.max(1) as isize, width);
        if at < self.top {
            self.top = at;
        } else if self.top < lowest {
            self.top = lowest;
        }
    }

    /// Moves the cursor to the next block, or the previous one, and the window
    /// with it; a block higher than the window is scrolled through first.
    pub fn step_cursor(
        &mut self,
        document: &mut dyn Document,
        reader: &Reader<'_>,
        down: bool,
        size: (usize, usize),
    ) {
        let (width, height) = size;
        if self.follow {
            self.top = end(document, reader, width, height);
            self.follow = false;
        }
        let bottom = moved(document, reader, self.top, height.max(1) as isize - 1, width);
        let last = document.height(reader, self.cursor, width).saturating_sub(1);
        let goes_on = if down {
            bottom < Position { block: self.cursor, line: last }
        } else {
            self.top > Position { block: self.cursor, line: 0 }
        };
        if goes_on {
            let cursor = self.cursor;
            self.by(document, reader, if down { 1 } else { -1 }, size);
            self.cursor = cursor;
            return;
        }
        let to = if down { document.next(self.cursor) } else { document.previous(self.cursor) };
        if let Some(block) = to {
            self.cursor = block;
            let last = document.height(reader, block, width).saturating_sub(1);
            let line = if down { 0 } else { last };
            self.reveal(document, reader, Position { block, line }, size);
        }
    }

    /// Shows the window, bringing it back into the document first.
    pub fn window(
        &mut self,
        document: &mut dyn Document,
        reader: &Reader<'_>,
        size: (usize, usize),
    ) -> Window {
        let (width, height) = size;
        let count = document.blocks();
        if count == 0 || height == 0 || width == 0 {
            return Window { whole: true, ..Window::default() };
        }
        if self.follow {
            self.top = end(document, reader, width, height);
            self.cursor = count - 1;
        }
        self.top.block = self.top.block.min(count - 1);
        self.top.line =
            self.top.line.min(document.height(reader, self.top.block, width).max(1) - 1);
        self.cursor = self.cursor.min(count - 1);
        let group = document.group(self.cursor);
        let mut window = Window::default();
        let mut at = Some(self.top);
        let mut bottom = self.top;
        while let Some(position) = at
            && window.lines.len() < height
        {
            if document.height(reader, position.block, width) > position.line {
                let mut line = document.line(reader, position, width);
                let blank = line.spans.is_empty();
                line.cursor = !blank && document.group(position.block) == group;
                window.lines.push(line);
                window.blocks.push(position.block);
                bottom = position;
            }
            at = after(document, reader, position, width);
        }
        window.whole = at.is_none() && self.top == Position::default();
        let (here, all) = document.progress(self.top);
        let last = if at.is_none() { all } else { document.progress(bottom).0 };
        window.progress = (here, last, all);
        window
    }

    /// A cursor that left the window comes back into it.
    fn keep_cursor(
        &mut self,
        document: &mut dyn Document,
        reader: &Reader<'_>,
        (width, height): (usize, usize),
    ) {
        let bottom = moved(document, reader, self.top, height.max(1) as isize - 1, width);
        if self.cursor < self.top.block {
            self.cursor = self.top.block;
        } else if self.cursor > bottom.block {
            self.cursor = bottom.block;
        }
    }
}

/// The window position that shows the document's end.
pub fn end(
    document: &mut dyn Document,
    reader: &Reader<'_>,
    width: usize,
    height: usize,
) -> Position {
    let Some(mut block) = document.blocks().checked_sub(1) else {
        return Position::default();
    };
    // The last block that is not hidden.
    if let Some(before) = document.previous(document.blocks()) {
        block = before;
    }
    let line = document.height(reader, block, width).saturating_sub(1);
    moved(document, reader, Position { block, line }, 1 - height.max(1) as isize, width)
}

/// A position some lines further on, or back; stops at the ends.
fn moved(
    document: &mut dyn Document,
    reader: &Reader<'_>,
    from: Position,
    lines: isize,
    width: usize,
) -> Position {
    let mut at = from;
    let mut left = lines.unsigned_abs();
    while left > 0 {
        if lines < 0 {
            if at.line > 0 {
                let step = left.min(at.line);
                at.line -= step;
                left -= step;
                continue;
            }
            let Some(block) = document.previous(at.block) else {
                return at;
            };
            let height = document.height(reader, block, width);
            at = Position { block, line: height };
            if height == 0 {
                continue;
            }
            at.line -= 1;
            left -= 1;
        } else {
            let height = document.height(reader, at.block, width);
            let step = left.min(height.saturating_sub(at.line + 1));
            at.line += step;
            left -= step;
            if left == 0 {
                break;
            }
            let Some(block) = document.next(at.block) else {
                return at;
            };
            at = Position { block, line: 0 };
            if document.height(reader, block, width) > 0 {
                left -= 1;
            }
        }
    }
    at
}

fn after(
    document: &mut dyn Document,
    reader: &Reader<'_>,
    at: Position,
    width: usize,
) -> Option<Position> {
    if at.line + 1 < document.height(reader, at.block, width) {
        return Some(Position { line: at.line + 1, ..at });
    }
    document.next(at.block).map(|block| Position { block, line: 0 })
}
