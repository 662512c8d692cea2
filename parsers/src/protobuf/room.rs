//! How much a message may become.

/// Values of one message that are kept. A field is two bytes or more, and
/// becomes some hundred in memory.
const VALUES: u32 = 1 << 18;
/// Messages within messages.
const DEPTH: u32 = 64;

/// Room for a message's values, and what went wrong.
#[derive(Debug)]
pub(super) struct Room {
    values: u32,
    depth: u32,
    /// It ended inside a field, or held what is no field.
    pub(super) broken: bool,
    /// More values, or deeper ones, than are kept.
    full: bool,
    /// Fields of unknown number or of another type than they should be.
    pub(super) strange: bool,
}

impl Default for Room {
    fn default() -> Self {
        Room { values: VALUES, depth: DEPTH, broken: false, full: false, strange: false }
    }
}

impl Room {
    /// Takes room for one value; whether there was some.
    pub(super) fn take(&mut self) -> bool {
        match self.values.checked_sub(1) {
            Some(left) => self.values = left,
            None => self.full = true,
        }
        !self.full
    }

    /// Does something one message deeper, if that is not too deep.
    pub(super) fn deeper<T>(&mut self, within: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let Some(depth) = self.depth.checked_sub(1) else {
            self.full = true;
            return None;
        };
        self.depth = depth;
        let result = within(self);
        self.depth += 1;
        Some(result)
    }

    /// Whether this is as deep as it may get.
    pub(super) fn is_deepest(&self) -> bool {
        self.depth == 0
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        if self.broken {
            Some("a message of Protocol Buffers is broken: what came before is shown")
        } else if self.full {
            Some("a message of Protocol Buffers holds more values than are shown")
        } else {
            None
        }
    }
}
