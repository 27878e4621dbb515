//! The verdict on one binding, or on one Secret that no route uses.

use crate::{
    inventory::{
        Binding, BindingId, Controller, Inventory, Keeper, Presence, Recipients, Stored,
        controller::Fallback,
        query::{Serving, covers, usable},
    },
    object::{
        Key, Meta, Seconds,
        secret::{BACKUP_TYPE, TLS_TYPE},
    },
    x509::{Bundle, Certificate},
};

use super::{
    chain,
    finding::{self, Beside, Fact, Finding, Instead},
    names, ownership, parse,
    readers::{self, Audience},
    reason::Severity,
    reference,
    shared::SharedFindings,
    time,
};

/// The parameters of judging, besides the inventory.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The moment for which the inventory is judged (`--at`), in seconds since 1970.
    pub now: Seconds,
    /// `--expiring-within`: a certificate is due when less than this is left of its validity. `None`: the renewal
    /// window or the lifetime decides.
    pub expiring_within: Option<Seconds>,
}

/// The findings, and how long they remain valid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The findings, worst first.
    pub findings: Vec<Finding>,
    /// The Secret that is expected to be served.
    pub served: Option<Key>,
    /// Whether something that the verdict needs could not be read.
    pub unreadable: bool,
    /// The next moment at which the verdict changes although no object does.
    pub changes_at: Option<Seconds>,
}

/// The binding or Secret that is judged, in the form that the families of findings use.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The inventory.
    pub inventory: &'a Inventory,
    /// The binding; `None` when a Secret is judged on its own.
    pub binding: Option<(BindingId, &'a Binding)>,
    /// The controller behind the binding's route.
    pub controller: Controller,
    /// The Secret that is expected to be served, or that is judged on its own.
    pub stored: Option<&'a Stored>,
    /// Whether that Secret is one that the binding names.
    pub named: bool,
    /// What clients are expected to get; empty for a Secret that is judged on its own.
    pub serving: Serving<'a>,
    /// The rules.
    pub rules: Rules,
}

impl Subject<'_> {
    /// What a client gets when the named Secret cannot be used.
    pub fn instead(&self) -> Instead {
        let Some((_, binding)) = self.binding else {
            return Instead::Unknown;
        };
        match self.serving {
            _ if self.is_issued() => return Instead::AnotherCertificate,
            Serving::Default(_) => return Instead::DefaultCertificate,
            _ if self.covered_by_another() => return Instead::AnotherCertificate,
            _ => {}
        }
        match self.controller.fallback(binding.route.kind) {
            Fallback::DefaultCertificate => Instead::DefaultCertificate,
            Fallback::NoConnection => Instead::NoConnection,
            Fallback::Unknown => Instead::Unknown,
        }
    }

    /// Whether clients get a certificate that covers the host from a Secret that the binding does not name.
    pub fn covered_by_another(&self) -> bool {
        let for_host = |stored: &Stored| self.binding.is_none_or(|(_, binding)| covers(stored, &binding.host));
        match self.serving {
            Serving::Default(Some(stored)) => usable(stored) && for_host(stored),
            _ => !self.named && self.stored.is_some_and(|stored| usable(stored) && for_host(stored)),
        }
    }

    /// Critical, or a warning if clients get another certificate that covers the host: a known one, one that Traefik's
    /// resolver issues, or possibly one that could not be read.
    pub fn unless_served(&self) -> Severity {
        if self.covered_by_another() || matches!(self.serving, Serving::Unread) || self.is_issued() {
            Severity::Warning
        } else {
            Severity::Critical
        }
    }

    /// Whether a certificate resolver of Traefik issues a certificate where the named Secret cannot be used.
    fn is_issued(&self) -> bool {
        let binding = self.binding.map(|(_, binding)| binding);
        binding.is_some_and(|binding| self.inventory.issues_by_resolver(binding))
    }

    /// Whether clients get the controller's self-signed default certificate, which no client trusts.
    pub fn is_fake(&self) -> bool {
        matches!(self.serving, Serving::Default(None))
    }

    /// The controller that is only assumed from the name of the class.
    pub fn assumed(&self) -> Option<Controller> {
        let (_, binding) = self.binding?;
        let assumed = self.inventory.is_taken_at_its_word(&binding.route);
        (self.controller == Controller::IngressNginx && assumed).then_some(self.controller)
    }
}

