//! `--since`: what is new, and what is gone, since a report was saved as JSON.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use serde::Deserialize;

use crate::{
    check::{Finding, Reason, Select, Severity},
    inventory::Inventory,
    report::{
        Row,
        apart::{Gone, Since},
    },
    scan::{self, Judged},
    source::Scope,
};

use crate::ops::{OpError, files::read_file};

/// A report of 100,000 hosts is some 100 MB.
const LARGEST: u64 = 1 << 30;

/// A saved report.
#[derive(Debug)]
pub(super) struct Saved {
    evaluated_at: String,
    context: Option<String>,
    /// Whether it was saved with a choice, so that findings are missing.
    chosen: bool,
    /// Whether Secrets were read for it.
    secrets_read: bool,
    rows: HashMap<Identity, Before>,
}

/// What a row of the saved report had.
#[derive(Debug, Default)]
struct Before {
    /// What has not been found again.
    findings: Vec<(Reason, Severity)>,
    /// Whether the row is there still.
    seen: bool,
}

/// Which host of which route, or which Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Identity {
    namespace: String,
    route: Option<(String, String, Option<String>)>,
    host: Option<String>,
    /// The Secret, where there is no route.
    secret: Option<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: String,
    kind: String,
    evaluated_at: String,
    not_chosen: Option<serde::de::IgnoredAny>,
    secrets_read: Option<bool>,
    items: Vec<PastItem>,
}

#[derive(Deserialize)]
struct PastItem {
    context: Option<String>,
    namespace: String,
    route: Option<Route>,
    host: Option<String>,
    secrets: Vec<Secret>,
    findings: Vec<ToldChange>,
}

#[derive(Deserialize)]
struct Route {
    kind: String,
    name: String,
    listener: Option<String>,
}

#[derive(Deserialize)]
struct Secret {
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
struct ToldChange {
    reason: String,
    severity: String,
}

impl Saved {
    /// Reads a report that `status -o json` wrote.
    pub(super) fn read(path: &Path) -> Result<Self, OpError> {
        let shown = path.display();
        let foreign = |why: &str| {
            OpError::usage(format!("cannot compare with {shown}: {why}"))
                .hint("save one first: `kubectl certs status -o json > FILE`")
        };
        let bytes = read_file(path, LARGEST)
            .map_err(|error| OpError::usage(format!("cannot read --since {shown}: {error}")))?;
        let document: Document = serde_json::from_slice(&bytes).map_err(|error| {
            foreign(&format!(
                "it is not a report of `kubectl certs status -o json` ({})",
                without_values(&error)
            ))
        })?;
        if document.api_version != crate::report::item::API_VERSION || document.kind != crate::report::item::KIND {
            return Err(foreign("it is another kind of document"));
        }
        let context = document.items.iter().find_map(|item| item.context.clone());
        let mut rows: HashMap<Identity, Before> = HashMap::new();
        for item in document.items {
            // A reason of a later version is none that could be found again.
            let told = item.findings.iter().filter_map(|told| {
                let severity = [Severity::Info, Severity::Warning, Severity::Critical]
                    .into_iter()
                    .find(|severity| severity.as_str() == told.severity)?;
                Some((told.reason.parse().ok()?, severity))
            });
            rows.entry(item.identity()).or_default().findings.extend(told);
        }
        Ok(Self {
            evaluated_at: document.evaluated_at,
            context,
            chosen: document.not_chosen.is_some(),
            secrets_read: document.secrets_read.unwrap_or(true),
            rows,
        })
    }

    /// Whether findings may be missing in it, because they were not chosen.
    pub(super) fn is_partial(&self) -> bool {
        self.chosen
    }

