//! Writes the example cluster's manifests and `root.pem` anew, with fresh keys: `cargo run --example make-example`.
//!
//! The templates beside this file hold everything but the certificates; `plan` says what each Secret holds, and `issue`
//! signs it. They end in `.in`, so that `-f docs/example -R` does not take them for manifests.

mod issue;
mod plan;

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use time::{Duration, OffsetDateTime};

use issue::{Authorities, Issued};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/example");
    let authorities = Authorities::new()?;
    let mut secrets = BTreeMap::new();
    for planned in plan::SECRETS {
        if secrets
            .insert(planned.secret, (authorities.issue(planned)?, false))
            .is_some()
        {
            return Err(format!("{} is planned twice", planned.secret).into());
        }
    }
    let expected = fs::read_to_string(example.join("expected.tsv"))?;
    let mut written = vec![(example.join("root.pem"), authorities.root_pem())];
    let mut templates = fs::read_dir(example.join("make"))?.collect::<std::io::Result<Vec<_>>>()?;
    templates.sort_by_key(fs::DirEntry::file_name);
    for template in templates {
        let name = template.file_name().to_string_lossy().into_owned();
        let Some(target) = name.strip_suffix(".in") else {
            continue;
        };
        let text = fs::read_to_string(template.path())?;
        let text = fill(&text, &expected, &mut secrets).map_err(|e| format!("failed to fill {name}: {e}"))?;
        written.push((example.join(target), text));
    }
    if let Some((secret, _)) = secrets.iter().find(|(_, (_, used))| !used) {
        return Err(format!("{secret} is planned, and no template holds it").into());
    }
    // Only a whole picture replaces the one before: its certificates and root.pem belong together.
    for (path, text) in written {
        fs::write(path, text)?;
    }
    Ok(())
}

/// Replaces each `@what NAMESPACE/NAME@` of a template, and the table of `@expected@`.
fn fill(template: &str, expected: &str, secrets: &mut BTreeMap<&str, (Issued, bool)>) -> Result<String> {
    let mut text = String::with_capacity(template.len() * 4);
    for line in template.split_inclusive('\n') {
        let mut parts = line.splitn(3, '@');
        let (Some(before), Some(placeholder), Some(after)) = (parts.next(), parts.next(), parts.next()) else {
            text.push_str(line);
            continue;
        };
        text.push_str(before);
        if placeholder == "expected" {
            text.push_str(&table(expected)?);
        } else {
            let (what, name) = placeholder.split_once(' ').ok_or("a placeholder has no name")?;
            let (issued, used) = secrets.get_mut(name).ok_or_else(|| format!("{name} is not planned"))?;
            match what {
                "secret" if *used => return Err(format!("{name} is there twice").into()),
                "secret" => {
                    *used = true;
                    let (certificate, key) = (STANDARD.encode(&issued.certificates), STANDARD.encode(&issued.key));
                    text.extend(["tls.crt: ", &certificate, "\n", before, "tls.key: ", &key]);
                }
                "request" => text.push_str(&STANDARD.encode(&issued.request)),
                "not-before" => text.push_str(&rfc3339(issued.not_before)),
                "not-after" => text.push_str(&rfc3339(issued.not_after)),
                // cert-manager renews when two thirds are gone, unless told otherwise.
                "renewal" => text.push_str(&rfc3339(issued.not_after - third(issued))),
                "expired-on" => text.push_str(&rfc1123(issued.not_after)),
                _ => return Err(format!("@{what}@ is no placeholder").into()),
            }
        }
        text.push_str(after);
    }
    Ok(text)
}

fn third(issued: &Issued) -> Duration {
    (issued.not_after - issued.not_before) / 3
}

fn rfc3339(at: OffsetDateTime) -> String {
    let (date, (hour, minute, second)) = (at.date(), at.time().as_hms());
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

/// As Go's `time.RFC1123` writes it, which cert-manager's messages hold.
fn rfc1123(at: OffsetDateTime) -> String {
    let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
    let (hour, minute, second) = at.time().as_hms();
    let (day, year) = (at.day(), at.year());
    format!("{weekday:.3}, {day:02} {month:.3} {year} {hour:02}:{minute:02}:{second:02} UTC")
}

/// `expected.tsv` as a table in Markdown.
fn table(expected: &str) -> Result<String> {
    let mut rows = Vec::new();
    for line in expected.lines().skip(1) {
        let [namespace, route, host, status, reasons] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("{line:?} of expected.tsv has not five columns").into());
        };
        rows.push(format!(
            "| {namespace} | {route} | {host} | {status} | {} |",
            reasons.replace(',', ", ")
        ));
    }
    Ok(format!(
        "| namespace | route | host | status | reasons |\n| --- | --- | --- | --- | --- |\n{}",
        rows.join("\n")
    ))
}
