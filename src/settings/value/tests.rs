use super::*;

fn round<T: FromStr<Err = NotAValue> + fmt::Display>(text: &str) -> String {
    text.parse::<T>()
        .map_or_else(|error| format!("error: {error}"), |value| value.to_string())
}

#[test]
fn values_are_read_as_they_are_written() {
    for text in ["auto", "direct", "cluster", "off", "wait=30s", "wait=1m 30s"] {
        assert_eq!(round::<SelfCheck>(text), text);
    }
    for text in [
        "dedicated",
        "dedicated=edge",
        "a.example/b:NoExecute",
        "dedicated=edge:NoSchedule",
    ] {
        assert_eq!(round::<Toleration>(text), text);
    }
    for text in ["0", "300", "300/3h", "100/1m 30s"] {
        assert_eq!(round::<Allowance>(text), text);
    }
    assert_eq!(round::<ServicePort>("acme:8089"), "acme:8089");
    assert_eq!(round::<RestartWord>("deploy/web"), "deployment/web");
    assert_eq!(round::<RestartWord>("StatefulSets.apps/db-0"), "statefulset/db-0");
    assert_eq!(
        round::<SecretKeys>("key=proxykey,certificate=proxycert"),
        "certificate=proxycert,key=proxykey"
    );
    assert_eq!(round::<Namespaced>("certs/account"), "certs/account");
    assert_eq!(round::<ChallengeWord>("dns-persist-01"), "dns-persist-01");
    assert_eq!(round::<Domain>("*.Müller.example."), "xn--mller-kva.example");
    assert_eq!(round::<Length>("90s"), "1m 30s");
    assert_eq!(round::<Length>("0"), "0s");
    assert_eq!(round::<Label>("kubernetes.io/os=linux"), "kubernetes.io/os=linux");
}

#[test]
fn a_wrong_value_says_how_one_is_written() {
    for (text, got, form) in [
        ("wait", round::<SelfCheck>("wait"), "wait=30s"),
        ("wait=soon", round::<SelfCheck>("wait=soon"), "wait=30s"),
        ("a=b:Never", round::<Toleration>("a=b:Never"), "NoSchedule"),
        ("300/", round::<Allowance>("300/"), "300/3h"),
        ("300/3", round::<Allowance>("300/3"), "300/3h"),
        ("300/10ms", round::<Allowance>("300/10ms"), "300/3h"),
        ("-1", round::<Allowance>("-1"), "300/3h"),
        ("3h", round::<Allowance>("3h"), "300/3h"),
        ("acme", round::<ServicePort>("acme"), "NAME:PORT"),
        ("acme:0", round::<ServicePort>("acme:0"), "NAME:PORT"),
        ("pod/web", round::<RestartWord>("pod/web"), "deployment/NAME"),
        (
            "certificate=a",
            round::<SecretKeys>("certificate=a"),
            "certificate=KEY,key=KEY",
        ),
        (
            "certificate=a,key=a",
            round::<SecretKeys>("certificate=a,key=a"),
            "certificate=KEY",
        ),
        ("dns-persist", round::<ChallengeWord>("dns-persist"), "dns-persist-01"),
        ("192.0.2.1", round::<Domain>("192.0.2.1"), "shop.example"),
        ("account", round::<Namespaced>("account"), "NAMESPACE/NAME"),
        ("a/b/c", round::<Namespaced>("a/b/c"), "NAMESPACE/NAME"),
        ("soon", round::<Length>("soon"), "90s"),
        ("90", round::<Length>("90"), "write 90s"),
        ("wait=30", round::<SelfCheck>("wait=30"), "wait=30s"),
    ] {
        assert!(
            got.starts_with("error: ") && got.contains(text) && got.contains(form),
            "{got}"
        );
    }
}

#[test]
fn a_number_without_a_unit_is_refused_but_where_kubectl_takes_it() {
    assert_eq!(days("30").unwrap_err(), "30 what? 30d");
    assert_eq!(duration("30").unwrap_err(), "30 what? 30s");
    assert_eq!(duration("1.5").unwrap_err(), "1.5 what? 1.5s");
    assert_eq!(days("30d"), Ok(Duration::from_hours(30 * 24)));
    assert_eq!(duration("0"), Ok(Duration::ZERO));
    assert_eq!(as_kubectl("30"), Ok(Duration::from_secs(30)));
    assert_eq!(as_kubectl("2m"), Ok(Duration::from_mins(2)));
}

#[test]
fn none_and_auto_stand_alone() {
    let words = |text: &str| -> Vec<RestartWord> { text.split(',').map(|word| word.parse().unwrap()).collect() };
    assert_eq!(Restart::try_from(words("auto")), Ok(Restart::Auto));
    assert_eq!(Restart::try_from(Vec::new()), Ok(Restart::None));
    assert!(Restart::try_from(words("auto,deployment/web")).is_err());
    let Ok(Restart::These(these)) = Restart::try_from(words("sts/db,deployment/web")) else {
        panic!("two workloads")
    };
    assert_eq!(
        these.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["statefulset/db", "deployment/web"]
    );
}
