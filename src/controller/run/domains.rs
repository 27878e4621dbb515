//! The loop's part in customers' domains: who leads keeps them beside the loop, which tells how it stands with their Secrets.

mod open;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::mpsc;

use super::{Controller, Heard};
use crate::{
    apply::{Api, Permits, Purpose, events::Reason, rows::Rows},
    clock::now,
    controller::{front::Reached, routes},
    domain::{Host, OrderState, Pair, Said, Served, dns::StandingIssuer},
    domains::{
        ask::Asker,
        chunks::Chunks,
        instructed::Instructed,
        keep::{self, Heard as OfHost, News, Parts, Stands},
        look::Looker,
        routes::Routes,
        routing::Routing,
        rows::DomainRows,
        serve::Serving,
        store::Store,
        webhook::{Following, Receiver},
    },
    engine::authority::Authority,
    error::chain,
    event::Level,
    inventory::{Inventory, RouteKey, query::usable},
    notify::Topic,
    object::{
        Key, Kind, Seconds, Text,
        doing::{Doing, DoingState},
    },
    ops::unattended::AccountState,
    plan::target::target,
    scan::{About, live::News as Judged},
    settings::{domains::DomainsSettings, source::ClusterSecrets, value::ServeWord},
};

/// What there is of customers' domains for as long as this process goes on.
pub(super) struct Domains {
    settings: DomainsSettings,
    store: Arc<dyn Store>,
    /// The pairs, where they are in the records and in no Secret.
    rows: Option<Arc<DomainRows>>,
    asker: Asker,
    looker: Arc<Looker>,
    instructions: Instructed,
    /// Whether it is still to be found out what a record that stays has to say.
    lacks_standing: bool,
    /// The API and the certificate source, which every replica answers.
    serving: Serving,
    /// Tells the application of changes, while this process leads.
    webhook: Option<Following>,
    /// Takes what is told of hosts, while this process leads.
    tells: Option<mpsc::UnboundedSender<OfHost>>,
    /// The Secrets of which something may be new.
    touched: BTreeSet<Key>,
    /// How far the Secrets under way have come, once the CA has validated a name.
    reached: BTreeMap<Key, Reached>,
    /// The Secrets whose clients are led elsewhere.
    elsewhere: BTreeSet<Key>,
    /// Whether the proxies of the hosts are led here.
    leads_proxies: bool,
}

impl Domains {
    /// The pairs, if they are in no Secrets.
    pub(super) fn pairs(&self) -> Option<Arc<DomainRows>> {
        self.rows.clone()
    }

    /// Tells the keeper of records something, while this process leads.
    pub(super) fn tell(&self, news: OfHost) {
        if let Some(tells) = &self.tells {
            let _ = tells.send(news);
        }
    }

    /// The same as what orders use.
    pub(super) fn rows(&self) -> Option<Arc<dyn Rows>> {
        self.rows.clone().map(|rows| rows as Arc<dyn Rows>)
    }

    /// Ends what answers; what is under way is answered.
    pub(super) async fn end(self) {
        self.serving.end().await;
    }
}

