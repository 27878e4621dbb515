//! Reads paths: directories in order and without loops, and files unless they are too large or not text.

use std::{
    collections::HashSet,
    fs::{self, File, Metadata},
    io::{self, Read},
    ops::Deref,
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use super::collect::Collect;
use crate::file::{self, ReadError};

/// The largest file that is read, in bytes: more than a cluster's 10,000 Secrets in YAML.
pub(super) const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// How long a pipe may be silent: a command that renders charts may have to download them first.
const PIPE: Duration = Duration::from_mins(5);

/// Reads one path of the command line: a directory, or a file with any extension.
pub(super) fn walk(path: &Path, recursive: bool, collect: &mut Collect<'_, '_>) {
    let shown = path.display().to_string();
    match fs::metadata(path) {
        Err(error) => collect.file_error(&shown, cannot("read", &error)),
        // A path that is not a regular file may be a pipe, such as `<(helm template .)` of a shell.
        Ok(metadata) if !metadata.is_dir() => collect.input(&shown, true, open(path, &metadata)),
        Ok(_) => Walk {
            recursive,
            open: Vec::new(),
            seen: HashSet::new(),
        }
        .directory(path, collect),
    }
}

struct Walk {
    recursive: bool,
    /// The directories that are being read, from the outermost.
    open: Vec<PathBuf>,
    /// All directories that were read, because links may lead to one in several ways.
    seen: HashSet<PathBuf>,
}

impl Walk {
    fn directory(&mut self, path: &Path, collect: &mut Collect<'_, '_>) {
        let shown = path.display().to_string();
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) => return collect.file_error(&shown, cannot("read", &error)),
        };
        if self.open.contains(&real) {
            let message = format!("a symbolic link leads back to {}", real.display());
            return collect.file_error(&shown, message);
        }
        if !self.seen.insert(real.clone()) {
            return;
        }
        let mut entries = Vec::new();
        match fs::read_dir(path) {
            Err(error) => return collect.file_error(&shown, cannot("list", &error)),
            Ok(list) => {
                for entry in list {
                    match entry {
                        Ok(entry) => entries.push(entry.path()),
                        Err(error) => collect.file_error(&shown, cannot("list", &error)),
                    }
                }
            }
        }
        entries.sort();
        self.open.push(real);
        for entry in entries {
            self.entry(&entry, collect);
        }
        self.open.pop();
    }

    fn entry(&mut self, path: &Path, collect: &mut Collect<'_, '_>) {
        let manifest = path.extension().and_then(|e| e.to_str()).is_some_and(|e| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|known| e.eq_ignore_ascii_case(known))
        });
        let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        // A broken link only matters if a manifest was meant.
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(_) if !manifest => return,
            Err(error) => return collect.file_error(&path.display().to_string(), cannot("read", &error)),
        };
        if metadata.is_dir() {
            // Hidden directories hold the state of other tools, and the copies behind a mounted ConfigMap.
            if self.recursive && !hidden {
                self.directory(path, collect);
            }
        } else if manifest {
            let shown = path.display().to_string();
            if metadata.is_file() {
                collect.input(&shown, false, open(path, &metadata));
            } else {
                collect.file_error(&shown, "is not a regular file".to_owned());
            }
        }
    }
}

fn cannot(what: &str, error: &io::Error) -> String {
    format!("cannot {what} it: {}", reason(error))
}

/// The message of the system, without the number that Rust adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text).to_owned();
    let mut chars = text.chars();
    chars
        .next()
        .map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

fn open(path: &Path, metadata: &Metadata) -> Result<Zeroizing<Vec<u8>>, String> {
    if !metadata.is_file() {
        return file::read(path, MAX_BYTES, PIPE).map_err(|error| match error {
            ReadError::TooLarge(_) => too_large(),
            ReadError::Io(error) => cannot("read", &error),
            other => format!("cannot read it: {other}"),
        });
    }
    if metadata.len() > MAX_BYTES {
        return Err(too_large());
    }
    let mut file = File::open(path).map_err(|error| cannot("read", &error))?;
    read_all(&mut file, metadata.len())
}

fn too_large() -> String {
    format!("is larger than {} MiB; split it", MAX_BYTES / (1024 * 1024))
}

/// Reads all bytes of `from`, of which `expected` are expected.
pub(super) fn read_all(from: &mut dyn Read, expected: u64) -> Result<Zeroizing<Vec<u8>>, String> {
    // Room for one byte more than expected, so that the end is noticed without a larger copy.
    let room = usize::try_from(expected.min(MAX_BYTES)).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    from.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot("read", &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}

/// The text of a file.
pub(super) enum FileText<'a> {
    /// The bytes of the file themselves.
    Plain(&'a str),
    /// Decoded from UTF-16.
    Decoded(Zeroizing<String>),
}

impl Deref for FileText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Decoded(text) => text,
        }
    }
}

/// The bytes as text without a byte order mark; otherwise the line and the error. UTF-16 is recognized by its mark, as
/// in kubectl's reader (goyaml.v2 `readerc.go`, `yaml_parser_determine_encoding`).
pub(super) fn text(bytes: &[u8]) -> Result<FileText<'_>, (Option<usize>, String)> {
    match utf16(bytes) {
        Some(Some(text)) if text.contains('\0') => {
            return Err((None, "holds a NUL character: it is not a text file".to_owned()));
        }
        Some(Some(text)) => return Ok(FileText::Decoded(text)),
        Some(None) => return Err((None, "begins like UTF-16 text but is not".to_owned())),
        None if looks_like_utf16(bytes) => {
            return Err((
                None,
                "is UTF-16 text without its byte order mark; save it as UTF-8".to_owned(),
            ));
        }
        None => {}
    }
    let line = |at: usize| Some(bytes[..at].split(|b| *b == b'\n').count());
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        return Err((line(at), "holds a NUL byte: it is not a text file".to_owned()));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(FileText::Plain(text.strip_prefix('\u{feff}').unwrap_or(text))),
        Err(error) => Err((line(error.valid_up_to()), "is not UTF-8 text".to_owned())),
    }
}

/// Decodes UTF-16 with a byte order mark: `None` without the mark, `Some(None)` if it is not valid.
// Whether it has the mark, and if so, whether it is text.
#[allow(clippy::option_option)]
fn utf16(bytes: &[u8]) -> Option<Option<Zeroizing<String>>> {
    let (body, big) = match bytes {
        [0xff, 0xfe, body @ ..] => (body, false),
        [0xfe, 0xff, body @ ..] => (body, true),
        _ => return None,
    };
    if body.len() % 2 == 1 {
        return Some(None);
    }
    let unit = |pair: &[u8]| match (pair, big) {
        ([first, second], true) => u16::from_be_bytes([*first, *second]),
        ([first, second], false) => u16::from_le_bytes([*first, *second]),
        _ => 0,
    };
    // Room for the longest possible text, because one that grew would leave copies of keys behind.
    let mut text = Zeroizing::new(String::with_capacity(body.len() / 2 * 3));
    for character in char::decode_utf16(body.chunks(2).map(unit)) {
        match character {
            Ok(character) => text.push(character),
            Err(_) => return Some(None),
        }
    }
    Some(Some(text))
}

/// Whether every second one of the first bytes is NUL, as in ASCII text saved as UTF-16 without a byte order mark.
fn looks_like_utf16(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(16) & !1];
    let every_other = |odd: usize| head.iter().enumerate().all(|(i, b)| (*b == 0) == (i % 2 == odd));
    !head.is_empty() && (every_other(0) || every_other(1))
}
