//! Fuzz functions: whatever bytes they get, nothing panics, hangs or takes more than its share. The kept corpus runs through them with every
//! `cargo test`, each input with a few changes; `tests/run long` changes inputs for minutes, and keeps what fails in `target/tmp/fuzz`.
//!
//! No sanitizer and no coverage: the crate has no unsafe code, and stable Rust has no libFuzzer. An input that failed belongs into the corpus.

use std::{
    hint::black_box,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bytes::Bytes;
use kubectl_certs::{
    acme,
    k8s::{
        self,
        decode::{self, EventDecoder, Format, ListDecoder},
    },
    net,
    object::Kind,
    report::jsonpath,
    source::{Scope, manifests, pairs::DataKeys},
    text,
    x509::{Interner, bundle, names, pem},
};
use secrecy::SecretSlice;

/// One function, by the name of its folder in the corpus.
type Function = (&'static str, fn(&[u8]));

const FUNCTIONS: &[Function] = &[
    ("pem", of_pem),
    ("bundle", of_bundle),
    ("list", of_list),
    ("yaml", of_yaml),
    ("jsonpath", of_jsonpath),
    ("host", of_host),
    ("acme", of_acme),
    ("kubeconfig", of_kubeconfig),
];

/// No input of some kilobytes takes so long, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(5);
/// Inputs grow no larger than this.
const LARGEST: usize = 16 << 10;

fn of_pem(bytes: &[u8]) {
    for block in pem::blocks(bytes) {
        black_box((
            block.decode(pem::CERTIFICATE_CAP).ok(),
            block.is_certificate(),
            block.is_private_key(),
        ));
    }
    assert!(pem::why_no_block(bytes).len() < 1000, "a reason is one line");
}

fn of_bundle(bytes: &[u8]) {
    let key: SecretSlice<u8> = bytes.to_vec().into();
    black_box(bundle::parse(Some(bytes), Some(&key), &mut Interner::new()));
    black_box(bundle::parse_file(bytes, &mut Interner::new()));
    black_box(bundle::parse_chain(&[bytes], &mut Interner::new()));
}

/// A list and a watch, whole and in pieces: both ways lead to the same.
fn of_list(bytes: &[u8]) {
    for (format, kind) in [
        (Format::Protobuf, Kind::Secret),
        (Format::Protobuf, Kind::Ingress),
        (Format::Json, Kind::Ingress),
    ] {
        let read = |pieces: usize| {
            let mut decoder = ListDecoder::new(format, kind, &DataKeys::default());
            let mut count = 0;
            let whole = bytes.chunks(pieces.max(1)).all(|piece| {
                decoder
                    .push(&Bytes::copy_from_slice(piece), &mut |_| count += 1)
                    .is_ok()
            });
            (whole, count, decoder.finish().is_ok())
        };
        assert_eq!(read(bytes.len()), read(7), "in pieces of 7 bytes");
        black_box(decode::object(format, kind, &Bytes::copy_from_slice(bytes), &DataKeys::default()).ok());
        black_box(decode::status(format, bytes));
    }
    let mut events = EventDecoder::new(Kind::Secret, &DataKeys::default());
    black_box(events.push(bytes, &mut |_| ()).ok());
}

fn of_yaml(bytes: &[u8]) {
    let scope = Scope::everything();
    let options = manifests::Options {
        recursive: false,
        default_namespace: "default".into(),
        scope: &scope,
    };
    let mut stdin = bytes;
    let outcome = manifests::read(&[PathBuf::from("-")], &options, &mut stdin, &mut |_| ());
    let lines = bytes.split(|byte| *byte == b'\n').count();
    for error in outcome.errors {
        assert!(error.line.is_none_or(|line| line <= lines), "{error} of {lines} lines");
    }
}

fn of_jsonpath(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    black_box(jsonpath::Template::parse(&text).ok());
    if let Ok(path) = jsonpath::Path::parse(&text) {
        let document = serde_json::json!({"items": [{"host": "a", "names": ["b", "c"]}, {"host": null}]});
        black_box(path.text(&document));
    }
}

fn of_host(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let normal = names::normalize(&text);
    assert_eq!(names::normalize(&normal), normal, "one form");
    black_box((
        names::wildcard_too_broad(&text),
        text.parse::<net::address::HostPort>().ok(),
    ));
    black_box(text.parse::<kubectl_certs::name::Name>().ok());
    assert!(!text::clear(&text).chars().any(char::is_control), "cleared");
}

fn of_acme(bytes: &[u8]) {
    black_box(serde_json::from_slice::<acme::Directory>(bytes).ok());
    if let Ok(problem) = serde_json::from_slice::<acme::Problem>(bytes) {
        black_box((problem.names(), problem.short().len(), problem.to_string()));
    }
    black_box(acme::CertId::of(bytes));
}

fn of_kubeconfig(bytes: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    let options = k8s::ConnectOptions {
        kubeconfig: Some(file.path().to_owned()),
        ..k8s::ConnectOptions::default()
    };
    black_box(k8s::contexts(&options));
}

/// Numbers that are the same in every run: a failure can be had again.
struct Numbers(u64);

impl Numbers {
    /// xorshift64* (Vigna, 2016).
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or_default() % most.max(1)
    }
}

/// An input with some of its bytes changed, left out, repeated, or mixed with another's.
fn changed(input: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    const TELLING: &[&[u8]] = &[
        b"\0",
        b"\xff",
        b"\n",
        b"---\n",
        b"'",
        b"\"",
        b"{",
        b"[",
        b": ",
        b"&a ",
        b"*a",
        b"..",
        b"-----",
        b"\x80\x80\x80",
        b"\xe2\x80\xae",
    ];
    let mut out = input.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(out.len() + 1);
        let end = (at + numbers.below(64)).min(out.len());
        match numbers.below(6) {
            0 if at < out.len() => out[at] ^= 1 << numbers.below(8),
            1 => drop(out.drain(at..end)),
            2 => {
                let piece = out[at..end].to_vec();
                let times = numbers.below(40);
                out.splice(at..at, piece.repeat(times));
            }
            3 => {
                let from = numbers.below(other.len() + 1);
                let piece = &other[from..(from + numbers.below(200)).min(other.len())];
                out.splice(at..end, piece.iter().copied());
            }
            4 => out.truncate(at),
            _ => drop(out.splice(at..at, TELLING[numbers.below(TELLING.len())].iter().copied())),
        }
    }
    out.truncate(LARGEST);
    out
}

