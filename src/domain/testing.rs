//! Records for tests.

use super::{Asked, Looked, Pair, Record, Said, Tenant};
use crate::object::{Key, Seconds};

/// 2027-01-15T08:00:00Z.
pub(crate) const NOW: Seconds = 1_800_000_000;

/// The tenant of [`record`].
pub(crate) fn shop() -> Tenant {
    "shop".parse().unwrap()
}

/// Another one.
pub(crate) fn blog() -> Tenant {
    "blog".parse().unwrap()
}

/// A host that was registered at [`NOW`].
pub(crate) fn record() -> Record {
    Record::new("www.example.com".parse().unwrap(), shop(), NOW)
}

/// A certificate from a moment on, with so much life.
pub(crate) fn pair(from: Seconds, life: Seconds) -> Pair {
    Pair {
        not_before: from,
        not_after: from + life,
        serial: "03a1".into(),
        secret: Some(Key::new("shop", "domain-www.example.com")),
        material: None,
    }
}

/// What DNS shows when all is well.
pub(crate) fn led_here() -> Looked {
    Looked {
        at: NOW,
        server: "ns1.example.com (192.0.2.53)".into(),
        traffic: true,
        challenge: false,
        standing: false,
        kept: None,
        ownership: None,
        missing: Vec::new(),
        seen: String::new(),
    }
}

/// A host that is served with a certificate of so much life, which began at [`NOW`].
pub(crate) fn served(life: Seconds) -> Record {
    Record {
        asked: Some(Asked {
            at: NOW,
            said: Said::Yes,
            renewal: false,
        }),
        dns: Some(led_here()),
        pair: Some(pair(NOW, life)),
        ..record()
    }
}
