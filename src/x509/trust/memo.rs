//! Remembers verified signatures, so that they are not verified again. A P-384 signature takes as long as parsing
//! eighty certificates.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::digest::{Context, SHA256, digest};

use crate::x509::{der::Outline, signature::verifier};

/// The digest of an algorithm, a public key, a message and a signature.
pub(super) type SignatureDigest = [u8; 32];

/// How many entries are kept, in memory and in bytes: 32 MB.
const CAP: usize = 1_000_000;
/// The number of separate locks, so that threads rarely wait for each other.
const SHARDS: usize = 16;
/// The beginning of the bytes. The last byte is the version of the format, and of what an entry is the digest of.
const MAGIC: &[u8; 8] = b"kcmemo\0\x02";
/// The length of the salt for digests of keys, which follows.
const SALT: usize = 32;

/// Remembers which signatures are good and, for the life of the process, which are not. Several threads may use it.
///
/// It also remembers which private keys match their public halves. It does so by digests with a salt that differs for
/// each memo, so that two memos do not reveal that they saw the same key. No key is stored.
///
/// It can be kept as bytes between runs. Whoever can write those bytes decides what is trusted, so they belong in a
/// file that only the user can write.
pub struct Memo {
    kept: Kept,
    salt: [u8; SALT],
    shards: [Mutex<Shard>; SHARDS],
}

/// The entries that this process verified.
#[derive(Default)]
struct Shard {
    good: HashSet<SignatureDigest>,
    bad: HashSet<SignatureDigest>,
}

/// Good entries that were read from bytes, in ascending order; they are searched in place.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// For each value of the first byte, where its entries begin.
    starts: Vec<u32>,
}

impl Kept {
    /// Reads the entries of valid bytes; invalid bytes have none.
    fn of(bytes: Vec<u8>) -> Self {
        let mut kept = Self {
            bytes,
            starts: Vec::with_capacity(257),
        };
        let all = entries(&kept.bytes).unwrap_or_default();
        if all.is_empty() || all.len() > CAP || !all.is_sorted_by(|a, b| a < b) {
            return Self::default();
        }
        for first in 0..=u8::MAX {
            let start = all.partition_point(|entry| entry[0] < first);
            kept.starts.push(u32::try_from(start).unwrap_or(u32::MAX));
        }
        kept.starts.push(u32::try_from(all.len()).unwrap_or(u32::MAX));
        kept
    }

    fn all(&self) -> &[SignatureDigest] {
        self.bytes.get(MAGIC.len() + SALT..).map_or(&[], |content| {
            let (entries, _) = content.as_chunks();
            entries.split_last().map_or(&[], |(_, entries)| entries)
        })
    }

    /// The salt; `None` if there are no bytes.
    fn salt(&self) -> Option<[u8; SALT]> {
        self.bytes.get(MAGIC.len()..)?.first_chunk().copied()
    }

    fn contains(&self, entry: &SignatureDigest) -> bool {
        let first = usize::from(entry[0]);
        match self.starts.get(first..first + 2) {
            Some([from, to]) => self.all()[*from as usize..*to as usize].binary_search(entry).is_ok(),
            _ => false,
        }
    }
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memo({} entries)", self.len())
    }
}

impl Default for Memo {
    fn default() -> Self {
        let mut salt = [0; SALT];
        // Without randomness the salt is zero. The memo is kept all the same, because it hides the digest of a random
        // number.
        let _ = aws_lc_rs::rand::fill(&mut salt);
        Self {
            kept: Kept::default(),
            salt,
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Memo {
    /// Reads the bytes that [`Memo::to_bytes`] returned. Bytes of another version, truncated or changed ones give an
    /// empty memo: what was forgotten is verified again.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        let kept = Kept::of(bytes);
        let new = Self::default();
        Self {
            salt: kept.salt().unwrap_or(new.salt),
            kept,
            ..new
        }
    }

    /// All good signatures and keys, to be written to a file: a magic number, the salt, the entries in ascending order,
    /// a checksum.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut all: Vec<SignatureDigest> = self.kept.all().to_vec();
        for shard in &self.shards {
            all.extend(lock(shard).good.iter());
        }
        all.sort_unstable();
        all.truncate(CAP);
        let mut bytes = Vec::with_capacity(MAGIC.len() + SALT + (all.len() + 1) * 32);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.salt);
        bytes.extend(all.iter().flatten());
        let checksum = digest(&SHA256, &bytes);
        bytes.extend_from_slice(checksum.as_ref());
        bytes
    }

