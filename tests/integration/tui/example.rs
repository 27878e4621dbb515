//! What the screens of these tests show: the example company's manifests, read and judged by the library on one day.

use std::{collections::BTreeSet, sync::OnceLock};

use kubectl_certs::{
    check::{Rules, Select, SharedFindings},
    inventory::{Binding as Bound, Inventory},
    object::{Key, Kind, Seconds},
    report::{
        Row,
        show::{Binding, Context, Cover, HeldCertificates, Presence, Show, ShowSubject as Of, User, lines},
    },
    scan::{self, Judged, evaluate, live::Live, secrets::Unresolved},
    source::{Scope, manifests},
    text::parse_time,
    tui::{
        item::{Item, ItemSubject},
        message::StyledLines,
    },
    x509::{Anchors, Certificate, Judge, Memo, names},
};

use super::root;

/// The day of all screens: noon, so that no day ends soon.
pub(super) fn noon() -> Seconds {
    parse_time("2026-12-01T12:00:00Z").expect("a time")
}

/// The example, read once.
pub(super) struct Example {
    live: Live,
    judged: Vec<Judged>,
    /// All items, in the order in which they were judged.
    pub(super) items: Vec<Item>,
}

/// The example as of noon.
pub(super) fn example() -> &'static Example {
    static READ: OnceLock<Example> = OnceLock::new();
    READ.get_or_init(|| {
        let mut live = read();
        live.every_secret = true;
        let judged = live.all();
        let items = judged
            .iter()
            .filter_map(|one| Item::new(&live.inventory, one))
            .collect();
        Example { live, judged, items }
    })
}

fn read() -> Live {
    let directory = root().join("docs/example");
    let mut anchors = Anchors::public();
    let pem = std::fs::read(directory.join("root.pem")).expect("the example's root");
    anchors.add_pem(&pem).expect("roots");
    let judge = Judge::new(anchors, Memo::default());
    let mut inventory = Inventory::new("", true);
    let scope = Scope::everything();
    let options = manifests::Options {
        recursive: false,
        default_namespace: "default".into(),
        scope: &scope,
    };
    let mut changes = Vec::new();
    let outcome = manifests::read(&[directory], &options, &mut std::io::empty(), &mut |change| {
        changes.push(change);
    });
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    let mut unresolved = Unresolved::default();
    let mut changes = changes.into_iter();
    unresolved.take_all(|| changes.next(), &mut inventory, &judge, &mut |_| {});
    inventory.derive();
    unresolved.judge_again(&mut inventory, &judge);
    inventory.derive();
    let rules = Rules {
        now: noon(),
        expiring_within: None,
    };
    Live::new(inventory, judge, rules, Select::default(), BTreeSet::new(), unresolved)
}

impl Example {
    /// The rows of all items, in the order in which they were judged.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let rows = self.judged.iter();
        rows.filter_map(|one| scan::row(&self.live.inventory, one))
    }

    /// The picture of a route or a Secret, as the program draws it for manifests.
    pub(super) fn picture(&self, of: &ItemSubject, width: u16) -> StyledLines {
        let inventory = &self.live.inventory;
        let judged = self.judged(of);
        let rows: Vec<Row<'_>> = judged.iter().filter_map(|one| scan::row(inventory, one)).collect();
        let bindings: Vec<Binding<'_>> = rows
            .iter()
            .map(|row| Binding {
                row: *row,
                cover: cover(row.certificate, row.host),
            })
            .collect();
        let mut keys: Vec<Key> = match of.kind {
            Kind::Secret => vec![of.key.clone()],
            _ => rows.iter().flat_map(|row| row.secrets).cloned().collect(),
        };
        keys.sort();
        keys.dedup();
        let users: Vec<Vec<User>> = keys.iter().map(|key| self.users(key)).collect();
        let held: Vec<HeldCertificates<'_>> = keys
            .iter()
            .zip(&users)
            .map(|(key, users)| self.held(key, users))
            .collect();
        let show = Show {
            context: &inventory.context,
            subject: Of::Object {
                kind: of.kind,
                namespace: &of.key.namespace,
                name: &of.key.name,
            },
            bindings: &bindings,
            held: &held,
            served: &[],
            dns: &[],
        };
        let context = Context {
            now: noon(),
            colour: false,
            width: width.into(),
            ascii: false,
        };
        lines(&show, &context)
    }

    fn judged(&self, of: &ItemSubject) -> Vec<Judged> {
        let live = &self.live;
        let of_it = |bound: &Bound| match of.kind {
            Kind::Secret => bound.secrets.contains(&of.key),
            kind => bound.route.kind == kind && bound.route.key == of.key,
        };
        let bindings = live.inventory.bindings().iter().filter(|(_, bound)| of_it(bound));
        bindings
            .filter_map(|(id, _)| {
                evaluate::binding(
                    &live.inventory,
                    id,
                    live.rules,
                    &live.select,
                    None,
                    &SharedFindings::default(),
                )
            })
            .collect()
    }

    fn held<'a>(&'a self, key: &'a Key, users: &'a [User]) -> HeldCertificates<'a> {
        let base = match self.live.inventory.secrets().get(key) {
            Some(stored) => HeldCertificates {
                secret: Some(key),
                secret_type: &stored.secret_type,
                other_keys: &stored.other_keys,
                ..HeldCertificates::of(&stored.bundle)
            },
            None => HeldCertificates::without(key, Presence::NotFound),
        };
        HeldCertificates {
            users: Some(users),
            ..base
        }
    }

    fn users(&self, key: &Key) -> Vec<User> {
        let inventory = &self.live.inventory;
        let mut users: Vec<User> = Vec::new();
        for bound in inventory
            .bindings_of_secret(key)
            .iter()
            .filter_map(|id| inventory.bindings().get(*id))
        {
            let object = kubectl_certs::check::ObjectRef {
                kind: bound.route.kind,
                key: bound.route.key.clone(),
            };
            if !users.iter().any(|user| user.object == object) {
                users.push(User { object, how: None });
            }
        }
        users
    }
}

fn cover<'a>(leaf: Option<&'a Certificate>, host: Option<&str>) -> Cover<'a> {
    let (Some(leaf), Some(host)) = (leaf, host) else {
        return Cover::NotJudged;
    };
    leaf.names
        .iter()
        .find(|name| names::matches(host, name))
        .map_or(Cover::Nothing, Cover::By)
}
