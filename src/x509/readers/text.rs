//! How Go, OpenSSL and `BoringSSL` find the blocks of a text that is not plain PEM, each by its own rules.

use std::borrow::Cow;

use super::{Objection, Part, Readers};
use crate::x509::pem::{Block, Marker, is_base64};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// A block as this program reads it, which is more lenient than any of the others.
#[derive(Debug, Clone)]
pub(crate) struct ReadBlock {
    /// Its position among the blocks.
    pub(crate) position: usize,
    /// The offset of its BEGIN line.
    pub(crate) at: usize,
    /// Whether it claims to be a certificate.
    pub(crate) certificate: bool,
    /// Its position among the certificates that were read.
    pub(crate) place: Option<u8>,
    /// What is unusual about it, or why it cannot be read.
    pub(crate) why: Cow<'static, str>,
}

impl ReadBlock {
    /// A block about which only its form is known.
    pub(crate) fn of(block: &Block<'_>) -> Self {
        Self {
            position: block.position,
            at: block.at,
            certificate: block.is_certificate() || block.label == b"TRUSTED CERTIFICATE",
            place: None,
            why: Cow::Borrowed(oddity(block)),
        }
    }
}

/// What is unusual about a block that a program does not read.
fn oddity(block: &Block<'_>) -> &'static str {
    match (block.marker, block.label) {
        (Marker::ByteOrderMark, _) => "a byte order mark comes before its BEGIN line",
        (Marker::OtherDashes, _) => "its BEGIN line does not have five hyphens on each side",
        (Marker::Indented, _) => "its BEGIN line is indented",
        (Marker::Proper, b"X509 CERTIFICATE") => "its label is X509 CERTIFICATE, not CERTIFICATE",
        (Marker::Proper, b"TRUSTED CERTIFICATE") => {
            "a certificate in OpenSSL's own format: convert it with openssl x509"
        }
        (Marker::Proper, _) => "it contains, or directly follows, blank lines, headers or other text",
    }
}

/// What one program found: the offsets of the BEGIN lines of the blocks that it takes for certificates, and of the
/// block at which it fails.
#[derive(Debug, Default, PartialEq, Eq)]
struct BlocksRead {
    certificates: Vec<usize>,
    failed: Option<usize>,
}

/// The objections of each program to `tls.crt`, whose blocks are `seen`. `is_leaf` says whether the certificate at a
/// position is the one that matches the key; a copy of it counts as well.
pub(crate) fn of_text(text: &[u8], seen: &[ReadBlock], is_leaf: impl Fn(u8) -> bool) -> Vec<Objection> {
    let mut found: Vec<Objection> = Vec::new();
    let go = go_blocks(text);
    let outcomes = [
        (
            Readers::GO,
            BlocksRead {
                certificates: go
                    .iter()
                    .filter(|(_, label)| *label == b"CERTIFICATE")
                    .map(|(at, _)| *at)
                    .collect(),
                failed: None,
            },
        ),
        (Readers::OPENSSL, openssl_certificates(text, true)),
        (
            Readers::BORINGSSL.with(Readers::HAPROXY),
            openssl_certificates(text, false),
        ),
    ];
    for (reader, outcome) in &outcomes {
        compare(*reader, outcome, seen, &is_leaf, &mut found);
    }
    // ingress-nginx requires the first block that Go finds to be a certificate, Contour every block.
    let other = |(_, label): &&(usize, &[u8])| *label != b"CERTIFICATE";
    if let Some((at, _)) = go.first().filter(other) {
        note(
            &mut found,
            part_at(seen, *at),
            Readers::INGRESS_NGINX,
            Readers::NONE,
            why_at(seen, *at),
        );
    }
    if let Some((at, _)) = go.iter().find(other) {
        note(
            &mut found,
            part_at(seen, *at),
            Readers::CONTOUR,
            Readers::NONE,
            why_at(seen, *at),
        );
    }
    found
}

/// Turns the outcome of one program into objections to blocks.
fn compare(
    reader: Readers,
    outcome: &BlocksRead,
    seen: &[ReadBlock],
    is_leaf: &impl Fn(u8) -> bool,
    found: &mut Vec<Objection>,
) {
    if let Some(at) = outcome.failed {
        note(found, part_at(seen, at), reader, Readers::NONE, why_at(seen, at));
        return;
    }
    let got = |block: &ReadBlock| outcome.certificates.contains(&block.at);
    // Without the first certificate, the program takes the next one for the server's, which does not match the key.
    let mut first = !seen
        .iter()
        .find(|block| got(block) && outcome.certificates.first() == Some(&block.at))
        .and_then(|block| block.place)
        .is_some_and(is_leaf);
    for block in seen {
        let lost = block.certificate && !got(block);
        let fatal = lost && first || outcome.certificates.is_empty() && block.certificate;
        let part = Part::Block(block.position, block.place);
        if fatal {
            note(found, part, reader, Readers::NONE, block.why.clone());
            return;
        }
        if lost || !block.certificate {
            note(found, part, Readers::NONE, reader, block.why.clone());
        }
        first &= !block.certificate;
    }
    if outcome.certificates.is_empty() {
        let part = seen
            .first()
            .map_or(Part::Block(0, None), |b| Part::Block(b.position, b.place));
        let why = seen
            .first()
            .map_or(Cow::Borrowed("there is no certificate in it"), |b| b.why.clone());
        note(found, part, reader, Readers::NONE, why);
    }
}

/// Extends the objection to the same part, or adds a new one.
fn note(found: &mut Vec<Objection>, part: Part, refuse: Readers, skip: Readers, why: Cow<'static, str>) {
    if let Some(same) = found.iter_mut().find(|o| o.part == part) {
        same.refuse = same.refuse.with(refuse);
        same.skip = same.skip.with(skip);
    } else {
        found.push(Objection {
            skip,
            ..Objection::new(part, refuse, why)
        });
    }
}

/// The block at an offset or, if this program found none there, the last block before it.
fn seen_at(seen: &[ReadBlock], at: usize) -> Option<&ReadBlock> {
    seen.iter().rev().find(|b| b.at <= at).or(seen.first())
}

fn part_at(seen: &[ReadBlock], at: usize) -> Part {
    seen_at(seen, at).map_or(Part::Block(0, None), |b| Part::Block(b.position, b.place))
}

fn why_at(seen: &[ReadBlock], at: usize) -> Cow<'static, str> {
    seen_at(seen, at).map_or(Cow::Borrowed("it is not PEM"), |b| b.why.clone())
}

