//! What the CA knows: orders, certificates, failures, and what each counts towards.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use x509_parser::prelude::{FromDer as _, GeneralName, ParsedExtension, X509Certificate};

use super::{
    Rates,
    buckets::{Buckets, Clock, Rate},
    http::{Answer, Request, path_of, text},
};

/// How much there was of something for a set of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) orders: usize,
    pub(crate) finalizations: usize,
    pub(crate) certificates: usize,
}

/// What an order is exempt from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exempt {
    Nothing,
    /// Orders of the account and certificates of the domain: there was a certificate for exactly these names.
    SameNames,
    /// Everything: it replaces a certificate within its window.
    All,
}

struct Order {
    account: String,
    names: Vec<String>,
    exempt: Exempt,
    is_finalized: bool,
    has_certificate: bool,
}

struct Certificate {
    names: BTreeSet<String>,
    not_before: i64,
    not_after: i64,
    is_replaced: bool,
}

pub(super) struct Book {
    clock: Clock,
    orders: Buckets,
    domain: Buckets,
    set: Buckets,
    failures: Buckets,
    /// By the paths of their URLs.
    known: BTreeMap<String, Order>,
    /// The order of each path for finalization, and of each certificate.
    finalize: BTreeMap<String, String>,
    failed: BTreeSet<String>,
    /// By the ids of RFC 9773, section 4.1.
    certificates: BTreeMap<String, Certificate>,
    issued: BTreeSet<String>,
    pub(super) counts: BTreeMap<String, Counts>,
    /// What is suggested in place of the usual window.
    pub(super) window: Option<(i64, i64)>,
    pub(super) refused: usize,
}

/// Why an order is refused: how long for, and in which words.
pub(super) struct Refusal {
    pub(super) wait: Duration,
    pub(super) words: String,
    pub(super) anchor: &'static str,
}

impl Book {
    pub(super) fn new(rates: &Rates) -> Self {
        Self {
            clock: Clock::new(rates.speed),
            orders: Buckets::new(rates.orders),
            domain: Buckets::new(rates.domain),
            set: Buckets::new(rates.same_names),
            failures: Buckets::new(rates.failures),
            known: BTreeMap::new(),
            finalize: BTreeMap::new(),
            failed: BTreeSet::new(),
            certificates: BTreeMap::new(),
            issued: BTreeSet::new(),
            counts: BTreeMap::new(),
            window: None,
            refused: 0,
        }
    }

    /// Judges a new order, and takes its token from the account. Says what the order is exempt from.
    pub(super) fn admit(&mut self, request: &Request) -> Result<Exempt, Refusal> {
        let (account, names) = (request.account(), names(&request.payload));
        let exempt = self.exempt(&names, &request.payload);
        let now = self.clock.now();
        if let Some((wait, words, anchor)) = self.refusal(&account, &names, exempt, now) {
            self.refused += 1;
            return Err(Refusal {
                wait: self.clock.real(wait),
                words,
                anchor,
            });
        }
        if exempt == Exempt::Nothing {
            self.orders.spend(&account, now);
        }
        Ok(exempt)
    }

    /// Notes what became of a new order that was admitted.
    pub(super) fn ordered(&mut self, request: &Request, exempt: Exempt, answer: &Answer) {
        let (account, names) = (request.account(), names(&request.payload));
        if answer.status != 201 {
            if exempt == Exempt::Nothing {
                self.orders.refund(&account, self.clock.now());
            }
            return;
        }
        if let Some(replaced) = self.certificates.get_mut(&text(&request.payload["replaces"])) {
            replaced.is_replaced = true;
        }
        let path = path_of(&answer.location);
        self.finalize
            .insert(path_of(&text(&answer.json()["finalize"])), path.clone());
        self.count(&names).orders += 1;
        let order = Order {
            account,
            names,
            exempt,
            is_finalized: false,
            has_certificate: false,
        };
        self.known.insert(path, order);
    }

    /// Notes what any other answer says: orders that are finalized, certificates, authorizations that have failed.
    pub(super) fn saw(&mut self, request: &Request, answer: &Answer) {
        if answer.status >= 300 {
            return;
        }
        let body = answer.json();
        if let Some(order) = self.finalize.get(&request.path).cloned() {
            self.finalized(&order);
            self.saw_order(&order, &body);
        } else if self.known.contains_key(&request.path) {
            self.saw_order(&request.path.clone(), &body);
        } else if body["status"] == "invalid" && body["identifier"].is_object() {
            let of = (request.account(), text(&body["identifier"]["value"]));
            if self.failed.insert(request.path.clone()) {
                self.failures.spend(&format!("{}:{}", of.0, of.1), self.clock.now());
            }
        } else if answer.body.starts_with(b"-----BEGIN CERTIFICATE-----") {
            self.saw_certificate(&answer.body);
        }
    }

    fn finalized(&mut self, order: &str) {
        let Some(order) = self.known.get_mut(order) else { return };
        if !std::mem::replace(&mut order.is_finalized, true) {
            let names = order.names.clone();
            self.count(&names).finalizations += 1;
        }
    }

