//! Finds the PEM blocks of a text in linear time (RFC 7468, as leniently as OpenSSL and Go).

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

/// The largest PEM block of a certificate, in bytes: a whole bundle may be one certificate with thousands of names,
/// which servers load.
pub const CERTIFICATE_CAP: usize = BUNDLE_CAP;
/// The largest PEM text of a private key, in bytes, which is cert-manager's limit.
pub const KEY_CAP: usize = 13_000;
/// The largest PEM text of a bundle, in bytes, which is cert-manager's limit.
pub const BUNDLE_CAP: usize = 330_000;
/// The most certificates of a bundle that are read. A real chain has four, and a TLS handshake rarely has ten.
pub const COUNT_CAP: usize = 100;

/// OpenSSL and Go ignore unused bits in the last character.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Why a block cannot be read. The messages never repeat its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// A BEGIN line has no END line before the next BEGIN line or the end of the text.
    #[error("its END line is missing")]
    Unterminated,
    /// The END line has another label.
    #[error("the labels of its BEGIN and END lines differ")]
    OtherLabel,
    /// Text follows on the END line, usually the next BEGIN line after two files were joined.
    #[error("a line break is missing after its END line")]
    Joined,
    /// The body is not base64.
    #[error("it is not base64")]
    NotBase64,
    /// The body is empty.
    #[error("it is empty")]
    Empty,
    /// The body is larger than the limit.
    #[error("it has {size} bytes, but at most {cap} are read")]
    TooLarge {
        /// The size of the body in bytes.
        size: usize,
        /// The limit in bytes.
        cap: usize,
    },
}

/// The form of a BEGIN line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// The form of RFC 7468.
    Proper,
    /// Preceded by white space.
    Indented,
    /// Preceded by a byte order mark, as written by editors on Windows.
    ByteOrderMark,
    /// With more or fewer than five hyphens, or with the dashes by which a word processor replaced them.
    OtherDashes,
}

/// One block between a BEGIN and an END line. Nothing is copied until it is decoded.
#[derive(Clone)]
pub struct Block<'a> {
    /// Its position among the blocks of the text, from 0.
    pub position: usize,
    /// The offset of its BEGIN line in the text.
    pub at: usize,
    /// The form of its BEGIN line.
    pub marker: Marker,
    /// Whether its lines have exactly the form of RFC 7468 and only white space precedes it, so that all readers agree
    /// on it.
    pub tidy: bool,
    /// The text between `-----BEGIN ` and `-----`.
    pub label: &'a [u8],
    /// Whether a `Proc-Type: 4,ENCRYPTED` header marks the body as encrypted (RFC 1421).
    pub encrypted: bool,
    body: Result<&'a [u8], PemError>,
}

impl std::fmt::Debug for Block<'_> {
    /// Shows only the label, because the body may be a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({:?})", String::from_utf8_lossy(self.label))
    }
}

impl<'a> Block<'a> {
    /// Whether the label is that of a private key of any kind.
    pub fn is_private_key(&self) -> bool {
        self.label.ends_with(b"PRIVATE KEY")
    }

    /// Whether the label is that of a certificate.
    pub fn is_certificate(&self) -> bool {
        matches!(self.label, b"CERTIFICATE" | b"X509 CERTIFICATE")
    }

    /// The raw body; empty if the block is broken.
    pub(crate) fn text(&self) -> &'a [u8] {
        self.body.as_ref().copied().unwrap_or_default()
    }

    /// Decodes the body of a block that is public.
    pub fn decode(&self, cap: usize) -> Result<Vec<u8>, PemError> {
        self.decode_tidy(cap).map(|(decoded, _)| decoded)
    }

    /// Decodes the body of a block that is public. Also returns whether all readers decode its lines in the same way.
    pub(crate) fn decode_tidy(&self, cap: usize) -> Result<(Vec<u8>, bool), PemError> {
        let mut decoded = Vec::new();
        let tidy = decode_into(self.body(cap)?, &mut decoded)?;
        Ok((decoded, tidy && self.tidy))
    }

    /// Decodes the body of a block that is secret: every copy is overwritten when dropped.
    pub fn decode_secret(&self, cap: usize) -> Result<Zeroizing<Vec<u8>>, PemError> {
        self.decode_secret_tidy(cap).map(|(decoded, _)| decoded)
    }

    /// Like [`Self::decode_secret`]. Also returns whether all readers decode its lines in the same way.
    pub(crate) fn decode_secret_tidy(&self, cap: usize) -> Result<(Zeroizing<Vec<u8>>, bool), PemError> {
        let mut decoded = Zeroizing::new(Vec::new());
        let tidy = decode_into(self.body(cap)?, &mut decoded)?;
        Ok((decoded, tidy && self.tidy))
    }

    fn body(&self, cap: usize) -> Result<&[u8], PemError> {
        let body = self.body.clone()?;
        if body.len() > cap {
            return Err(PemError::TooLarge { size: body.len(), cap });
        }
        Ok(body)
    }
}