/// The certificate of a Secret, a file or a server that is judged on its own.
#[derive(Debug, Clone, Copy)]
pub(in crate::check) struct CertificateSubject<'a> {
    /// The inventory.
    pub(in crate::check) inventory: &'a Inventory,
    /// The Secret, or its stand-in for a file or a server, that holds the certificate.
    pub(in crate::check) stored: &'a Stored,
    /// The leaf of the certificate.
    pub(in crate::check) leaf: &'a Certificate,
    /// The rules.
    pub(in crate::check) rules: &'a Rules,
}

impl<'a> CertificateSubject<'a> {
    /// Makes the subject; `None` where there is no leaf.
    fn of(inventory: &'a Inventory, stored: &'a Stored, rules: &'a Rules) -> Option<Self> {
        let leaf = stored.leaf()?;
        Some(Self {
            inventory,
            stored,
            leaf,
            rules,
        })
    }
}

/// Collects findings, and the moments at which time changes them.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub(super) findings: Vec<Finding>,
    pub(super) unreadable: bool,
    changes_at: Option<Seconds>,
}

impl Collector {
    pub(super) fn add(&mut self, fact: impl Into<Fact>) {
        self.findings.push(Finding::new(fact));
    }

    pub(super) fn add_at(&mut self, severity: Severity, fact: impl Into<Fact>) {
        self.findings.push(Finding::at(severity, fact));
    }

    /// Records a moment at which the verdict may change, if it is in the future.
    pub(super) fn moment(&mut self, at: Seconds, now: Seconds) {
        if at > now {
            self.changes_at = Some(self.changes_at.map_or(at, |present| present.min(at)));
        }
    }

    /// Adds everything that another collector has.
    pub(super) fn add_all(&mut self, other: &Self) {
        self.findings.extend(other.findings.iter().cloned());
        self.unreadable |= other.unreadable;
        self.changes_at = self.changes_at.into_iter().chain(other.changes_at).min();
    }

    fn finish(mut self, served: Option<Key>) -> Verdict {
        self.findings
            .sort_by_key(|f| (std::cmp::Reverse(f.severity), f.reason()));
        Verdict {
            findings: self.findings,
            served,
            unreadable: self.unreadable,
            changes_at: self.changes_at,
        }
    }
}

/// Judges a binding. `None` when there is no such binding.
///
/// ```
/// use kubectl_certs::check::{Reason, Rules, binding};
/// use kubectl_certs::inventory::Inventory;
/// use kubectl_certs::object::{Change, Ingress, Kind, Meta, Object, ingress::IngressTls};
///
/// let mut inventory = Inventory::new("prod", false);
/// inventory.apply(Change::Set(Object::Ingress(Ingress {
///     meta: Meta { namespace: "shop".into(), name: "web".into(), ..Meta::default() },
///     tls: [IngressTls { hosts: ["shop.example".into()].into_iter().collect(), secret: Some("shop-tls".into()) }]
///         .into_iter()
///         .collect(),
///     rules: ["shop.example".into()].into_iter().collect(),
///     ..Ingress::default()
/// })));
/// // All Secrets have been read, and none of that name was among them.
/// inventory.apply(Change::Listed(Kind::Secret));
/// inventory.derive();
///
/// let rules = Rules { now: 1_796_083_200, expiring_within: None };
/// let id = inventory.bindings_of_host("shop.example")[0];
/// let verdict = binding(&inventory, id, rules).expect("the binding is there");
/// assert_eq!(verdict.findings[0].reason(), Reason::SecretNotFound);
/// ```
pub fn binding(inventory: &Inventory, id: BindingId, rules: Rules) -> Option<Verdict> {
    binding_with(inventory, id, rules, &SharedFindings::default())
}

