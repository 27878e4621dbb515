//! DNS-PERSIST-01 (draft-ietf-acme-dns-persist): a TXT record that names the CA and the account, which somebody has set
//! once and for all. It is looked for before the CA is asked, and nothing is made or removed.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use super::{
    Challenge, Solve, SolveError,
    dns01::{ShownTexts, shown_texts},
};
use crate::{
    event::{EventKind, Method, Teller},
    name::Name,
    net::dns::{Authorities, Resolver},
    object::Seconds,
    plan::standing::{LABEL, StandingQuery},
};

/// Proves names by records that stay.
#[derive(Debug)]
pub struct DnsPersist01 {
    authorities: Authorities,
    /// The URL of the account.
    account: String,
    /// The domains by which a record names the CA, according to its directory.
    issuers: Vec<String>,
}

/// A record that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The servers that show it.
    pub seen: Vec<String>,
    /// Until when it is good, if it says so.
    pub until: Option<Seconds>,
}

impl DnsPersist01 {
    /// Makes a solver for an account, and for the domains by which the CA's directory says that records name it. `zones`
    /// are known to exist.
    pub fn new<'a>(
        resolver: Resolver,
        zones: impl IntoIterator<Item = &'a str>,
        account: impl Into<String>,
        issuers: &[String],
    ) -> Self {
        Self {
            authorities: Authorities::new(resolver, zones),
            account: account.into(),
            issuers: issuers.to_vec(),
        }
    }

    /// What to do so that the record of a domain is there.
    pub fn needed(&self, domain: &str, wildcard: bool) -> String {
        let asked = StandingQuery {
            issuers: &self.issuers,
            account: &self.account,
            wildcard,
        };
        set(&asked, domain)
    }

    /// Looks for the record of a domain at the name servers of its zone. The error says which record is needed.
    pub async fn look(&self, domain: &str, wildcard: bool) -> Result<Standing, SolveError> {
        self.look_for(domain, wildcard, &self.issuers).await
    }

    async fn look_for(&self, domain: &str, wildcard: bool, issuers: &[String]) -> Result<Standing, SolveError> {
        let asked = StandingQuery {
            issuers,
            account: &self.account,
            wildcard,
        };
        let shown = shown_texts(&self.authorities, &format!("{LABEL}.{domain}"))
            .await
            .map_err(|error| SolveError {
                hint: Some(match &error.hint {
                    Some(hint) => format!("{hint}; then {}", set(&asked, domain)),
                    None => set(&asked, domain),
                }),
                ..error
            })?;
        judge(&asked, domain, &shown, crate::clock::now())
    }
}

/// Judges what the servers show: each of them has to show a record that is good now, because a CA may ask any.
fn judge(asked: &StandingQuery<'_>, domain: &str, shown: &[ShownTexts], now: Seconds) -> Result<Standing, SolveError> {
    let mut until = None;
    let mut wrong: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for one in shown {
        match asked.judge(&one.texts, now) {
            Ok(ends) => until = until.into_iter().chain(ends).min(),
            Err(error) => wrong.entry(error.to_string()).or_default().push(&one.server),
        }
    }
    if wrong.is_empty() {
        return Ok(Standing {
            seen: shown.iter().map(|one| one.server.clone()).collect(),
            until,
        });
    }
    let said: Vec<String> = wrong
        .iter()
        .map(|(error, servers)| {
            if servers.len() == shown.len() {
                error.clone()
            } else {
                format!("{error} (says {})", servers.join(", "))
            }
        })
        .collect();
    Err(SolveError::new(format!("{LABEL}.{domain} {}", said.join("; "))).hint(set(asked, domain)))
}

/// What to do.
fn set(asked: &StandingQuery<'_>, domain: &str) -> String {
    let record = asked.record(domain);
    if asked.issuers.is_empty() {
        return format!(
            "set this record, with the domain by which the CA's documentation says that records name it: {record}"
        );
    }
    let wildcard = if asked.wildcard {
        ""
    } else {
        " (for a wildcard, with `; policy=wildcard` at its end)"
    };
    format!("set this record, and leave it there: {record}{wildcard}")
}

impl Solve for DnsPersist01 {
    fn method(&self) -> Method {
        Method::DnsPersist01
    }

    fn can_answer<'a>(&'a self, name: &'a Name) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            let domain = name.base().ok_or_else(|| {
                SolveError::new(format!("{name} is not a domain: DNS-PERSIST-01 validates only domains"))
            })?;
            self.look(domain, name.is_wildcard()).await.map(drop)
        })
    }

    /// Makes nothing: looks once more, now that the challenge itself says by which domains a record names the CA.
    fn present<'a>(&'a self, challenge: &'a Challenge, tell: &'a Teller) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            if challenge.issuers.is_empty() {
                return Err(SolveError::new(
                    "the CA's challenge dns-persist-01 does not say by which domains a record names it",
                ));
            }
            let domain = challenge.name.base().unwrap_or_default();
            let seen = self
                .look_for(domain, challenge.wildcard, &challenge.issuers)
                .await?
                .seen;
            tell.tell(EventKind::SelfChecked {
                name: challenge.name.clone(),
                method: Method::DnsPersist01,
                seen,
            });
            Ok(())
        })
    }

    fn clean<'a>(&'a self, _: &'a Challenge) -> BoxFuture<'a, Result<usize, SolveError>> {
        Box::pin(std::future::ready(Ok(0)))
    }

    fn finish(&self) -> BoxFuture<'_, Result<usize, SolveError>> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_to_show_the_record_and_the_one_that_does_not_is_named() {
        let issuers = ["ca.example".to_owned()];
        let asked = StandingQuery {
            issuers: &issuers,
            account: "https://ca.example/acct/7",
            wildcard: false,
        };
        let shown = |server: &str, text: Option<String>| ShownTexts {
            server: server.to_owned(),
            texts: text.into_iter().collect(),
        };
        let good = asked.value();
        let ends = format!("{good}; persistUntil=2000");
        let both = [shown("ns1", Some(good.clone())), shown("ns2", Some(ends))];
        assert_eq!(
            judge(&asked, "shop.example", &both, 1000),
            Ok(Standing {
                seen: vec!["ns1".to_owned(), "ns2".to_owned()],
                until: Some(2000)
            })
        );
        let stale = [shown("ns1", Some(good)), shown("ns2", None)];
        let error = judge(&asked, "shop.example", &stale, 1000).unwrap_err();
        assert_eq!(
            error.message,
            "_validation-persist.shop.example has no TXT record (says ns2)"
        );
        assert_eq!(
            error.hint.as_deref(),
            Some(
                "set this record, and leave it there: _validation-persist.shop.example. IN TXT \"ca.example; \
                 accounturi=https://ca.example/acct/7\" (for a wildcard, with `; policy=wildcard` at its end)"
            )
        );
        let none = [shown("ns1", None), shown("ns2", None)];
        let error = judge(&asked, "shop.example", &none, 1000).unwrap_err();
        assert_eq!(error.message, "_validation-persist.shop.example has no TXT record");
    }
}