/// Decodes a body into `out`, which is empty and is sized once, because a growing vector would leave copies behind.
/// Returns `false` if its lines are not plain.
fn decode_into(body: &[u8], out: &mut Vec<u8>) -> Result<bool, PemError> {
    out.resize(base64::decoded_len_estimate(body.len()), 0);
    let (length, tidy) = if let Some(lines) = decode_lines(body, out) {
        lines
    } else {
        // The lines have odd lengths, or one has an error: decode the body as a whole.
        let mut compact = Zeroizing::new(Vec::with_capacity(body.len()));
        for part in body.split(u8::is_ascii_whitespace) {
            compact.extend_from_slice(part);
        }
        let length = BASE64.decode_slice(&*compact, out).map_err(|_| PemError::NotBase64)?;
        (length, false)
    };
    out.truncate(length);
    if length == 0 { Err(PemError::Empty) } else { Ok(tidy) }
}

/// Whether a body is valid base64 without the `ignored` bytes, and encodes at least one byte.
pub(crate) fn is_base64(body: &[u8], ignored: impl Fn(u8) -> bool) -> bool {
    let compact: Zeroizing<Vec<u8>> = Zeroizing::new(body.iter().copied().filter(|b| !ignored(*b)).collect());
    let mut out = Zeroizing::new(vec![0; base64::decoded_len_estimate(compact.len())]);
    BASE64.decode_slice(&*compact, &mut out).is_ok_and(|length| length > 0)
}

/// Decodes lines that each encode whole bytes, as all tools write them, without joining them first. Returns the length,
/// and whether every line was followed by a single line break and nothing else.
fn decode_lines(body: &[u8], out: &mut [u8]) -> Option<(usize, bool)> {
    let mut rest = body.trim_ascii_start();
    let mut tidy = rest.len() == body.len();
    let mut at = 0;
    let mut width = 0;
    while !rest.is_empty() {
        // Most lines are as long as the previous one. White space that this misses is not valid base64.
        width = match rest.get(width) {
            Some(b'\r' | b'\n') => width,
            _ => rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len()),
        };
        let (line, after) = rest.split_at(width);
        rest = after.trim_ascii_start();
        tidy &= match after.len() - rest.len() {
            0 => true,
            1 => after.starts_with(b"\n"),
            2 => after.starts_with(b"\r\n"),
            _ => false,
        };
        if width % 4 != 0 || (line.ends_with(b"=") && !rest.is_empty()) {
            return None;
        }
        at += BASE64.decode_slice(line, out.get_mut(at..)?).ok()?;
    }
    Some((at, tidy))
}

/// The blocks of a text, in order. Text outside of blocks is skipped, in a single pass over the lines.
pub fn blocks(text: &[u8]) -> Blocks<'_> {
    Blocks { text, at: 0, found: 0 }
}

/// The iterator of [`blocks`].
#[derive(Debug, Clone)]
pub struct Blocks<'a> {
    text: &'a [u8],
    at: usize,
    found: usize,
}

impl<'a> Blocks<'a> {
    /// The next line, trimmed, with the offset of the following line, and whether white space precedes it.
    fn line(&self, from: usize) -> Option<(&'a [u8], usize, bool)> {
        let rest = self.text.get(from..).filter(|r| !r.is_empty())?;
        let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let indented = rest.first().is_some_and(|b| *b == b' ' || *b == b'\t');
        Some((
            rest[..length].trim_ascii(),
            (from + length + 1).min(self.text.len()),
            indented,
        ))
    }

