//! Samples of the reasons about certificates.

use super::{
    NOW, key,
    samples::{Sample, texts},
};
use crate::{
    check::{DueBy, Fact, Instead, finding},
    object::Key,
    text::time::DAY,
    x509::{
        CaFault, Readers,
        trust::{Clients, IntermediateSource},
    },
};

pub(super) fn contents() -> Vec<Sample> {
    vec![
        (
            Fact::InvalidCertificate(finding::InvalidCertificate {
                secret: key(),
                position: 1,
                by: Readers::NONE,
                skipped: false,
                why: "it is empty".into(),
            }),
            &["Certificate 2", "shop-tls", "cannot be read: it is empty"],
        ),
        (
            Fact::InvalidCertificate(finding::InvalidCertificate {
                secret: key(),
                position: 0,
                by: Readers::GO,
                skipped: false,
                why: "its serial number is negative".into(),
            }),
            &["Certificate 1", "cannot be read by Go: its serial number is negative"],
        ),
        (
            Fact::InvalidCertificate(finding::InvalidCertificate {
                secret: key(),
                position: 2,
                by: Readers::GO.with(Readers::OPENSSL),
                skipped: true,
                why: "a private key among the certificates".into(),
            }),
            &["Block 3", "shop-tls", "skipped by Go and OpenSSL"],
        ),
        (
            Fact::InvalidKey(finding::InvalidKey {
                secret: key(),
                by: Readers::NONE,
                why: "no PEM block".into(),
            }),
            &["tls.key", "shop-tls", "cannot be read: no PEM block"],
        ),
        (
            Fact::InvalidKey(finding::InvalidKey {
                secret: key(),
                by: Readers::GO,
                why: "a byte order mark comes before its BEGIN line".into(),
            }),
            &["tls.key", "by Go", "byte order mark"],
        ),
        (
            Fact::EncryptedKey(finding::EncryptedKey { secret: key() }),
            &["shop-tls", "encrypted"],
        ),
        (
            Fact::InvalidKeyPair(finding::InvalidKeyPair { secret: key() }),
            &["shop-tls", "tls.key", "not the key"],
        ),
        (
            Fact::LeafNotFirst(finding::LeafNotFirst {
                secret: key(),
                position: 2,
            }),
            &["shop-tls", "number 3"],
        ),
        (
            Fact::InvalidCaCertificate(finding::InvalidCaCertificate {
                secret: key(),
                why: CaFault::NoBlock,
            }),
            &["ca.crt of Secret shop-tls", "not PEM", "refuses the whole Secret"],
        ),
        (
            Fact::InvalidCaCertificate(finding::InvalidCaCertificate {
                secret: key(),
                why: CaFault::Unreadable,
            }),
            &["a PEM block that is not a certificate"],
        ),
    ]
}

