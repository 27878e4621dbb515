//! Reads the lines that the controller writes about what it does, and verifies that each has the hash of the one before it.
//!
//! Each process writes a chain of its own, which begins with the hash of nothing. Lines of several processes may be mixed, because
//! each says which line it follows; lines of other origin may stand between them. What cannot be told from the lines alone: whether
//! some are missing at the end of a chain, and whether its last line was changed.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::{
    object::{Key, Seconds},
    text::parse_time,
    x509::Fingerprint,
};

/// The field with the hash of the line before.
pub const PREVIOUS: &str = "previous";

/// The hash that the first line of a process has.
pub fn of_nothing() -> Fingerprint {
    Fingerprint::of(b"")
}

/// The hash of a line, without its line break.
pub fn hash(line: &str) -> Fingerprint {
    Fingerprint::of(line.as_bytes())
}

/// The lines of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// When the first and the last of them were written, in seconds since 1970.
    pub period: (Seconds, Seconds),
    /// How many there are.
    pub lines: usize,
    /// Whether the first line of the process is there.
    pub is_whole: bool,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The line that it follows is not there, or was changed.
    NoneBefore,
    /// Another line follows the same one.
    Twofold,
}

/// A line that does not follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The file.
    pub file: String,
    /// The number of the line in it, from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// A certificate that was stored, according to the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The first 16 digits of the SHA-256 of its leaf.
    pub sha256: String,
    /// When it was stored, in seconds since 1970.
    pub at: Seconds,
    /// The end of its validity, in seconds since 1970.
    pub until: Seconds,
    /// When it was first seen served; `None` if no line says so.
    pub served: Option<Seconds>,
}

/// What the lines say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many lines were verified.
    pub lines: usize,
    /// How many lines are of another origin.
    pub others: usize,
    /// How many lines stand there twice.
    pub twice: usize,
    /// The chains, in the order in which they begin in the files.
    pub chains: Vec<Chain>,
    /// The lines that do not follow.
    pub breaks: Vec<Break>,
    /// The certificates of each Secret, by the time at which they were stored.
    pub issued: BTreeMap<Key, Vec<Issued>>,
}

impl Audit {
    /// Whether a moment is between the first and the last line of a chain.
    pub fn covers(&self, at: Seconds) -> bool {
        self.chains
            .iter()
            .any(|chain| (chain.period.0..=chain.period.1).contains(&at))
    }
}

/// What a line said of a certificate that is not stored, or not seen served, yet.
#[derive(Debug, Default)]
struct Underway {
    issued: Option<(String, Seconds)>,
    served: Option<Seconds>,
}

/// Reads lines.
#[derive(Debug, Default)]
pub struct Reader {
    audit: Audit,
    seen: HashSet<Fingerprint>,
    /// The chains by the hash of their last line: two processes may have begun with the same line.
    heads: HashMap<Fingerprint, Vec<usize>>,
    underway: HashMap<Key, Underway>,
}

