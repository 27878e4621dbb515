//! The TLS Secrets, each once, with what uses it.

use std::{fmt::Write as _, sync::Arc};

use hashbrown::HashMap;

use super::prelude::*;
use crate::{
    check::{Reason, Urgency},
    object::{Key, Kind},
    report::present::{
        TableLine,
        order::{badness, compare},
    },
    tui::{
        cells,
        update::picture,
        view::header::{self, Counted},
    },
    x509::Certificate,
};

/// The view.
pub(in crate::tui) struct Secrets;

impl ViewKind for Secrets {
    const HELP: &'static str = "every TLS Secret";
    const ALSO: &'static [&'static str] = &["secret", "sec"];
    const SCOPES: &'static [Scope] = OF_ROWS;
    const HINTS: &'static [Action] = HINTS_OF_ROWS;
    const LACKS: Option<&'static str> = Some("names a TLS Secret");
    const COLUMNS: &'static [Column] = &[
        of_row(RowColumn::Status, 10, 0).by(Field::Status),
        of_row(RowColumn::Namespace, 11, 3).least(9).by(Field::Namespace),
        of_row(RowColumn::Secret, 24, 0).least(16).by(Field::Name),
        of_row(RowColumn::Expires, 9, 1).by(Field::Expires),
        column(ColumnContent::Hosts, "HOSTS", 5, 5),
        of_row(RowColumn::Names, 24, 4),
        of_row(RowColumn::Issuer, 12, 6).by(Field::Issuer),
        of_row(RowColumn::Algorithm, 8, 7),
        of_row(RowColumn::Reason, 20, 2).least(12),
        of_row(RowColumn::Serial, 8, 9).wide(),
        of_row(RowColumn::Sha256, 8, 9).wide(),
        of_row(RowColumn::Age, 4, 8).by(Field::Age).wide(),
    ];

    fn make(derived: &mut Derived, rows: &Rows, sort: Sort, _now: Seconds, at: Option<usize>) -> Option<usize> {
        let lines = secrets(rows, sort);
        let again = again(&derived.secrets.lines, at, &lines, |line| &line.key);
        let mut by_status = Counts::default();
        for line in &lines {
            by_status[line.status as usize] += 1;
        }
        derived.secrets = SecretLines {
            lines,
            by_status,
            all: rows.count_secrets(),
        };
        again
    }

    fn lines(model: &Model) -> usize {
        model.derived.secrets.lines.len()
    }

    fn cell(model: &Model, line: usize, what: ColumnContent, out: &mut String) -> Option<Tone> {
        let line = model.derived.secrets.lines.get(line)?;
        if what == ColumnContent::Hosts {
            let _ = write!(out, "{}", line.hosts);
            return Some(Tone::Plain);
        }
        Some(cells::of_row(&line, what, model.now(), out))
    }

    fn item(model: &Model, line: usize) -> Option<&Item> {
        model.rows.about(Self::about(model, line)?)
    }

    fn subject(model: &Model, line: usize) -> Option<ItemSubject> {
        Self::secret(model, line).map(subject)
    }

    fn subject_of(item: &Item) -> Option<ItemSubject> {
        item.secret().map(subject)
    }

    fn secret(model: &Model, line: usize) -> Option<&Key> {
        model.derived.secrets.lines.get(line).map(|line| &line.key)
    }

    fn about(model: &Model, line: usize) -> Option<&About> {
        model.derived.secrets.lines.get(line).map(|line| &line.about)
    }

    fn position(model: &Model, about: &About) -> Option<usize> {
        let lines = &model.derived.secrets.lines;
        lines.iter().position(|line| line.about == *about)
    }

    fn seen_marks(model: &Model) -> usize {
        let lines = &model.derived.secrets.lines;
        lines.iter().filter(|line| model.marks.contains(&line.about)).count()
    }

    fn open(model: &mut Model) -> Vec<Effect> {
        picture::open(model)
    }

    /// The rows by the Secret that is expected to be served, where the view has the one that is named. The healthy Secrets that no
    /// route uses have no row, and what names no Secret is one line more.
    fn command(model: &Model) -> Option<CommandLine> {
        Some(status_with(model, &["--by", "secret"]))
    }

    fn counted(model: &Model) -> (Vec<Counted>, Counts) {
        let secrets = &model.derived.secrets;
        let counted = Counted {
            here: secrets.lines.len(),
            all: secrets.all,
            one: "Secret",
            many: "Secrets",
        };
        (vec![counted, header::unread(model)], secrets.by_status)
    }

    // A route may use a Secret of another namespace.
    fn reaches_beyond(model: &Model, namespace: &str) -> bool {
        let lines = &model.derived.secrets.lines;
        lines.iter().any(|line| line.key.namespace != namespace)
    }

    fn chosen_from(model: &Model) -> Option<(usize, &'static str)> {
        Some((model.derived.secrets.all, "Secrets"))
    }
}

