//! What to do about what went wrong, in one line.

use super::AcmeError;
use crate::{
    acme::problem::Problem,
    error::{Blame, Diagnose},
    text::{date_time, nearest},
};

impl Diagnose for AcmeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { reason, .. } if reason.contains("certificate") => Some(
                "give the CA that signed the directory's own certificate with --directory-ca-file, or in the issuer's \
                 settings"
                    .to_owned(),
            ),
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Broken { .. } => {
                Some("check the network and the proxy (HTTPS_PROXY, NO_PROXY, or proxy of the issuer)".to_owned())
            }
            Self::Unresolved { .. } => Some(
                "check the directory's URL, and this machine's DNS; where a proxy resolves names, name it (HTTPS_PROXY, or proxy of the issuer)"
                    .to_owned(),
            ),
            Self::Outdated { .. } => Some(
                "check this machine's clock; if it is right, whoever runs the CA has to renew that certificate".to_owned(),
            ),
            Self::Proxy { status, .. } => Some(proxy_hint(*status).to_owned()),
            Self::Insecure { .. } => Some("give the directory's URL with https://".to_owned()),
            Self::Address { .. } => Some(
                "check the directory's URL and where it leads: only a directory on this machine may lead to this machine, and none to \
                 link-local addresses, where clouds keep credentials"
                    .to_owned(),
            ),
            Self::Malformed { .. } | Self::Status { .. } => {
                Some("check that the URL is an ACME directory's, and that no proxy answers in its place".to_owned())
            }
            Self::Busy { until, .. } => Some(format!("try again after {}", date_time(*until))),
            Self::RateLimited { until, help, .. } => {
                let when = until.map_or_else(|| "later".to_owned(), |at| format!("after {}", date_time(at)));
                Some(match help {
                    Some(help) => format!("try again {when}; the limit is explained at {help}"),
                    None => format!("try again {when}"),
                })
            }
            Self::Paused { url: Some(url), .. } => {
                Some(format!("fix the cause of the failed validations, then visit {url}"))
            }
            Self::Paused { url: None, .. } => {
                Some("fix the cause of the failed validations, then visit the page that the message names".to_owned())
            }
            Self::StillWaiting { back, .. } => Some(match back {
                Some(at) => format!("run the command again after {}", date_time(*at)),
                None => "run the command again".to_owned(),
            }),
            Self::NoAccount { .. } => Some(REGISTER.to_owned()),
            Self::ActionRequired { url, terms, .. } => Some(action(url.as_deref(), terms.as_deref())),
            Self::Distrusted { .. } => Some("nothing was published; ask whoever runs the CA".to_owned()),
            Self::TermsNotAgreed { .. } => Some("read them, then pass --agree-tos".to_owned()),
            Self::BindingRequired { website } => Some(match website {
                Some(site) => format!("get an EAB key id and key from the CA ({site}), {GIVE_BINDING}"),
                None => format!("get an EAB key id and key from the CA, {GIVE_BINDING}"),
            }),
            Self::UnknownProfile { profile, known } => {
                let meant = nearest(profile, known.iter().map(String::as_str)).filter(|_| known.len() > 1);
                Some(match meant {
                    _ if known.is_empty() => "leave the profile out: the CA has no profiles".to_owned(),
                    Some(meant) => format!("it has: {}; the nearest is {meant}", known.join(", ")),
                    None => format!("it has: {}", known.join(", ")),
                })
            }
            Self::Refused { problem, .. } => hint_of(problem),
            Self::ReplacesRefused { .. } | Self::TooLarge { .. } | Self::NotOffered(_) | Self::Key(_) | Self::Settings(_) => None,
        }
    }

    fn blame(&self) -> Blame {
        Blame::Acme
    }
}

/// How an external account binding is given.
const GIVE_BINDING: &str = "and give them with --eab-kid and --eab-key-file, or in the issuer's settings (eab)";

/// What to do about a proxy that answers in this way.
fn proxy_hint(status: Option<u16>) -> &'static str {
    match status {
        Some(407) => {
            "give the proxy's user and password in HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT), or leave the proxy out for this host \
             with NO_PROXY"
        }
        Some(400..=499) => {
            "have the CA's host allowed in the proxy, or leave the proxy out for it: NO_PROXY, or another proxy of the issuer"
        }
        Some(_) => {
            "check that the proxy reaches the CA's host, and try again; NO_PROXY, or another proxy of the issuer, leaves it out"
        }
        None => "check the proxy's address: HTTPS_PROXY, NO_PROXY, or proxy of the issuer",
    }
}

/// What to do when the CA wants a contact, or another one.
const GIVE_EMAIL: &str = "give an address that the CA takes: --email ADDRESS, or email in the issuer's settings";

/// What to do when the CA knows no account of a key.
const REGISTER: &str = "`kubectl certs account register` registers the key again";

/// What to do where the CA wants an action of a person (RFC 8555, section 7.3.3).
fn action(url: Option<&str>, terms: Option<&str>) -> String {
    let terms = terms.map_or_else(String::new, |terms| format!(" (its terms of service: {terms})"));
    match url {
        Some(url) => {
            format!("open {url} in a browser, and do there what the CA asks for{terms}; then run the command again")
        }
        None => format!("do on the CA's website what the message asks for{terms}; then run the command again"),
    }
}

/// What helps against the errors of RFC 8555, section 6.7, that an operator can fix.
fn hint_of(problem: &Problem) -> Option<String> {
    let says = |words: &[&str]| {
        let detail = problem.detail.to_ascii_lowercase();
        words.iter().any(|word| detail.contains(word))
    };
    let text = match problem.short() {
        "accountDoesNotExist" => REGISTER,
        "unauthorized" if problem.ends_account() => "`kubectl certs account register` creates another account",
        "badCSR" | "malformed" if says(&["common name", "commonname"]) => {
            "put a common name into the request: commonName: true in the issuer's settings"
        }
        "badCSR" => "the CA does not accept this key or these names: choose another --key-type or profile",
        "caa" => "the CAA records of the domain forbid it: allow this CA in them",
        "dns" => "check that the name resolves in the public DNS",
        "connection" => "check that port 80 of the host can be reached from the Internet",
        "externalAccountRequired" => return Some(format!("get an EAB key id and key from the CA, {GIVE_BINDING}")),
        "invalidContact" | "unsupportedContact" => GIVE_EMAIL,
        "malformed" if says(&["contact", "email", "e-mail"]) => GIVE_EMAIL,
        "serverInternal" if says(&["account"]) => REGISTER,
        "invalidProfile" => "leave the profile out, or choose one that the CA has: `kubectl certs account show`",
        "rejectedIdentifier" | "unsupportedIdentifier" => {
            "leave the name out, or order it from a CA that issues for it"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