impl Reader {
    /// Reads one file.
    pub fn file(&mut self, name: &str, text: &str) {
        let mut is_first = true;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_end_matches('\r');
            let Some((fields, previous)) = fields(line) else {
                self.audit.others += usize::from(!line.trim().is_empty());
                continue;
            };
            if let Err(fault) = self.line(line, &fields, previous, is_first) {
                self.audit.breaks.push(Break {
                    file: name.to_owned(),
                    line: number,
                    fault,
                });
            }
            is_first = false;
        }
    }

    /// What was read.
    pub fn end(mut self) -> Audit {
        for all in self.audit.issued.values_mut() {
            all.sort_by_key(|issued| issued.at);
            // A file that was given twice.
            all.dedup_by(|a, b| a.sha256 == b.sha256);
        }
        self.audit
    }

    fn line(&mut self, line: &str, fields: &Value, previous: Fingerprint, is_first: bool) -> Result<(), Fault> {
        let own = hash(line);
        let at = fields["time"].as_str().and_then(parse_time).unwrap_or_default();
        let follows = self.heads.get_mut(&previous).and_then(Vec::pop);
        let was_seen = !self.seen.insert(own);
        let mut fault = None;
        let chain = match follows {
            Some(chain) => chain,
            None if previous == of_nothing() => self.begins(at, true),
            None if was_seen => {
                self.audit.twice += 1;
                return Ok(());
            }
            None => {
                fault = if self.seen.contains(&previous) {
                    Some(Fault::Twofold)
                } else {
                    // Where a file begins, a log may have been cut off.
                    (!is_first).then_some(Fault::NoneBefore)
                };
                self.begins(at, false)
            }
        };
        self.heads.entry(own).or_default().push(chain);
        if let Some(chain) = self.audit.chains.get_mut(chain) {
            chain.lines += 1;
            chain.period.1 = at;
        }
        self.audit.lines += 1;
        self.note(fields, at);
        fault.map_or(Ok(()), Err)
    }

    fn begins(&mut self, at: Seconds, is_whole: bool) -> usize {
        self.audit.chains.push(Chain {
            period: (at, at),
            lines: 0,
            is_whole,
        });
        self.audit.chains.len() - 1
    }

    /// Takes note of what a line says of a certificate.
    fn note(&mut self, fields: &Value, at: Seconds) {
        let word = |name: &str| fields[name].as_str();
        let (Some(namespace), Some(name), Some(event)) = (word("namespace"), word("secret"), word("event")) else {
            return;
        };
        let secret = Key::new(namespace, name);
        match event {
            "issued" => {
                let leaf = word("sha256").and_then(|sha256| sha256.get(..16));
                let issued = leaf.map(str::to_owned).zip(fields["notAfter"].as_i64());
                self.underway.insert(secret, Underway { issued, served: None });
            }
            "stored" => {
                let underway = self.underway.entry(secret.clone()).or_default();
                if let Some((sha256, until)) = underway.issued.take() {
                    self.audit.issued.entry(secret).or_default().push(Issued {
                        sha256,
                        at,
                        until,
                        served: None,
                    });
                }
            }
            "served" => self.underway.entry(secret).or_default().served = Some(at),
            // Every host serves it, or none is known to anybody.
            "done" | "leftOut" => {
                let served = self.underway.remove(&secret).and_then(|underway| underway.served);
                self.serves(&secret, served);
            }
            "served-later" => self.serves(&secret, Some(at)),
            _ => {}
        }
    }

    fn serves(&mut self, secret: &Key, at: Option<Seconds>) {
        let last = self.audit.issued.get_mut(secret).and_then(|all| all.last_mut());
        if let Some(last) = last {
            last.served = last.served.or(at);
        }
    }
}

/// The fields of a line that has a hash, and the hash.
fn fields(line: &str) -> Option<(Value, Fingerprint)> {
    if !line.starts_with('{') {
        return None;
    }
    let fields: Value = serde_json::from_str(line).ok()?;
    let previous = digest(fields[PREVIOUS].as_str()?)?;
    Some((fields, previous))
}

