//! Files, directories, encodings, and manifests that are not ready to be read.

use std::fs;

use super::*;

#[test]
fn what_is_no_object_is_counted_in_a_directory_and_an_error_when_named() {
    let directory = tempfile::tempdir().expect("directory");
    let values = directory.path().join("values.yaml");
    fs::write(&values, "\n# defaults\ningress:\n  host: x\n").expect("write");
    fs::write(directory.path().join("notes.txt"), "kind: [").expect("write");
    fs::write(directory.path().join("b.yml"), INGRESS).expect("write");
    fs::write(directory.path().join("a.json"), SECRET_JSON).expect("write");
    fs::write(
        directory.path().join("map.YAML"),
        "apiVersion: v1\nkind: ConfigMap\n---\n- 1\n---\ntext\n",
    )
    .expect("write");
    fs::create_dir_all(directory.path().join("sub/.git")).expect("directory");
    fs::write(directory.path().join("sub/c.yaml"), INGRESS).expect("write");
    fs::write(directory.path().join("sub/.git/d.yaml"), "kind: [").expect("write");

    let read = path(directory.path(), false);
    assert_eq!(read.names(), ["Secret a/s", "Ingress home/web"]);
    assert_eq!(read.skipped(), [(NOT_AN_OBJECT, 3), ("v1/ConfigMap", 1)]);
    assert!(read.outcome.errors.is_empty(), "{:?}", read.errors());
    assert_eq!(read.outcome.files, 4);
    assert_eq!(path(directory.path(), true).outcome.objects, 3);

    let named = path(&values, false);
    let expected = format!(
        "{}: document 1, line 3: not a Kubernetes object: apiVersion or kind is missing",
        values.display()
    );
    assert_eq!(named.errors(), [expected]);
    let any_extension = path(directory.path().join("notes.txt"), false);
    assert_eq!(any_extension.outcome.errors.len(), 1);
}

#[cfg(unix)]
#[test]
fn loops_and_what_cannot_be_read_are_errors_and_nothing_hangs() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().expect("directory");
    let sub = directory.path().join("sub");
    fs::create_dir(&sub).expect("directory");
    fs::write(sub.join("a.yaml"), INGRESS).expect("write");
    symlink(directory.path(), sub.join("up")).expect("link");
    symlink(&sub, directory.path().join("twice")).expect("link");
    symlink("self.yaml", directory.path().join("self.yaml")).expect("link");
    symlink("nowhere", directory.path().join("gone.yaml")).expect("link");
    let _socket = std::os::unix::net::UnixListener::bind(directory.path().join("socket.yaml")).expect("socket");

    let read = path(directory.path(), true);
    assert_eq!(read.outcome.objects, 1);
    let errors = read.errors().join("\n");
    assert_eq!(read.outcome.errors.len(), 4, "{errors}");
    for part in [
        "leads back to",
        "self.yaml: cannot read it: ",
        "gone.yaml: cannot read it: no such file",
        "socket.yaml: is not a regular file",
    ] {
        assert!(errors.contains(part), "{part} in {errors}");
    }
    let missing = path(directory.path().join("none.yaml"), false);
    assert!(
        missing.errors()[0].ends_with("none.yaml: cannot read it: no such file or directory"),
        "{:?}",
        missing.errors()
    );
}

#[test]
fn what_is_no_text_is_one_clear_error() {
    let utf16: Vec<u8> = INGRESS.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, message) in [
        (&b"a: 1\nb: \xff\xfe\n"[..], "line 2: is not UTF-8 text"),
        (b"a: 1\n\nb: \0\n", "line 3: holds a NUL byte"),
        (b"\xff\xfea\0:", "begins like UTF-16 text but is not"),
        (b"\xfe\xff\xd8\0\0a", "begins like UTF-16 text but is not"),
        (&utf16, "is UTF-16 text"),
        (&[0; 4096], "holds a NUL byte"),
    ] {
        let read = stdin(bytes);
        assert_eq!(read.outcome.errors.len(), 1);
        assert!(read.errors()[0].contains(message), "{:?}", read.errors());
    }
    let big = tempfile::NamedTempFile::new().expect("file");
    big.as_file().set_len(files::MAX_BYTES + 1).expect("sparse");
    assert!(path(big.path(), false).errors()[0].ends_with("is larger than 256 MiB; split it"));
}

