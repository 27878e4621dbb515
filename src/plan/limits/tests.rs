use super::*;
use crate::{
    inventory::{
        Inventory, Stored,
        fixtures::{bundle, digest, leaf, stored, with_annotation},
    },
    object::{Key, annotation, secret::BACKUP_TYPE},
    plan::ca::Ca,
    x509::{Bundle, Certificate, KeyState, Name as Issuer, Trust},
};

const NOW: Seconds = 1_800_000_000;
const DAY: Seconds = 86_400;
const LIMITS: &Limits = &Limits::PRODUCTION;
const ACCOUNT: &str = "https://acme-v02.api.letsencrypt.org/acme/acct/17";

fn names(all: &[&str]) -> Vec<Name> {
    all.iter().map(|name| name.parse().unwrap()).collect()
}

fn lets_encrypt() -> Ca {
    Ca {
        name: "letsencrypt".into(),
        directory: "https://acme-v02.api.letsencrypt.org/directory".into(),
    }
}

fn issued(seed: usize, host: &str, ago: Seconds) -> Stored {
    let leaf = Certificate {
        issuer: Issuer::new("CN=R13,O=Let's Encrypt,C=US", "R13", Some("R13")).into(),
        sha256: digest(&format!("{seed}")),
        not_before: NOW - ago - HOUR,
        not_after: NOW - ago - HOUR + 90 * DAY,
        ..leaf(&[host])
    };
    stored("shop", &format!("s{seed}-tls"), bundle(leaf))
}

fn inventory(all: impl IntoIterator<Item = Stored>) -> Inventory {
    let mut inventory = Inventory::default();
    all.into_iter().for_each(|stored| inventory.store(stored));
    inventory
}

fn seen(inventory: &Inventory) -> Seen {
    Seen::of(LIMITS, certificates_of(inventory, &lets_encrypt(), false), NOW)
}

fn check(seen: &Seen, own: &Buckets, wanted: &[&str]) -> Option<Exceeded> {
    let names = names(wanted);
    let kind = OrderKind::of(LIMITS, seen.knows(&names), false);
    exceeded(LIMITS, &[own, seen.buckets()], &names, kind, NOW)
}

#[test]
fn sixty_certificates_of_a_domain_refuse_no_renewal_and_only_new_names_until_the_next_token() {
    let all = (0..60).map(|n| issued(n, &format!("h{n}.shop.co.uk"), 600));
    let inventory = inventory(all);
    let seen = seen(&inventory);
    let mut own = Buckets::default();
    // All of the account's orders are spent, too.
    (0..300).for_each(|_| own.ordered(LIMITS, OrderKind::New, NOW));
    for n in [0, 30, 59] {
        assert_eq!(check(&seen, &own, &[&format!("h{n}.shop.co.uk")]), None);
    }
    let refused = check(&seen, &Buckets::default(), &["new.shop.co.uk"]).unwrap();
    assert_eq!((refused.left, refused.allowed), (0, 50));
    // They were issued ten minutes ago, and one comes back in 201.6 minutes.
    assert_eq!(refused.possible_at, NOW - 600 + 12_096);
    assert_eq!(
        refused.to_string(),
        "certificates for shop.co.uk: 0 of 50 left; one more is possible from 2027-01-15T11:11:36Z"
    );
    // A name more is another set.
    assert!(check(&seen, &Buckets::default(), &["h1.shop.co.uk", "new.shop.co.uk"]).is_some());
    assert_eq!(check(&seen, &Buckets::default(), &["new.other.co.uk"]), None);
    let refused = check(&seen, &own, &["new.other.co.uk"]).unwrap();
    assert_eq!(refused.limit, "new orders of this account");
    assert_eq!(refused.possible_at, NOW + 36);
}