/// Reads a SHA-256 in hexadecimal.
fn digest(text: &str) -> Option<Fingerprint> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(Fingerprint(bytes))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// Lines as the controller writes them.
    pub(crate) fn chained(lines: &[Value]) -> Vec<String> {
        let mut last = of_nothing();
        let write = |fields: &Value| {
            let mut fields = fields.clone();
            fields[PREVIOUS] = last.to_string().into();
            let text = fields.to_string();
            last = hash(&text);
            text
        };
        lines.iter().map(write).collect()
    }

    /// A line of a Secret `shop/shop-tls`, so many seconds after midnight.
    pub(crate) fn said(event: &str, second: i64, more: &Value) -> Value {
        let mut line = json!({
            "time": crate::text::date_time(1_800_000_000 + second), "namespace": "shop", "secret": "shop-tls", "event": event,
        });
        for (name, value) in more.as_object().unwrap() {
            line[name] = value.clone();
        }
        line
    }

    fn read(text: &str) -> Audit {
        let mut reader = Reader::default();
        reader.file("log", text);
        reader.end()
    }

    fn six() -> Vec<String> {
        let lines: Vec<Value> = (0..6).map(|n| said("leased", n, &json!({"n": n}))).collect();
        chained(&lines)
    }

    #[test]
    fn a_chain_that_is_whole_is_verified_whatever_stands_between_its_lines() {
        let lines = six();
        let audit = read(&(lines.join("\n") + "\n"));
        assert_eq!((audit.lines, audit.breaks.as_slice()), (6, [].as_slice()));
        let whole = Chain {
            period: (1_800_000_000, 1_800_000_005),
            lines: 6,
            is_whole: true,
        };
        assert_eq!(audit.chains, [whole]);
        let between = lines.join("\nwarning: {not ours}\n{\"level\":\"info\"}\n\n");
        let audit = read(&between);
        assert_eq!((audit.lines, audit.others, audit.breaks.len()), (6, 10, 0));
        assert!(audit.covers(1_800_000_003) && !audit.covers(1_800_000_006));
    }

    #[test]
    fn a_line_that_was_changed_taken_away_or_put_between_breaks_the_chain_where_it_was() {
        let breaks = |lines: &[String]| -> Vec<(usize, Fault)> {
            let audit = read(&lines.join("\n"));
            audit.breaks.iter().map(|it| (it.line, it.fault)).collect()
        };
        let mut changed = six();
        changed[2] = changed[2].replace("\"n\":2", "\"n\":7");
        assert_eq!(
            breaks(&changed),
            [(4, Fault::NoneBefore)],
            "the line after it does not follow"
        );
        let mut less = six();
        less.remove(2);
        assert_eq!(breaks(&less), [(3, Fault::NoneBefore)]);
        let mut more = six();
        more.insert(3, more[3].replace("\"n\":3", "\"n\":9"));
        assert_eq!(breaks(&more), [(5, Fault::Twofold)]);
        let mut swapped = six();
        swapped.swap(2, 3);
        assert_eq!(breaks(&swapped)[0].1, Fault::NoneBefore);
        // A log that was cut off where it begins is no fault, and is said.
        let cut = six().split_off(3);
        assert_eq!(breaks(&cut), []);
        assert!(!read(&cut.join("\n")).chains[0].is_whole);
    }

    #[test]
    fn chains_of_several_processes_and_files_that_overlap_are_told_apart() {
        let (one, two) = (six(), {
            let lines: Vec<Value> = (0..4).map(|n| said("leased", n, &json!({"m": n / 2}))).collect();
            chained(&lines)
        });
        let mixed: Vec<&str> = one
            .iter()
            .zip(two.iter().chain(&two))
            .flat_map(|(a, b)| [&**a, &**b])
            .take(8)
            .collect();
        let audit = read(&mixed.join("\n"));
        assert_eq!((audit.chains.len(), audit.breaks.len()), (2, 0), "{audit:?}");
        // Two processes that began with the same line in the same second.
        let rest = |last: &str| {
            let line = said("leased", 9, &json!({"who": last}));
            chained(&[said("leased", 0, &json!({})), line])
        };
        let (a, b) = (rest("a"), rest("b"));
        assert_eq!(a[0], b[0]);
        let audit = read(&[&*a[0], &*b[0], &*a[1], &*b[1]].join("\n"));
        assert_eq!((audit.chains.len(), audit.breaks.len()), (2, 0), "{audit:?}");
        // The end of one file, and the next one, which begins with some of the same lines.
        let mut reader = Reader::default();
        reader.file("first", &one[..4].join("\n"));
        reader.file("second", &one[2..].join("\n"));
        let audit = reader.end();
        assert_eq!((audit.lines, audit.twice, audit.breaks.len()), (6, 2, 0), "{audit:?}");
        assert_eq!(audit.chains.len(), 1);
    }

    #[test]
    fn what_the_lines_say_of_a_certificate_is_read() {
        let sha256 = Fingerprint::of(b"leaf").to_string();
        let issued = json!({"sha256": sha256, "notAfter": 1_807_776_000});
        let served = |second| {
            let lines = [
                said("issued", 10, &issued),
                said("stored", 11, &json!({"place": "Secret shop/shop-tls"})),
                said("served", 12, &json!({"host": "a.example"})),
                said("served", 14, &json!({"host": "b.example"})),
                second,
            ];
            let audit = read(&chained(&lines).join("\n"));
            let all = audit
                .issued
                .get(&Key::new("shop", "shop-tls"))
                .cloned()
                .unwrap_or_default();
            let [only] = all.as_slice() else { panic!("{all:?}") };
            assert_eq!((only.at, only.until), (1_800_000_011, 1_807_776_000));
            assert!(sha256.starts_with(&only.sha256));
            only.served.map(|at| at - 1_800_000_000)
        };
        assert_eq!(served(said("done", 15, &json!({}))), Some(14), "the last host");
        assert_eq!(
            served(said("failed", 15, &json!({}))),
            None,
            "one host does not serve it"
        );
        assert_eq!(served(said("served-later", 90, &json!({}))), Some(90));
    }
}