// A list with one sample for each line of the words.
#[allow(clippy::too_many_lines)]
pub(super) fn times_and_names() -> Vec<Sample> {
    let due = |by| {
        Fact::RenewalDue(finding::RenewalDue {
            not_after: NOW + 19 * DAY,
            since: NOW - 11 * DAY,
            by,
        })
    };
    let chain = |root, not_before, not_after| {
        Fact::ChainExpired(finding::ChainExpired {
            subject: "CN=R11,O=Let's Encrypt,C=US".into(),
            root,
            not_after,
            not_before,
        })
    };
    let mismatch = |names: &[&str], instead| {
        Fact::HostMismatch(finding::HostMismatch {
            host: "pay.shop.example".into(),
            names: texts(names).into(),
            instead,
        })
    };
    vec![
        (
            Fact::Expired(finding::Expired {
                not_after: NOW - 10 * DAY,
            }),
            &["shop-tls", "2026-11-21", "10d ago"],
        ),
        (
            Fact::NotYetValid(finding::NotYetValid {
                not_before: NOW + 2 * DAY,
            }),
            &["shop-tls", "2026-12-03", "in 2d"],
        ),
        (
            due(DueBy::Window),
            &["2026-12-20", "in 19d", "2026-11-20", "11d ago", "window"],
        ),
        (
            due(DueBy::Lifetime),
            &["2026-12-20", "in 19d", "2026-11-20", "lifetime"],
        ),
        (due(DueBy::Asked), &["2026-12-20", "in 19d", "--expiring-within"]),
        (
            due(DueBy::CertManager),
            &["2026-12-20", "cert-manager, which was to renew it on 2026-11-20"],
        ),
        (
            Fact::RenewsTooLate(finding::RenewsTooLate {
                certificate: "web".into(),
                planned: NOW + 29 * DAY,
                not_after: NOW + 29 * DAY + 3600,
            }),
            &["Certificate web", "on 2026-12-30", "only 60m before it expires"],
        ),
        (
            Fact::RenewNow(finding::RenewNow { window_end: NOW - DAY }),
            &["shop-tls", "2026-11-30", "24h ago", "revoked"],
        ),
        (
            chain(false, NOW - 900 * DAY, NOW - DAY),
            &["intermediate CN=R11", "expired on 2026-11-30"],
        ),
        (
            chain(false, NOW + DAY, NOW + 900 * DAY),
            &["intermediate CN=R11", "valid only from 2026-12-02"],
        ),
        (
            chain(true, NOW - 900 * DAY, NOW - DAY),
            &["root CN=R11", "expired on 2026-11-30"],
        ),
        (
            Fact::ChainExpiresFirst(finding::ChainExpiresFirst {
                subject: "CN=R11".into(),
                root: false,
                not_after: NOW + 5 * DAY,
            }),
            &["intermediate CN=R11", "2026-12-06", "in 5d"],
        ),
        (
            Fact::ChainExpiresFirst(finding::ChainExpiresFirst {
                subject: "Corp Root".into(),
                root: true,
                not_after: NOW + 5 * DAY,
            }),
            &["root Corp Root", "2026-12-06", "in 5d"],
        ),
        (
            Fact::LifetimeTooLong(finding::LifetimeTooLong {
                days: 397,
                allowed: 200,
            }),
            &["397", "200"],
        ),
        (
            mismatch(&["shop.example", "www.shop.example"], Instead::DefaultCertificate),
            &["pay.shop.example", "www.shop.example", "default certificate"],
        ),
        (
            mismatch(&["shop.example"], Instead::AnotherCertificate),
            &["it names shop.example; clients get another certificate"],
        ),
        (
            mismatch(&["a", "b", "c", "d", "e", "f", "g"], Instead::Unknown),
            &["a, b, c, d, e and 2 more"],
        ),
        (
            Fact::CommonNameOnly(finding::CommonNameOnly {
                common_name: "shop.example".into(),
            }),
            &["shop.example", "subject alternative name"],
        ),
        (
            Fact::WildcardTooBroad(finding::WildcardTooBroad { name: "*.co.uk".into() }),
            &["*.co.uk"],
        ),
        (
            Fact::UnusedNames(finding::UnusedNames {
                names: texts(&["old.shop.example"]).into(),
            }),
            &["1 host ", "old.shop.example"],
        ),
    ]
}

