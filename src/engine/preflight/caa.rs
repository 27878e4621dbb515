//! Checks of CAA records, which are looked up from each name towards the root.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};

use super::{LIMIT, Preflight, SharedChecks};
use crate::{
    engine::choose::method_under,
    error::Blame,
    name::Name,
    net::dns::{self, Authorities, DnsError, RecordType, Resolver},
    plan::{
        Target,
        caa::{CaaAnswer, CaaQuery, Forbidden, Property, Verdict, ancestors, judge},
        preflight::{Check, Topic},
    },
    settings::Dns01Settings,
};

/// How many names are looked up at once.
const AT_ONCE: usize = 32;

/// The answer for each name.
pub(super) type Answers = BTreeMap<String, CaaAnswer>;

/// Who orders, and how names are proved.
pub(super) struct Orderer<'a> {
    /// The domains by which records name the CA.
    pub(super) identities: &'a [String],
    /// The URL of the account; `None` if there is none yet.
    pub(super) account: Option<&'a str>,
    /// How DNS-01 is answered, which says how each name is proved.
    pub(super) dns01: &'a Dns01Settings,
}

impl Preflight<'_> {
    /// Looks up all names of all orders and the names above them, each once.
    pub(super) async fn caa_answers(&self, shared: &SharedChecks) -> Answers {
        let names = self
            .targets
            .iter()
            .filter(|target| self.is_ours(target))
            .flat_map(|target| &target.names.order);
        look_up(names, &shared.resolver, shared.authorities.as_ref()).await
    }

    /// Judges the names of an order. Names without any record share a line.
    pub(super) fn caa(&self, target: &Target, answers: &Answers, shared: &SharedChecks) -> Vec<Check> {
        let identities = match self.acme {
            Ok(acme) => acme.directory().meta.caa_identities.as_slice(),
            Err(_) => &[],
        };
        let orderer = Orderer {
            identities,
            account: shared.account.as_deref(),
            dns01: &self.settings.dns01,
        };
        let mut checks = Vec::new();
        let mut free = 0;
        for name in target.names.order.iter().filter(|name| name.base().is_some()) {
            match orderer.judge(name, answers) {
                None => free += 1,
                Some(judged) => checks.push(judged),
            }
        }
        if free > 0 {
            let all = if checks.is_empty() {
                "no name"
            } else {
                "none of the others"
            };
            checks.push(Check::ok(
                Topic::Caa,
                format!("{all} has CAA records: any CA may issue"),
            ));
        }
        checks
    }
}

impl Orderer<'_> {
    /// Judges a name by the records that were looked up; `None` if there are none.
    pub(super) fn judge(&self, name: &Name, answers: &Answers) -> Option<Check> {
        let climbed: Vec<(String, CaaAnswer)> = ancestors(name.base()?)
            .filter_map(|at| Some((at.to_owned(), answers.get(at)?.clone())))
            .collect();
        let asking = CaaQuery {
            identities: self.identities,
            account: self.account,
            method: method_under(self.dns01, name),
            wildcard: name.is_wildcard(),
        };
        match judge(&climbed, &asking) {
            Verdict::Nothing => None,
            verdict => Some(check(verdict, &asking).of(name.to_string())),
        }
    }
}

