//! Colours by what they mean. No meaning is in colour alone.

use std::{collections::BTreeMap, str::FromStr};

use ratatui::style::{Color, Modifier, Style};

use super::order::Stage;
use crate::{
    report::{Status, show::Tone},
    text::nearest,
};

/// The themes that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    /// The terminal's own sixteen colours.
    #[default]
    Terminal,
    /// For dark backgrounds, with colours of its own.
    Dark,
    /// For light backgrounds, with colours of its own.
    Light,
    /// Black, white and the strongest colours.
    HighContrast,
    /// No colour at all (`NO_COLOR`).
    None,
}

impl ThemeName {
    /// Their names in the settings.
    pub const WORDS: [&'static str; 5] = ["terminal", "dark", "light", "high-contrast", "none"];
}

impl FromStr for ThemeName {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Ok(match word {
            "terminal" => Self::Terminal,
            "dark" => Self::Dark,
            "light" => Self::Light,
            "high-contrast" => Self::HighContrast,
            "none" => Self::None,
            _ => {
                let meant = nearest(word, Self::WORDS).map(|m| format!("; did you mean {m:?}?"));
                return Err(format!("no theme is called {word:?}{}", meant.unwrap_or_default()));
            }
        })
    }
}

/// What is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Plain text.
    Text,
    /// What may be passed over.
    Dim,
    /// Titles and heads.
    Title,
    /// Keys in hints.
    Key,
    /// Frames of windows.
    Border,
    /// Bars.
    Bar,
    /// A critical state.
    Critical,
    /// A warning.
    Warning,
    /// What could not be read.
    Unknown,
    /// What is worth knowing.
    Info,
    /// A healthy state.
    Healthy,
    /// The badge of staging and rehearsals.
    Staging,
    /// The badge of production.
    Production,
}

impl Role {
    const ALL: [(&'static str, Self); 13] = [
        ("text", Self::Text),
        ("dim", Self::Dim),
        ("title", Self::Title),
        ("key", Self::Key),
        ("border", Self::Border),
        ("bar", Self::Bar),
        ("critical", Self::Critical),
        ("warning", Self::Warning),
        ("unknown", Self::Unknown),
        ("info", Self::Info),
        ("healthy", Self::Healthy),
        ("staging", Self::Staging),
        ("production", Self::Production),
    ];

    fn of(status: Status) -> Self {
        match status {
            Status::Critical => Self::Critical,
            Status::Warning => Self::Warning,
            Status::Unknown => Self::Unknown,
            Status::Info => Self::Info,
            Status::Healthy => Self::Healthy,
        }
    }
}

/// A theme, with what the settings change of it.
#[derive(Debug, Clone, Default)]
pub struct Theme {
    named: ThemeName,
    own: BTreeMap<Role, Color>,
}

impl Theme {
    /// A theme as it is.
    pub fn new(named: ThemeName) -> Self {
        Self {
            named,
            own: BTreeMap::new(),
        }
    }

    /// With colours of the settings: by role, as names (`red`, `light-blue`), numbers (`208`) or `#rrggbb`.
    pub fn with(mut self, colours: &BTreeMap<String, String>) -> Result<Self, String> {
        for (word, colour) in colours {
            let Some((_, role)) = Role::ALL.iter().find(|(name, _)| name == word) else {
                let meant = nearest(word, Role::ALL.iter().map(|(name, _)| *name));
                let meant = meant.map(|m| format!("; did you mean {m:?}?")).unwrap_or_default();
                return Err(format!("no colour is called {word:?}{meant}"));
            };
            let colour: Color = colour
                .parse()
                .map_err(|_| format!("{colour:?} is not a colour: write red, light-blue, 208 or #d75f00"))?;
            self.own.insert(*role, colour);
        }
        Ok(self)
    }

    /// Whether there is no colour at all.
    pub fn is_plain(&self) -> bool {
        self.named == ThemeName::None
    }

