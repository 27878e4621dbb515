//! Whether a renewal changes the CA of a certificate. Renewals of all Secrets never do: otherwise a certificate that
//! somebody paid for, or that only a company's own clients trust, would be replaced one night by one of another CA.
//!
//! A CA is recognized by this program's annotations on the Secret, if they apply to the certificate in it; otherwise by
//! the organisation in the name of the issuer, for the public CAs whose directories are known; otherwise by the key of
//! the issuer, if it also issued a certificate that this program got from the same directory. A CA that is not known to
//! be the same counts as another.
//!
//! Annotations are written by whoever may write the Secret. So they speak for that Secret, and the keys that are learned
//! from them for its namespace; only those of the account's namespace speak for all.

use std::collections::HashSet;

use super::Target;
use crate::{
    inventory::{Inventory, Stored},
    name::Name,
    object::{Key, Text, annotation},
    x509::{Certificate, is_staging_issuer, public_suffix},
};

/// The public CAs that issue over ACME: the suffixes of their directories' hosts, the organisations in the names of
/// their issuers (RFC 4514), and their usual names.
const PUBLIC: &[(&[&str], &[&str], &str)] = &[
    (
        &["letsencrypt.org"],
        &[
            "Let's Encrypt",
            "(STAGING) Let's Encrypt",
            "Internet Security Research Group",
        ],
        LETS_ENCRYPT,
    ),
    (&["zerossl.com"], &["ZeroSSL"], "ZeroSSL"),
    (
        &["pki.goog"],
        &["Google Trust Services", "Google Trust Services LLC"],
        "Google Trust Services",
    ),
    (&["buypass.com", "buypass.no"], &["Buypass AS-983163327"], "Buypass"),
    (&["ssl.com"], &["SSL Corporation", "SSL Corp"], "SSL.com"),
    (&["digicert.com"], &["DigiCert Inc", "DigiCert, Inc."], "DigiCert"),
    (&["sectigo.com", "trust-provider.com"], &["Sectigo Limited"], "Sectigo"),
    (&["globalsign.com"], &["GlobalSign nv-sa"], "GlobalSign"),
    (&["entrust.net"], &["Entrust Limited", "Entrust, Inc."], "Entrust"),
    (&["actalis.it", "actalis.com"], &["Actalis S.p.A."], "Actalis"),
];

const LETS_ENCRYPT: &str = "Let's Encrypt";

/// Stands for a CA if a certificate is self-signed.
pub const SELF_SIGNED: &str = "self-signed";

/// The CA at which a renewal would order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ca {
    /// The name of the issuer in the settings.
    pub name: String,
    /// The URL of its directory.
    pub directory: String,
}

impl Ca {
    /// The name for messages: that of a known public CA, otherwise that of the settings.
    pub fn title(&self) -> &str {
        self.known().map_or(&self.name, |(_, _, title)| title)
    }

    /// Why this CA certainly refuses a name, and what to do. `None` for a CA that is not known to be public, and if
    /// nothing speaks against the name. A public CA does not issue for internal names, which are those below no listed
    /// public suffix (Baseline Requirements, section 4.2.2); Let's Encrypt only certifies IP addresses with its profile
    /// `shortlived`.
    pub fn refuses(&self, name: &Name, profile: Option<&str>) -> Option<(String, &'static str)> {
        let (_, _, title) = self.known()?;
        match name.base() {
            None if *title == LETS_ENCRYPT && profile != Some("shortlived") => Some((
                "an IP address is certified only under the profile shortlived".to_owned(),
                "choose it with --profile shortlived",
            )),
            None => None,
            Some(base) if public_suffix(base).is_some_and(|(_, section)| section.is_some()) => None,
            Some(_) => Some((
                format!("{} issues for public domains only, and this is not one", self.name),
                "issue it with a CA of your own: --issuer NAME",
            )),
        }
    }

    /// Whether it is Let's Encrypt.
    pub fn is_lets_encrypt(&self) -> bool {
        self.known().is_some_and(|(_, _, title)| *title == LETS_ENCRYPT)
    }

    /// Whether it issued the certificate of a Secret, according to the note on the Secret or to the name of the issuer.
    /// Let's Encrypt's staging environment is told apart from production.
    pub fn issued(&self, stored: &Stored, leaf: &Certificate, staging: bool) -> bool {
        let of_here = self
            .noted(stored, leaf)
            .unwrap_or_else(|| !leaf.self_signed && self.is_issuer_by_name(leaf));
        of_here && (!self.is_lets_encrypt() || is_staging_issuer(leaf) == staging)
    }

