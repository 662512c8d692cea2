//! View models: what a screen shows, as plain data.
//!
//! Nothing here knows of a terminal library, and every captured text that
//! leaves here has passed the display boundary ([`shown`]). Building a view
//! touches what is visible, never the whole history.

pub mod answer;
pub mod area;
pub mod chat;
mod chosen;
mod code;
pub mod columns;
pub mod compare;
pub mod connections;
pub mod context;
pub mod document;
pub mod events;
pub mod exchanges;
pub mod facts;
pub mod footer;
pub mod format;
mod frozen;
pub mod gist;
pub mod header;
pub mod help;
pub mod json;
mod line;
mod markdown;
pub mod overview;
pub mod palette;
mod part;
mod pattern;
pub mod processes;
mod reader;
mod screen;
pub mod table;
mod task;
pub mod text;
pub mod timing;
pub mod usage;
pub mod waiting;
mod wrap;

pub use crate::store::is_over;
pub use area::{Area, Pane};
pub use chosen::Chosen;
pub use footer::{Footer, Hint, Offer, Offers};
pub use frozen::Frozen;
pub use gist::asked;
pub use line::{Line, Role, Span, floor, gist, shown, truncated};
pub use part::{Counting, Part};
pub use pattern::Pattern;
pub use reader::{Output, Reader, Show};
pub use screen::{Content, Panel, Screen, TabBar};
pub use task::Task;
pub use wrap::Wrapped;
