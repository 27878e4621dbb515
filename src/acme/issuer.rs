//! Who issues: an ACME directory, how it is reached, and what an account there needs.

use std::fmt;

use secrecy::SecretString;

/// The directory of Let's Encrypt's production.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// The directory of Let's Encrypt's staging.
pub const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

/// What an issuer's certificates are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Let's Encrypt's staging: no client trusts what it issues.
    Staging,
    /// Let's Encrypt's production.
    Production,
    /// A CA that the user has set up: what it is good for only the user knows.
    Own,
}

/// A key that binds a new account to one that the CA knows already (RFC 8555, section 7.3.4).
#[derive(Debug, Clone)]
pub struct Eab {
    /// The key's id.
    pub kid: String,
    /// The MAC key, in base64url as CAs give it; plain base64 is taken too.
    pub key: SecretString,
}

/// An ACME directory and how it is used.
#[derive(Clone)]
pub struct Issuer {
    /// `letsencrypt`, `letsencrypt-staging`, or what the user calls it.
    pub name: String,
    /// The directory's URL.
    pub directory_url: String,
    /// What its certificates are good for.
    pub stage: Stage,
    /// Certificates (PEM) that the directory's own HTTPS is trusted by, beside the public roots.
    pub ca_pem: Option<Vec<u8>>,
    /// For CAs that make accounts only with it.
    pub eab: Option<Eab>,
    /// The profile that orders ask for.
    pub profile: Option<String>,
    /// The common name of the issuer at the end of the chain that is wanted, where the CA offers several.
    pub preferred_chain: Option<String>,
    /// Whether requests have a common name, for CAs that want one.
    pub common_name: bool,
    /// Where the CA may write to: `mailto:` URLs.
    pub contact: Vec<String>,
    /// An HTTP or SOCKS proxy; without it, the environment says (`HTTPS_PROXY`, `NO_PROXY`). It may hold a password.
    pub proxy: Option<String>,
    /// Whether http is taken for a loopback address: for a server beside this program.
    pub allow_http_loopback: bool,
}

impl Issuer {
    /// Let's Encrypt.
    pub fn letsencrypt() -> Self {
        Self::new("letsencrypt", LETS_ENCRYPT)
    }

    /// Let's Encrypt's staging.
    pub fn letsencrypt_staging() -> Self {
        Self::new("letsencrypt-staging", LETS_ENCRYPT_STAGING)
    }

    /// An issuer with nothing but its directory. The stage follows from the directory's URL.
    pub fn new(name: impl Into<String>, directory_url: impl Into<String>) -> Self {
        let directory_url = directory_url.into();
        let stage = match directory_url.as_str() {
            LETS_ENCRYPT => Stage::Production,
            LETS_ENCRYPT_STAGING => Stage::Staging,
            _ => Stage::Own,
        };
        Self {
            name: name.into(),
            directory_url,
            stage,
            ca_pem: None,
            eab: None,
            profile: None,
            preferred_chain: None,
            common_name: false,
            contact: Vec::new(),
            proxy: None,
            allow_http_loopback: false,
        }
    }
}

impl fmt::Debug for Issuer {
    /// Without the proxy, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("name", &self.name)
            .field("directory_url", &self.directory_url)
            .field("stage", &self.stage)
            .field("eab", &self.eab)
            .field("profile", &self.profile)
            .field("preferred_chain", &self.preferred_chain)
            .field("contact", &self.contact)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_follows_from_the_directory_whatever_its_name() {
        assert_eq!(Issuer::letsencrypt().stage, Stage::Production);
        assert_eq!(Issuer::letsencrypt_staging().stage, Stage::Staging);
        assert_eq!(Issuer::new("mine", LETS_ENCRYPT_STAGING).stage, Stage::Staging);
        assert_eq!(Issuer::new("mine", "https://ca.example/dir").stage, Stage::Own);
    }

    #[test]
    fn neither_the_eab_key_nor_the_proxys_password_is_shown() {
        let mut issuer = Issuer::new("mine", "https://ca.example/dir");
        issuer.proxy = Some("http://user:hunter2@proxy.example".to_owned());
        issuer.eab = Some(Eab {
            kid: "kid-1".to_owned(),
            key: "c2VjcmV0".into(),
        });
        let shown = format!("{issuer:?}");
        assert!(shown.contains("kid-1"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("c2VjcmV0"), "{shown}");
    }
}