    /// Whether it is one of the public CAs that are known.
    pub fn is_public(&self) -> bool {
        self.known().is_some()
    }

    fn known(&self) -> Option<&'static (&'static [&'static str], &'static [&'static str], &'static str)> {
        let host = host_of(&self.directory)?;
        PUBLIC
            .iter()
            .find(|(ends, ..)| ends.iter().any(|end| is_below(host, end)))
    }

    /// Whether this program's annotations say that the certificate of a Secret came from this CA.
    pub fn is_noted(&self, stored: &Stored) -> bool {
        stored.leaf().is_some_and(|leaf| self.noted(stored, leaf) == Some(true))
    }

    /// Whether this program's annotations say that the certificate came from this CA; `None` if there are none for it.
    fn noted(&self, stored: &Stored, leaf: &Certificate) -> Option<bool> {
        let noted = |key| stored.meta.annotation(key);
        if noted(annotation::ISSUED_SHA256) != Some(leaf.sha256.to_string().as_str()) {
            return None;
        }
        // Before the directory was recorded, the order was; its URL nearly always has the same host.
        let at = noted(annotation::ISSUED_AT_DIRECTORY)
            .or(noted(annotation::ISSUED_ORDER))
            .and_then(host_of);
        Some(match at {
            Some(at) => Some(at) == host_of(&self.directory) || self.ends_like(Some(at)),
            None => noted(annotation::ISSUED_FROM) == Some(self.name.as_str()),
        })
    }

    /// Whether a host belongs to the same public CA: staging and production have several.
    fn ends_like(&self, host: Option<&str>) -> bool {
        let ends = self.known().map_or(&[][..], |(ends, ..)| ends);
        host.is_some_and(|host| ends.iter().any(|end| is_below(host, end)))
    }

    /// Whether the issuer of a certificate has the name of this CA. `false` for a CA that is not known to be public.
    pub fn is_issuer_by_name(&self, leaf: &Certificate) -> bool {
        let organisation = leaf.issuer.organisation();
        organisation.is_some_and(|organisation| {
            self.known()
                .is_some_and(|(_, organisations, _)| organisations.contains(&organisation.as_str()))
        })
    }
}

/// Compares the CA of a renewal with those of the certificates in a cluster.
#[derive(Debug)]
pub struct Issuers<'a> {
    inventory: &'a Inventory,
    ca: Ca,
    /// CAs that stand for it for a while: what this program got from them is no other CA's.
    others: Vec<Ca>,
    /// The keys of the CA's issuers, according to the certificates that it is known to have issued, each with the namespace for
    /// which that counts; without one, for all.
    keys: HashSet<(Option<&'a str>, &'a [u8])>,
}

impl<'a> Issuers<'a> {
    /// Examines everything in the inventory.
    pub fn of(inventory: &'a Inventory, ca: Ca) -> Self {
        let known = inventory.secrets().iter().filter_map(|stored| {
            let leaf = stored.leaf()?;
            let key = leaf.authority_key_id.as_deref()?;
            let namespace = stored.meta.namespace.as_str();
            let counts_for = (!inventory.is_home(namespace)).then_some(namespace);
            ca.noted(stored, leaf)
                .filter(|from_here| *from_here)
                .map(|_| (counts_for, key))
        });
        let keys = known.collect();
        Self {
            inventory,
            ca,
            others: Vec::new(),
            keys,
        }
    }

    /// The same where these CAs stand for that one for a while.
    #[must_use]
    pub fn beside(mut self, others: &[Ca]) -> Self {
        self.others = others.to_vec();
        self
    }

    /// The keys of the CA's issuers that are known, sorted, each with the namespace for which it counts: once there is another
    /// one, a certificate that counted as another CA's may be this one's.
    pub fn keys(&self) -> Vec<(Option<Text>, Box<[u8]>)> {
        let owned = |(namespace, key): &(Option<&str>, &[u8])| (namespace.map(Text::from), Box::from(*key));
        let mut keys: Vec<_> = self.keys.iter().map(owned).collect();
        keys.sort_unstable();
        keys
    }