#[test]
fn what_the_notes_call_renewals_counts_for_its_names_alone() {
    let directory = lets_encrypt().directory;
    let noted = |n: usize, kind: &str| {
        let mut stored = issued(n, &format!("h{n}.example.com"), 600);
        let sha256 = stored.leaf().unwrap().sha256.to_string();
        stored.meta = with_annotation(stored.meta, annotation::ISSUED_SHA256, &sha256);
        stored.meta = with_annotation(stored.meta, annotation::ISSUED_AT_DIRECTORY, &directory);
        stored.meta = with_annotation(stored.meta, annotation::ISSUED_KIND, kind);
        stored
    };
    let inventory = inventory((0..60).map(|n| noted(n, if n < 40 { "same-names" } else { "new" })));
    let seen = seen(&inventory);
    let domain = seen.buckets().domain("example.com").left(&LIMITS.domain.unwrap(), NOW);
    assert_eq!(domain, 30);
    let set = seen
        .buckets()
        .set("h3.example.com")
        .left(&LIMITS.same_names.unwrap(), NOW);
    assert_eq!(set, 4);
}

#[test]
fn the_sixth_certificate_for_exactly_the_same_names_is_too_many() {
    let pair = names(&["a.example.com", "b.example.com"]);
    let mut own = Buckets::default();
    for n in 0..5 {
        let kind = if n == 0 { OrderKind::New } else { OrderKind::SameNames };
        own.issued(LIMITS, &pair, kind, NOW);
    }
    let seen = Seen::default();
    let refused = check(&seen, &own, &["b.example.com", "a.example.com"]).unwrap();
    assert_eq!(refused.limit, "certificates for exactly these names");
    assert_eq!(refused.possible_at, NOW + 120_960, "one more each 33.6 hours");
    assert_eq!(check(&seen, &own, &["a.example.com"]), None, "another set");
    let exempt = exceeded(LIMITS, &[&own], &pair, OrderKind::Replacement, NOW);
    assert_eq!(exempt, None, "the CA exempts a replacement in its window");
    assert_eq!(
        own.domain("example.com").left(&LIMITS.domain.unwrap(), NOW),
        49,
        "renewals"
    );
}

#[test]
fn five_failures_of_a_name_stop_its_orders_for_twelve_minutes() {
    let mut own = Buckets::default();
    (0..5).for_each(|_| own.failed(LIMITS, &"*.example.com".parse().unwrap(), NOW));
    let seen = Seen::default();
    let refused = check(&seen, &own, &["example.com"]).unwrap();
    assert_eq!(refused.limit, "failed validations of example.com");
    assert_eq!(refused.possible_at, NOW + 720);
    assert_eq!(check(&seen, &own, &["www.example.com"]), None);
    let mut addresses = Buckets::default();
    (0..5).for_each(|_| addresses.failed(LIMITS, &"192.0.2.1".parse().unwrap(), NOW));
    assert_eq!(
        check(&seen, &addresses, &["192.0.2.2"]),
        None,
        "an address is not another"
    );
}