pub(super) fn chains() -> Vec<Sample> {
    let missing = |found| {
        Fact::MissingIntermediate(finding::MissingIntermediate {
            issuer: "CN=E7,O=Let's Encrypt,C=US".into(),
            found,
        })
    };
    vec![
        (
            missing(IntermediateSource::Secret(Key::new("blog", "blog-tls"))),
            &["CN=E7", "Secret blog/blog-tls"],
        ),
        (missing(IntermediateSource::CaFile), &["CN=E7", "--ca-file"]),
        (
            missing(IntermediateSource::Url("http://e7.i.lencr.org/".into())),
            &["CN=E7", "http://e7.i.lencr.org/"],
        ),
        (
            missing(IntermediateSource::Fetched("http://e7.i.lencr.org/".into())),
            &["CN=E7", "fetched from http://e7.i.lencr.org/"],
        ),
        (missing(IntermediateSource::Nowhere), &["CN=E7", "not found"]),
        (
            Fact::UntrustedIssuer(finding::UntrustedIssuer {
                issuer: "CN=Corp Root".into(),
                root_presented: false,
                namesake: false,
            }),
            &["CN=Corp Root"],
        ),
        (
            Fact::UntrustedIssuer(finding::UntrustedIssuer {
                issuer: "CN=Corp Root".into(),
                root_presented: true,
                namesake: false,
            }),
            &["CN=Corp Root", "the server sends it"],
        ),
        (
            Fact::UntrustedIssuer(finding::UntrustedIssuer {
                issuer: "CN=Corp Root".into(),
                root_presented: false,
                namesake: true,
            }),
            &["CN=Corp Root", "but another key"],
        ),
        (Fact::WrongOrder(finding::WrongOrder), &["shop-tls", "order"]),
        (
            Fact::ExtraRoot(finding::ExtraRoot {
                subject: "CN=ISRG Root X1".into(),
            }),
            &["CN=ISRG Root X1"],
        ),
        (
            Fact::ExtraCertificate(finding::ExtraCertificate {
                subject: "CN=R3".into(),
            }),
            &["CN=R3"],
        ),
        (Fact::SelfSigned(finding::SelfSigned), &["shop-tls", "self-signed"]),
        (
            Fact::StagingIssuer(finding::StagingIssuer {
                issuer: "(STAGING) Baloney Bulgur YE2".into(),
            }),
            &["shop-tls", "(STAGING) Baloney Bulgur YE2"],
        ),
        (
            Fact::TemporaryCertificate(finding::TemporaryCertificate),
            &["shop-tls", "a temporary one that cert-manager uses", "shop.example"],
        ),
        (
            Fact::ControllerDefaultCertificate(finding::ControllerDefaultCertificate { controller: "Traefik" }),
            &["Traefik", "shop.example"],
        ),
        (
            Fact::ConstraintViolated(finding::ConstraintViolated {
                by: Clients::All,
                why: "shop.example is outside the names that CN=Corp Sub CA may certify".into(),
            }),
            &["CN=Corp Sub CA", "Clients refuse it"],
        ),
        (
            Fact::ConstraintViolated(finding::ConstraintViolated {
                by: Clients::Go,
                why: "\"CN=Corp Sub CA\" has name constraints that name nothing".into(),
            }),
            &["CN=Corp Sub CA", "Go refuse it", "OpenSSL accepts it"],
        ),
        (
            Fact::ConstraintViolated(finding::ConstraintViolated {
                by: Clients::OpenSsl,
                why: "\"CN=Corp Sub CA\" has a key usage that allows nothing".into(),
            }),
            &["CN=Corp Sub CA", "OpenSSL", "Go accepts it"],
        ),
    ]
}

pub(super) fn strengths() -> Vec<Sample> {
    vec![
        (
            Fact::RefusedByClients(finding::RefusedByClients {
                by: Readers::BROWSERS,
                why: "its key is Ed25519, which browsers do not offer in a handshake".into(),
            }),
            &["browsers", "Ed25519"],
        ),
        (
            Fact::WeakKey(finding::WeakKey {
                algorithm: "RSA".into(),
                bits: 1024,
            }),
            &["RSA of 1024 bits"],
        ),
        (
            Fact::WeakSignature(finding::WeakSignature {
                algorithm: "sha1WithRSAEncryption".into(),
            }),
            &["sha1WithRSAEncryption"],
        ),
        (
            Fact::RepeatedKey(finding::RepeatedKey {
                others: vec![Key::new("shop", "old-tls"), Key::new("blog", "blog-tls")].into(),
            }),
            &["2 other Secrets", "old-tls, blog/blog-tls"],
        ),
        (Fact::LeafIsCa(finding::LeafIsCa), &["shop-tls", "CA"]),
        (
            Fact::MissingServerAuth(finding::MissingServerAuth),
            &["shop-tls", "serverAuth"],
        ),
        (
            Fact::ClientAuthLost(finding::ClientAuthLost),
            &["shop-tls", "clientAuth"],
        ),
        (Fact::MustStaple(finding::MustStaple), &["shop-tls", "OCSP"]),
    ]
}