    /// The issuer of the certificate of a Secret, if a renewal would change it. `None` if the CA stays the same, or if
    /// there is no certificate yet.
    pub fn other(&self, secret: &Key) -> Option<String> {
        let stored = self.inventory.secrets().get(secret)?;
        let leaf = stored.leaf()?;
        let same = self.ca.noted(stored, leaf).unwrap_or_else(|| {
            let by_key = leaf.authority_key_id.as_deref().is_some_and(|key| {
                let counts_for = [None, Some(secret.namespace.as_str())];
                counts_for
                    .into_iter()
                    .any(|namespace| self.keys.contains(&(namespace, key)))
            });
            !leaf.self_signed && (by_key || self.ca.is_issuer_by_name(leaf))
        });
        let same = same || self.others.iter().any(|ca| ca.noted(stored, leaf) == Some(true));
        (!same).then(|| title_of(leaf))
    }

    /// Records on each target whether its CA changes.
    pub fn mark(&self, targets: &mut [Target]) {
        for target in targets {
            target.changes_ca = self
                .other(&target.secret)
                .map(|from| (from, self.ca.title().to_owned()));
        }
    }
}

/// The issuer of a certificate for a sentence: the name of a known CA, the organisation of the issuer, or the short
/// form of its name.
fn title_of(leaf: &Certificate) -> String {
    if leaf.self_signed {
        return SELF_SIGNED.to_owned();
    }
    let Some(organisation) = leaf.issuer.organisation() else {
        return leaf.issuer.short.to_string();
    };
    let known = PUBLIC
        .iter()
        .find(|(_, names, _)| names.contains(&organisation.as_str()));
    known.map_or(organisation, |(_, _, title)| (*title).to_owned())
}

/// The host of a URL with its port, which distinguishes several servers on one machine.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}

