//! Reads files completely, and writes them completely or not at all. A file must not be larger than its limit, and
//! reading it never blocks for ever: a path that is not a regular file may be a pipe, such as `<(command)` of a shell,
//! to which nobody writes, or a device without an end.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    time::Duration,
};

use zeroize::Zeroizing;

mod write;

pub use write::{Lasting, create, create_private_directory, replace, replace_with};

/// How long a pipe with a small file may be silent: longer than any command takes to print a certificate or a token.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The largest small file in bytes: settings, credentials, certificates of CAs.
pub const SMALL: u64 = 16 << 20;

/// Why a file was not read. The messages fit "cannot read FILE: ...".
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system returned an error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file has more than this many bytes.
    #[error("it is larger than {} MiB", .0 >> 20)]
    TooLarge(u64),
    /// The file is a pipe or a device that was silent for this long.
    #[error("it sent nothing for {} s", .0.as_secs())]
    Silent(Duration),
    /// The file is not UTF-8 text.
    #[error("it is not UTF-8 text")]
    NoText,
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            ReadError::Silent(_) => Self::new(io::ErrorKind::TimedOut, error),
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// Reads all bytes of a file, of which there may be `most`. A pipe or device may be silent for `patience` at a time.
pub fn read(path: &Path, most: u64, patience: Duration) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    // Checked before the file is opened, because opening a pipe without a writer blocks.
    let about = fs::metadata(path)?;
    if !about.is_file() && !about.is_dir() {
        return read_pipe(path.to_owned(), most, patience);
    }
    if about.len() > most && about.is_file() {
        return Err(ReadError::TooLarge(most));
    }
    // Room for one byte more than expected, so that the end is noticed without a larger copy.
    let room = usize::try_from(about.len().min(most)).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(ReadError::TooLarge(most));
    }
    Ok(bytes)
}

/// Reads a small file as text.
pub fn read_text(path: &Path, most: u64) -> Result<Zeroizing<String>, ReadError> {
    let mut bytes = read(path, most, PATIENCE)?;
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(ReadError::NoText)
        }
    }
}

/// Checks that reading a file neither blocks nor goes on for ever: it has to be a regular file of at most `most` bytes.
pub fn check(path: &Path, most: u64) -> Result<(), ReadError> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        return Err(ReadError::Io(error));
    }
    if about.len() > most {
        return Err(ReadError::TooLarge(most));
    }
    Ok(())
}

type Piece = io::Result<Zeroizing<Vec<u8>>>;

/// Reads on a separate thread, which is abandoned if nothing arrives any more.
fn read_pipe(path: PathBuf, most: u64, patience: Duration) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let (give, pieces) = sync_channel(4);
    std::thread::Builder::new()
        .name("file".to_owned())
        .spawn(move || pour(&path, &give))?;
    let mut bytes = Zeroizing::new(Vec::new());
    loop {
        match pieces.recv_timeout(patience) {
            Ok(piece) => append(&mut bytes, &piece?),
            Err(RecvTimeoutError::Disconnected) => return Ok(bytes),
            Err(RecvTimeoutError::Timeout) => return Err(ReadError::Silent(patience)),
        }
        if bytes.len() as u64 > most {
            return Err(ReadError::TooLarge(most));
        }
    }
}

/// Appends without leaving copies behind when the buffer has to grow, because the file may contain keys.
fn append(bytes: &mut Zeroizing<Vec<u8>>, piece: &[u8]) {
    if bytes.capacity() - bytes.len() < piece.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((bytes.len() + piece.len()) * 2));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
    bytes.extend_from_slice(piece);
}

fn pour(path: &Path, give: &SyncSender<Piece>) {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return drop(give.send(Err(error))),
    };
    loop {
        let mut piece = Zeroizing::new(vec![0; 64 << 10]);
        match file.read(&mut piece) {
            Ok(0) => return,
            Ok(read) => {
                piece.truncate(read);
                if give.send(Ok(piece)).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return drop(give.send(Err(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(100);

    #[test]
    fn files_are_read_up_to_their_limit() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "12345678").unwrap();
        assert_eq!(read(file.path(), 8, SHORT).unwrap().as_slice(), b"12345678");
        assert!(matches!(read(file.path(), 7, SHORT), Err(ReadError::TooLarge(7))));
        assert_eq!(read_text(file.path(), 8).unwrap().as_str(), "12345678");
        fs::write(file.path(), b"\xff").unwrap();
        assert!(matches!(read_text(file.path(), 8), Err(ReadError::NoText)));
        assert!(check(file.path(), 1).is_ok() && check(file.path(), 0).is_err());
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path(), 8, SHORT), Err(ReadError::Io(_))));
        assert!(read(&folder.path().join("none"), 8, SHORT).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_neither_waited_for_nor_read_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        assert!(check(&pipe, 8).is_err());
        assert!(matches!(read(&pipe, 8, SHORT), Err(ReadError::Silent(_))));
        let zero = Path::new("/dev/zero");
        assert!(matches!(read(zero, 1 << 20, SHORT), Err(ReadError::TooLarge(_))));
        assert!(read(Path::new("/dev/null"), 8, SHORT).unwrap().is_empty());

        let other = folder.path().join("other");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&other)
                .status()
                .unwrap()
                .success()
        );
        let writer = other.clone();
        let writing = std::thread::spawn(move || fs::write(writer, vec![b'x'; 300_000]));
        assert_eq!(read(&other, 1 << 20, Duration::from_secs(20)).unwrap().len(), 300_000);
        writing.join().unwrap().unwrap();
    }
}