    /// Takes away the findings that were there already, at least as severe, and the rows that have no others. What is gone is told
    /// for the namespaces that were read, and for what is chosen.
    pub(super) fn compare(
        mut self,
        judged: &mut Vec<Judged>,
        inventory: &Inventory,
        select: &Select,
        scope: &Scope,
        whole: bool,
    ) -> Result<Since, OpError> {
        if let Some(then) = &self.context
            && *then != *inventory.context
        {
            let now = if inventory.context.is_empty() {
                "manifests"
            } else {
                inventory.context.as_str()
            };
            return Err(OpError::usage(format!(
                "cannot compare: the report was saved from the context {then}, and this is {now}"
            )));
        }
        if self.secrets_read == inventory.secrets_left_out {
            let (then, now) = if self.secrets_read {
                ("without", "with")
            } else {
                ("with", "without")
            };
            return Err(OpError::usage(format!(
                "cannot compare: the report was saved {then} --no-secrets, and this is one {now} it"
            ))
            .hint("save one with the same flags first: `kubectl certs status -o json > FILE`"));
        }
        let all = judged.len();
        for one in judged.iter_mut() {
            let identity = scan::row(inventory, one).map(|row| Identity::of(&row));
            let before = identity.and_then(|identity| self.rows.get_mut(&identity));
            let Some(before) = before else { continue };
            before.seen = true;
            // What is excused by now is neither new nor gone.
            for finding in &one.ignored {
                before.take(finding.reason(), None);
            }
            let findings = std::mem::take(&mut one.findings);
            let is_new = |finding: &Finding| !before.take(finding.reason(), Some(finding.severity));
            one.findings = findings.into_iter().filter(is_new).collect();
        }
        judged.retain(|one| !one.findings.is_empty());
        let mut gone = BTreeSet::new();
        for (identity, before) in &self.rows {
            if before.seen || (whole && scope.allows_namespace(&identity.namespace)) {
                let chosen = before
                    .findings
                    .iter()
                    .filter(|found| select.would_choose(found.0, found.1));
                gone.extend(chosen.map(|(reason, _)| (identity.to_string(), *reason)));
            }
        }
        Ok(Since {
            evaluated_at: self.evaluated_at,
            as_before: all - judged.len(),
            gone: gone
                .into_iter()
                .map(|(subject, reason)| Gone { subject, reason })
                .collect(),
        })
    }
}

impl Before {
    /// Takes one finding of a reason away that was at least as severe, and says whether there was one. One that was less severe is
    /// taken too: it has become worse, and is told as new.
    fn take(&mut self, reason: Reason, severity: Option<Severity>) -> bool {
        let same = |found: &(Reason, Severity)| found.0 == reason;
        let as_severe = |found: &(Reason, Severity)| same(found) && severity.is_none_or(|severity| found.1 >= severity);
        let there = self.findings.iter().position(as_severe);
        if let Some(at) = there.or_else(|| self.findings.iter().position(same)) {
            self.findings.swap_remove(at);
        }
        there.is_some()
    }
}

impl PastItem {
    fn identity(&self) -> Identity {
        let first = self.secrets.first().filter(|_| self.route.is_none());
        Identity {
            namespace: self.namespace.clone(),
            route: self
                .route
                .as_ref()
                .map(|route| (route.kind.clone(), route.name.clone(), route.listener.clone())),
            host: self.host.clone(),
            secret: first.map(|secret| (secret.namespace.clone(), secret.name.clone())),
        }
    }
}

impl Identity {
    fn of(row: &Row<'_>) -> Self {
        let first = row.secrets.first().filter(|_| row.route.is_none());
        Self {
            namespace: row.namespace.to_owned(),
            route: row.route.map(|route| {
                let listener = route.listener.map(ToOwned::to_owned);
                (route.kind.as_str().to_owned(), route.name.to_owned(), listener)
            }),
            host: row.host.map(|host| crate::report::item::host(host).to_owned()),
            secret: first.map(|key| (key.namespace.to_string(), key.name.to_string())),
        }
    }
}

impl std::fmt::Display for Identity {
    /// `shop: ingress/web: shop.example`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.namespace)?;
        match (&self.route, &self.secret) {
            (Some((kind, name, listener)), _) => {
                write!(f, "{}/{name}", kind.to_lowercase())?;
                if let Some(listener) = listener {
                    write!(f, ":{listener}")?;
                }
            }
            (None, Some((_, name))) => write!(f, "secret/{name}")?,
            (None, None) => f.write_str("what could not be read")?,
        }
        match &self.host {
            Some(host) => write!(f, ": {host}"),
            None => Ok(()),
        }
    }
}

/// The message of the decoder without what it quotes.
fn without_values(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}
