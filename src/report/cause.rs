//! One cause, said once: where most of what is wrong has the same CA, Secret, class or controller behind it, one line says so.

use std::collections::HashMap;

use super::{row::Status, rows::Rows};
use crate::{
    check::{Fact, Reason},
    object::Key,
};

/// Below so many rows, the table says it.
const LEAST: usize = 10;

/// What several rows have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Cause<'a> {
    Untrusted(&'a str),
    Incomplete(&'a str),
    Class(&'a str),
    Default(&'a str),
    Secret(&'a Key, Reason),
}

/// One line about the cause of most rows that are `warning` or worse; `None` where there is no such cause.
///
/// `9,812 of the 10,000 that are warning or critical have one cause: CN=Corp Root is not trusted here; ...`
pub fn cause(rows: &Rows<'_>) -> Option<String> {
    let mut counts: HashMap<Cause<'_>, usize> = HashMap::new();
    let mut wrong = 0;
    for row in rows.iter().filter(|row| row.status >= Status::Warning) {
        wrong += 1;
        // The worst comes first.
        let Some(worst) = row.findings.first() else { continue };
        let secret = || {
            let beside = worst.beside.as_deref().map(|beside| &beside.secret);
            beside.or(row.secret()).map(|key| Cause::Secret(key, worst.reason()))
        };
        let found = match &worst.fact {
            Fact::UntrustedIssuer { issuer, .. } => Some(Cause::Untrusted(issuer)),
            Fact::MissingIntermediate { issuer, .. } => Some(Cause::Incomplete(issuer)),
            Fact::IngressClassNotFound { class, .. } if !class.is_empty() => Some(Cause::Class(class)),
            Fact::ControllerDefaultCertificate { controller } => Some(Cause::Default(controller)),
            _ => secret(),
        };
        if let Some(found) = found {
            *counts.entry(found).or_default() += 1;
        }
    }
    let (cause, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
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
        Cause::Class(class) => {
            format!("there is no class {class}; `kubectl get ingressclass` lists those that there are")
        }
        Cause::Default(controller) => {
            format!("{controller} made the certificate itself; store one of a CA in the Secrets that the routes name")
        }
        Cause::Secret(key, reason) => format!(
            "{reason} of Secret {key}; `kubectl certs show secret/{} -n {}` says more",
            key.name, key.namespace
        ),
    };
    let all = if count == wrong {
        format!("all {} rows", number(wrong))
    } else {
        format!("{} of the {} rows", number(count), number(wrong))
    };
    Some(format!("{all} that are warning or critical have one cause: {why}"))
}

/// `9,812`.
fn number(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::Finding,
        report::{Row, fixtures::Shop},
    };

    #[test]
    fn the_cause_of_most_is_said_once_with_what_to_do() {
        let shop = Shop::new();
        let row = shop.rows()[0];
        let untrusted = |issuer: &str| {
            [Finding::new(Fact::UntrustedIssuer {
                issuer: issuer.into(),
                root_presented: false,
                namesake: false,
            })]
        };
        let (corp, other) = (untrusted("CN=Corp Root"), untrusted("CN=Other"));
        let expired = [Finding::new(Fact::Expired { not_after: 0 })];
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
                "1,812 of the 2,000 rows that are warning or critical have one cause: CN=Corp Root is not trusted here; \
                 if it is yours: --ca-file FILE, or `trust:` in the settings"
            )
        );
        let secret = told(&[(&expired, 12)]).expect("one cause");
        assert!(
            secret.starts_with("all 12 rows that are warning or critical have one cause: Expired of Secret shop/"),
            "{secret}"
        );
        // Few rows, or several causes, are told by the table.
        assert_eq!(told(&[(&corp, 9)]), None);
        assert_eq!(told(&[(&corp, 50), (&other, 50)]), None);
        assert_eq!(told(&[]), None);
    }
}