impl Controller {
    /// Begins to keep customers' domains, or ends it with the term.
    pub(super) fn turn_domains(&mut self) {
        let install = self.keeper.install().to_owned();
        let connection = self.unattended.connection().clone();
        let Some(domains) = &mut self.domains else { return };
        domains.tells = None;
        domains.webhook = None;
        domains.leads_proxies = false;
        let Some(term) = &self.term else { return };
        let namespaces = self.unattended.wildcards.only.clone().unwrap_or_default();
        let form = domains.form(&self.live.inventory);
        let api = Api::new(connection, Permits::none());
        let template = domains.settings.template.clone();
        let home = Text::from(self.unattended.namespace());
        let chunks = match (form, template) {
            (_, Some(name)) => Some(Routing::Routes(Routes::new(
                api,
                &install,
                Key::new(home, name.as_str()),
                namespaces,
            ))),
            (Some(form), None) => Some(Routing::Chunks(Chunks::new(api, &install, form, namespaces))),
            (None, None) => None,
        };
        let (tells, heard) = mpsc::unbounded_channel();
        let loop_tells = self.tells.clone();
        let authority = term.authority.clone();
        let parts = Parts {
            store: Arc::clone(&domains.store),
            asker: domains.asker.clone(),
            looker: Arc::clone(&domains.looker),
            platform: domains.settings.platform.clone(),
            chunks,
            orders_as: domains.rows.as_ref().map(|_| install.clone()),
            may: Arc::new(move || may(&authority)),
            tell: Arc::new(move |news| drop(loop_tells.send(Heard::Domains(news)))),
        };
        domains.tells = Some(tells);
        domains.webhook = domains.settings.webhook.clone().map(|(url, secret)| {
            let secrets = Arc::new(ClusterSecrets(self.api.clone()));
            let loop_tells = self.tells.clone();
            let trouble = move |text: &str| drop(loop_tells.send(Heard::Domains(News::Trouble(text.to_owned()))));
            let store = Arc::clone(&domains.store);
            Following::begin(store, Receiver { url, secret }, secrets, Arc::new(trouble))
        });
        // What the leader before has seen last may be old.
        let bindings = self.live.inventory.bindings().iter();
        let of_domains = bindings.filter(|(_, binding)| is_of_domain(&binding.route));
        domains
            .touched
            .extend(of_domains.flat_map(|(_, binding)| binding.secrets.iter().cloned()));
        tokio::spawn(keep::run(parts, heard));
    }

    /// Takes note that something may be new of a Secret.
    pub(super) fn touch(&mut self, secret: &Key) {
        if let Some(domains) = &mut self.domains {
            domains.touched.insert(secret.clone());
        }
    }

    /// Takes note of how far the certificate of a Secret has come.
    pub(super) fn touch_reached(&mut self, secret: &Key, reached: Reached) {
        if let Some(domains) = &mut self.domains {
            domains.reached.insert(secret.clone(), reached);
        }
        self.touch(secret);
    }

    /// Takes note that an order has ended.
    pub(super) fn touch_ended(&mut self, secret: &Key) {
        if let Some(domains) = &mut self.domains {
            domains.reached.remove(secret);
        }
        self.touch(secret);
    }

    /// Takes note of what a change has touched.
    pub(super) fn touch_judged(&mut self, news: &Judged) {
        let Some(domains) = &mut self.domains else { return };
        for judged in &news.judged {
            match &judged.about {
                About::Binding(id) => {
                    let binding = self.live.inventory.bindings().get(*id);
                    let of_domain = binding.filter(|binding| is_of_domain(&binding.route));
                    for secret in of_domain.into_iter().flat_map(|binding| binding.secrets.iter()) {
                        domains.serving.secret_changed(secret);
                        domains.touched.insert(secret.clone());
                    }
                }
                About::Secret(_) | About::Forbidden(_) => {}
            }
        }
    }

    /// Tells how it stands with the Secrets of which something may be new.
    pub(super) fn tell_of_domains(&mut self) {
        let Some(domains) = &mut self.domains else { return };
        let touched = std::mem::take(&mut domains.touched);
        let Some(tells) = &domains.tells else { return };
        for secret in touched {
            let hosts = hosts_of(&self.live.inventory, &secret);
            if hosts.is_empty() {
                continue;
            }
            let is_elsewhere = target(&self.live.inventory, secret.clone(), true)
                .uses
                .iter()
                .any(|used| used.is_elsewhere);
            if is_elsewhere {
                domains.elsewhere.insert(secret.clone());
                if self.aftercare.has(&secret) {
                    self.aftercare.leave(&secret);
                    self.keeper.after(&secret, None, now());
                }
            } else if domains.elsewhere.remove(&secret)
                && let Some(leaf) = self
                    .live
                    .inventory
                    .secrets()
                    .get(&secret)
                    .and_then(|stored| stored.leaf())
            {
                self.aftercare.look_at(&secret, leaf.sha256, now());
            }
            let pair = pair(&self.live.inventory, &secret);
            // What is stored may not have been seen yet.
            let reached = domains.reached.get(&secret).copied();
            let reached = reached.map(|reached| if pair.is_none() { Reached::Proved } else { reached });
            let order = self
                .keeper
                .doing_of(&secret, now())
                .and_then(|doing| order(&doing, reached, now()));
            for host in hosts {
                if domains.rows.is_some() {
                    let what = Stands::Order(order.clone());
                    let _ = tells.send(OfHost { host, what });
                    continue;
                }
                let what = Stands::Secret {
                    pair: pair.clone(),
                    order: order.clone(),
                };
                let _ = tells.send(OfHost { host, what });
            }
        }
    }