    fn colour(&self, role: Role) -> Option<Color> {
        if self.is_plain() {
            return None;
        }
        if let Some(own) = self.own.get(&role) {
            return Some(*own);
        }
        let pick = |terminal, dark: u8, light: u8, strong| match self.named {
            ThemeName::Terminal => terminal,
            ThemeName::Dark => Color::Indexed(dark),
            ThemeName::Light => Color::Indexed(light),
            ThemeName::HighContrast | ThemeName::None => strong,
        };
        Some(match role {
            Role::Text | Role::Title => match self.named {
                ThemeName::Dark => Color::Indexed(252),
                ThemeName::Light => Color::Indexed(235),
                ThemeName::HighContrast => Color::White,
                _ => return None,
            },
            Role::Dim => match self.named {
                ThemeName::Dark => Color::Indexed(244),
                ThemeName::Light => Color::Indexed(241),
                ThemeName::HighContrast => Color::White,
                _ => return None,
            },
            Role::Key => pick(Color::Cyan, 80, 25, Color::LightCyan),
            Role::Border => pick(Color::Blue, 67, 67, Color::White),
            Role::Bar => pick(Color::Blue, 74, 31, Color::LightBlue),
            Role::Critical | Role::Production => pick(Color::Red, 203, 160, Color::LightRed),
            Role::Warning | Role::Staging => pick(Color::Yellow, 221, 130, Color::LightYellow),
            Role::Unknown => pick(Color::Magenta, 177, 91, Color::LightMagenta),
            Role::Info => pick(Color::Cyan, 80, 31, Color::LightCyan),
            Role::Healthy => pick(Color::Green, 114, 28, Color::LightGreen),
        })
    }

    /// What stands behind everything; `None` where that is the terminal's own.
    pub fn background(&self) -> Option<Color> {
        matches!(self.named, ThemeName::HighContrast).then_some(Color::Black)
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        let style = Style::new();
        let style = self.colour(role).map_or(style, |colour| style.fg(colour));
        match role {
            Role::Title | Role::Critical => style.add_modifier(Modifier::BOLD),
            Role::Dim if !matches!(self.named, ThemeName::Dark | ThemeName::Light | ThemeName::HighContrast) => {
                style.add_modifier(Modifier::DIM)
            }
            Role::Key if self.is_plain() => style.add_modifier(Modifier::BOLD),
            _ => style,
        }
    }

    /// The style of a status.
    pub fn status(&self, status: Status) -> Style {
        self.style(Role::of(status))
    }

    /// The style of what a text means.
    pub fn tone(&self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => self.style(Role::Text),
            Tone::Strong => self.style(Role::Title),
            Tone::Dim => self.style(Role::Dim),
            Tone::Of(status) => self.status(status),
        }
    }

    /// The line under the cursor: turned around, which every terminal can.
    pub fn selected(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A badge: turned around and bold, so that it cannot be overlooked.
    pub fn badge(&self, stage: Stage) -> Style {
        let role = match stage {
            Stage::Rehearsal | Stage::Staging => Role::Staging,
            Stage::Production => Role::Production,
        };
        self.style(role).add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_colour_is_no_colour_and_a_status_has_one() {
        let plain = Theme::new(ThemeName::None);
        let own = BTreeMap::from([("critical".to_owned(), "#ff0000".to_owned())]);
        let (terminal, changed) = (Theme::default(), Theme::default().with(&own).expect("fine"));
        for status in [Status::Critical, Status::Warning, Status::Healthy] {
            assert_eq!(plain.status(status).fg, None);
            assert!(terminal.status(status).fg.is_some());
        }
        assert_eq!(changed.status(Status::Critical).fg, Some(Color::Rgb(255, 0, 0)));
        let error = Theme::default()
            .with(&BTreeMap::from([("criticle".to_owned(), "red".to_owned())]))
            .expect_err("no role");
        assert!(error.contains("\"critical\""), "{error}");
        assert!("drak".parse::<ThemeName>().is_err_and(|e| e.contains("\"dark\"")));
    }
}