fn subject(key: &Key) -> ItemSubject {
    ItemSubject {
        kind: Kind::Secret,
        key: key.clone(),
    }
}

/// The Secrets.
#[derive(Debug, Default)]
pub struct SecretLines {
    /// Those that are looked at.
    pub lines: Vec<SecretLine>,
    /// How many of those have which status.
    by_status: Counts,
    /// How many there are, chosen or not.
    all: usize,
}

/// One TLS Secret.
#[derive(Debug, Clone)]
pub struct SecretLine {
    /// Its name.
    pub key: Key,
    /// The worst of what uses it.
    pub status: Status,
    /// How many hosts use it.
    pub hosts: usize,
    /// Its leaf.
    pub certificate: Option<Arc<Certificate>>,
    /// The reasons of all findings, each once.
    pub reasons: Vec<Reason>,
    /// Whether clients are refused now.
    pub urgency: Urgency,
    /// The worst item that uses it.
    pub about: About,
    /// When it, or the first route that uses it, was created.
    pub created: Option<Seconds>,
}

impl<'a> TableLine<'a> for &'a SecretLine {
    fn status(&self) -> Status {
        self.status
    }

    fn urgency(&self) -> Urgency {
        self.urgency
    }

    fn namespace(&self) -> &'a str {
        &self.key.namespace
    }

    fn subject(&self) -> (Kind, &'a str) {
        (Kind::Secret, &self.key.name)
    }

    fn secret(&self) -> Option<&'a Key> {
        Some(&self.key)
    }

    fn secrets(&self) -> &'a [Key] {
        std::slice::from_ref(&self.key)
    }

    fn certificate(&self) -> Option<&'a Certificate> {
        self.certificate.as_deref()
    }

    fn created(&self) -> Option<Seconds> {
        self.created
    }

    fn reasons(&self) -> impl Iterator<Item = (Reason, bool)> {
        self.reasons.iter().map(|reason| (*reason, false))
    }
}

/// The Secrets of all items that are looked at.
fn secrets(rows: &Rows, sort: Sort) -> Vec<SecretLine> {
    let mut places: HashMap<&Key, usize> = HashMap::new();
    let mut lines: Vec<SecretLine> = Vec::new();
    for item in rows.chosen() {
        let Some(key) = item.secret() else { continue };
        let at = *places.entry(key).or_insert_with(|| {
            lines.push(SecretLine {
                key: key.clone(),
                status: item.status,
                urgency: item.urgency,
                hosts: 0,
                certificate: item.certificate.clone(),
                reasons: Vec::new(),
                about: item.about.clone(),
                created: item.created,
            });
            lines.len() - 1
        });
        let Some(line) = lines.get_mut(at) else { continue };
        line.hosts += usize::from(item.host.is_some());
        if (badness(&item), &item.about) < (badness(&&*line), &line.about) {
            line.status = item.status;
            line.urgency = item.urgency;
            line.about = item.about.clone();
        }
        if line.certificate.is_none() {
            line.certificate.clone_from(&item.certificate);
        }
        for finding in &item.findings {
            if !line.reasons.contains(&finding.reason()) {
                line.reasons.push(finding.reason());
            }
        }
    }
    let by = match sort.by {
        // A Secret has no host of its own.
        Some(Field::Host) => Some(Field::Name),
        by => by,
    };
    lines.sort_by(|a, b| compare(&a, &b, by, sort.reverse));
    lines
}
