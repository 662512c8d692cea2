//! What is said where no exchange is listed: what is going on, and what to do next.

use unicode_width::UnicodeWidthStr;

use super::{Role, Span, gist, shown};
use crate::store::{Session, Status};

/// What else is known, where no exchange is listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlisted<'a> {
    /// Exchanges that are not with an LLM, and are left out.
    pub others: usize,
    /// The key that lists them.
    pub key: &'a str,
}

/// The lines, in so many columns.
pub fn waiting(session: &Session, unlisted: Unlisted<'_>, columns: usize) -> Vec<Vec<Span>> {
    let mut said: Vec<(String, Role)> = Vec::new();
    let mut say = |text: &str, role| said.push((shown(text), role));
    match &session.status {
        Status::Starting(what) => {
            say(&format!("{what} …"), Role::Warning);
            say("what is captured appears here by itself", Role::Dim);
        }
        Status::Failed(why) => {
            say(why, Role::Error);
            say("nothing more is captured: quit and start again", Role::Dim);
            if !session.recorded {
                say("`llmtop doctor` says what the system allows", Role::Dim);
            }
        }
        _ if unlisted.others > 0 => {
            let others = unlisted.others;
            say(&format!("no exchange with an LLM, {others} of another kind"), Role::Text);
            say(&format!("{} lists those, too", unlisted.key), Role::Dim);
        }
        Status::Ended if session.recorded => {
            say("there is no exchange in this recording", Role::Text);
            say("nothing of HTTP was seen when it was made, or it ends before", Role::Dim);
        }
        Status::Ended => {
            say("the capture ended, and no exchange was seen", Role::Text);
            say("`llmtop doctor` says which programs are covered", Role::Dim);
        }
        Status::Running if session.recorded => {
            say("playing the recording: no exchange yet", Role::Text);
        }
        Status::Running => {
            listening(session, &mut say);
        }
    }
    let wrapped = said.iter().flat_map(|(text, role)| {
        wrap(text, columns).into_iter().map(|line| vec![Span::new(line, *role)])
    });
    wrapped.collect()
}

fn listening(session: &Session, say: &mut impl FnMut(&str, Role)) {
    say("listening: no exchange yet", Role::Text);
    if session.probes == 0 {
        let who = if session.filters.is_empty() { "program that runs" } else { "watched program" };
        say(&format!("no {who} has a TLS library that is covered"), Role::Warning);
        say("one that starts is looked at at once; HTTP without TLS is seen anyway", Role::Dim);
    } else {
        say("start a program that talks to an LLM; it appears here at once", Role::Dim);
    }
    for problem in session.problems.iter().take(2) {
        say(&gist(problem, 200), Role::Warning);
    }
    if !session.filters.is_empty() {
        let filters = gist(&session.filters.join(", "), 60);
        say(&format!("only {filters} is watched: without that, everything is"), Role::Dim);
    }
    say("nothing comes? `llmtop doctor` says which programs are covered", Role::Dim);
}

/// Breaks a line at blanks. A word that is longer than a line is not broken.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_are_broken_at_blanks() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one two three", 13), ["one two three"]);
        assert_eq!(wrap("endless words", 3), ["endless", "words"]);
        assert_eq!(wrap("", 3), [""]);
    }
}
