//! The manual page: the options by clap, the keys by the table of actions.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::action::ACTIONS;
use crate::cli::Cli;

/// The page, as roff(7).
///
/// # Errors
/// Those of `out`.
pub(super) fn write(out: &mut impl Write) -> io::Result<()> {
    clap_mangen::Man::new(Cli::command()).render(out)?;
    writeln!(out, ".SH KEYS")?;
    writeln!(
        out,
        "On the live screen, unless the configuration gives others: under [keys], by the name \
         that stands in brackets."
    )?;
    for entry in ACTIONS {
        let keys = entry.keys.iter().map(|key| roff(key)).collect::<Vec<_>>().join(" ");
        let (help, name) = (roff(entry.help), roff(entry.name));
        writeln!(out, ".TP\n\\fB{keys}\\fR\n{help} [{name}]")?;
    }
    Ok(())
}

/// Text as roff shows it: no character means anything else.
fn roff(text: &str) -> String {
    text.replace('\\', "\\(rs").replace('-', "\\-").replace('\'', "\\(aq")
}

#[cfg(test)]
mod tests {
    use super::{ACTIONS, write};

    #[test]
    fn every_action_is_in_the_manual_with_its_keys() {
        let mut page = Vec::new();
        write(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        for entry in ACTIONS {
            let name = format!("[{}]\n", entry.name.replace('-', "\\-"));
            assert_eq!(page.matches(&name).count(), 1, "{name}");
        }
        assert!(page.contains("\\fB\\(rs F4\\fR"), "{page}");
    }
}
