//! The key and the usage of the leaf, and the size of the chain: which servers serve it, and which clients accept it.

use super::{About, Objection, Part, Readers, is_usual};
use crate::x509::{
    certificate::{Certificate, KeyAlgorithm, authority_key_id, subject_key_id},
    der::Outline,
    interner::Der,
};

/// The bit of keyUsage for signing a handshake (RFC 5280, section 4.2.1.3), which is its first bit.
const DIGITAL_SIGNATURE: u16 = 0x8000;
/// keyEncipherment and keyAgreement.
const KEY_ENCIPHERMENT: u16 = 0x2000;
const KEY_AGREEMENT: u16 = 0x0800;

/// The largest chain in bytes: Java's `jdk.tls.maxHandshakeMessageSize`, the `max_cert_list` of OpenSSL and
/// `BoringSSL`, and Go's `maxHandshakeCertificateMsg`.
const JAVA_SIZE: usize = 32 * 1024;
const OPENSSL_SIZE: usize = 100 * 1024;
const GO_SIZE: usize = 256 * 1024;
/// Java's `jdk.tls.client.maxInboundCertificateChainLength`.
const JAVA_COUNT: usize = 10;

/// The bytes that a handshake message adds for each certificate (RFC 8446, section 4.4.2).
const PER_CERTIFICATE: usize = 5;

pub(super) fn of_leaf(leaf: &Certificate, part: Part, found: &mut Vec<Objection>) {
    if !is_usual(&leaf.key) || leaf.rsa_pss_key {
        found.push(of_key(leaf, part));
    }
    let allowed = leaf.key_usage.unwrap_or(DIGITAL_SIGNATURE);
    if allowed & DIGITAL_SIGNATURE == 0 {
        found.push(of_usage(leaf, allowed, part));
    }
}

/// The objection to a key usage. Chrome (`BoringSSL`'s `ssl_cert_check_key_usage`) requires the digital signature, and
/// so does Java (`EndEntityChecker.checkTLSServer`) for every cipher suite that is still in use. Firefox and OpenSSL
/// accept any of three bits (`NSSCertDBTrustDomain::VerifyCert...`, `check_purpose_ssl_server`); Go ignores the key
/// usage.
fn of_usage(leaf: &Certificate, allowed: u16, part: Part) -> Objection {
    let strict = Readers::CHROME.with(Readers::JAVA);
    let agreement = matches!(leaf.key, KeyAlgorithm::Ec(..));
    let (who, why) = if allowed & (KEY_ENCIPHERMENT | KEY_AGREEMENT) == 0 {
        (
            strict.with(Readers::FIREFOX).with(Readers::OPENSSL_CLIENT),
            "its key usage is not for TLS servers: it lacks digital signature",
        )
    } else if agreement {
        (
            strict.with(Readers::OPENSSL_CLIENT),
            "its key usage lacks digital signature, which an elliptic-curve key needs",
        )
    } else {
        (
            strict,
            "its key usage lacks digital signature, which every modern cipher suite needs",
        )
    };
    Objection::new(part, who, why).about(About::Usage)
}

