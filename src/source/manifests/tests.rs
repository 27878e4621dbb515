mod inputs;

use std::{fmt::Write as _, time::Instant};

use super::*;
use crate::{
    object::{Key, Object},
    source::{pairs::DataKeys, scope::Namespaces},
};

/// The result of reading some input.
struct Read {
    objects: Vec<Object>,
    listed: Vec<Kind>,
    outcome: Outcome,
}

impl Read {
    fn names(&self) -> Vec<String> {
        let name = |o: &Object| format!("{} {}", o.kind().as_str(), o.meta().key());
        self.objects.iter().map(name).collect()
    }

    fn errors(&self) -> Vec<String> {
        self.outcome.errors.iter().map(ToString::to_string).collect()
    }

    fn skipped(&self) -> Vec<(&str, usize)> {
        self.outcome.skipped.iter().map(|(k, n)| (k.as_str(), *n)).collect()
    }
}

fn read_all(inputs: &[PathBuf], recursive: bool, scope: &Scope, mut stdin: &[u8]) -> Read {
    let (mut objects, mut listed) = (Vec::new(), Vec::new());
    let options = Options {
        recursive,
        default_namespace: "home".into(),
        scope,
    };
    let outcome = read(inputs, &options, &mut stdin, &mut |change| match change {
        Change::Set(object) => objects.push(object),
        Change::Listed(kind) => listed.push(kind),
        Change::Made(_) => {}
        other => panic!("{other:?}"),
    });
    Read {
        objects,
        listed,
        outcome,
    }
}

fn stdin(text: impl AsRef<[u8]>) -> Read {
    read_all(&["-".into()], false, &Scope::everything(), text.as_ref())
}

fn path(path: impl Into<PathBuf>, recursive: bool) -> Read {
    read_all(&[path.into()], recursive, &Scope::everything(), b"")
}

const INGRESS: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n";
const SECRET_JSON: &str = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"a"}}"#;

#[test]
fn objects_are_read_from_all_that_tools_print() {
    let list = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: a\n    namespace: x\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: p\nkind: List\nmetadata:\n  resourceVersion: \"\"\n";
    let helm = "---\n# Source: chart/templates/empty.yaml\n---\n# Source: chart/templates/web.yaml\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations:\n\nNOTES:\n1. Get the application URL: {{ broken\n";
    let release = "NAME: web\nLAST DEPLOYED: Mon Jan  1 00:00:00 2024\nSTATUS: pending\nHOOKS:\nMANIFEST:\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n";
    let typed = "apiVersion: networking.k8s.io/v1\nkind: IngressList\nitems:\n- metadata: {name: a, namespace: n}\n- metadata: {name: b}\n";
    let nested = r#"{"kind":"List","apiVersion":"v1","items":[{"kind":"IngressList","apiVersion":"networking.k8s.io/v1","items":[{"metadata":{"name":"a"}},null]},{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"}}]}"#;
    for (text, names) in [
        (INGRESS, &["Ingress home/web"][..]),
        (list, &["Secret x/a", "Pod home/p"]),
        (helm, &["Ingress home/web"]),
        (release, &["Secret home/a"]),
        (typed, &["Ingress n/a", "Ingress home/b"]),
        (nested, &["Ingress home/a", "Secret home/s"]),
        ("apiVersion: v1\nkind: List\nitems: []\n", &[]),
        ("apiVersion: v1\nkind: List\nitems:\n", &[]),
        ("", &[]),
        ("# nothing\n---\n", &[]),
    ] {
        let read = stdin(text);
        assert_eq!(read.names(), names, "{text}");
        assert!(read.outcome.errors.is_empty(), "{text}: {:?}", read.errors());
        assert_eq!(read.outcome.objects, names.len());
        // The same with the line ends and the mark of a Windows editor.
        let read = stdin(format!("\u{feff}{}", text.replace('\n', "\r\n")));
        assert_eq!(read.names(), names, "with CRLF: {text}");
        assert!(read.outcome.errors.is_empty(), "with CRLF: {text}: {:?}", read.errors());
    }
}