    /// Tells whether the certificate of a Secret is served.
    pub(super) fn tell_served(&self, secret: &Key, at: Seconds, seen: Option<&str>) {
        let Some(tells) = self.domains.as_ref().and_then(|domains| domains.tells.as_ref()) else {
            return;
        };
        let row = self
            .domains
            .as_ref()
            .and_then(|domains| domains.rows.as_ref()?.host(secret));
        for host in hosts_of(&self.live.inventory, secret)
            .into_iter()
            .chain(row)
            .collect::<BTreeSet<_>>()
        {
            let what = Stands::Served(Served {
                at,
                present: seen.is_none(),
                seen: seen
                    .map(|text| crate::text::clear(text).into_owned())
                    .unwrap_or_default(),
            });
            let _ = tells.send(OfHost { host, what });
        }
    }

    /// Finds out what a record that stays has to say, if the settings use such records and nobody knows it yet.
    pub(super) async fn learn_standing(&mut self) {
        if self.domains.as_ref().is_none_or(|domains| !domains.lacks_standing) {
            return;
        }
        let issuer = self.unattended.settings.chosen.issuer.name.clone();
        let Ok(AccountState::Ready(account)) = self.unattended.account(&issuer).await else {
            return;
        };
        let Ok(acme) = self.unattended.acme(&self.context, &issuer).await else {
            return;
        };
        let issuers = acme.directory().meta.caa_identities.clone();
        if account.is_empty() || issuers.is_empty() {
            return;
        }
        if let Some(domains) = &mut self.domains {
            domains.instructions.stands(StandingIssuer { issuers, account });
            domains.lacks_standing = false;
        }
    }

    /// Has the proxies of the hosts led here, if they ask for each certificate.
    pub(super) async fn lead_proxies(&mut self) {
        let Some(domains) = &mut self.domains else { return };
        if domains.leads_proxies || domains.settings.serve != ServeWord::Source {
            return;
        }
        let led = routes::write_for_proxies(&self.api, self.unattended.namespace(), &self.answering).await;
        match led {
            Ok(()) => domains.leads_proxies = true,
            Err(error) => {
                let text = format!(
                    "no Service leads challenges of customers' domains here: {}",
                    chain(&error)
                );
                self.audit.say(Level::Warning, &text);
            }
        }
    }

    /// Says what there is to say of customers' domains.
    pub(super) fn of_domains(&mut self, news: News) {
        match news {
            News::Answered(host, said) => {
                let (word, why) = match said {
                    Said::Yes => ("yes", String::new()),
                    Said::No => ("no", String::new()),
                    Said::NotNow(why) => ("not-now", why),
                };
                self.audit.line([
                    ("event", "domain-asked".into()),
                    ("host", host.as_str().into()),
                    ("answer", word.into()),
                    ("message", why.into()),
                ]);
            }
            News::Released(host) => self.audit.line([
                ("event", "domain-released".into()),
                ("host", host.as_str().into()),
                (
                    "message",
                    "the application has said for 7 days that it is nobody's: it is not renewed any more".into(),
                ),
            ]),
            News::HandedOver(host, to) => self.audit.line([
                ("event", "domain-handed-over".into()),
                ("host", host.as_str().into()),
                ("tenant", to.as_str().into()),
            ]),
            News::Frozen(why) => {
                let message = format!(
                    "no domain is released: {why}. If they have left, release them with `kubectl certs domains release`"
                );
                self.audit.line([
                    ("event", "releases-frozen".into()),
                    ("level", "error".into()),
                    ("message", message.as_str().into()),
                ]);
                self.tell_standing(Topic::ReleasesFrozen, Some(&message));
                self.record_on_account(Reason::ReleasesFrozen, message);
            }
            News::Thawed => {
                self.audit.line([("event", "releases-thawed".into())]);
                self.tell_standing(Topic::ReleasesFrozen, None);
            }
            News::Wanted(record) => self.load_row(&record),
            News::Settled(host) => self.unload_row(&host),
            News::Trouble(text) => self.audit.say(Level::Warning, &text),
        }
    }
}

