//! The steps of a renewal, as they are shown before anything is done. Values that are not known yet (a token, a
//! certificate) bind when the step is carried out.

use std::fmt;

use crate::{event::Method, name::Name, object::Key};

/// One change to the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nobody else works on the Secret meanwhile.
    Lease {
        /// The Lease.
        object: Key,
    },
    /// The order and its key are kept, so that the next run can go on.
    Journal {
        /// The Secret that keeps them.
        object: Key,
    },
    /// The certificate is ordered.
    Order {
        /// The CA.
        issuer: String,
        /// For these names.
        names: Vec<Name>,
        /// The profile, where one is asked for.
        profile: Option<String>,
        /// Whether the order says which certificate it replaces.
        replaces: bool,
        /// The new key's algorithm.
        key: String,
        /// Who issued the present certificate, and who issues the new one, where that is another CA.
        changes_ca: Option<(String, String)>,
    },
    /// A name is proved.
    Prove {
        /// The name.
        name: Name,
        /// How.
        method: Method,
        /// Through what: `Ingress shop/web (Traefik), answered by a Pod`, `powerdns, zone internal.example`.
        through: String,
    },
    /// The pair that is replaced is kept.
    Backup {
        /// The Secret that keeps it.
        object: Key,
    },
    /// Key and chain are written.
    Write {
        /// The Secret.
        secret: Key,
        /// Whether it is made.
        create: bool,
        /// The data keys that are written.
        keys: Vec<String>,
    },
    /// Key and chain are written to a file.
    File {
        /// The file.
        path: String,
    },
    /// The live Secret is left as it is.
    Rehearse {
        /// The Secret.
        secret: Key,
    },
    /// A workload is restarted.
    Restart {
        /// Which: `deployment/web`.
        workload: String,
    },
    /// The hosts are looked at until they serve it.
    Look {
        /// The hosts.
        hosts: Vec<String>,
        /// For how long at most, in seconds.
        seconds: u64,
    },
    /// What is temporary is removed.
    CleanUp,
    /// An earlier pair is written back.
    PutBack {
        /// The Secret.
        secret: Key,
        /// The serial number of its certificate.
        serial: String,
    },
    /// A certificate is revoked.
    Revoke {
        /// Its serial number.
        serial: String,
        /// The CA.
        issuer: String,
        /// Why.
        reason: String,
    },
    /// Something that was left behind is removed.
    Remove {
        /// What: `Ingress shop/kubectl-certs-solver-...`.
        what: String,
    },
}

impl fmt::Display for Step {
    /// One line, as an order: `order ...`, `write ...`. Not cleared.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lease { object } => write!(f, "take Lease {object}, so that no other run works on it meanwhile"),
            Self::Journal { object } => write!(f, "keep the order and its key in Secret {object} until it is done"),
            Self::Order {
                issuer,
                names,
                profile,
                replaces,
                key,
                changes_ca,
            } => {
                let names: Vec<String> = names.iter().map(ToString::to_string).collect();
                write!(f, "order {} at {issuer} with a key of type {key}", names.join(", "))?;
                if let Some(profile) = profile {
                    write!(f, ", profile {profile}")?;
                }
                if *replaces {
                    f.write_str(", as the renewal of the current certificate")?;
                }
                match changes_ca {
                    Some((from, to)) => write!(f, "; CA changes: {from} → {to}"),
                    None => Ok(()),
                }
            }
            Self::Prove { name, method, through } => write!(f, "validate {name} by {}: {through}", method.as_str()),
            Self::Backup { object } => write!(f, "keep the pair that is replaced in Secret {object}"),
            Self::Write { secret, create, keys } => {
                let verb = if *create { "create" } else { "write" };
                write!(
                    f,
                    "{verb} Secret {secret} ({}), if nobody has changed it since",
                    keys.join(", ")
                )
            }
            Self::File { path } => write!(f, "write {path}"),
            Self::Rehearse { secret } => write!(f, "leave Secret {secret} as it is: this is a rehearsal"),
            Self::Restart { workload } => write!(f, "restart {workload}"),
            Self::Look { hosts, seconds } => {
                let verb = if hosts.len() == 1 { "serves" } else { "serve" };
                write!(f, "wait until {} {verb} it, at most {seconds} s", hosts.join(", "))
            }
            Self::CleanUp => f.write_str("remove everything temporary"),
            Self::PutBack { secret, serial } => write!(
                f,
                "put certificate {serial} back into Secret {secret}, if nobody has changed it since"
            ),
            Self::Revoke { serial, issuer, reason } => {
                write!(f, "revoke certificate {serial} at {issuer} for good, reason {reason}")
            }
            Self::Remove { what } => write!(f, "remove {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_read_as_orders() {
        let step = Step::Order {
            issuer: "letsencrypt".into(),
            names: vec!["a.example".parse().unwrap(), "*.a.example".parse().unwrap()],
            profile: Some("shortlived".into()),
            replaces: true,
            key: "ecdsa-p256".into(),
            changes_ca: None,
        };
        assert_eq!(
            step.to_string(),
            "order a.example, *.a.example at letsencrypt with a key of type ecdsa-p256, profile shortlived, as the renewal \
             of the current certificate"
        );
        let step = Step::Order {
            issuer: "letsencrypt".into(),
            names: vec!["a.example".parse().unwrap()],
            profile: None,
            replaces: false,
            key: "ecdsa-p256".into(),
            changes_ca: Some(("DigiCert".into(), "Let's Encrypt".into())),
        };
        assert_eq!(
            step.to_string(),
            "order a.example at letsencrypt with a key of type ecdsa-p256; CA changes: DigiCert → Let's Encrypt"
        );
        let step = Step::Write {
            secret: Key::new("shop", "shop-tls"),
            create: false,
            keys: vec!["tls.crt".into(), "tls.key".into()],
        };
        assert_eq!(
            step.to_string(),
            "write Secret shop/shop-tls (tls.crt, tls.key), if nobody has changed it since"
        );
    }
}
