//! Answers to what the screen asks: at once from the picture of the cluster, or beside it, from a server or the cluster.

use tokio::task::JoinHandle;

use super::{
    ReadingParts,
    ask::{Ask, not_there},
    current::{CurrentReading, LateAnswer},
};
use crate::{
    check::SharedFindings,
    cli::{
        browse::fetch,
        show::{certificates_of, picture, said},
    },
    clock::now,
    inventory::{Binding, BindingId},
    object::Kind,
    report::show::Context,
    scan::{
        About, Judged, evaluate,
        live::{Live, News},
        probe::{self, ProbeResults},
    },
    tui::{
        Message,
        item::ItemSubject,
        message::StyledLines,
        model::popup::{TextOf, WindowId},
    },
};

impl ReadingParts {
    /// Answers what needs no other reading.
    pub(super) fn answer(&mut self, ask: Ask, current: &mut CurrentReading) {
        let connection = current.connection.as_ref();
        match ask {
            Ask::Read | Ask::Namespaces(_) | Ask::Context(_) => {}
            Ask::At(at) => {
                self.at = at;
                current.follower.fix_time(at.is_some());
                let live = &mut current.live;
                live.rules.now = at.unwrap_or_else(now);
                let judged = live.all();
                self.rows(&live.inventory, &judged, true);
                self.apart(live);
            }
            Ask::Picture { of, width } => self.picture(current, &of, width),
            Ask::Text { window, what, of } => self.text(current, window, what, of),
            Ask::Pem(of) => drop(self.pem(current, &of)),
            Ask::Probe(chosen) => self.probe(chosen, current),
            Ask::IsNamespace(name) => {
                let (connection, sink) = (connection.cloned(), self.sink.clone());
                tokio::spawn(async move {
                    let told = match &connection {
                        Some(connection) => not_there(connection, std::slice::from_ref(&name)).await,
                        None => None,
                    };
                    let _ = sink.send(told.unwrap_or(Message::NothingIn(name)));
                });
            }
            Ask::IsSecret(key) => drop(fetch::is_secret(connection.cloned(), key, self.sink.clone())),
        }
    }

    /// Takes what others have answered.
    pub(super) fn late(&self, answer: LateAnswer, current: &mut CurrentReading) {
        match answer {
            LateAnswer::Probed(asked) => self.probed(asked, current),
            LateAnswer::Doings(stored) => {
                let live = &mut current.live;
                let mut news = News::default();
                for secret in live.inventory.set_doings(stored) {
                    for id in live.inventory.bindings_of_secret(&secret).to_vec() {
                        live.binding(id, &mut news);
                    }
                }
                self.news(&live.inventory, &news);
            }
            LateAnswer::CertificateEvents { of, width, said } => {
                current.said.extend(said);
                self.draw(current, &of, width);
            }
        }
    }

    fn text(&self, current: &CurrentReading, window: WindowId, what: TextOf, of: ItemSubject) {
        let (connection, sink) = (current.connection.clone(), self.sink.clone());
        let live = &current.live;
        match what {
            TextOf::Certificates => self.send(Message::Text {
                window,
                lines: fetch::decoded(&live.inventory, &of, live.rules.now),
            }),
            TextOf::Yaml => drop(fetch::yaml(connection, of, window, sink)),
            TextOf::Users => drop(fetch::users(&live.inventory, connection, &of, window, sink)),
        }
    }

    /// Draws at once what is known; what cert-manager has said is asked for, and drawn when it is there.
    fn picture(&self, current: &CurrentReading, of: &ItemSubject, width: u16) {
        self.draw(current, of, width);
        let certificates = certificates_of(&current.live.inventory, &judged(&current.live, of), of.kind, &of.key);
        let connection = current.connection.as_ref();
        let Some(connection) = connection.filter(|_| !certificates.is_empty()).cloned() else {
            return;
        };
        let (late, of) = (current.late.clone(), of.clone());
        tokio::spawn(async move {
            let said = said(&connection, certificates).await;
            let _ = late.send(LateAnswer::CertificateEvents { of, width, said });
        });
    }

