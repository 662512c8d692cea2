//! The manual page: the options by clap, the keys by the table of actions.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::action::ACTIONS;
use crate::cli::Cli;

/// The page, as roff(7).
///
/// # Errors
/// Those of `out`.
pub(super) fn write(out: &mut impl Write) -> io::Result<()> {
    let page = Man::new(Cli::command());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    writeln!(out, ".SH COMMANDS")?;
    commands(out, &Cli::command(), "llmtop")?;
    page.render_extra_section(out)?;
    page.render_version_section(out)?;
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

/// Every subcommand, a part each: there is one page of llmtop.
fn commands(out: &mut impl Write, command: &Command, called: &str) -> io::Result<()> {
    for command in command.get_subcommands() {
        let called = format!("{called} {}", command.get_name());
        if command.has_subcommands() {
            commands(out, command, &called)?;
            continue;
        }
        writeln!(out, ".SS \"{}\"", roff(&called))?;
        let page = Man::new(command.clone().bin_name(called).disable_help_flag(true));
        let mut sections = Vec::new();
        page.render_synopsis_section(&mut sections)?;
        page.render_description_section(&mut sections)?;
        page.render_options_section(&mut sections)?;
        for line in sections.split_inclusive(|&byte| byte == b'\n') {
            // Its sections are paragraphs here.
            out.write_all(if line.starts_with(b".SH ") { b".PP\n" } else { line })?;
        }
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