/// Judges a binding like [`binding`], with the shared findings of its Secrets judged beforehand. For judging many
/// bindings at once.
pub fn binding_with(inventory: &Inventory, id: BindingId, rules: Rules, shared: &SharedFindings) -> Option<Verdict> {
    let binding = inventory.bindings().get(id)?;
    let mut collector = Collector::default();
    if binding.elsewhere {
        let by = inventory.keeper(binding);
        // It says that nothing is checked. Where no Secret is read, what is served is checked, wherever it is stored.
        if !inventory.secrets_left_out {
            collector.add(finding::CertificateElsewhere { by });
        }
        if by == Keeper::Backend {
            reference::passed_through(inventory, binding, &mut collector);
        }
        return Some(collector.finish(None));
    }
    let serving = inventory.serving(binding);
    let controller = inventory.controller(&binding.route);
    let unread = matches!(serving, Serving::Unread);
    // Where ingress-nginx serves its own certificate, judge the certificate that was meant, unless another route
    // decides. The same applies where Traefik's default certificate could not be read.
    let meant = || {
        let decides = (controller == Controller::IngressNginx || (controller == Controller::Traefik && unread))
            && inventory
                .winner(binding, controller)
                .is_none_or(|winner| winner.route == binding.route);
        let mut named = binding.secrets.iter().filter(|_| decides);
        named.find_map(|key| inventory.secrets().get(key))
    };
    let subject = Subject {
        inventory,
        binding: Some((id, binding)),
        controller,
        stored: serving.stored().or_else(meant),
        named: is_named(&serving, binding),
        serving,
        rules,
    };
    collector.unreadable |= unread && !inventory.secrets_left_out;
    reference::judge(&subject, binding, &mut collector);
    ownership::judge_name(inventory, binding, &mut collector);
    let audience = Audience::of(subject.controller);
    let before = collector.findings.len();
    if let Some(stored) = subject.stored {
        parse::judge(stored, audience, subject.unless_served(), &mut collector);
        if let Some(held) = CertificateSubject::of(inventory, stored, &rules) {
            time::judge(&held, &mut collector);
            names::judge(&subject, &held, &mut collector);
            chain::judge(&held, &mut collector);
            strength(&held, &mut collector);
        }
        readers::judge_clients(stored, audience, &mut collector);
    }
    // As long as it is unknown which certificate is served, no finding about the intended one is certain.
    if unread {
        for finding in &mut collector.findings[before..] {
            finding.severity = finding.severity.min(Severity::Warning);
        }
    }
    // A certificate that another route provides does not excuse the defects of the named one.
    if !subject.named {
        for stored in binding.secrets.iter().filter_map(|key| inventory.secrets().get(key)) {
            names::judge_unserved(&subject, stored, &mut collector);
            if subject.stored.is_none_or(|served| !std::ptr::eq(served, stored)) {
                parse::judge(stored, audience, subject.unless_served(), &mut collector);
            }
        }
    }
    for (stored, clients) in inventory.served_beside(binding, subject.stored) {
        beside(inventory, stored, audience, clients, &rules, &mut collector);
    }
    for secret in binding.secrets.iter().filter(|_| !inventory.secrets_left_out) {
        shared.owners(inventory, secret, &rules, &mut collector);
    }
    if let Some(stored) = subject.stored.filter(|_| subject.named) {
        shared.pods(inventory, &stored.meta.key(), &mut collector);
    }
    Some(collector.finish(subject.stored.map(|s| s.meta.key())))
}

/// Judges the key, the signatures and the usages of a certificate that clients get.
fn strength(held: &CertificateSubject<'_>, collector: &mut Collector) {
    finding::strength::key(held, collector);
    finding::strength::certificate(held, collector);
}

/// Judges a Secret that some clients get instead of the one that most clients get. Its defects are critical for those
/// clients alone.
fn beside(
    inventory: &Inventory,
    stored: &Stored,
    audience: Audience,
    clients: Recipients,
    rules: &Rules,
    collector: &mut Collector,
) {
    let mut own = Collector::default();
    parse::judge(stored, audience, Severity::Warning, &mut own);
    if let Some(held) = CertificateSubject::of(inventory, stored, rules).filter(|_| clients != Recipients::Nobody) {
        time::judge(&held, &mut own);
        chain::judge(&held, &mut own);
        strength(&held, &mut own);
    }
    if let Some(at) = own.changes_at {
        collector.moment(at, rules.now);
    }
    let secret = stored.meta.key();
    collector
        .findings
        .extend(own.findings.into_iter().map(|finding| Finding {
            severity: finding.severity.min(Severity::Warning),
            beside: Some(Box::new(Beside {
                writer: inventory.writer_of(&secret).cloned(),
                secret: secret.clone(),
                clients,
            })),
            ..finding
        }));
}