#[test]
fn json_may_hold_one_value_or_several() {
    let pretty = "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Secret\",\n  \"metadata\": {\"name\": \"t\"}\n}\n";
    for text in [
        format!("{SECRET_JSON}\n{pretty}"),
        format!("{SECRET_JSON}{pretty}"),
        format!("\n {SECRET_JSON} \n\n{pretty}\n"),
    ] {
        assert_eq!(stdin(&text).names(), ["Secret a/s", "Secret home/t"], "{text}");
    }
    // YAML may begin with a brace too.
    let flow = stdin(
        "{apiVersion: v1, kind: Secret, metadata: {name: s,},}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: p}}",
    );
    assert_eq!(flow.names(), ["Secret home/s", "Pod home/p"]);
}

#[test]
fn a_broken_document_is_an_error_with_its_place_and_the_others_are_read() {
    let yaml = stdin(format!(
        "{INGRESS}---\n# comment\nkind: [\n---\n{}",
        INGRESS.replace("web", "api")
    ));
    assert_eq!(yaml.names(), ["Ingress home/web", "Ingress home/api"]);
    let [error] = &yaml.outcome.errors[..] else {
        panic!("{:?}", yaml.errors())
    };
    assert_eq!((error.document, yaml.outcome.documents), (2, 3));
    assert!(error.line.is_some_and(|line| (6..=8).contains(&line)), "{error}");
    assert!(
        error.to_string().starts_with("standard input: document 2, line "),
        "{error}"
    );
    assert!(!error.message.contains('\n'), "{error}");

    let lines = stdin(format!("{SECRET_JSON}\n{{\"a\":1\n{SECRET_JSON}\n{{]\n{SECRET_JSON}\n"));
    assert_eq!(lines.names(), ["Secret a/s"; 3]);
    let places: Vec<_> = lines.outcome.errors.iter().map(|e| (e.document, e.line)).collect();
    assert_eq!(places, [(2, Some(3)), (4, Some(4))], "{:?}", lines.errors());
    let cut = stdin(format!("{SECRET_JSON}\n{{"));
    assert_eq!((cut.names().len(), cut.outcome.errors[0].line), (1, Some(2)));
    let first = stdin(format!("{{\"a\":1\n{SECRET_JSON}\n"));
    assert_eq!(
        (first.names(), first.errors().len()),
        (vec!["Secret a/s".to_owned()], 1)
    );
}

#[test]
fn a_broken_item_is_an_error_with_its_index_and_the_others_are_read() {
    let item = |name: &str, tls: &str| {
        format!(
            "- apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  metadata:\n    name: {name}\n  spec:\n    ingressClassName: nginx\n    tls: {tls}\n"
        )
    };
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n{}{}{}",
        item("a", "[]"),
        item("b", "5"),
        item("c", "[]")
    );
    let read = stdin(&list);
    assert_eq!(read.names(), ["Ingress home/a", "Ingress home/c"]);
    assert_eq!(
        read.errors(),
        [
            "standard input: document 1, line 17: items[1]: cannot read the Ingress b: invalid type: integer `5`, expected a list"
        ]
    );

    let object = |name: &str, tls: &str| {
        format!(
            "\n  {{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"Ingress\", \"metadata\": {{\"name\": \"{name}\"}},\n   \"spec\": {{\"tls\": {tls}}}}}"
        )
    };
    let list = format!(
        "{{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [{},{},{}, 7]}}",
        object("a", "[]"),
        object("b", "5"),
        object("c", "null")
    );
    let read = stdin(&list);
    assert_eq!(read.names(), ["Ingress home/a", "Ingress home/c"]);
    assert_eq!(
        read.errors(),
        [
            "standard input: document 1, line 5: items[1]: cannot read the Ingress b: invalid type: integer `5`, expected a list",
            "standard input: document 1, line 7: items[3]: not a Kubernetes object: it is not a mapping",
        ]
    );
    let no_list = stdin("apiVersion: v1\nkind: List\nitems: 5\n");
    assert_eq!(
        no_list.errors(),
        ["standard input: document 1, line 1: items is not a list"]
    );
}