/// The programs that find no private key in `tls.key` although this program did, and why.
pub(crate) fn of_key_text(text: &[u8], block: &Block<'_>) -> Option<Objection> {
    let mut refuse = Readers::NONE;
    let is_key = |label: &[u8]| label == b"PRIVATE KEY" || label.ends_with(b" PRIVATE KEY");
    // Go takes the first block with the label of a private key.
    if go_blocks(text)
        .iter()
        .find(|(_, label)| is_key(label))
        .map(|(at, _)| *at)
        != Some(block.at)
    {
        refuse = refuse.with(Readers::GO);
    }
    for (reader, marks) in [(Readers::OPENSSL, true), (Readers::BORINGSSL, false)] {
        let mut lines = Lines { text, at: 0 };
        let found = std::iter::from_fn(|| next_block(&mut lines, marks)).find(|found| match found {
            Ok(found) => is_key(found.label),
            Err(_) => true,
        });
        if !matches!(found, Some(Ok(found)) if found.at == block.at) {
            refuse = refuse.with(reader);
        }
    }
    (!refuse.is_empty()).then(|| Objection::new(Part::Key, refuse, oddity(block)))
}

/// The blocks that Go's `pem.Decode` returns one after the other: their offsets and labels. It searches for an END line
/// first, goes back to the last BEGIN line before it, and skips pairs that do not match.
fn go_blocks(text: &[u8]) -> Vec<(usize, &[u8])> {
    let mut all = Vec::new();
    let mut from = 0;
    while let Some((at, label, next)) = go_next(text, from) {
        all.push((at, label));
        from = next;
    }
    all
}

/// The next block from an offset on, and the end of its END line.
fn go_next(text: &[u8], from: usize) -> Option<(usize, &[u8], usize)> {
    let mut rest = from;
    loop {
        let end = rest + find(&text[rest..], b"\n-----END ")?;
        let after = end + 1 + END.len();
        match go_block(text, rest, end, after)? {
            Some(block) => return Some(block),
            None => rest = after,
        }
    }
}