    fn draw(&self, current: &CurrentReading, of: &ItemSubject, width: u16) {
        self.send(Message::Picture {
            of: of.clone(),
            width,
            lines: Ok(lines(current, of, width)),
        });
    }

    fn pem(&self, current: &CurrentReading, of: &ItemSubject) -> JoinHandle<()> {
        let secret = fetch::secrets_of(&current.live.inventory, of).into_iter().next();
        if !self.args.source.filename.is_empty() {
            return fetch::pem_of_manifests(
                self.args.source.clone(),
                self.data_keys.clone(),
                secret,
                self.sink.clone(),
            );
        }
        fetch::pem(current.connection.clone(), secret, self.sink.clone())
    }

    /// Asks the servers beside the reading: many that do not answer take minutes.
    fn probe(&self, chosen: Vec<About>, current: &CurrentReading) {
        let inventory = &current.live.inventory;
        let mut ids: Vec<BindingId> = chosen
            .into_iter()
            .flat_map(|about| match about {
                About::Binding(id) => vec![id],
                About::Secret(key) => inventory.bindings_of_secret(&key).to_vec(),
                About::Forbidden(_) => Vec::new(),
            })
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let options = self.args.probe.options();
        let places = probe::places(inventory, &ids);
        let late = current.late.clone();
        tokio::spawn(async move {
            // Nobody listens any more once everything is read anew.
            let _ = late.send(LateAnswer::Probed(probe::ask(places, &options).await));
        });
    }

    fn probed(&self, mut asked: ProbeResults, current: &mut CurrentReading) {
        let live = &mut current.live;
        asked.retain(|place| {
            let binding = live.inventory.bindings().get(place.binding);
            binding.is_some_and(|binding| binding.route == place.route && binding.host == place.host)
        });
        let (probed, answers) = asked.judged(&live.judge);
        let ids: Vec<BindingId> = probed.keys().copied().collect();
        let found = &mut current.probed;
        found.1.retain(|answer| !probed.contains_key(&answer.binding));
        found.1.extend(answers);
        found.0.extend(probed.clone());
        live.probed.extend(probed);
        let mut news = News::default();
        for id in &ids {
            live.binding(*id, &mut news);
        }
        self.news(&live.inventory, &news);
        self.send(Message::Probed(ids.len()));
    }
}

/// Everything that a picture is of, with its verdicts.
fn judged(live: &Live, of: &ItemSubject) -> Vec<Judged> {
    let inventory = &live.inventory;
    let ids: Vec<BindingId> = if of.kind == Kind::Secret {
        inventory.bindings_of_secret(&of.key).to_vec()
    } else {
        let of_route = |binding: &Binding| binding.route.kind == of.kind && binding.route.key == of.key;
        inventory
            .bindings()
            .iter()
            .filter(|(_, b)| of_route(b))
            .map(|(id, _)| id)
            .collect()
    };
    let shared = SharedFindings::new(inventory, &live.rules);
    let mut judged: Vec<Judged> = ids
        .iter()
        .filter_map(|id| evaluate::binding(inventory, *id, live.rules, &live.select, live.probed.get(id), &shared))
        .collect();
    if of.kind == Kind::Secret && judged.is_empty() {
        let wanted = std::collections::BTreeSet::from([of.key.clone()]);
        judged.extend(evaluate::secret(
            inventory,
            of.key.clone(),
            live.rules,
            &live.select,
            &wanted,
        ));
    }
    judged
}

/// The picture as it can be drawn now.
fn lines(current: &CurrentReading, of: &ItemSubject, width: u16) -> StyledLines {
    let live = &current.live;
    let context = Context {
        now: live.rules.now,
        colour: false,
        width: usize::from(width),
        ascii: false,
    };
    picture(
        &live.inventory,
        &current.said,
        &judged(live, of),
        &current.probed,
        (of.kind, &of.key),
        |show| crate::report::show::lines(show, &context),
    )
}
