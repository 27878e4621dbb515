//! What the settings and the environment say of the screen.

use crate::{
    engine::cancel::Cancel,
    ops::{Cluster, Config, Context, OpError},
    settings::{
        file::TuiEntry,
        layer::{Layer, Origin},
    },
    tui::{
        columns::Columns,
        keymap::Keymap,
        model::Ui,
        theme::{Theme, ThemeName},
    },
};

use super::super::{
    args::{ColorChoice, StatusArgs},
    front::Terminal,
    locale,
};

/// All that the sources say of the screen; the first that says something counts.
async fn said(args: &StatusArgs) -> Result<(Vec<Layer>, TuiEntry), OpError> {
    let context = Context::new(
        Cluster::new(args.source.connection.options(), Terminal::telling()),
        Config {
            file: args.check.config.clone(),
            config_map: None,
        },
        Cancel::never(),
    );
    let layers = context.layers(Layer::empty(Origin::Flags)).await?;
    let mut entry = TuiEntry::default();
    for layer in &layers {
        entry = entry.or(&layer.file.tui);
    }
    Ok((layers, entry))
}

fn wrong(what: &str, why: impl std::fmt::Display) -> OpError {
    OpError::usage(format!("the setting tui.{what} cannot be used: {why}"))
        .hint("`kubectl certs config example` shows how it is written")
}

/// What is wrong with what one source says of the screen.
pub(in crate::cli) fn problems(entry: &TuiEntry) -> Vec<OpError> {
    let theme = entry
        .theme
        .as_deref()
        .map_or(Ok(ThemeName::default()), str::parse::<ThemeName>)
        .err();
    let colours = Theme::default().with(&entry.colours.clone().unwrap_or_default()).err();
    let keys = Keymap::with(&entry.keys.clone().unwrap_or_default()).err();
    let columns = Columns::with(entry.columns.as_deref().unwrap_or_default()).err();
    [
        theme.map(|why| wrong("theme", why)),
        colours.map(|why| wrong("colours", why)),
        keys.map(|why| wrong("keys", why)),
        columns.map(|why| wrong("columns", why)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The keys, colours and limits of the screen.
pub(super) async fn ui(args: &StatusArgs, read_only: bool) -> Result<Ui, OpError> {
    let (layers, entry) = said(args).await?;
    let named = |name: Option<&str>| -> Result<ThemeName, OpError> {
        name.unwrap_or("terminal")
            .parse()
            .map_err(|why: String| wrong("theme", why))
    };
    let colour = match args.output.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    let theme = named(entry.theme.as_deref())?;
    let theme = match theme {
        _ if !colour => ThemeName::None,
        // Sixteen colours are all that there are: those themes have others.
        ThemeName::Dark | ThemeName::Light if !many_colours() => ThemeName::Terminal,
        theme => theme,
    };
    let theme = Theme::new(theme)
        .with(&entry.colours.unwrap_or_default())
        .map_err(|why| wrong("colours", why))?;
    let file = |of: fn(&crate::settings::file::File) -> Option<String>| layers.iter().find_map(|layer| of(&layer.file));
    Ok(Ui {
        keymap: Keymap::with(&entry.keys.unwrap_or_default()).map_err(|why| wrong("keys", why))?,
        theme,
        ascii: entry.ascii.unwrap_or_else(locale::is_ascii),
        no_mouse: !entry.mouse.unwrap_or(true),
        read_only: read_only || entry.read_only.unwrap_or(false),
        unprotected: entry.unprotected_contexts.unwrap_or_default(),
        staging: file(|file| file.staging.clone()).unwrap_or_else(|| "letsencrypt-staging".to_owned()),
        production: file(|file| file.production.clone()).unwrap_or_else(|| "letsencrypt".to_owned()),
        renew_flags: Vec::new(),
    })
}

/// Which columns the hosts have.
pub(super) async fn columns(args: &StatusArgs) -> Result<Columns, OpError> {
    let (_, entry) = said(args).await?;
    Columns::with(&entry.columns.unwrap_or_default()).map_err(|why| wrong("columns", why))
}

/// Whether the terminal says that it has more than sixteen colours.
fn many_colours() -> bool {
    let says = |name: &str, words: &[&str]| {
        std::env::var(name).is_ok_and(|value| words.iter().any(|word| value.contains(word)))
    };
    says("COLORTERM", &["truecolor", "24bit"]) || says("TERM", &["256color", "direct"])
}

/// The flags for roots, as they were given: what is judged trusted here is to be so for a renewal.
pub(super) fn ca_flags(args: &StatusArgs) -> Vec<String> {
    let files = args.check.ca_file.iter();
    files
        .flat_map(|file| ["--ca-file".to_owned(), file.display().to_string()])
        .collect()
}

/// The flag for the settings file, as it was given.
pub(super) fn config_flags(args: &StatusArgs) -> Vec<String> {
    let file = args.check.config.iter();
    file.flat_map(|file| ["--config".to_owned(), file.display().to_string()])
        .collect()
}
