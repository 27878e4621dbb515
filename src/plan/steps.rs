//! The steps of a renewal in the form in which they are shown beforehand. Values that are not known yet (a token, a
//! certificate) are determined when the step is carried out.

use std::fmt;

use crate::{event::Method, name::Name, object::Key};

/// One change to the outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Locks the Secret, so that no other run works on it.
    Lease {
        /// The Lease.
        object: Key,
    },
    /// Keeps the order and its key, so that the next run can continue.
    Journal {
        /// The Secret that holds them.
        object: Key,
    },
    /// Orders the certificate.
    Order {
        /// The CA.
        issuer: String,
        /// The names.
        names: Vec<Name>,
        /// The profile, if one is requested.
        profile: Option<String>,
        /// Whether the order names the certificate that it replaces.
        replaces: bool,
        /// The algorithm of the new key.
        key: String,
        /// The present and the new issuing CA, if they differ.
        changes_ca: Option<(String, String)>,
    },
    /// Proves a name.
    Prove {
        /// The name.
        name: Name,
        /// The method.
        method: Method,
        /// What proves it: `Ingress shop/web (Traefik), answered by a Pod`, `powerdns, zone internal.example`.
        through: String,
    },
    /// Keeps the certificate and key that are replaced.
    Backup {
        /// The Secret that holds them.
        object: Key,
    },
    /// Writes the key and the chain.
    Write {
        /// The Secret.
        secret: Key,
        /// Whether the Secret is created.
        create: bool,
        /// The data keys that are written.
        keys: Vec<String>,
    },
    /// Writes the key and the chain to a file.
    File {
        /// The path of the file.
        path: String,
    },
    /// Leaves the live Secret as it is.
    Rehearse {
        /// The Secret.
        secret: Key,
    },
    /// Restarts a workload.
    Restart {
        /// The workload: `deployment/web`.
        workload: String,
    },
    /// Probes the hosts until they serve the certificate.
    Look {
        /// The hosts.
        hosts: Vec<String>,
        /// The time limit, in seconds.
        seconds: u64,
    },
    /// Removes temporary objects.
    CleanUp,
    /// Restores an earlier certificate and key.
    PutBack {
        /// The Secret.
        secret: Key,
        /// The serial number of its certificate.
        serial: String,
    },
    /// Revokes a certificate.
    Revoke {
        /// Its serial number.
        serial: String,
        /// The CA.
        issuer: String,
        /// The reason.
        reason: String,
    },
    /// Removes a leftover object.
    Remove {
        /// The object: `Ingress shop/kubectl-certs-solver-...`.
        what: String,
    },
}

impl fmt::Display for Step {
    /// Writes one line in the imperative: `order ...`, `write ...`. Not cleared for a terminal.
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