fn of_key(leaf: &Certificate, part: Part) -> Objection {
    let (who, why) = match &leaf.key {
        // Go and BoringSSL only know rsaEncryption as a key; OpenSSL and Java support rsa_pss_pss_* signatures.
        KeyAlgorithm::Rsa(_) if leaf.rsa_pss_key => (
            Readers::GO
                .with(Readers::BORINGSSL)
                .with(Readers::GO_CLIENT)
                .with(Readers::BROWSERS),
            "its key is marked as one for RSASSA-PSS only",
        ),
        // Envoy requires 2,048 bits, OpenSSL 3.2 and later too (its security level 2), and Go 1,024.
        KeyAlgorithm::Rsa(bits) if *bits < 2048 => {
            let all = Readers::OPENSSL
                .with(Readers::BORINGSSL)
                .with(Readers::OPENSSL_CLIENT)
                .with(Readers::CHROME);
            let all = if *bits < 1024 {
                Readers::LIBRARIES.with(Readers::CLIENTS)
            } else {
                all
            };
            return Objection::new(part, all, "its RSA key is too short").about(About::Told);
        }
        // Go's clients: maxRSAKeySize; webpki and BoringSSL's verifiers have the same limit.
        KeyAlgorithm::Rsa(_) => (
            Readers::GO_CLIENT.with(Readers::CHROME),
            "its RSA key is longer than 8192 bits",
        ),
        KeyAlgorithm::Ed25519 => (
            Readers::BROWSERS,
            "its key is Ed25519, which browsers do not offer in a handshake",
        ),
        KeyAlgorithm::Ed448 => (
            Readers::GO
                .with(Readers::BORINGSSL)
                .with(Readers::GO_CLIENT)
                .with(Readers::BROWSERS),
            "its key is Ed448",
        ),
        KeyAlgorithm::Ec(curve, 521) if curve == "p521" => (
            Readers::CHROME,
            "its key is on the curve P-521, which Chrome does not offer in a handshake",
        ),
        // Envoy accepts P-256, P-384 and P-521; OpenSSL's and Java's clients do not offer P-224.
        KeyAlgorithm::Ec(curve, _) if curve == "p224" => (
            Readers::BORINGSSL
                .with(Readers::OPENSSL_CLIENT)
                .with(Readers::BROWSERS)
                .with(Readers::JAVA),
            "its key is on the curve P-224",
        ),
        KeyAlgorithm::Ec(curve, _) if curve == "explicit" => (
            Readers::GO.with(Readers::BORINGSSL).with(Readers::CLIENTS),
            "its key spells out the curve's parameters instead of the curve's name",
        ),
        KeyAlgorithm::Ec(..) => (
            Readers::GO.with(Readers::BORINGSSL).with(Readers::CLIENTS),
            "its key is on a curve that TLS clients do not offer",
        ),
        KeyAlgorithm::Dsa(_) => {
            let all = Readers::GO.with(Readers::BORINGSSL).with(Readers::CLIENTS);
            return Objection::new(part, all, "its key is DSA").about(About::Told);
        }
        KeyAlgorithm::Other(_) => (
            Readers::GO.with(Readers::BORINGSSL).with(Readers::CLIENTS),
            "its key is of a kind that TLS clients do not know",
        ),
    };
    Objection::new(part, who, why)
}

/// Objections to the size of a chain: clients limit what they read in a handshake before anybody is authenticated.
pub(super) fn of_size(ders: &[Der], part: Part, found: &mut Vec<Objection>) {
    let size: usize = ders.iter().map(|der| der.len() + PER_CERTIFICATE).sum();
    if size > JAVA_SIZE {
        let mut who = Readers::JAVA;
        if size > OPENSSL_SIZE {
            who = who.with(Readers::OPENSSL_CLIENT).with(Readers::BROWSERS);
        }
        if size > GO_SIZE {
            who = who.with(Readers::GO_CLIENT);
        }
        let why = format!("{size} bytes of certificates are sent, more than clients accept");
        found.push(Objection::new(part, who, why));
    }
    if ders.len() > JAVA_COUNT {
        let why = format!(
            "{} certificates are sent, but Java reads at most {JAVA_COUNT}",
            ders.len()
        );
        found.push(Objection::new(part, Readers::JAVA, why));
    }
}

/// Objections of OpenSSL, which rejects an issuer whose key identifier differs from the one in the certificate
/// (`X509_check_issued`), even if its name and its key match. Go tries such an issuer last.
pub(super) fn of_issuer(ders: &[Der], leaf: usize, part: Part, found: &mut Vec<Objection>) {
    let Some(outline) = ders.get(leaf).and_then(|der| Outline::of(der)) else {
        return;
    };
    let Some(named) = authority_key_id(&outline) else {
        return;
    };
    let mut any = false;
    for (_, der) in ders.iter().enumerate().filter(|(at, _)| *at != leaf) {
        let Some(issuer) = Outline::of(der).filter(|issuer| issuer.subject == outline.issuer) else {
            continue;
        };
        if subject_key_id(&issuer).is_none_or(|id| id == named) {
            return;
        }
        any = true;
    }
    if any {
        let why = "its authority key identifier does not match the issuer that is sent";
        found.push(Objection::new(part, Readers::OPENSSL_CLIENT, why).about(About::Path));
    }
}