#[test]
fn anchors_are_followed_and_those_that_explode_end_in_an_error_fast() {
    let shared = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: &m {name: a, labels: &l {app: web}}\nspec:\n  tls:\n  - &t {hosts: [a.example], secretName: s}\n  - *t\n  - <<: *t\n    secretName: u\n";
    let read = stdin(shared);
    assert!(read.outcome.errors.is_empty(), "{:?}", read.errors());
    let Object::Ingress(ingress) = &read.objects[0] else {
        panic!()
    };
    let secrets: Vec<_> = ingress
        .tls
        .iter()
        .map(|t| t.secret.as_deref().unwrap_or_default())
        .collect();
    assert_eq!(secrets, ["s", "s", "u"]);

    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let _ = writeln!(bomb, "a{i}: &a{i} [{}]", vec![format!("*a{}", i - 1); 10].join(", "));
    }
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100_000),
        vec!["*a"; 50_000].join(", ")
    );
    let start = Instant::now();
    for text in [bomb, long] {
        let read = stdin(format!("{text}---\n{INGRESS}"));
        assert_eq!(read.names(), ["Ingress home/web"]);
        assert_eq!(read.outcome.errors.len(), 1);
        assert!(read.errors()[0].contains("too many aliases"), "{:?}", read.errors());
    }
    for open in ["[", "{a: ", "- ", "? ", "{\"items\":[", "[[{"] {
        let read = stdin(open.repeat(100_000));
        assert_eq!(read.outcome.objects, 0);
    }
    let deep = format!(
        "apiVersion: v1\nkind: ConfigMap\ndata: {}1{}\n",
        "[".repeat(200),
        "]".repeat(200)
    );
    assert!(stdin(deep).errors()[0].contains("nested more than 64 levels deep"));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn large_dumps_are_read_whole() {
    let mut list = String::from("apiVersion: v1\nkind: List\nitems:\n");
    let mut documents = String::new();
    for i in 0..5000 {
        let _ = write!(
            list,
            "- apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  metadata:\n    name: web-{i}\n    namespace: shop\n    labels: {{a: b, c: d}}\n  spec:\n    ingressClassName: nginx\n    rules:\n    - host: web-{i}.example\n      http:\n        paths:\n        - path: /\n          pathType: Prefix\n          backend:\n            service:\n              name: web\n              port:\n                number: 80\n    tls:\n    - hosts:\n      - web-{i}.example\n      secretName: web-{i}-tls\n"
        );
    }
    for i in 0..2000 {
        let _ = write!(
            documents,
            "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s-{i}\ndata:\n  tls.crt: eA==\n"
        );
    }
    let start = Instant::now();
    let read = stdin(&list);
    let once = start.elapsed();
    assert_eq!(
        (read.outcome.objects, read.outcome.errors.len()),
        (5000, 0),
        "{:?}",
        read.errors().first()
    );
    let read = stdin(&documents);
    assert_eq!((read.outcome.objects, read.outcome.documents), (2000, 2000));
    // Every item is broken: the exact position of each must not require reading the list again.
    let start = Instant::now();
    let read = stdin(list.replace("    rules:", "    rules: 5\n    other:"));
    assert_eq!((read.outcome.objects, read.outcome.errors.len()), (0, 5000));
    assert!(start.elapsed() < once * 20, "{:?} and {once:?}", start.elapsed());
}

#[test]
fn the_scope_chooses_and_the_rest_counts_as_absent() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx, namespace: wrong}\n";
    let scope = Scope::new(Namespaces::Only(vec!["shop".into()]), &[], None).expect("scope");
    let read = read_all(&["-".into()], false, &scope, text.as_bytes());
    assert_eq!(read.names(), ["Secret shop/a", "IngressClass nginx"]);
    assert_eq!(
        read.outcome.kinds.iter().copied().collect::<Vec<_>>(),
        [Kind::IngressClass, Kind::Secret]
    );
    assert!(
        read.listed.contains(&Kind::Secret)
            && read.listed.contains(&Kind::Gateway)
            && read.listed.contains(&Kind::IngressClass)
    );
    assert!(!read.listed.contains(&Kind::GatewayClass) && !read.listed.contains(&Kind::Namespace));
    assert!(!read.listed.contains(&Kind::Certificate) && !read.listed.contains(&Kind::Pod));
}

#[test]
fn a_listener_set_without_namespace_extends_a_gateway_of_the_default_one() {
    let text = "apiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: {name: a}\nspec: {parentRef: {name: gw}}\n";
    let read = stdin(text);
    let Object::ListenerSet(set) = &read.objects[0] else {
        panic!()
    };
    assert_eq!(set.parent, Some(Key::new("home", "gw")));
}