    /// Searches for a BEGIN line, and returns the block that it begins, as far as it is known.
    fn begin(&mut self) -> Option<Block<'a>> {
        let mut alone = true;
        loop {
            let at = self.at;
            let (line, next, indented) = self.line(at)?;
            self.at = next;
            let proper = marked(line, b"-----BEGIN ").map(|label| (label, Marker::Proper));
            if let Some((label, marker)) = proper.or_else(|| loosely(line)) {
                let marker = if marker == Marker::Proper && indented {
                    Marker::Indented
                } else {
                    marker
                };
                let position = self.found;
                self.found += 1;
                return Some(Block {
                    position,
                    at,
                    marker,
                    tidy: alone && marker == Marker::Proper,
                    label,
                    encrypted: false,
                    body: Err(PemError::Unterminated),
                });
            }
            alone &= line.is_empty();
        }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let mut block = self.begin()?;
        let label = block.label;
        // Inside a block: headers, then the body, up to an END line. A BEGIN line is left for the next call.
        let mut body_from = self.at;
        let mut in_headers = true;
        loop {
            // If the BEGIN line has other dashes, the END line may have no hyphen at all.
            if !in_headers && block.marker != Marker::OtherDashes {
                self.at = line_with_dash(self.text, self.at);
            }
            let Some((line, next, indented)) = self.line(self.at) else {
                break;
            };
            if block.marker == Marker::OtherDashes && dashed(line, b"END ") == Some(label) {
                block.body = Ok(&self.text[body_from..self.at]);
                self.at = next;
                return Some(block);
            }
            if line.starts_with(b"-----") {
                if line.starts_with(b"-----BEGIN ") {
                    return Some(block);
                }
                let body_to = self.at;
                self.at = next;
                block.tidy &= !indented;
                block.body = match line.strip_prefix(b"-----END ") {
                    None => continue,
                    Some(rest) => match rest.strip_prefix(label).and_then(|r| r.strip_prefix(b"-----")) {
                        Some(b"") => Ok(&self.text[body_from..body_to]),
                        Some(_) => Err(PemError::Joined),
                        None => Err(PemError::OtherLabel),
                    },
                };
                return Some(block);
            }
            self.at = next;
            if in_headers {
                if line.contains(&b':') {
                    block.encrypted |= line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED");
                    body_from = next;
                    block.tidy = false;
                } else if line.is_empty() {
                    body_from = next;
                    block.tidy = false;
                } else {
                    in_headers = false;
                }
            }
        }
        Some(block)
    }
}

/// The offset of the first line, beginning with the line at `from`, that has a dash, which no line of base64 has; the
/// end of the text if there is none. It examines many bytes at once, because most of a text is base64.
fn line_with_dash(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let (chunks, _) = rest.as_chunks::<32>();
    let without = |chunk: &&[u8; 32]| chunk.iter().fold(0, |found, byte| found | u8::from(*byte == b'-')) == 0;
    let skipped = chunks.iter().take_while(without).count() * 32;
    let Some(dash) = rest[skipped..].iter().position(|byte| *byte == b'-') else {
        return text.len();
    };
    let before = &rest[..skipped + dash];
    from + before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1)
}

/// The label of a line that begins with `mark` and ends with five dashes.
fn marked<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(mark)?.strip_suffix(b"-----")
}

/// The label of a BEGIN line that no reader of RFC 7468 accepts although its meaning is clear: that of a certificate or
/// a private key, after a byte order mark or with other dashes.
fn loosely(line: &[u8]) -> Option<(&[u8], Marker)> {
    if let Some(label) = line
        .strip_prefix(b"\xef\xbb\xbf")
        .and_then(|rest| marked(rest, b"-----BEGIN "))
    {
        return Some((label, Marker::ByteOrderMark));
    }
    let label = dashed(line, b"BEGIN ")?;
    let plain = label
        .iter()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b' ');
    let known = label.ends_with(b"CERTIFICATE") || label.ends_with(b"PRIVATE KEY");
    (plain && known).then_some((label, Marker::OtherDashes))
}

/// The text between `word` and the closing dashes of a line that begins and ends with dashes of any kind.
fn dashed<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    // Hyphen to horizontal bar, minus sign, and the full-width hyphen.
    const DASHES: [&[u8]; 9] = [
        b"-",
        b"\xe2\x80\x90",
        b"\xe2\x80\x91",
        b"\xe2\x80\x92",
        b"\xe2\x80\x93",
        b"\xe2\x80\x94",
        b"\xe2\x80\x95",
        b"\xe2\x88\x92",
        b"\xef\xbc\x8d",
    ];
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let mut inner = line;
    while let Some(rest) = DASHES.iter().find_map(|dash| inner.strip_prefix(*dash)) {
        inner = rest;
    }
    if inner.len() == line.len() {
        return None;
    }
    let mut label = inner.strip_prefix(word)?;
    let long = label.len();
    while let Some(rest) = DASHES.iter().find_map(|dash| label.strip_suffix(*dash)) {
        label = rest;
    }
    (label.len() < long).then_some(label)
}

/// What is wrong with a text without any block, in helpful words.
pub fn why_no_block(text: &[u8]) -> String {
    let text = text.trim_ascii();
    if text.first() == Some(&0x30) {
        "it is DER, not PEM".into()
    } else if text.starts_with(b"LS0tLS1CRUdJTi") {
        "it is base64 of PEM: it was encoded twice".into()
    } else if text.starts_with(b"MII") {
        "it is base64 without its BEGIN and END lines".into()
    } else if text.windows(11).take(BUNDLE_CAP).any(|w| w == b"-----BEGIN ") {
        "its BEGIN line is broken".into()
    } else {
        "there is no PEM block in it".into()
    }
}

#[cfg(test)]
mod tests;
