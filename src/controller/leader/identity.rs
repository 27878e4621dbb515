//! Who a process is in the leader's Lease.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
};

use crate::object::Text;

/// The environment variable with the uid of the Pod, which its manifest takes from `metadata.uid`.
const POD_UID: &str = "POD_UID";
/// How long the part may be that is not random.
const LONGEST: usize = 80;

/// A process, distinct from every other: the uid of its Pod, or its machine and number, and 64 random bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity(Text);

impl Identity {
    /// Makes one for this process. Each call makes another.
    pub fn random() -> Self {
        Self::of(std::env::var(POD_UID).ok().as_deref(), random())
    }

    fn of(pod: Option<&str>, random: u64) -> Self {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '.';
        let plain = |text: &str| text.chars().filter(is_plain).take(LONGEST).collect::<String>();
        let place = match pod.map(plain) {
            Some(pod) if !pod.is_empty() => pod,
            _ => {
                let host = crate::system::host().unwrap_or_default();
                format!("{}.{}", plain(&host), std::process::id())
            }
        };
        Self(format!("{place}_{random:016x}").into())
    }

    /// The holder in the Lease.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn text(&self) -> Text {
        self.0.clone()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 64 random bits. Where the system provides none, the hasher's seed still differs from that of other processes.
fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u64::from_le_bytes(bytes) ^ RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_names_the_pod_or_the_process_and_no_two_are_alike() {
        assert_eq!(Identity::of(Some("4e1b-77"), 10).as_str(), "4e1b-77_000000000000000a");
        let hostile = Identity::of(Some("a\u{1b}[31m\n b"), 10);
        assert_eq!(hostile.as_str(), "a31mb_000000000000000a");
        let process = Identity::of(Some(""), 1);
        assert!(
            process.as_str().contains(&format!(".{}_", std::process::id())),
            "{process}"
        );
        assert_ne!(Identity::random(), Identity::random());
    }
}
