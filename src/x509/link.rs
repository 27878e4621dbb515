//! Whether each certificate of a chain is signed by the next one, regardless of dates and roots.

use super::{der::Outline, signature::verifies};

/// The position of the first certificate that is not signed by the next one; `None` if there is none. The issuer of the
/// last certificate is not searched for.
pub fn first_broken(chain: &[impl AsRef<[u8]>]) -> Option<usize> {
    chain
        .windows(2)
        .position(|pair| !issued(pair[1].as_ref(), pair[0].as_ref()))
}

/// Whether the certificate `issuer` has issued `child`: its name and the signature of its key have to match. `false` if
/// either cannot be read, or if TLS clients do not accept the algorithm.
pub fn issued(issuer: &[u8], child: &[u8]) -> bool {
    let (Some(issuer), Some(child)) = (Outline::of(issuer), Outline::of(child)) else {
        return false;
    };
    issuer.subject == child.issuer
        && verifies(issuer.public_key, child.signed, child.algorithm, child.signature) == Some(true)
}

/// The subjectPublicKeyInfo of a certificate; `None` if the bytes are not a certificate.
pub fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    Outline::of(certificate).map(|outline| outline.public_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::testing::Authority;

    #[test]
    fn a_chain_holds_together_or_says_where_it_breaks() {
        let root = Authority::root("Root");
        let (sub, other) = (root.sub("Sub"), Authority::root("Root"));
        let leaf = sub.leaf("shop.example").der;
        assert_eq!(first_broken(&[leaf.clone(), sub.der(), root.der()]), None);
        assert_eq!(first_broken(std::slice::from_ref(&leaf)), None);
        assert_eq!(first_broken(&[leaf.clone(), root.der(), sub.der()]), Some(0));
        // The same name with another key.
        assert_eq!(first_broken(&[leaf.clone(), sub.der(), other.der()]), Some(1));
        assert_eq!(first_broken(&[leaf, b"rubbish".to_vec()]), Some(0));
    }
}
