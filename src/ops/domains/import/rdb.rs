//! Reads the strings of a dump of Redis (RDB), as `redis-cli --rdb FILE` fetches it, one after the other, and skips all else
//! without keeping it.
//!
//! ```text
//! REDIS0011                                9 bytes
//! [ 250 string string                      about the server
//! | 254 length, 251 length length          which database, how large
//! | 252 ms, 253 s, 248 length, 249 byte    about the key that follows
//! | type key value ]...
//! 255 [checksum]
//! ```
//!
//! By src/rdb.h and src/rdb.c of Redis 7.4, which writes version 12. The checksum is not computed: what is taken from a dump is judged
//! for itself, and one that was cut off lacks its end.

use std::io::{self, ErrorKind, Read};

use zeroize::Zeroizing;

/// The newest version whose types are known.
const NEWEST: u32 = 12;
/// The longest key that may be wanted, in bytes: a prefix, a host of 253 and an end.
const LONGEST_KEY: u64 = 1_024;
/// The largest value that is taken, in bytes: the largest compressed one too.
const LARGEST: u64 = super::found::LARGEST;

/// What precedes a key, or ends the file.
mod opcode {
    pub(super) const SLOT_INFO: u8 = 244;
    pub(super) const FUNCTION: u8 = 245;
    pub(super) const MODULE_AUX: u8 = 247;
    pub(super) const IDLE: u8 = 248;
    pub(super) const FREQUENCY: u8 = 249;
    pub(super) const AUX: u8 = 250;
    pub(super) const SIZES: u8 = 251;
    pub(super) const EXPIRES_MS: u8 = 252;
    pub(super) const EXPIRES: u8 = 253;
    pub(super) const DATABASE: u8 = 254;
    pub(super) const END: u8 = 255;
}

/// Why a dump cannot be read. The messages are predicates: "dump.rdb is no dump of Redis".
#[derive(Debug, thiserror::Error)]
pub(super) enum RdbError {
    /// The system returned an error.
    #[error(transparent)]
    Io(io::Error),
    /// It does not begin as one.
    #[error("is no dump of Redis")]
    None,
    /// It is newer than what is known.
    #[error("is of version {0}, and only those up to {NEWEST} are known")]
    Version(u32),
    /// It ends early.
    #[error("ends before its end: it was cut off, or is still being written")]
    CutOff,
    /// It holds something that nobody knows.
    #[error("holds something of type {0} that is not known, and what follows it cannot be found")]
    Type(u8),
    /// It cannot be so.
    #[error("is damaged: {0}")]
    Damaged(&'static str),
}

impl RdbError {
    /// What to do.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io(_) => None,
            Self::None | Self::CutOff | Self::Damaged(_) => {
                Some("`redis-cli -h HOST --rdb ./dump.rdb` fetches one from a server that runs")
            }
            Self::Version(_) | Self::Type(_) => Some(
                "copy the keys that end in :latest into an empty Redis up to 7.4 (`redis-cli MIGRATE`), and fetch a dump from that",
            ),
        }
    }
}

impl From<io::Error> for RdbError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::CutOff,
            _ => Self::Io(error),
        }
    }
}

/// The value of a key that is wanted.
#[derive(Debug)]
pub(super) enum Value {
    /// A string.
    Text(Zeroizing<Vec<u8>>),
    /// A string of so many bytes, which is too many.
    TooLarge(u64),
    /// Something else.
    Other,
}

/// The beginning of a string.
#[derive(Debug, Clone, Copy)]
enum Head {
    /// So many bytes follow.
    Plain(u64),
    /// So many bytes follow, which become so many.
    Compressed(u64, u64),
    /// It was a number.
    Number(i64),
}

/// A length, or the kind of what is encoded otherwise.
enum Length {
    Of(u64),
    Encoded(u8),
}

/// Reads a dump from its beginning.
pub(super) struct Reader<R> {
    from: R,
}

