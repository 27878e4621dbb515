use super::*;

const ACCOUNT: &str = "https://ca.example/acct/7";

fn records(all: &[(&str, &str)]) -> CaaAnswer {
    let property = |(tag, value): &(&str, &str)| Property {
        critical: tag.ends_with('!'),
        tag: tag.trim_end_matches('!').to_owned(),
        value: (*value).to_owned(),
    };
    CaaAnswer::Records(all.iter().map(property).collect())
}

fn judged(all: &[(&str, &str)], change: impl FnOnce(&mut CaaQuery<'_>)) -> String {
    let identities = ["ca.example".to_owned()];
    let mut asking = CaaQuery {
        identities: &identities,
        account: Some(ACCOUNT),
        method: Method::Http01,
        wildcard: false,
    };
    change(&mut asking);
    match judge(&[("shop.example".to_owned(), records(all))], &asking) {
        Verdict::Forbidden { why, .. } => why.to_string(),
        Verdict::Allowed { .. } => "allowed".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_ca_may_issue_when_one_record_names_it_and_its_parameters_are_met() {
    let account = format!("ca.example; accounturi={ACCOUNT}");
    let both = format!("CA.example ;accounturi = {ACCOUNT}; validationmethods=dns-01,http-01");
    for (set, expected) in [
        (&[("issue", "ca.example")][..], "allowed"),
        (&[("issue", "other.example"), ("issue", "ca.example;")], "allowed"),
        (&[("iodef", "mailto:a@b.example")], "allowed"),
        (&[("issuewild", ";")], "allowed"),
        (&[("issue", &account)], "allowed"),
        (&[("issue", &both)], "allowed"),
        (&[("issue", "ca.example; other=x")], "allowed"),
        (&[("issue!", "ca.example")], "allowed"),
        (
            &[("issue", "a.example"), ("issue", "b.example")],
            "it names other CAs: a.example, b.example",
        ),
        (&[("issue", ";")], "it lets no CA issue"),
        (&[("issue", "")], "it lets no CA issue"),
        (
            &[("issue", "ca.example"), ("tbs!", "x")],
            "it holds the critical property \"tbs\", which no CA knows",
        ),
        (
            &[("issue", "ca.example; accounturi=https://ca.example/acct/8")],
            "it lets the CA issue only to another account: https://ca.example/acct/8",
        ),
        (
            &[("issue", "ca.example; validationmethods=dns-01")],
            "it lets the CA issue only by dns-01",
        ),
        (
            &[("issue", "ca.example; nonsense")],
            "it cannot be read: \"ca.example; nonsense\"",
        ),
        (
            &[("issue", "ca.example; accounturi=a; accounturi=b")],
            "it cannot be read: \"ca.example; accounturi=a; accounturi=b\"",
        ),
    ] {
        assert_eq!(judged(set, |_| ()), expected, "{set:?}");
    }
}

#[test]
fn a_wildcard_goes_by_issuewild_where_there_is_one() {
    let wild = |set: &[(&str, &str)]| judged(set, |asking| asking.wildcard = true);
    assert_eq!(wild(&[("issue", "ca.example")]), "allowed");
    assert_eq!(wild(&[("issue", ";"), ("issuewild", "ca.example")]), "allowed");
    assert_eq!(
        wild(&[("issue", "ca.example"), ("issuewild", ";")]),
        "it lets no CA issue"
    );
}

#[test]
fn an_account_that_is_not_there_and_a_ca_without_a_name_are_told_apart() {
    let bound = [("issue", "ca.example; accounturi=https://ca.example/acct/8")];
    assert_eq!(
        judged(&bound, |asking| asking.account = None),
        "it lets the CA issue only to the account https://ca.example/acct/8, and there is no account here yet"
    );
    assert_eq!(
        judged(&[("issue", "ca.example")], |asking| asking.identities = &[]),
        "it names CAs (ca.example), and this CA does not say which name is its own"
    );
}

#[test]
fn the_lowest_name_with_records_counts_and_a_failure_below_it_forbids() {
    let identities = ["ca.example".to_owned()];
    let asking = CaaQuery {
        identities: &identities,
        account: None,
        method: Method::Dns01,
        wildcard: false,
    };
    let at = |name: &str, answer| (name.to_owned(), answer);
    let (mine, others) = (records(&[("issue", "ca.example")]), records(&[("issue", ";")]));
    let failed = CaaAnswer::Failed("SERVFAIL".into());
    let allowed = Verdict::Allowed { at: "b.example".into() };
    let none = || records(&[]);
    for (answers, expected) in [
        (
            vec![
                at("a.b.example", none()),
                at("b.example", mine.clone()),
                at("example", others),
            ],
            allowed.clone(),
        ),
        (
            vec![at("b.example", mine.clone()), at("example", failed.clone())],
            allowed,
        ),
        (
            vec![at("a.b.example", failed), at("b.example", mine)],
            Verdict::Failed {
                at: "a.b.example".into(),
                cause: "SERVFAIL".into(),
            },
        ),
        (
            vec![at("a.b.example", none()), at("b.example", none())],
            Verdict::Nothing,
        ),
    ] {
        assert_eq!(judge(&answers, &asking), expected);
    }
    assert_eq!(
        ancestors("a.b.example.").collect::<Vec<_>>(),
        ["a.b.example", "b.example", "example"]
    );
    assert_eq!(ancestors("").count(), 0);
}
