//! The stream of captures on disk: `-w` writes it, `-r` and `--demo` play it.
//!
//! A recording is the live stream itself, so everything that comes after
//! capture treats both alike and needs no privileges for a recording. The
//! format is described in `docs/recording-format.md`.

mod format;
mod play;
mod read;
mod stream;
mod write;

pub use format::Header;
pub use play::{Pace, Recording};
pub use read::{Ending, Item, Reader};
pub use write::Writer;
