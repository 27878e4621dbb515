//! The fields of a plan: with which issuer, through which solver, reached where. A plan that they change is made anew.

use super::{Start, keys, runs};
use crate::tui::{
    CommandLine,
    effect::Effect,
    keymap::Action,
    model::{
        Model,
        popup::{About, Ask, InputPurpose, Popup},
    },
    order::{Job, RunId, Stage},
};

/// A field of a plan: a flag of `renew`, and where the settings keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The CA.
    Issuer,
    /// What answers HTTP-01.
    Solver,
    /// Where the cluster reaches this process.
    Advertise,
    /// All other flags that a plan takes.
    Flags,
}

/// The flags of [`Field::Flags`], and whether each has a value: all that a refusal may ask for, so that none ends here.
pub const FLAGS: &[(&str, bool)] = &[
    ("--agree-tos", false),
    ("--email", true),
    ("--eab-kid", true),
    ("--eab-key-file", true),
    ("--eab-key-env", true),
    ("--directory-ca-file", true),
    ("--profile", true),
    ("--preferred-chain", true),
    ("--key-type", true),
    ("--reuse-key", false),
    ("--only-route-hosts", false),
    ("--ignore-rate-limits", false),
    ("--force", false),
    ("--overwrite-with-staging", false),
    ("--solver-image", true),
    ("--solver-pull-secret", true),
    ("--solver-node-selector", true),
    ("--solver-toleration", true),
    ("--solver-service", true),
    ("--self-check", true),
    ("--resolve-timeout", true),
    ("--connect", true),
    ("--dns", true),
    ("--challenge", true),
    ("--resolver", true),
    ("--follow-cname", false),
    ("--propagation-timeout", true),
    ("--propagation-wait", true),
    ("--secret-keys", true),
    ("--restart", true),
    ("--wait", true),
    ("--ca-file", true),
    ("--concurrency", true),
];

impl Field {
    /// The field that an action asks for.
    pub fn of(action: Action) -> Option<Self> {
        Some(match action {
            Action::Issuer => Self::Issuer,
            Action::Solver => Self::Solver,
            Action::Advertise => Self::Advertise,
            Action::Flags => Self::Flags,
            _ => return None,
        })
    }

    /// The flag; of [`Self::Flags`] a word for them.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Issuer => "--issuer",
            Self::Solver => "--solver",
            Self::Advertise => "--advertise",
            Self::Flags => "flags",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Issuer => "the issuer of this renewal",
            Self::Solver => "the solver that answers HTTP-01",
            Self::Advertise => "the address at which the cluster reaches this process",
            Self::Flags => "more flags of `kubectl certs renew`, for this plan alone",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Issuer => {
                "letsencrypt, or an issuer of the settings: what it issues is stored, unlike that of a rehearsal; empty: as set in the settings \
                 (`production:` keeps it)"
            }
            Self::Solver => {
                "pod, endpoint, service or in-place; empty: as set in the settings (`http01.solver:` keeps it)"
            }
            Self::Advertise => {
                "ADDRESS:PORT, for the solver endpoint; empty: as set in the settings (`http01.advertise:` keeps it)"
            }
            Self::Flags => "as on the command line: --self-check direct --solver-service NAME:PORT; empty: none",
        }
    }
}

/// Sets a flag, or takes it away.
fn set(words: &mut Vec<String>, flag: &str, value: Option<&str>) {
    while let Some(at) = words.iter().position(|word| word == flag) {
        words.drain(at..words.len().min(at + 2));
    }
    if let Some(value) = value {
        words.extend([flag.to_owned(), value.to_owned()]);
    }
}

/// The words of a command without the flags of [`Field::Flags`], and those.
fn parted(words: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut rest, mut more) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match FLAGS.iter().find(|(flag, _)| flag == word) {
            Some((_, true)) => more.extend([word].into_iter().chain(words.next()).cloned()),
            Some((_, false)) => more.push(word.clone()),
            None => rest.push(word.clone()),
        }
    }
    (rest, more)
}

/// The flags that were typed, each value a word of its own; or what is none of them.
fn read_more(typed: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut words = typed.split_whitespace();
    while let Some(word) = words.next() {
        let (name, value) = word
            .split_once('=')
            .map_or((word, None), |(name, value)| (name, Some(value)));
        let Some((flag, valued)) = FLAGS.iter().find(|(flag, _)| *flag == name) else {
            let own = [Field::Issuer, Field::Solver, Field::Advertise];
            let key = own.iter().find(|field| field.flag() == name);
            return Err(key.map_or_else(
                || format!("{name} is no flag that a plan takes here"),
                |field| format!("{name} has a key of its own: {}", field.title()),
            ));
        };
        found.push((*flag).to_owned());
        match (valued, value) {
            (true, Some(value)) => found.push(value.to_owned()),
            (true, None) => match words.next().filter(|value| !value.starts_with("--")) {
                Some(value) => found.push(value.to_owned()),
                None => return Err(format!("{flag} needs a value")),
            },
            (false, Some(_)) => return Err(format!("{flag} has no value")),
            (false, None) => {}
        }
    }
    Ok(found)
}

/// The runs of the window on top: of a plan, or of what has ended.
fn runs_on_top(model: &Model) -> Vec<RunId> {
    model
        .popups
        .last()
        .map(|window| window.runs().to_vec())
        .unwrap_or_default()
}