/// Whether a host is a domain, or below it. Its port is ignored.
fn is_below(host: &str, domain: &str) -> bool {
    let host = host.split(':').next().unwrap_or(host);
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::fixtures::{bundle, leaf, stored, with_annotation},
        x509::Name,
    };

    fn held(name: &str, issuer: &str, key: &[u8]) -> Stored {
        let mut of = leaf(&["x.example"]);
        of.issuer = Name::new(issuer, "short", None).into();
        of.authority_key_id = Some(key.to_vec().into());
        stored("a", name, bundle(of))
    }

    fn noted(mut stored: Stored, issuer: &str, order: &str) -> Stored {
        let sha256 = stored.leaf().map(|leaf| leaf.sha256.to_string()).unwrap_or_default();
        for (key, value) in [
            (annotation::ISSUED_FROM, issuer),
            (annotation::ISSUED_ORDER, order),
            (annotation::ISSUED_SHA256, &sha256),
        ] {
            stored.meta = with_annotation(stored.meta, key, value);
        }
        stored
    }

    fn other(ca: (&str, &str), all: Vec<Stored>, of: &str) -> Option<String> {
        let mut inventory = Inventory::new("c", false);
        for stored in all {
            inventory.store(stored);
        }
        inventory.derive();
        let ca = Ca {
            name: ca.0.into(),
            directory: ca.1.into(),
        };
        Issuers::of(&inventory, ca).other(&Key::new("a", of))
    }

    const LETS_ENCRYPT: (&str, &str) = ("letsencrypt", "https://acme-v02.api.letsencrypt.org/directory");
    const CORP: (&str, &str) = ("corp", "https://ca.corp.example:9000/acme/acme/directory");

    #[test]
    fn a_public_ca_is_known_by_its_organisation() {
        let of = |ca, issuer: &str| other(ca, vec![held("s", issuer, b"k")], "s");
        assert_eq!(of(LETS_ENCRYPT, "CN=R12,O=Let's Encrypt,C=US"), None);
        assert_eq!(
            of(LETS_ENCRYPT, "CN=(STAGING) Counterfeit,O=(STAGING) Let's Encrypt,C=US"),
            None
        );
        let digicert = of(LETS_ENCRYPT, "CN=Thawte TLS RSA CA G1,O=DigiCert Inc,C=US");
        assert_eq!(digicert.as_deref(), Some("DigiCert"));
        let own = of(LETS_ENCRYPT, "CN=Corp Issuing,O=Corp\\, Inc.,C=US");
        assert_eq!(own.as_deref(), Some("Corp, Inc."));
        // A name proves nothing if the directory of the CA is not known.
        assert!(of(CORP, "CN=Corp Issuing,O=corp,C=US").is_some());
        assert_eq!(
            other(LETS_ENCRYPT, Vec::new(), "s"),
            None,
            "there is no certificate yet"
        );
    }

    #[test]
    fn what_was_noted_goes_before_the_name_as_long_as_it_speaks_of_this_certificate() {
        let issuer = "CN=Corp Issuing";
        let own = |from: &str, order: &str| noted(held("s", issuer, b"k"), from, order);
        // The same name may stand for another CA later; an order may have a host of its own.
        assert!(other(CORP, vec![own("corp", "https://elsewhere.example/o/1")], "s").is_some());
        let mut elsewhere = own("corp", "https://elsewhere.example/o/1");
        elsewhere.meta = with_annotation(elsewhere.meta, annotation::ISSUED_AT_DIRECTORY, CORP.1);
        assert_eq!(other(CORP, vec![elsewhere], "s"), None);
        assert_eq!(
            other(CORP, vec![own("former-name", "https://ca.corp.example:9000/o/1")], "s"),
            None
        );
        assert!(other(CORP, vec![own("another", "https://ca.corp.example:9001/o/1")], "s").is_some());
        let staging = own(
            "letsencrypt-staging",
            "https://acme-staging-v02.api.letsencrypt.org/o/1",
        );
        assert_eq!(other(LETS_ENCRYPT, vec![staging], "s"), None);
        // Another program has stored a different certificate since.
        let mut replaced = own("corp", "https://ca.corp.example:9000/o/1");
        let mut leaf = leaf(&["x.example"]);
        leaf.sha256 = crate::inventory::fixtures::digest("another");
        replaced.bundle = bundle(leaf);
        assert!(other(CORP, vec![replaced], "s").is_some());
    }

    #[test]
    fn what_this_program_got_from_a_ca_that_stands_for_another_is_no_other_cas_and_what_others_got_there_is() {
        let mut inventory = Inventory::new("c", false);
        inventory.store(noted(
            held("ours", "CN=Corp Issuing", b"k"),
            "corp",
            "https://ca.corp.example:9000/o/1",
        ));
        // Of the same CA and by the same key, but by hand.
        inventory.store(held("theirs", "CN=Corp Issuing", b"k"));
        inventory.derive();
        let of = |ca: (&str, &str)| Ca {
            name: ca.0.into(),
            directory: ca.1.into(),
        };
        let issuers = Issuers::of(&inventory, of(LETS_ENCRYPT));
        assert!(issuers.other(&Key::new("a", "ours")).is_some());
        let issuers = issuers.beside(&[of(CORP)]);
        assert_eq!(issuers.other(&Key::new("a", "ours")), None);
        assert!(issuers.other(&Key::new("a", "theirs")).is_some());
    }

    #[test]
    fn a_note_in_one_namespace_makes_no_key_the_cas_in_another_and_one_in_the_accounts_namespace_does() {
        let bought = |namespace: &str| {
            let mut stored = held("bought", "CN=Bought CA", b"bought");
            stored.meta.namespace = namespace.into();
            stored
        };
        let says = |namespace: &str| {
            let mut noted = noted(bought(namespace), "corp", "https://ca.corp.example:9000/o/1");
            noted.meta.name = "says".into();
            noted
        };
        let judged = |says_in: &str, home: Option<&str>| {
            let mut inventory = Inventory::new("c", false);
            if let Some(home) = home {
                inventory.set_home(home.into());
            }
            inventory.store(bought("shop"));
            inventory.store(says(says_in));
            inventory.derive();
            let ca = Ca {
                name: CORP.0.into(),
                directory: CORP.1.into(),
            };
            Issuers::of(&inventory, ca).other(&Key::new("shop", "bought")).is_none()
        };
        assert!(!judged("tenant", None), "a tenant makes another CA's certificate ours");
        assert!(!judged("tenant", Some("certs-system")));
        assert!(judged("certs-system", Some("certs-system")));
        assert!(judged("shop", None), "of its own namespace");
        assert!(!judged("certs-system", None), "nobody knows whose that namespace is");
    }

    #[test]
    fn a_ca_of_ones_own_is_known_by_its_key_from_what_it_issued_before() {
        let ours = || {
            noted(
                held("ours", "CN=Corp Issuing", b"k"),
                "corp",
                "https://ca.corp.example:9000/o/1",
            )
        };
        let same = held("s", "CN=Corp Issuing", b"k");
        assert_eq!(
            other(CORP, vec![ours(), same], "s"),
            None,
            "of another account, or by hand"
        );
        let foreign = held("s", "CN=Corp Issuing", b"other");
        assert_eq!(other(CORP, vec![ours(), foreign], "s").as_deref(), Some("short"));
    }
}