    /// How many good signatures were verified since the memo was made, which decides whether it is worth writing again.
    pub fn new_entries(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).good.len()).sum()
    }

    /// How many good signatures it knows.
    pub fn len(&self) -> usize {
        self.kept.all().len() + self.new_entries()
    }

    /// Whether it knows no good signatures.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a signature is good, either as remembered or according to `verify`.
    pub(super) fn remember(&self, entry: SignatureDigest, verify: impl FnOnce() -> bool) -> bool {
        if self.kept.contains(&entry) {
            return true;
        }
        {
            let shard = self.shard(&entry);
            if shard.good.contains(&entry) {
                return true;
            }
            if shard.bad.contains(&entry) {
                return false;
            }
        }
        // Verified without the lock: two threads may do it twice, but none waits.
        let good = verify();
        let mut shard = self.shard(&entry);
        if good && shard.good.len() < CAP / SHARDS {
            shard.good.insert(entry);
        } else if !good && shard.bad.len() < CAP / SHARDS {
            shard.bad.insert(entry);
        }
        good
    }

    /// Whether the key in `public_key` (a subjectPublicKeyInfo) has signed the certificate. `None` if the algorithm or
    /// the length of the key is not supported.
    pub(super) fn signed(&self, public_key: &[u8], child: &Outline<'_>) -> Option<bool> {
        let (known, key) = verifier(public_key, child.algorithm)?;
        let (key_algorithm, algorithm) = (known.public_key_alg_id(), known.signature_alg_id());
        let parts = [
            key_algorithm.as_ref(),
            algorithm.as_ref(),
            key,
            child.signed,
            child.signature,
        ];
        Some(self.remember(entry(parts), || {
            known.verify_signature(key, child.signed, child.signature).is_ok()
        }))
    }

    /// Whether a private key (its curve, its number) matches a public point, either as remembered or according to
    /// `compute`.
    pub(crate) fn remember_key(&self, parts: [&[u8]; 3], compute: impl FnOnce() -> bool) -> bool {
        let [curve, number, point] = parts;
        self.remember(entry([b"private key", &self.salt, curve, number, point]), compute)
    }

    fn shard(&self, entry: &SignatureDigest) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(entry[0]) % SHARDS])
    }
}

/// A set remains consistent even if a thread panics while it holds the lock.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The entries of valid bytes.
fn entries(bytes: &[u8]) -> Option<&[SignatureDigest]> {
    let (content, checksum) = bytes.split_last_chunk::<32>()?;
    let (entries, rest) = content.strip_prefix(MAGIC)?.get(SALT..)?.as_chunks();
    let whole = rest.is_empty() && digest(&SHA256, content).as_ref() == checksum;
    whole.then_some(entries)
}

/// The entry of one signature. The length of each part precedes it, so that no two signatures have the same bytes.
pub(super) fn entry(parts: [&[u8]; 5]) -> SignatureDigest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut entry = [0; 32];
    entry.copy_from_slice(context.finish().as_ref());
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(n: u8) -> SignatureDigest {
        entry([&[n], b"", b"", b"", b""])
    }

    #[test]
    fn a_signature_is_verified_once_and_failures_stay_in_the_process() {
        let memo = Memo::default();
        assert!(memo.remember(of(1), || true));
        assert!(memo.remember(of(1), || panic!("verified twice")));
        assert!(!memo.remember(of(2), || false));
        assert!(!memo.remember(of(2), || panic!("verified twice")));
        assert_eq!((memo.len(), memo.new_entries()), (1, 1));

        let kept = Memo::from_bytes(memo.to_bytes());
        assert!(kept.remember(of(1), || panic!("forgotten")));
        assert!(kept.remember(of(2), || true), "a failure must not leave the process");
        assert_eq!((kept.len(), kept.new_entries()), (2, 1));
        assert_eq!(kept.to_bytes(), Memo::from_bytes(kept.to_bytes()).to_bytes());
    }

    #[test]
    fn bytes_that_are_not_whole_are_forgotten() {
        let memo = Memo::default();
        for n in 0..9 {
            memo.remember(of(n), || true);
        }
        let bytes = memo.to_bytes();
        assert_eq!(Memo::from_bytes(bytes.clone()).len(), 9);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Memo::from_bytes(changed).is_empty(), "changed at {at}");
            assert!(Memo::from_bytes(bytes[..at].to_vec()).is_empty(), "cut at {at}");
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(entry([b"ab", b"c", b"", b"", b""]), entry([b"a", b"bc", b"", b"", b""]));
    }
}