/// The block that ends with the END line after the line break at `end`. `None` ends the whole search, as in Go if
/// headers extend beyond the END line.
#[allow(clippy::option_option)] // The end, a skipped block, or a block.
fn go_block(text: &[u8], rest: usize, end: usize, after: usize) -> Option<Option<(usize, &[u8], usize)>> {
    let Some(begin) = rfind(&text[rest..end], BEGIN) else {
        return Some(None);
    };
    if begin > 0 && text.get(rest + begin - 1) != Some(&b'\n') {
        return Some(None);
    }
    let at = rest + begin;
    let (line, mut body) = go_line(text, at + BEGIN.len());
    let Some(label) = line.strip_suffix(DASHES) else {
        return Some(None);
    };
    let mut headers = false;
    loop {
        if body >= text.len() {
            return None;
        }
        let (line, next) = go_line(text, body);
        if !line.contains(&b':') {
            break;
        }
        headers = true;
        body = next;
    }
    // From here on Go continues after the END line, unless the headers extended beyond it.
    let passed_over = if body > after { None } else { Some(None) };
    if headers && end < body {
        return passed_over;
    }
    let trailer = text.get(after..).unwrap_or_default();
    let Some(tail) = trailer.strip_prefix(label).and_then(|t| t.strip_prefix(DASHES)) else {
        return passed_over;
    };
    if !go_line(tail, 0).0.is_empty() {
        return passed_over;
    }
    let encoded = text.get(body..end).unwrap_or_default();
    if !encoded.is_empty() && !is_base64(encoded, |b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')) {
        return passed_over;
    }
    let (_, next) = go_line(text, end + END.len());
    Some(Some((at, label, next)))
}

/// A line without trailing white space, and the offset of the next line.
fn go_line(text: &[u8], from: usize) -> (&[u8], usize) {
    let rest = text.get(from..).unwrap_or_default();
    let (line, next) = match rest.iter().position(|b| *b == b'\n') {
        Some(at) => (rest[..at].strip_suffix(b"\r").unwrap_or(&rest[..at]), from + at + 1),
        None => (rest, text.len()),
    };
    let length = line
        .iter()
        .rposition(|b| *b != b' ' && *b != b'\t')
        .map_or(0, |at| at + 1);
    (&line[..length], next)
}

/// A block in OpenSSL's reading.
struct Raw<'a> {
    at: usize,
    label: &'a [u8],
}

/// The certificates that nginx's `ngx_ssl_load_certificate` and similar code read: the first with
/// `PEM_read_bio_X509_AUX`, the others with `PEM_read_bio_X509`, until there is no BEGIN line. Any other error
/// invalidates the file.
fn openssl_certificates(text: &[u8], marks: bool) -> BlocksRead {
    let mut lines = Lines { text, at: 0 };
    let mut outcome = BlocksRead::default();
    while let Some(block) = next_block(&mut lines, marks) {
        match block {
            Ok(block) => {
                let trusted = block.label == b"TRUSTED CERTIFICATE" && outcome.certificates.is_empty();
                if trusted || matches!(block.label, b"CERTIFICATE" | b"X509 CERTIFICATE") {
                    outcome.certificates.push(block.at);
                }
            }
            Err(at) => {
                outcome.failed = Some(at);
                return outcome;
            }
        }
    }
    outcome
}

/// Lines without what OpenSSL strips from their ends: all characters up to the space, and all that are not ASCII.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let from = self.at;
        let length = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |at| at + 1);
        self.at += length;
        let kept = rest[..length]
            .iter()
            .rposition(|b| (0x21..0x80).contains(b))
            .map_or(0, |at| at + 1);
        Some((from, &rest[..kept]))
    }
}

/// The next block, or the offset of one that is malformed (`PEM_read_bio`). `marks`: a byte order mark before the first
/// line is skipped, as in OpenSSL 3 but not in `BoringSSL`.
fn next_block<'a>(lines: &mut Lines<'a>, marks: bool) -> Option<Result<Raw<'a>, usize>> {
    let mut first = marks;
    let (at, label) = loop {
        let (at, mut line) = lines.next()?;
        if first {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        first = false;
        if let Some(label) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(DASHES)) {
            break (at, label);
        }
    };
    // Lines before a blank line are headers. After it, all lines but the last must have 64 characters.
    let text = lines.text;
    let (mut header, mut from) = (&text[..0], lines.at);
    let (mut after_blank, mut short) = (false, false);
    let to = loop {
        let Some((line_at, line)) = lines.next() else {
            return Some(Err(at));
        };
        if line.is_empty() {
            if after_blank {
                return Some(Err(at));
            }
            after_blank = true;
            header = &text[from..line_at];
            from = lines.at;
            continue;
        }
        if let Some(end) = line.strip_prefix(END) {
            if end.strip_prefix(label).is_none_or(|rest| rest != DASHES) {
                return Some(Err(at));
            }
            break line_at;
        }
        if short || after_blank && line.len() > 64 {
            return Some(Err(at));
        }
        short = after_blank && line.len() < 64;
    };
    let encrypted = header.starts_with(b"Proc-Type:");
    let stripped = |b: u8| b <= b' ' || b >= 0x80;
    let whole = (header.is_empty() || encrypted) && is_base64(&text[from..to], stripped);
    Some(if whole { Ok(Raw { at, label }) } else { Err(at) })
}

/// The offset at which a text first contains another.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// The offset at which a text last contains another.
fn rfind(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).rposition(|window| window == wanted)
}