    fn saw_order(&mut self, path: &str, body: &Value) {
        let Some(order) = self.known.get_mut(path) else { return };
        if body["certificate"].as_str().is_none() || std::mem::replace(&mut order.has_certificate, true) {
            return;
        }
        let (names, exempt) = (order.names.clone(), order.exempt);
        let now = self.clock.now();
        if exempt == Exempt::Nothing {
            for domain in domains(&names) {
                self.domain.spend(&domain, now);
            }
        }
        if exempt != Exempt::All {
            self.set.spend(&set(&names), now);
        }
        self.issued.insert(set(&names));
        self.count(&names).certificates += 1;
    }

    fn saw_certificate(&mut self, pem: &[u8]) {
        let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(pem) else {
            return;
        };
        let Ok((_, leaf)) = X509Certificate::from_der(&pem.contents) else {
            return;
        };
        let id = leaf
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(key) => Some(key.key_identifier.as_ref()?.0.to_vec()),
                _ => None,
            });
        let Some(id) = id else { return };
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let id = format!("{}.{}", encode(&id), encode(leaf.raw_serial()));
        let sans = leaf.subject_alternative_name().ok().flatten();
        let names = sans.iter().flat_map(|sans| &sans.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_lowercase()),
            _ => None,
        });
        let certificate = Certificate {
            names: names.collect(),
            not_before: leaf.validity().not_before.timestamp(),
            not_after: leaf.validity().not_after.timestamp(),
            is_replaced: false,
        };
        self.certificates.entry(id).or_insert(certificate);
    }

    /// The window that is suggested for a certificate, in seconds since 1970: from half of its life on, for 2 % of it.
    pub(super) fn window_of(&self, id: &str) -> Option<(i64, i64)> {
        let of = self.certificates.get(id)?;
        let life = of.not_after + 1 - of.not_before;
        let start = of.not_before + life / 2;
        Some(self.window.unwrap_or((start, start + (life / 50).max(1))))
    }

    /// How many orders each account has.
    pub(super) fn orders_by_account(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        for order in self.known.values() {
            *all.entry(order.account.clone()).or_default() += 1;
        }
        all
    }

    fn count(&mut self, names: &[String]) -> &mut Counts {
        self.counts.entry(set(names)).or_default()
    }

    fn exempt(&self, names: &[String], payload: &Value) -> Exempt {
        let id = text(&payload["replaces"]);
        let now = super::super::pki::now().unix_timestamp();
        let is_in_window = self
            .window_of(&id)
            .is_some_and(|(start, end)| (start..end).contains(&now));
        let replaced = self.certificates.get(&id);
        let is_replacement =
            replaced.is_some_and(|it| !it.is_replaced && names.iter().any(|name| it.names.contains(name)));
        if is_in_window && is_replacement {
            Exempt::All
        } else if self.issued.contains(&set(names)) {
            Exempt::SameNames
        } else {
            Exempt::Nothing
        }
    }

    /// The limit that lasts longest of those that an order meets, in the words of Boulder's `ratelimits/limiter.go`.
    fn refusal(
        &self,
        account: &str,
        names: &[String],
        exempt: Exempt,
        now: Duration,
    ) -> Option<(Duration, String, &'static str)> {
        let mut all = Vec::new();
        let mut meet = |buckets: &Buckets, of: &str, words: &dyn Fn(u32) -> String, anchor| {
            let Rate { burst, period } = buckets.rate();
            if let Some(wait) = buckets.wait(of, now) {
                all.push((wait, format!("{} in the last {}", words(burst), go(period)), anchor));
            }
        };
        if exempt == Exempt::Nothing {
            let words = |burst| format!("too many new orders ({burst}) from this account");
            meet(&self.orders, account, &words, "new-orders-per-account");
            for domain in domains(names) {
                let words = |burst| format!("too many certificates ({burst}) already issued for {domain:?}");
                meet(&self.domain, &domain, &words, "new-certificates-per-registered-domain");
            }
        }
        if exempt != Exempt::All {
            let words =
                |burst| format!("too many certificates ({burst}) already issued for this exact set of identifiers");
            let anchor = "new-certificates-per-exact-set-of-identifiers";
            meet(&self.set, &set(names), &words, anchor);
            for name in names {
                let words = |burst| format!("too many failed authorizations ({burst}) for {name:?}");
                let anchor = "authorization-failures-per-identifier-per-account";
                meet(&self.failures, &format!("{account}:{name}"), &words, anchor);
            }
        }
        all.into_iter().max_by_key(|(wait, ..)| *wait)
    }
}

fn names(payload: &Value) -> Vec<String> {
    let identifiers = payload["identifiers"].as_array().cloned().unwrap_or_default();
    let values = identifiers
        .iter()
        .map(|identifier| text(&identifier["value"]).to_lowercase());
    values.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The key of exactly these names.
pub(super) fn set(names: &[String]) -> String {
    let names: BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    names.into_iter().collect::<Vec<_>>().join(",")
}

/// The registered domains of names, which have two labels in these tests.
fn domains(names: &[String]) -> BTreeSet<String> {
    let domain = |name: &String| {
        let labels: Vec<&str> = name.rsplitn(3, '.').take(2).collect();
        labels.into_iter().rev().collect::<Vec<_>>().join(".")
    };
    names.iter().map(domain).collect()
}

/// A time as Go writes it: `168h0m0s`.
fn go(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}h{}m{}s", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