/// Looks up names and those above them, each once.
pub(super) async fn look_up<'n>(
    names: impl Iterator<Item = &'n Name>,
    resolver: &Result<Resolver, DnsError>,
    authorities: Option<&Authorities>,
) -> Answers {
    let names: BTreeSet<&str> = names.filter_map(|name| name.base()).flat_map(ancestors).collect();
    let resolver = match resolver {
        Ok(resolver) => resolver,
        Err(error) => {
            let unknown = CaaAnswer::Unknown(error.to_string());
            return names
                .into_iter()
                .map(|name| (name.to_owned(), unknown.clone()))
                .collect();
        }
    };
    stream::iter(names)
        .map(|name| async move {
            let answer = tokio::time::timeout(LIMIT, answer(resolver, authorities, name)).await;
            let late = || CaaAnswer::Unknown(format!("DNS gave no answer within {} s", LIMIT.as_secs()));
            (name.to_owned(), answer.unwrap_or_else(|_| late()))
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// The CAA records of a name. A failure of name servers that cannot reach others forbids nothing, because the CA asks
/// different ones. The servers of the zone are asked first: a recursor would remember of a name that does not exist yet
/// that it does not.
async fn answer(resolver: &Resolver, authorities: Option<&Authorities>, name: &str) -> CaaAnswer {
    if let Some(authorities) = authorities
        && let Ok(answer) = authorities.ask(name, RecordType::CAA).await
        && answer.reply.cname().is_none()
    {
        return CaaAnswer::Records(answer.reply.caa().into_iter().map(property).collect());
    }
    match resolver.caa(name).await {
        Ok(records) => CaaAnswer::Records(records.into_iter().map(property).collect()),
        Err(error) if resolver.is_domains_fault(name, &error).await => CaaAnswer::Failed(error.to_string()),
        Err(error) => CaaAnswer::Unknown(error.to_string()),
    }
}

fn property(caa: dns::Caa) -> Property {
    Property {
        critical: caa.critical,
        tag: caa.tag,
        value: caa.value,
    }
}

fn check(verdict: Verdict, asking: &CaaQuery<'_>) -> Check {
    let tag = if asking.wildcard { "issuewild" } else { "issue" };
    let own = asking.identities.first().map_or("the CA's domain", String::as_str);
    match verdict {
        Verdict::Nothing => Check::ok(Topic::Caa, "no CAA records"),
        Verdict::Allowed { at } => Check::ok(Topic::Caa, format!("the CAA records of {at} let this CA issue")),
        Verdict::Failed { at, cause } => Check::fails(
            Topic::Caa,
            Blame::Acme,
            format!("the CAA records of {at} cannot be read, which forbids issuing: {cause}"),
        )
        .hint(Some(
            "check the domain's name servers: an answer that there are none is enough",
        )),
        Verdict::Unknown { at, cause } => Check::warning(
            Topic::Caa,
            format!("the CAA records of {at} are not known here: {cause}"),
        )
        .hint(Some("name another resolver with --resolver ADDRESS")),
        Verdict::Forbidden {
            at,
            why: why @ Forbidden::NoIdentity(_),
        } => Check::warning(Topic::Caa, format!("the CAA records of {at}: {why}")),
        Verdict::Forbidden { at, why } => {
            let hint = match (&why, asking.account) {
                (Forbidden::Account { .. }, Some(account)) => {
                    format!("add the CAA record `{at} CAA 0 {tag} \"{own}; accounturi={account}\"`")
                }
                (Forbidden::NoAccount { .. }, _) => {
                    "create the account (`kubectl certs account register`), and put its URL into the record".to_owned()
                }
                (Forbidden::Methods { .. }, _) => {
                    format!(
                        "add {} to its validationmethods, or validate the name by another method",
                        asking.method.as_str()
                    )
                }
                (Forbidden::Critical(_) | Forbidden::Malformed(_), _) => "correct the record".to_owned(),
                _ => format!("add the CAA record `{at} CAA 0 {tag} \"{own}\"`"),
            };
            Check::fails(Topic::Caa, Blame::Acme, format!("the CAA records of {at}: {why}")).hint(Some(hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dns::{
        ResponseCode,
        testing::{NameServer, Says},
    };

    #[tokio::test]
    async fn name_servers_that_fail_forbid_issuing_only_where_they_are_the_domains() {
        let fails = Says::Code(ResponseCode::ServFail);
        let broken = NameServer::start(&[("shop.example", fails)]).await;
        let cut_off = NameServer::start(&[("", fails)]).await;
        let answer_of =
            async |server: &NameServer| answer(&Resolver::of(vec![server.address]), None, "shop.example").await;
        assert!(matches!(answer_of(&broken).await, CaaAnswer::Failed(_)));
        assert!(matches!(answer_of(&cut_off).await, CaaAnswer::Unknown(_)));
    }
}