#[test]
fn a_domain_counts_by_the_public_suffix_list_and_an_address_by_its_network() {
    for (name, domain) in [
        ("a.b.shop.co.uk", "shop.co.uk"),
        ("*.shop.de", "shop.de"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::1", "2001:db8:1:2::/64"),
    ] {
        assert_eq!(registered_domain(&name.parse().unwrap()), domain);
    }
}

#[test]
fn a_set_has_one_text_in_any_order_and_a_short_one() {
    let (one, other) = (names(&["b.example", "a.example"]), names(&["a.example", "b.example"]));
    assert_eq!(set_of(&one), "a.example,b.example");
    assert_eq!(set_of(&one), set_of(&other));
    let many: Vec<String> = (0..100).map(|n| format!("h{n:03}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let text = set_of(&names(&many));
    assert!(text.starts_with("h000.example,+99,") && text.len() < 40, "{text}");
    assert_ne!(text, set_of(&names(&many[..99])));
    assert_ne!(set_of(&names(&many[1..])), set_of(&names(&many[..99])));
}

#[test]
fn a_ca_of_ones_own_counts_each_order() {
    let own = Limits::of([2, 0, 0, 0], false);
    let shop = names(&["a.example"]);
    let kind = OrderKind::of(&own, true, false);
    let mut buckets = Buckets::default();
    (0..2).for_each(|_| buckets.ordered(&own, kind, NOW));
    let refused = exceeded(&own, &[&buckets], &shop, kind, NOW).unwrap();
    assert_eq!((refused.left, refused.allowed), (0, 2));
}

#[test]
fn buckets_of_two_sources_do_not_count_the_same_twice() {
    let all = (0..10).map(|n| issued(n, &format!("h{n}.example.com"), 60));
    let inventory = inventory(all);
    let seen = seen(&inventory);
    let mut own = Buckets::default();
    for n in 0..10 {
        own.issued(
            LIMITS,
            &names(&[&format!("h{n}.example.com")]),
            OrderKind::New,
            NOW - 60,
        );
    }
    let orders = [(&names(&["new.example.com"])[..], OrderKind::New)].map(|(names, kind)| (names.to_vec(), kind));
    let orders: Vec<(&[Name], OrderKind)> = orders.iter().map(|(names, kind)| (names.as_slice(), *kind)).collect();
    assert_eq!(
        effect(LIMITS, &[&own, seen.buckets()], &orders, NOW),
        [
            "example.com: 40 of 50 certificates are left, this takes 1",
            "exactly these names: 5 of 5 certificates are left, this takes 1",
        ]
    );
}

#[test]
fn a_plan_of_renewals_says_that_they_are_exempt() {
    let (one, other) = (names(&["a.example.com"]), names(&["b.example.com"]));
    let orders = [(&one[..], OrderKind::SameNames), (&other[..], OrderKind::Replacement)];
    assert_eq!(
        effect(LIMITS, &[], &orders, NOW),
        [
            "exactly the same names: at least 5 of 5 certificates are left for each",
            "1 renewal of the same names as before: it counts towards no other limit",
            "1 renewal in the CA's renewal window: it counts towards no limit",
        ]
    );
}

fn wanted(at: Seconds, host: &str, kind: OrderKind) -> Wanted {
    Wanted {
        at,
        names: names(&[host]),
        kind,
    }
}

#[test]
fn thirty_thousand_new_names_on_one_account_take_297_hours() {
    let all: Vec<Wanted> = (0..30_000)
        .map(|n| wanted(NOW, &format!("www.customer{n}.com"), OrderKind::New))
        .collect();
    let scheduled = schedule(LIMITS, &Buckets::default(), &all, NOW);
    let last = scheduled.iter().map(|slot| slot.at).max().unwrap();
    assert_eq!(last - NOW, 297 * HOUR);
    assert_eq!(scheduled.iter().filter(|slot| slot.held_by.is_none()).count(), 300);
    let forecast = forecast(Some(LIMITS), &Buckets::default(), &all, NOW, NOW + 90 * DAY);
    let bound = forecast.bound.unwrap();
    assert_eq!((bound.limit.as_str(), bound.from), ("new orders of this account", NOW));
    assert_eq!((bound.delayed, bound.until), (29_700, NOW + 297 * HOUR));
    // The same many renewals wait for nothing.
    let all: Vec<Wanted> = (0..30_000)
        .map(|n| wanted(NOW, &format!("www.customer{n}.com"), OrderKind::SameNames))
        .collect();
    let scheduled = schedule(LIMITS, &Buckets::default(), &all, NOW);
    assert!(scheduled.iter().all(|slot| slot.at == NOW));
}

#[test]
fn what_waits_for_its_domain_holds_up_no_other() {
    let mut all: Vec<Wanted> = (0..120)
        .map(|n| wanted(NOW, &format!("h{n}.example.com"), OrderKind::New))
        .collect();
    all.push(wanted(NOW + 60, "shop.example.org", OrderKind::New));
    let scheduled = schedule(LIMITS, &Buckets::default(), &all, NOW);
    assert_eq!(scheduled[49].at, NOW);
    assert_eq!(scheduled[119].at, NOW + 70 * 12_096);
    assert_eq!(scheduled[119].held_by.as_deref(), Some("certificates for example.com"));
    assert_eq!(scheduled[120].at, NOW + 60);
    // An order at each of these moments is within the limit.
    let mut buckets = Buckets::default();
    for (wanted, slot) in all.iter().zip(&scheduled).take(120) {
        let refused = exceeded(LIMITS, &[&buckets], &wanted.names, wanted.kind, slot.at);
        assert_eq!(refused, None);
        buckets.issued(LIMITS, &wanted.names, wanted.kind, slot.at);
    }
}

#[test]
fn a_forecast_has_each_week_and_who_is_exempt() {
    let mut all: Vec<Stored> = (0..10)
        .map(|n| issued(n, &format!("h{n}.example.com"), 50 * DAY))
        .collect();
    // One has been ordered by this account, and the CA has a window for it.
    let mut ours = issued(10, "ours.example.com", 50 * DAY);
    let sha256 = ours.leaf().unwrap().sha256.to_string();
    let window = format!("{}/{}", time::date_time(NOW + 8 * DAY), time::date_time(NOW + 9 * DAY));
    for (key, value) in [
        (annotation::ISSUED_SHA256, sha256.as_str()),
        (annotation::ISSUED_AT_DIRECTORY, lets_encrypt().directory.as_str()),
        (annotation::ISSUED_ACCOUNT, ACCOUNT),
        (annotation::RENEWAL_WINDOW, &window),
    ] {
        ours.meta = with_annotation(ours.meta, key, value);
    }
    all.push(ours);
    let inventory = inventory(all);
    let until = NOW + 90 * DAY;
    let wanted = renewals(
        &inventory,
        (&lets_encrypt(), false),
        Some(LIMITS),
        Some(ACCOUNT),
        (NOW, until),
    );
    let forecast = forecast(Some(LIMITS), &Buckets::default(), &wanted, NOW, until);
    assert_eq!(forecast.weeks.len(), 13);
    assert_eq!(forecast.weeks[12].until, until);
    assert_eq!(forecast.weeks[0].orders(), 0);
    let second = &forecast.weeks[1];
    assert_eq!((second.new, second.same_names, second.replacements), (0, 10, 1));
    let all: usize = forecast.weeks.iter().map(Week::orders).sum();
    assert_eq!(all, 22, "each is renewed again after two thirds of its life");
    assert_eq!(forecast.bound, None);
    assert_eq!(
        certificates_of(&inventory, &lets_encrypt(), true).len(),
        0,
        "production's certificates are not staging's"
    );
    assert!(inventory.secrets().get(&Key::new("shop", "s10-tls")).is_some());
}

/// The Secrets of a tenant who notes on them that this account has ordered what is in them.
fn of_tenant(host: &str, organisation: &str, change: fn(&mut Bundle)) -> Vec<Stored> {
    let one = |n: usize| {
        let mut stored = issued(n, host, 600);
        let mut leaf = stored.leaf().unwrap().clone();
        let name = format!("CN=R13,O={organisation},C=US");
        leaf.issuer = Issuer::new(&name, "R13", Some("R13")).into();
        let sha256 = leaf.sha256.to_string();
        stored.bundle = bundle(leaf);
        change(&mut stored.bundle);
        for (key, value) in [
            (annotation::ISSUED_SHA256, sha256.as_str()),
            (annotation::ISSUED_AT_DIRECTORY, lets_encrypt().directory.as_str()),
            (annotation::ISSUED_ACCOUNT, ACCOUNT),
            (annotation::ISSUED_KIND, "new"),
        ] {
            stored.meta = with_annotation(stored.meta, key, value);
        }
        stored.meta.namespace = "tenant".into();
        stored
    };
    (0..60).map(one).collect()
}

fn untrusted() -> Trust {
    Trust::Untrusted {
        issuer: "CN=R13".into(),
        root_presented: false,
        namesake: false,
    }
}

#[test]
fn what_a_tenant_writes_into_secrets_takes_nothing_from_the_limits_of_others() {
    let lets_encrypts = "Let's Encrypt";
    let host = "www.victim.example";
    let of_own_making = of_tenant(host, lets_encrypts, |bundle| bundle.trust = untrusted());
    // Of a public log, so that nobody here has the key.
    let of_a_log = of_tenant(host, lets_encrypts, |bundle| bundle.key = KeyState::Missing);
    // Of another CA, for names below the same registered domain.
    let of_another_ca = of_tenant("tenant.victim.example", "DigiCert Inc", |_| {});
    let genuine = of_tenant(host, lets_encrypts, |_| {});
    let left = |all: Vec<Stored>| {
        let inventory = inventory(all);
        let seen = seen(&inventory);
        let left = |bucket: Bucket, limit: Option<Limit>| bucket.left(&limit.unwrap(), NOW);
        let domain = left(seen.buckets().domain("victim.example"), LIMITS.domain);
        let refused = check(&seen, &Buckets::default(), &["new.victim.example"]);
        assert_eq!(refused.is_some(), domain == 0);
        (domain, left(seen.buckets().set(host), LIMITS.same_names))
    };
    assert_eq!(left(of_own_making), (50, 5));
    assert_eq!(left(of_a_log), (50, 5));
    assert_eq!(left(of_another_ca), (50, 5));
    assert_eq!(
        left(genuine),
        (0, 0),
        "what the CA has signed for the key that is there counts"
    );
}

#[test]
fn certificates_of_a_ca_of_ones_own_count_where_the_account_keeps_them_or_a_root_of_ones_own_has_signed_them() {
    let corp = Ca {
        name: "corp".into(),
        directory: "https://ca.corp.example/directory".into(),
    };
    let noted = |namespace: &str, kind: &str| {
        let mut stored = issued(1, "a.corp.example", 600);
        stored.bundle.trust = untrusted();
        let sha256 = stored.leaf().unwrap().sha256.to_string();
        for (key, value) in [
            (annotation::ISSUED_SHA256, sha256.as_str()),
            (annotation::ISSUED_AT_DIRECTORY, corp.directory.as_str()),
            (annotation::ISSUED_KIND, kind),
        ] {
            stored.meta = with_annotation(stored.meta, key, value);
        }
        stored.meta.namespace = namespace.into();
        stored
    };
    let counted = |all: Vec<Stored>| {
        let mut inventory = inventory(all);
        inventory.set_home("certs-system".into());
        let found = certificates_of(&inventory, &corp, false);
        assert_eq!(found.len(), 1, "each once");
        found[0].is_proved.then_some(found[0].kind)
    };
    assert_eq!(counted(vec![noted("shop", "new")]), None);
    // After a restart, and after the account's Secret was restored from an old backup, the kept pairs are there.
    let mut kept = noted("certs-system", "same-names");
    kept.secret_type = BACKUP_TYPE.into();
    assert_eq!(
        counted(vec![noted("shop", "new"), kept]),
        Some(Some(OrderKind::SameNames)),
        "what is kept beside the account goes before what the Secret says"
    );
    let mut signed = noted("shop", "new");
    signed.bundle.trust = Trust::Trusted {
        root: "Corp Root".into(),
        public: false,
        path: [0, 1].into_iter().collect(),
        by_equality: false,
        bounds: None,
    };
    assert_eq!(counted(vec![signed]), Some(Some(OrderKind::New)));
}