/// Whether the Secret that is served is one that the binding names.
fn is_named(serving: &Serving<'_>, binding: &Binding) -> bool {
    match serving {
        Serving::Other(_) | Serving::Default(Some(_)) => false,
        Serving::Chance(stored, ..) => binding.secrets.contains(&stored.meta.key()),
        Serving::Named(_) | Serving::Default(None) | Serving::Nothing | Serving::Unread => true,
    }
}

/// Judges a Secret that no route uses. What clients would see is unknown, so its chain and names are not judged. Where
/// Pods mount it, its dates are as critical as behind a route.
pub fn secret(inventory: &Inventory, key: &Key, rules: Rules) -> Option<Verdict> {
    let stored = inventory.secrets().get(key)?;
    let mut collector = Collector::default();
    // A pair that is kept for a rollback is not served, and may be as bad as it was when it was replaced.
    let is_kept = stored.secret_type == BACKUP_TYPE;
    if !is_kept && (stored.is_tls() || stored.holds_certificate()) {
        let mounted = inventory.is_mounted(key);
        let own = mounted || stored.data_keys.is_some();
        reference::judge_content(stored, (!own).then_some(Severity::Critical), &mut collector);
        parse::judge(stored, Audience::unknown(), Severity::Warning, &mut collector);
        if let Some(held) = CertificateSubject::of(inventory, stored, &rules) {
            time::judge(&held, &mut collector);
            finding::strength::key(&held, &mut collector);
        }
        ownership::judge(inventory, key, &rules, &mut collector);
        finding::OrphanSecret::check(inventory, stored, &mut collector);
        finding::StalePods::check(inventory, Some(stored), &mut collector);
        if mounted {
            names::judge_services(inventory, stored, &mut collector);
        }
        // No client of a route fails because of this Secret, so a critical finding becomes a warning. Pods that mount
        // it serve it, or present it to others, and everybody checks dates in the same way.
        for finding in &mut collector.findings {
            let dated = matches!(finding.fact, Fact::Expired(_) | Fact::NotYetValid(_));
            if !(mounted && dated) {
                finding.severity = finding.severity.min(Severity::Warning);
            }
        }
    }
    Some(collector.finish(Some(key.clone())))
}

/// Judges certificates that belong to no object, such as those of a file or those that a server sent, for `host` if it
/// is given.
pub fn bundle(bundle: &Bundle, host: Option<&str>, rules: Rules) -> Vec<Finding> {
    let mut collector = Collector::default();
    let stored = Stored {
        meta: Meta::default(),
        secret_type: TLS_TYPE.into(),
        data_keys: None,
        certificate: Presence::Present,
        key: Presence::Present,
        other_keys: Vec::new(),
        data_changed: None,
        ca_fault: None,
        bundle: bundle.clone(),
    };
    let alone = Inventory::default();
    parse::judge(&stored, Audience::unknown(), Severity::Critical, &mut collector);
    let held = CertificateSubject::of(&alone, &stored, &rules);
    if let Some(held) = &held {
        time::judge(held, &mut collector);
    }
    names::judge_host(&stored, host, &mut collector);
    // A root in a file is self-signed because it is a root, and no server serves it.
    let is_root = bundle.leaf().is_some_and(|leaf| leaf.is_ca && leaf.self_signed);
    let served = host.is_some() || !is_root;
    if let Some(held) = &held {
        if served {
            chain::judge(held, &mut collector);
        }
        strength(held, &mut collector);
    }
    if served {
        readers::judge_clients(&stored, Audience::unknown(), &mut collector);
    }
    collector.finish(None).findings
}
