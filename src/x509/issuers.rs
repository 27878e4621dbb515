//! Issuers that are recognized by name: staging CAs, controllers' self-signed certificates, intermediates of public
//! CAs.

use super::certificate::Certificate;

/// Whether a certificate is from Let's Encrypt's staging environment, which no client trusts, or is one of its CAs:
/// `(STAGING) ...`, formerly `Fake LE ...`.
pub fn is_staging_issuer(certificate: &Certificate) -> bool {
    is_staging_name(&certificate.issuer.full)
}

/// The same for the name of an issuer (RFC 4514).
pub(crate) fn is_staging_name(name: &str) -> bool {
    rdns(name).any(|rdn| {
        ["CN=(STAGING) ", "O=(STAGING) ", "CN=Fake LE "]
            .iter()
            .any(|start| rdn.starts_with(start))
    })
}

/// Whether it is the temporary certificate that cert-manager stores until the real one is issued (the annotation
/// `cert-manager.io/issue-temporary-certificate`). It is signed by a CA with this name whose key was discarded
/// (pkg/util/pki/temporarycertificate.go, v1.21).
pub fn is_certmanagers_temporary(certificate: &Certificate) -> bool {
    &*certificate.issuer.full == "CN=cert-manager.local"
}

/// The controller that generated this certificate as its default: `Traefik` or `ingress-nginx`.
pub fn default_certificate_of(certificate: &Certificate) -> Option<&'static str> {
    match certificate.common_name()? {
        "TRAEFIK DEFAULT CERT" => Some("Traefik"),
        "Kubernetes Ingress Controller Fake Certificate" => Some("ingress-nginx"),
        _ => None,
    }
}

/// Intermediates of public CAs that issue for TLS servers: the organisation, and the beginnings of common names, or
/// whole ones if they end in `$`.
const PUBLIC: &[(&str, &[&str])] = &[
    (
        "Let's Encrypt",
        &[
            "E1$", "E2$", "E5$", "E6$", "E7$", "E8$", "E9$", "R3$", "R4$", "R10$", "R11$", "R12$", "R13$", "R14$",
            "YE1$", "YE2$", "YE3$", "YR1$", "YR2$", "YR3$",
        ],
    ),
    ("ISRG", &["Root YE$", "Root YR$"]),
    (
        "Google Trust Services",
        &[
            "WE1$", "WE2$", "WE3$", "WE4$", "WE5$", "WR1$", "WR2$", "WR3$", "WR4$", "WR5$",
        ],
    ),
    ("ZeroSSL", &["ZeroSSL RSA ", "ZeroSSL ECC "]),
    (
        "Sectigo Limited",
        &["Sectigo RSA ", "Sectigo ECC ", "Sectigo Public Server "],
    ),
    (
        "DigiCert Inc",
        &[
            "DigiCert Global G2 TLS ",
            "DigiCert Global G3 TLS ",
            "DigiCert TLS ",
            "DigiCert SHA2 ",
            "GeoTrust ",
            "RapidSSL ",
            "Thawte ",
            "Encryption Everywhere ",
        ],
    ),
    (
        "Amazon",
        &["Amazon RSA 2048 M", "Amazon ECDSA 256 M", "Amazon ECDSA 384 M"],
    ),
    ("GlobalSign nv-sa", &["GlobalSign "]),
    (
        "GoDaddy.com, Inc.",
        &["Go Daddy Secure Certificate Authority", "GoDaddy TLS "],
    ),
    (
        "Starfield Technologies, Inc.",
        &["Starfield Secure Certificate Authority", "Starfield TLS "],
    ),
    ("SSL Corporation", &["SSL.com "]),
    (
        "Entrust Limited",
        &["Entrust DV TLS ", "Entrust OV TLS ", "Entrust EV TLS "],
    ),
    ("Buypass AS-983163327", &["Buypass Class 2 CA ", "Buypass Class 3 CA "]),
    ("Asseco Data Systems S.A.", &["Certum "]),
    ("Unizeto Technologies S.A.", &["Certum "]),
    ("Actalis S.p.A.", &["Actalis "]),
    (
        "Microsoft Corporation",
        &["Microsoft Azure RSA TLS ", "Microsoft Azure ECC TLS "],
    ),
];

/// Whether a name (RFC 4514) is that of an intermediate of a public CA. This goes by the name alone, so it only
/// explains a failure and never makes a certificate trusted.
pub(crate) fn is_public_intermediate(name: &str) -> bool {
    let (mut common, mut organisation) = (None, None);
    for rdn in rdns(name) {
        if let Some(value) = rdn.strip_prefix("CN=") {
            common = common.or(Some(value));
        } else if let Some(value) = rdn.strip_prefix("O=") {
            organisation = organisation.or(Some(value));
        }
    }
    let (Some(common), Some(organisation)) = (common, organisation) else {
        return false;
    };
    let organisation = organisation.replace('\\', "");
    PUBLIC.iter().any(|(known, names)| {
        *known == organisation
            && names.iter().any(|name| match name.strip_suffix('$') {
                Some(whole) => common == whole,
                None => common.starts_with(name),
            })
    })
}

/// Organisations whose CAs issue over ACME (RFC 8555) to everybody, as named in the issuer of their leaves.
const OVER_ACME: &[&str] = &[
    "Let's Encrypt",
    "ZeroSSL",
    "Google Trust Services",
    "Google Trust Services LLC",
    "SSL Corporation",
    "Buypass AS-983163327",
    "Actalis S.p.A.",
];

/// Whether the organisation of the issuer is one that issues over ACME to everybody.
pub fn is_acme_issuer(certificate: &Certificate) -> bool {
    let name = &certificate.issuer.full;
    is_staging_name(name)
        || rdns(name).any(|rdn| {
            rdn.strip_prefix("O=")
                .is_some_and(|organisation| OVER_ACME.contains(&organisation.replace('\\', "").as_str()))
        })
}

/// The parts of a name. A comma after a backslash is not a separator.
pub(super) fn rdns(name: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    name.split(move |c: char| {
        let separates = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        separates
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staging_and_public_issuers_are_told_by_name() {
        for (name, staging, public) in [
            (
                "CN=(STAGING) Counterfeit Cashew R10,O=(STAGING) Let's Encrypt,C=US",
                true,
                false,
            ),
            ("CN=Fake LE Intermediate X1", true, false),
            ("CN=R11,O=Let's Encrypt,C=US", false, true),
            ("CN=R110,O=Let's Encrypt,C=US", false, false),
            ("CN=R11,O=Other", false, false),
            ("CN=R11", false, false),
            ("CN=x\\,O=Let's Encrypt,O=Other", false, false),
            (
                "CN=Go Daddy Secure Certificate Authority - G2,OU=x,O=GoDaddy.com\\, Inc.,C=US",
                false,
                true,
            ),
            ("CN=About (STAGING) things,O=Us", false, false),
            ("CN=Not a Fake LE name", false, false),
        ] {
            assert_eq!(is_staging_name(name), staging, "{name}");
            assert_eq!(is_public_intermediate(name), public, "{name}");
        }
    }
}