#[test]
fn no_error_shows_a_value_of_a_secret() {
    for text in [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: \"hush \\\" hush\"\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n- hush\n- 1\n",
        "apiVersion: v1\nkind: Secret\nmetadata: hush\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  tls.key: {hush: hush}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  tls.key: \"hush\n  hush: hush\n",
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":"hush"}"#,
        r#"{"apiVersion":"v1","kind":"Secret","metadata":"hush"}"#,
        r#"{"apiVersion":"v1","kind":"Secret","data":{"tls.key":"hush"#,
    ] {
        let read = stdin(text);
        assert_eq!(read.outcome.errors.len(), 1, "{text}");
        assert!(!read.errors()[0].contains("hush"), "{:?}", read.errors());
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_can_be_read(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        stdin(bytes);
    }

    #[test]
    fn any_text_that_begins_as_json_can_be_read(text in "[-\\n a:{}\\[\\]\"\\\\,1é日]{0,60}") {
        stdin(format!("{SECRET_JSON}{text}"));
        stdin(format!("{{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":{text}"));
        stdin(format!("{{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[{text}]}}"));
    }

    #[test]
    fn any_text_of_yamls_characters_can_be_read(text in "[-\\n a:{}\\[\\]&*!|>'\"#%,?.0~<]{0,80}") {
        stdin(&text);
        stdin(format!("{{{text}"));
        stdin(format!("{INGRESS}spec:\n  tls: {text}\n---\n{INGRESS}"));
    }
}

#[test]
fn each_object_has_its_file_and_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let yaml = dir.path().join("a.yaml");
    let ingress = |name: &str| format!("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}}}\n");
    std::fs::write(
        &yaml,
        format!("# head\n---\n# of a\n{}---\n{}", ingress("one"), ingress("two")),
    )
    .expect("written");
    let json = dir.path().join("b.json");
    let item = |name: &str| {
        format!(r#"{{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{{"name":"{name}"}}}}"#)
    };
    let list = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n{},\n{}]}}",
        item("three"),
        item("four")
    );
    std::fs::write(&json, list).expect("written");
    let mut places = path(dir.path(), false).outcome.places;
    let at = |places: &Places, name: &str| {
        let (file, line) = places.get(Kind::Ingress, &Key::new("home", name)).expect("a place");
        (file.to_owned(), line)
    };
    places.relative_to(dir.path());
    for (name, file, line) in [
        ("one", "a.yaml", 4),
        ("two", "a.yaml", 8),
        ("three", "b.json", 2),
        ("four", "b.json", 3),
    ] {
        assert_eq!(at(&places, name), (file.to_owned(), Some(line)), "{name}");
    }
    assert_eq!(places.get(Kind::Gateway, &Key::new("home", "one")), None);
    let piped = stdin(ingress("one")).outcome.places;
    assert_eq!(
        piped.get(Kind::Ingress, &Key::new("home", "one")),
        None,
        "no file to point at"
    );
}

#[test]
fn the_data_keys_of_a_scope_are_of_its_reading_alone() {
    const LIST: &str = r"apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: own, namespace: shop}
  stringData: {site.pem: chain, site-key: key, password: hush}
";
    let read = |data_keys: DataKeys| {
        let scope = Scope {
            data_keys,
            ..Scope::everything()
        };
        let json = serde_json::json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "own", "namespace": "shop"},
            "stringData": {"site.pem": "chain", "site-key": "key", "password": "hush"}});
        [LIST.to_owned(), json.to_string()].map(|text| {
            let read = read_all(&["-".into()], false, &scope, text.as_bytes());
            let Some(Object::Secret(secret)) = read.objects.first() else {
                panic!("{:?}", read.errors());
            };
            let chain = secret
                .certificate
                .clone()
                .map(|chain| String::from_utf8(chain).unwrap());
            (chain, secret.key.is_some(), secret.other_keys.clone())
        })
    };
    let named = DataKeys::also(vec!["certificate=*.pem,key=*-key".parse().unwrap()]);
    let (one, other) = (read(named), read(DataKeys::default()));
    let password = vec!["password".into()];
    assert!(
        one.iter()
            .all(|found| *found == (Some("chain".into()), true, password.clone())),
        "{one:?}"
    );
    assert!(
        other.iter().all(|found| found.0.is_none() && found.2.len() == 3),
        "{other:?}"
    );
}
