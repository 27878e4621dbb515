//! `man`: one page, with a section for each command.

use std::io::{self, Write as _};

use clap::{Arg, Command, CommandFactory as _};
use clap_mangen::Man;

use super::args::Cli;

/// The manual page, in roff.
pub(super) fn page() -> io::Result<Vec<u8>> {
    let mut root = whole(Cli::command());
    root.build();
    let man = Man::new(root.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    for command in commands(&root) {
        section(&root, command, &mut page)?;
    }
    man.render_extra_section(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// With the flags that only the long help has.
fn whole(command: Command) -> Command {
    command
        .mut_args(|arg| arg.hide_short_help(false))
        .mut_subcommands(whole)
}

/// The commands, each before its own.
fn commands(of: &Command) -> Vec<&Command> {
    let visible = of
        .get_subcommands()
        .filter(|c| !c.is_hide_set() && c.get_name() != "help");
    visible.flat_map(|c| std::iter::once(c).chain(commands(c))).collect()
}

/// A command's own options in full; those that the page has already are only named.
fn section(root: &Command, command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let is_known = |arg: &Arg| {
        let same = |known: &Arg| known.get_id() == arg.get_id() && text(known) == text(arg);
        !arg.is_positional() && root.get_arguments().any(same)
    };
    let known: Vec<String> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && is_known(arg))
        .filter_map(|arg| Some(format!("--{}", arg.get_long()?)))
        .collect();
    let own = command.clone().mut_args(|arg| {
        let hidden = arg.is_hide_set() || is_known(&arg);
        arg.hide(hidden)
    });
    let man = Man::new(own);
    let mut parts = Vec::new();
    man.render_description_section(&mut parts)?;
    Man::new(command.clone()).render_synopsis_section(&mut parts)?;
    man.render_options_section(&mut parts)?;
    writeln!(page, ".SH \"{}\"", name.to_uppercase())?;
    for line in String::from_utf8_lossy(&parts).lines() {
        match line.strip_prefix(".SH ") {
            Some("DESCRIPTION") => {}
            Some(title) => writeln!(page, ".SS {title}")?,
            None => writeln!(page, "{line}")?,
        }
    }
    if !known.is_empty() {
        writeln!(page, ".PP\nAlso, as above: {}.", known.join(", ").replace('-', "\\-"))?;
    }
    Ok(())
}

fn text(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_command_and_every_option_is_on_the_page() {
        let page = String::from_utf8(super::page().expect("it is made")).expect("UTF-8");
        for title in ["RENEW", "ISSUE", "STATUS", "ACCOUNT REGISTER", "CONFIG VIEW"] {
            assert!(page.contains(&format!(".SH \"KUBECTL CERTS {title}\"\n")), "{title}");
        }
        for option in [
            "\\-\\-production",
            "\\-\\-solver\\-image",
            "\\-\\-key\\-file",
            "\\-\\-fail\\-on",
        ] {
            assert!(page.contains(option), "{option}");
        }
        for hidden in [
            "KUBECTL CERTS RESPOND",
            "KUBECTL CERTS COMPLETE\"",
            "KUBECTL CERTS HELP",
        ] {
            assert!(!page.contains(hidden), "{hidden}");
        }
        assert_eq!(page.matches(".TH ").count(), 1);
        // What the whole program takes is described once.
        assert_eq!(page.matches("Act as the user with this UID").count(), 1);
    }
}
