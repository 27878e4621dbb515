//! `proof` and `export`: what takes the certificates that a controller keeps.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::{ArgGroup, Args};

use super::{ClusterArgs, controller::PlaceArgs};
use crate::{
    clock::seconds,
    object::Seconds,
    ops::pause::NAMESPACE,
    settings::value::days,
    text::{date, parse_time},
};

/// `proof`.
#[derive(Debug, Clone, Args)]
pub struct ProofCommand {
    /// From when on: so long ago (90d), or since a date (2026-10-01)
    #[arg(long, value_name = "DURATION|DATE", default_value = "90d")]
    pub since: Since,
    /// Also verify these lines of the controller (`kubectl logs`): each has the hash of the one before; - is standard input; may be given
    /// more than once, in the order in which they were written
    #[arg(long, value_name = "FILE|-")]
    pub audit: Vec<PathBuf>,
    /// Verify the lines alone, and read no cluster
    #[arg(long, requires = "audit")]
    pub audit_only: bool,
    /// Whole sentences and a table by default; or json, csv
    #[arg(short, long, help_heading = "Output", value_name = "FORMAT", value_parser = ["json", "csv"], hide_possible_values = true)]
    pub output: Option<String>,
    /// Where the controller is.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The beginning of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(Duration),
    /// This moment, in seconds since 1970.
    At(Seconds),
}

impl Since {
    /// The moment, in seconds since 1970.
    pub fn before(self, now: Seconds) -> Seconds {
        match self {
            Self::Ago(length) => now.saturating_sub(seconds(length)),
            Self::At(at) => at,
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse_time(text) {
            Some(at) => Ok(Self::At(at)),
            None => days(text).map(Self::Ago).map_err(|error| {
                let example = date(1_790_812_800);
                format!("{error}; or a date, such as {example}")
            }),
        }
    }
}

/// `export`.
#[derive(Debug, Clone, Args)]
#[command(group(ArgGroup::new("recipients").required(true).multiple(true).args(["age_recipient", "age_recipients_file"])))]
pub struct ExportCommand {
    /// Only these: NAME, secret/NAME or NAMESPACE/NAME; by default all that an installation claims, or keeps for a Secret that is gone
    #[arg(value_name = "SECRET")]
    pub secrets: Vec<String>,
    /// The directory, which has to exist.
    #[arg(
        help = "The directory, which has to exist: NAMESPACE_NAME.yaml.age for each, with its public chain in NAMESPACE_NAME.crt",
        long,
        value_name = "DIR"
    )]
    pub to: PathBuf,
    /// Encrypt for this recipient (age1...); may be given more than once
    #[arg(
        long,
        visible_alias = "recipient",
        value_name = "RECIPIENT",
        help_heading = "Encryption"
    )]
    pub age_recipient: Vec<String>,
    /// Encrypt for the recipients in this file, one a line; may be given more than once
    #[arg(
        long,
        visible_alias = "recipients-file",
        value_name = "FILE",
        help_heading = "Encryption"
    )]
    pub age_recipients_file: Vec<PathBuf>,
    /// Write files anew that have their certificate already, for other recipients
    #[arg(long, help_heading = "Encryption")]
    pub again: bool,
    /// The namespace; may be given more than once; the context's by default
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Vec<String>,
    /// All namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// The controller's namespace, where it keeps the pairs of Secrets
    #[arg(long, value_name = "NAMESPACE", default_value = NAMESPACE)]
    pub controller_namespace: String,
    /// Which cluster.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_begins_so_long_ago_or_on_a_day() {
        let now = 1_800_000_000;
        assert_eq!("90d".parse::<Since>().unwrap().before(now), now - 90 * 86_400);
        assert_eq!("2027-01-01".parse::<Since>().unwrap().before(now), 1_798_761_600);
        let wrong = "soon".parse::<Since>().unwrap_err();
        assert!(wrong.contains("or a date, such as 2026-10-01"), "{wrong}");
    }
}