fn may(authority: &Authority) -> bool {
    authority.permit().is_ok()
}

/// Whether a route is a Domain, or one of those that serve many of them.
fn is_of_domain(route: &RouteKey) -> bool {
    let is_chunk = matches!(route.kind, Kind::Ingress | Kind::ListenerSet | Kind::IngressRoute)
        && route.key.name.starts_with(Purpose::Chunk.prefix().as_str());
    route.kind == Kind::Domain || is_chunk
}

/// The hosts of customers whose certificate is in a Secret.
fn hosts_of(inventory: &Inventory, secret: &Key) -> BTreeSet<Host> {
    let bindings = inventory.bindings_of_secret(secret).iter();
    let bindings = bindings.filter_map(|id| inventory.bindings().get(*id));
    let of_domains = bindings.filter(|binding| is_of_domain(&binding.route));
    of_domains.filter_map(|binding| binding.host.parse().ok()).collect()
}

/// The certificate in a Secret, if it can be served.
fn pair(inventory: &Inventory, secret: &Key) -> Option<Pair> {
    let stored = inventory.secrets().get(secret).filter(|stored| usable(stored))?;
    let leaf = stored.leaf()?;
    Some(Pair {
        not_before: leaf.not_before,
        not_after: leaf.not_after,
        serial: Text::from(leaf.serial.to_string()),
        secret: Some(secret.clone()),
        material: None,
    })
}

/// Where an order stands, from what the controller does with the Secret, and how far the certificate has come.
fn order(doing: &Doing, reached: Option<Reached>, now: Seconds) -> Option<OrderState> {
    let reason = || crate::text::clear(&doing.message).into_owned();
    let until = || doing.until.unwrap_or(now);
    match doing.state {
        DoingState::Scheduled => None,
        // It is waited until it is served, and nothing is ordered any more.
        DoingState::Running if reached == Some(Reached::Stored) => None,
        DoingState::Running if reached == Some(Reached::Proved) => Some(OrderState::Issuing {
            since: doing.since.unwrap_or(now),
        }),
        // A turn is waited for no longer than it takes others to be ordered.
        DoingState::Ready | DoingState::Running => Some(OrderState::Validating {
            since: doing.since.unwrap_or(now),
        }),
        DoingState::BackOff | DoingState::Waiting => Some(OrderState::Failed {
            at: doing.since.unwrap_or(now),
            reason: reason(),
            next: String::new(),
            until: until(),
        }),
        DoingState::Limited => Some(OrderState::Limited {
            reason: reason(),
            until: until(),
        }),
        DoingState::Held => Some(OrderState::Blocked { reason: reason() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_being_issued_once_the_ca_has_validated_the_name_and_only_while_it_runs() {
        let doing = |state| Doing {
            state,
            since: Some(5),
            ..Doing::of(Key::new("shop", "domain-a.example.com"))
        };
        let validating = Some(OrderState::Validating { since: 5 });
        assert_eq!(order(&doing(DoingState::Running), None, 9), validating);
        assert_eq!(
            order(&doing(DoingState::Running), Some(Reached::Proved), 9),
            Some(OrderState::Issuing { since: 5 })
        );
        assert_eq!(order(&doing(DoingState::Ready), Some(Reached::Proved), 9), validating);
        assert_eq!(order(&doing(DoingState::Running), Some(Reached::Stored), 9), None);
        assert_eq!(order(&doing(DoingState::Scheduled), Some(Reached::Proved), 9), None);
    }
}
