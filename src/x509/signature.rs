//! Signature algorithms: their names, which of them are broken, and the verification of one signature.

use rustls::pki_types::SignatureVerificationAlgorithm;

use super::der::{DerReader, OID, SEQUENCE, context, public_key_parts};

/// The algorithms that TLS clients accept in certificates.
pub(crate) fn accepted() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    webpki::ALL_VERIFICATION_ALGS
}

/// The names of algorithms by the content bytes of their OIDs, and whether the hash is broken.
const NAMES: &[(&[u8], &str, bool)] = &[
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11],
        "sha256WithRSAEncryption",
        false,
    ),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], "ecdsa-with-SHA256", false),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], "ecdsa-with-SHA384", false),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12],
        "sha384WithRSAEncryption",
        false,
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13],
        "sha512WithRSAEncryption",
        false,
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 14],
        "sha224WithRSAEncryption",
        false,
    ),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], "ecdsa-with-SHA512", false),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1], "ecdsa-with-SHA224", false),
    (&[0x2b, 0x65, 0x70], "Ed25519", false),
    (&[0x2b, 0x65, 0x71], "Ed448", false),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5],
        "sha1WithRSAEncryption",
        true,
    ),
    (&[0x2b, 0x0e, 3, 2, 29], "sha1WithRSAEncryption", true),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4],
        "md5WithRSAEncryption",
        true,
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 2],
        "md2WithRSAEncryption",
        true,
    ),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], "ecdsa-with-SHA1", true),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3], "dsa-with-sha1", true),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2], "dsa-with-sha256", false),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17], "ML-DSA-44", false),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18], "ML-DSA-65", false),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 19], "ML-DSA-87", false),
];

const PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 26];

/// The name of the algorithm with this `AlgorithmIdentifier` (without its outer SEQUENCE), and whether its hash is MD2,
/// MD5 or SHA-1.
pub(crate) fn name_of(algorithm: &[u8]) -> (&'static str, bool) {
    let mut parts = DerReader::new(algorithm);
    let Some(oid) = parts.expect(OID).map(|o| o.value) else {
        return ("unknown", false);
    };
    if oid == PSS {
        // RFC 4055, section 3.1: the default hashAlgorithm is SHA-1.
        let hash = parts
            .expect(SEQUENCE)
            .and_then(|p| p.inside().expect(context(0)))
            .and_then(|h| h.inside().expect(SEQUENCE))
            .and_then(|a| a.inside().expect(OID));
        return ("rsassaPss", hash.is_none_or(|h| h.value == SHA1));
    }
    NAMES
        .iter()
        .find(|(known, ..)| *known == oid)
        .map_or(("unknown", false), |(_, name, weak)| (*name, *weak))
}

/// Whether the key in `public_key` (a subjectPublicKeyInfo) made `signature` over `message`. `None` if the algorithm or
/// the length of the key is not supported.
pub(crate) fn verifies(public_key: &[u8], message: &[u8], algorithm: &[u8], signature: &[u8]) -> Option<bool> {
    let (known, key) = verifier(public_key, algorithm)?;
    Some(known.verify_signature(key, message, signature).is_ok())
}

/// The verifier for this algorithm and the key in `public_key`, with that key. `None` in the same cases as
/// [`verifies`].
pub(crate) fn verifier<'a>(
    public_key: &'a [u8],
    algorithm: &[u8],
) -> Option<(&'static dyn SignatureVerificationAlgorithm, &'a [u8])> {
    let (.., key) = public_key_parts(public_key)?;
    let key_algorithm = DerReader::new(public_key).next()?.inside().next()?.value;
    let known = accepted().iter().find(|known| {
        known.signature_alg_id().as_ref() == algorithm && known.public_key_alg_id().as_ref() == key_algorithm
    })?;
    if rsa_bits(key_algorithm, key).is_some_and(|bits| bits < 2048) {
        return None;
    }
    Some((*known, key))
}

/// The length of the modulus, if the algorithm is RSA.
pub(crate) fn rsa_bits(key_algorithm: &[u8], key: &[u8]) -> Option<u32> {
    let oid = DerReader::new(key_algorithm).expect(OID)?.value;
    if oid != [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] {
        return None;
    }
    let modulus = DerReader::new(key).expect(SEQUENCE)?.inside().next()?;
    Some(super::der::bits(modulus.value))
}