/// Runs one input; what went wrong, in words.
fn failure(function: fn(&[u8]), input: &[u8]) -> Option<String> {
    let began = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| function(input)));
    match result {
        Err(panic) => {
            let words = panic.downcast_ref::<String>().cloned();
            Some(words.unwrap_or_else(|| "it panics".to_owned()))
        }
        Ok(()) if began.elapsed() > LONGEST => Some(format!("it takes {:?}", began.elapsed())),
        Ok(()) => None,
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let mut files: Vec<PathBuf> = std::fs::read_dir(root.join("tests/fuzz/corpus").join(name))
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| std::fs::read(path).expect("an input"))
        .collect()
}

/// Changes the corpus of a function until the time is over or so many inputs have been tried. Keeps what fails.
fn fuzz((name, function): Function, seed: u64, time: Duration, most: usize) {
    let inputs = corpus(name);
    assert!(!inputs.is_empty(), "{name} has no corpus");
    let mut numbers = Numbers(seed | 1);
    let until = Instant::now() + time;
    let mutated = std::iter::from_fn(|| {
        let (input, other) = (numbers.below(inputs.len()), numbers.below(inputs.len()));
        Some(changed(&inputs[input], &inputs[other], &mut numbers))
    });
    for input in inputs
        .iter()
        .cloned()
        .chain(mutated)
        .take(inputs.len().saturating_add(most))
    {
        if let Some(words) = failure(function, &input) {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
            std::fs::create_dir_all(&kept).expect("a directory");
            let kept = kept.join(name);
            std::fs::write(&kept, &input).expect("kept");
            panic!("{name}: {words}; the input is kept in {}", kept.display());
        }
        if Instant::now() > until {
            break;
        }
    }
}

/// The functions at once: each on a thread with the stack of a test's.
fn all(time: Duration, most: usize, seed: u64) {
    std::thread::scope(|scope| {
        for function in FUNCTIONS {
            let run = move || fuzz(*function, seed, time, most);
            std::thread::Builder::new()
                .name(function.0.to_owned())
                .stack_size(8 << 20)
                .spawn_scoped(scope, run)
                .expect("a thread");
        }
    });
}

#[test]
fn the_kept_corpus_and_its_neighbours_do_no_harm() {
    all(Duration::from_secs(10), 300, 1);
}

#[test]
fn long_fuzzing_does_no_harm() {
    let minutes = std::env::var("KUBECTL_CERTS_LONG")
        .ok()
        .and_then(|minutes| minutes.parse().ok());
    if let Some(minutes) = minutes {
        let seed = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .map_or(1, |since| since.as_secs());
        eprintln!("fuzzing for {minutes} min, seed {seed}");
        all(Duration::from_mins(minutes), usize::MAX, seed);
    }
}