/// Asks for a field.
pub(super) fn ask(model: &mut Model, field: Field) -> Vec<Effect> {
    let ids = runs_on_top(model);
    let mut renewals = ids.iter().filter_map(|id| model.run(*id));
    let Some(run) = renewals.find(|run| run.job == Job::Renew) else {
        return Vec::new();
    };
    let now = if field == Field::Flags {
        // The next flag is typed after those that there are.
        let flags = parted(&run.command.words).1.join(" ");
        if flags.is_empty() { flags } else { flags + " " }
    } else {
        run.command.value_of(field.flag()).unwrap_or_default().to_owned()
    };
    keys::ask_line(model, InputPurpose::Field(field), field.title(), field.help(), now);
    Vec::new()
}

/// Takes a field that was typed: the plans of the window are made anew with it, and later ones have it too.
pub(super) fn take(model: &mut Model, field: Field, typed: &str) -> Vec<Effect> {
    let ids = runs_on_top(model);
    let typed = Some(typed.trim()).filter(|typed| !typed.is_empty());
    let flags = match (field, typed) {
        (Field::Flags, Some(typed)) => match read_more(typed) {
            Ok(flags) => flags,
            Err(why) => {
                model.notice(why, true);
                return Vec::new();
            }
        },
        (_, Some(typed)) if typed.starts_with('-') || typed.contains(char::is_whitespace) => {
            model.notice(format!("{}: one word, not a flag", field.flag()), true);
            return Vec::new();
        }
        _ => Vec::new(),
    };
    let renewals = ids.iter().filter_map(|id| model.run(*id));
    let starts: Vec<Start> = renewals
        .filter(|run| run.job == Job::Renew)
        .map(|run| {
            let mut command = run.command.clone();
            if field == Field::Flags {
                command.words = parted(&command.words).0;
                command.words.extend(flags.iter().cloned());
            } else {
                set(&mut command.words, field.flag(), typed);
            }
            // An issuer that is named is no choice between rehearsal and production any more.
            if field == Field::Issuer && typed.is_some() {
                command.words.retain(|word| word != "--production");
            }
            Start {
                was_rehearsal: run.is_rehearsal() || run.was_rehearsal,
                ..Start::new(Job::Renew, command)
            }
        })
        .collect();
    if starts.is_empty() {
        return Vec::new();
    }
    // Who ordered from another issuer once is asked again: a rehearsal comes first. Other flags are for what is seen.
    if !matches!(field, Field::Issuer | Field::Flags) {
        set(&mut model.ui.renew_flags, field.flag(), typed);
    }
    model.popups.pop();
    let mut effects = runs::drop_plans(model, &ids);
    effects.extend(runs::plan(model, starts));
    effects
}

/// The settings that the fields of the plan on top come to, each by its path; or why there are none to keep.
pub(super) fn kept(model: &Model) -> Result<Vec<(String, String)>, &'static str> {
    let ids = runs_on_top(model);
    let mut renewals = ids.iter().filter_map(|id| model.run(*id));
    let Some(run) = renewals.find(|run| run.job == Job::Renew) else {
        return Err("nothing is ordered here");
    };
    // A plan that could not be made is no reason to have the next one fail too.
    let Some(plan) = &run.plan else {
        return Err("there is no plan yet that these fields lead to");
    };
    let issuer = if plan.stage == Some(Stage::Staging) {
        "staging"
    } else {
        "production"
    };
    let fields = [
        (Field::Issuer, issuer),
        (Field::Solver, "http01.solver"),
        (Field::Advertise, "http01.advertise"),
    ];
    let of = |(field, path): &(Field, &str)| {
        let value = run.command.value_of(field.flag())?;
        Some(((*path).to_owned(), value.to_owned()))
    };
    let settings: Vec<(String, String)> = fields.iter().filter_map(of).collect();
    if settings.is_empty() {
        return Err("the settings say all of this already: no issuer, solver or address was chosen here");
    }
    Ok(settings)
}

/// Has the fields of the plan kept in the user's settings: what would be written is shown first.
pub(super) fn keep(model: &Model) -> Vec<Effect> {
    kept(model)
        .map(|settings| vec![Effect::Keep { settings, agreed: None }])
        .unwrap_or_default()
}

/// Asks whether the settings are to be written as they would be.
pub(super) fn keeps(model: &mut Model, settings: Vec<(String, String)>, file: &str, lines: Vec<String>) -> Vec<Effect> {
    if lines.is_empty() {
        model.notice(format!("{file} says so already"), false);
        return Vec::new();
    }
    let mut asked = vec![format!("To be kept in {file}, whose other lines stay as they are:")];
    asked.extend(lines.iter().map(|line| format!("  {line}")));
    asked.push("Write it?".to_owned());
    model.popups.push(Popup::Ask(Ask {
        lines: asked,
        about: About::Keep { settings, lines },
        scroll: 0,
        from_ms: model.ms + runs::UNREAD_MS,
    }));
    Vec::new()
}

/// The words of the other stage: production, or the rehearsal that an issuer or `--production` is not.
pub(super) fn turned(command: &mut CommandLine) {
    if command.has("--issuer") || command.has("--production") {
        command.words.retain(|word| word != "--production");
        set(&mut command.words, "--issuer", None);
    } else {
        command.words.push("--production".to_owned());
    }
}