impl<R: Read> Reader<R> {
    /// Reads the head.
    ///
    /// # Errors
    ///
    /// It is none, or of a version that is not known.
    pub(super) fn open(mut from: R) -> Result<Self, RdbError> {
        let mut head = [0; 9];
        match from.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(RdbError::None),
            Err(error) => return Err(error.into()),
        }
        let version = head
            .strip_prefix(b"REDIS")
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let version = version.and_then(|digits| digits.parse::<u32>().ok());
        match version {
            None => Err(RdbError::None),
            Some(version) if version > NEWEST => Err(RdbError::Version(version)),
            Some(_) => Ok(Self { from }),
        }
    }

    /// The next key that is wanted, with its value; `None` at the end.
    ///
    /// # Errors
    ///
    /// It ends early, or is not understood: nothing after that can be found.
    pub(super) fn next(&mut self, wanted: impl Fn(&[u8]) -> bool) -> Result<Option<(Vec<u8>, Value)>, RdbError> {
        loop {
            let code = self.byte()?;
            match code {
                opcode::END => return Ok(None),
                opcode::EXPIRES => self.skip(4)?,
                opcode::EXPIRES_MS => self.skip(8)?,
                opcode::FREQUENCY => self.skip(1)?,
                opcode::IDLE | opcode::DATABASE => self.lengths(1)?,
                opcode::SIZES => self.lengths(2)?,
                opcode::SLOT_INFO => self.lengths(3)?,
                opcode::AUX => self.strings(2)?,
                opcode::FUNCTION => self.strings(1)?,
                opcode::MODULE_AUX => self.module()?,
                _ => {
                    let key = match self.head()? {
                        head @ Head::Plain(length) if length > LONGEST_KEY => {
                            self.pass(&head)?;
                            None
                        }
                        head => self.take(&head)?,
                    };
                    let key = key.filter(|key| wanted(key));
                    let Some(key) = key else {
                        self.object(code)?;
                        continue;
                    };
                    let value = if code == 0 {
                        let head = self.head()?;
                        match self.take(&head)? {
                            Some(text) => Value::Text(text),
                            None => Value::TooLarge(match head {
                                Head::Plain(length) | Head::Compressed(_, length) => length,
                                Head::Number(_) => 0,
                            }),
                        }
                    } else {
                        self.object(code)?;
                        Value::Other
                    };
                    return Ok(Some((key.to_vec(), value)));
                }
            }
        }
    }

    fn byte(&mut self) -> Result<u8, RdbError> {
        Ok(self.bytes::<1>()?[0])
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn skip(&mut self, count: u64) -> Result<(), RdbError> {
        let passed = io::copy(&mut self.from.by_ref().take(count), &mut io::sink())?;
        if passed == count { Ok(()) } else { Err(RdbError::CutOff) }
    }

    fn length(&mut self) -> Result<Length, RdbError> {
        let first = self.byte()?;
        let low = u64::from(first & 0x3f);
        Ok(match first >> 6 {
            0 => Length::Of(low),
            1 => Length::Of(low << 8 | u64::from(self.byte()?)),
            2 if low == 0 => Length::Of(u32::from_be_bytes(self.bytes()?).into()),
            2 if low == 1 => Length::Of(u64::from_be_bytes(self.bytes()?)),
            2 => return Err(RdbError::Damaged("a length is written in no known way")),
            _ => Length::Encoded(first & 0x3f),
        })
    }

    fn count(&mut self) -> Result<u64, RdbError> {
        match self.length()? {
            Length::Of(count) => Ok(count),
            Length::Encoded(_) => Err(RdbError::Damaged("a string stands where a number is expected")),
        }
    }

    fn lengths(&mut self, count: u64) -> Result<(), RdbError> {
        for _ in 0..count {
            self.count()?;
        }
        Ok(())
    }

    fn head(&mut self) -> Result<Head, RdbError> {
        Ok(match self.length()? {
            Length::Of(length) => Head::Plain(length),
            Length::Encoded(0) => Head::Number(i8::from_le_bytes(self.bytes()?).into()),
            Length::Encoded(1) => Head::Number(i16::from_le_bytes(self.bytes()?).into()),
            Length::Encoded(2) => Head::Number(i32::from_le_bytes(self.bytes()?).into()),
            Length::Encoded(3) => Head::Compressed(self.count()?, self.count()?),
            Length::Encoded(_) => return Err(RdbError::Damaged("a string is written in no known way")),
        })
    }

    /// Skips the rest of a string.
    fn pass(&mut self, head: &Head) -> Result<(), RdbError> {
        match head {
            Head::Plain(length) | Head::Compressed(length, _) => self.skip(*length),
            Head::Number(_) => Ok(()),
        }
    }

    /// The rest of a string; `None` if it is too large, and was skipped.
    fn take(&mut self, head: &Head) -> Result<Option<Zeroizing<Vec<u8>>>, RdbError> {
        let (length, becomes) = match head {
            Head::Plain(length) => (*length, None),
            Head::Compressed(length, becomes) => (*length, Some(*becomes)),
            Head::Number(number) => return Ok(Some(Zeroizing::new(number.to_string().into_bytes()))),
        };
        if length.max(becomes.unwrap_or_default()) > LARGEST {
            self.pass(head)?;
            return Ok(None);
        }
        let room = |length: u64| usize::try_from(length).unwrap_or_default();
        let mut bytes = Zeroizing::new(vec![0; room(length)]);
        self.from.read_exact(&mut bytes)?;
        let Some(becomes) = becomes else {
            return Ok(Some(bytes));
        };
        let text = decompressed(&bytes, room(becomes));
        text.map(Some)
            .ok_or(RdbError::Damaged("a string does not become as long as it says"))
    }

    fn strings(&mut self, count: u64) -> Result<(), RdbError> {
        for _ in 0..count {
            let head = self.head()?;
            self.pass(&head)?;
        }
        Ok(())
    }

    /// Skips the value of a type. Each element has a byte at least, so that a wrong count ends with the file.
    fn object(&mut self, kind: u8) -> Result<(), RdbError> {
        match kind {
            // A string, or what is written as one.
            0 | 9..=13 | 16 | 17 | 20 | 23 => self.strings(1),
            // Lists and sets.
            1 | 2 | 14 => {
                let count = self.count()?;
                self.strings(count)
            }
            3 => self.each(|it| {
                it.strings(1)?;
                // The length of a number in digits; the last three are infinite, or no number.
                match it.byte()? {
                    253.. => Ok(()),
                    digits => it.skip(digits.into()),
                }
            }),
            4 => self.each(|it| it.strings(2)),
            5 => self.each(|it| {
                it.strings(1)?;
                it.skip(8)
            }),
            7 => self.module(),
            15 | 19 | 21 => self.stream(kind),
            18 => self.each(|it| {
                it.lengths(1)?;
                it.strings(1)
            }),
            // Hashes whose fields expire.
            22 => self.each(Self::field),
            24 => {
                self.skip(8)?;
                self.each(Self::field)
            }
            25 => {
                self.skip(8)?;
                self.strings(1)
            }
            other => Err(RdbError::Type(other)),
        }
    }

    fn each(&mut self, mut one: impl FnMut(&mut Self) -> Result<(), RdbError>) -> Result<(), RdbError> {
        for _ in 0..self.count()? {
            one(self)?;
        }
        Ok(())
    }

    fn field(&mut self) -> Result<(), RdbError> {
        self.lengths(1)?;
        self.strings(2)
    }

    /// What a module wrote: its id, and values each behind their type, which tell how to skip them without the module.
    fn module(&mut self) -> Result<(), RdbError> {
        self.lengths(1)?;
        loop {
            match self.count()? {
                0 => return Ok(()),
                1 | 2 => self.lengths(1)?,
                3 => self.skip(4)?,
                4 => self.skip(8)?,
                5 => self.strings(1)?,
                _ => return Err(RdbError::Damaged("a module's value is of no known type")),
            }
        }
    }

    /// A stream: the types differ in how much is known of entries and consumers.
    fn stream(&mut self, kind: u8) -> Result<(), RdbError> {
        self.each(|it| it.strings(2))?;
        self.lengths(if kind == 15 { 3 } else { 8 })?;
        self.each(|it| {
            it.strings(1)?;
            it.lengths(if kind == 15 { 2 } else { 3 })?;
            // What was handed out and not acknowledged: id, when, how often.
            it.each(|it| {
                it.skip(16 + 8)?;
                it.lengths(1)
            })?;
            it.each(|it| {
                it.strings(1)?;
                it.skip(if kind == 21 { 16 } else { 8 })?;
                it.each(|it| it.skip(16))
            })
        })
    }
}

/// What LZF has compressed (`src/lzf_d.c`); `None` if it does not become exactly so long.
fn decompressed(bytes: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(length));
    let mut from = bytes.iter().copied();
    while let Some(control) = from.next() {
        let control = usize::from(control);
        if control < 32 {
            for _ in 0..=control {
                if out.len() == length {
                    return None;
                }
                out.push(from.next()?);
            }
            continue;
        }
        let mut count = control >> 5;
        if count == 7 {
            count += usize::from(from.next()?);
        }
        let back = ((control & 0x1f) << 8) + usize::from(from.next()?) + 1;
        // It may reach into what it writes.
        for _ in 0..count + 2 {
            let at = out.len().checked_sub(back)?;
            let byte = *out.get(at)?;
            if out.len() == length {
                return None;
            }
            out.push(byte);
        }
    }
    (out.len() == length).then_some(out)
}

#[cfg(test)]
pub(super) mod tests;