#[test]
fn what_kubectls_reader_takes_is_read() {
    for (mark, bytes) in [
        (
            &b"\xff\xfe"[..],
            INGRESS.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        ),
        (b"\xfe\xff", INGRESS.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        (b"\xef\xbb\xbf", INGRESS.into()),
    ] {
        let read = stdin([mark, &bytes].concat());
        assert_eq!((read.objects.len(), read.errors().len()), (1, 0), "{:?}", read.errors());
    }
    for value in ["'one\n  two'", "\"one\ntwo\"", "\"one \\\n  two\"", "'one\n\t two'"] {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: {value}\n---\n{INGRESS}\n---\n\
             apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    kubectl-certs/ignore: {value}\n"
        );
        let read = stdin(&text);
        assert_eq!(
            (read.objects.len(), read.errors().len()),
            (2, 0),
            "{text}: {:?}",
            read.errors()
        );
        let ignored = read.objects[1]
            .meta()
            .annotation("kubectl-certs/ignore")
            .map(str::to_owned);
        assert_eq!(ignored.as_deref(), Some("one two"), "{text}");
    }
    let broken = stdin("a: 'one\ntwo'\nb: [\n");
    assert!(
        broken.errors()[0].contains("line 3: cannot read YAML: unclosed bracket '['"),
        "{:?}",
        broken.errors()
    );
}

#[test]
fn helm_templates_and_encrypted_manifests_say_what_to_do() {
    for text in [
        "{{- if .Values.on }}\napiVersion: v1\nkind: Secret\n{{- end }}\n",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\n",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"{{ .Release.Name }}\"\n",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\nspec:\n  rules:\n  - host: '{{ .Values.host }}'\n",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\n  labels:\n    {{- include \"labels\" . | nindent 4 }}\n",
    ] {
        let read = stdin(text);
        assert_eq!(read.outcome.errors.len(), 1, "{text}: {:?}", read.errors());
        assert!(
            read.errors()[0].contains("helm template CHART | kubectl certs status -f -"),
            "{:?}",
            read.errors()
        );
        assert!(read.objects.is_empty());
    }
    let near_miss = stdin("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  rule: \"{{ $labels.x }}\"\n");
    assert!(near_miss.outcome.errors.is_empty());

    let sops = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  tls.crt: ENC[AES256_GCM,data:x]\nsops:\n  version: 3.8.1\n";
    let json = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"tls.crt":"ENC[AES256_GCM,data:x]"},"sops":{}}"#;
    for text in [sops, json] {
        let file = tempfile::Builder::new().suffix(" it's.yaml").tempfile().expect("file");
        fs::write(file.path(), text).expect("write");
        let read = path(file.path(), false);
        assert!(
            read.outcome.errors.is_empty(),
            "its names are plain: {:?}",
            read.errors()
        );
        assert!(read.names().is_empty(), "what it holds is nothing to check");
        fs::write(
            file.path(),
            text.replace("name: a", "name: ENC[AES256_GCM,data:y]")
                .replace(r#""name":"a""#, r#""name":"ENC[x]""#),
        )
        .expect("write");
        let read = path(file.path(), false);
        let expected = format!(
            "line 1: encrypted with SOPS; decrypt it first: sops -d '{}' | kubectl certs status -f -",
            file.path().display().to_string().replace('\'', r"'\''")
        );
        assert!(read.errors()[0].ends_with(&expected), "{:?}", read.errors());
    }
}
