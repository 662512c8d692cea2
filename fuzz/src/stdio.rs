//! A process's standard input and output.

use crate::body;
use crate::script::Script;

/// Plays a script at once and cut into pieces of as many bytes as the first of `data`
/// says: the same must come out.
///
/// # Panics
/// It does not.
pub fn check(data: &[u8]) {
    let [cut, rest @ ..] = data else { return };
    let script = Script { stdio: true, ..Script::read(rest) };
    body::check_cut(&script, *cut);
}
