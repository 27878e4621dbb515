//! What can go wrong between here and a CA, in words that fit after "cannot ...:".

use std::time::{Duration, Instant};

use super::{
    http::HttpAnswer,
    problem::{Problem, quote},
    retry,
};
use crate::{
    name::Name,
    object::Seconds,
    text::{date_time, parse_time},
};

mod hint;

/// Why ACME did not do what was asked. `Display` is cleared for a terminal and holds no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcmeError {
    /// There was no connection: no address, refused, TLS failed.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server's name has no address.
    #[error("{url} cannot be reached: {reason}")]
    Unresolved {
        /// What was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server's certificate is outside of its time, by this machine's clock.
    #[error("{url} cannot be reached: its certificate {words}, and this machine's clock says {}", date_time(*.now))]
    Outdated {
        /// What was asked.
        url: String,
        /// Until or from when the certificate is valid.
        words: String,
        /// What the clock says.
        now: Seconds,
    },
    /// A proxy makes no connection to the server.
    #[error("the proxy {proxy} {words}")]
    Proxy {
        /// Its address, without a user and a password.
        proxy: String,
        /// The status with which it answers, if it does.
        status: Option<u16>,
        /// What it does instead.
        words: String,
    },
    /// No whole answer came in time.
    #[error("{url} did not answer within {} s", seconds(*.after))]
    TimedOut {
        /// What was asked.
        url: String,
        /// How long was waited in all.
        after: Duration,
    },
    /// The connection broke after the request was sent.
    #[error("{url} dropped the connection: {reason}")]
    Broken {
        /// What was asked.
        url: String,
        /// How.
        reason: String,
    },
    /// The answer is larger than is read.
    #[error("{url} answered with more than {limit} bytes")]
    TooLarge {
        /// What was asked.
        url: String,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// A URL is not https, or not a URL.
    #[error("{url} is not an https URL")]
    Insecure {
        /// The URL, cleared.
        url: String,
    },
    /// A URL leads to an address that no ACME server is asked at.
    #[error("{url} is at an address where no ACME server is allowed")]
    Address {
        /// The URL, cleared.
        url: String,
    },
    /// The answer is not what the protocol says.
    #[error("{url} sent an answer that cannot be used: {reason}")]
    Malformed {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// An error that is not a problem document: a proxy's, or of something that speaks no ACME.
    #[error("{url} answered with status {status}{}", colon_said(.said))]
    Status {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of what it said.
        said: String,
    },
    /// The server is busy or broken, and asks to come back later than this run waits.
    #[error("{url} is busy until {}{}", date_time(*.until), colon_said(.said))]
    Busy {
        /// What was asked.
        url: String,
        /// When to come back.
        until: Seconds,
        /// What it said.
        said: String,
    },
    /// The CA said no.
    #[error("{problem}")]
    Refused {
        /// What was asked.
        url: String,
        /// Why.
        problem: Box<Problem>,
    },
    /// The CA does not take an order as the replacement of a certificate. Without saying so it may be ordered.
    #[error("the CA does not take the order as a replacement: {problem}")]
    ReplacesRefused {
        /// What the CA said.
        problem: Box<Problem>,
    },
    /// A rate limit is reached. Never tried again by itself.
    #[error("a rate limit is reached{}: {problem}", until_words(*.until))]
    RateLimited {
        /// When it will have passed, where the server says so.
        until: Option<Seconds>,
        /// What the server said.
        problem: Box<Problem>,
        /// The CA's page about it.
        help: Option<String>,
    },
    /// The CA has paused a name for this account after many failures. Never tried again by itself.
    #[error("the CA has paused this account for a name: {problem}")]
    Paused {
        /// Where it can be ended.
        url: Option<String>,
        /// What the server said.
        problem: Box<Problem>,
    },
    /// The CA knows the account neither by its URL nor by its key.
    #[error("the CA knows no account of this key any more: {said}")]
    NoAccount {
        /// What the CA said when the account was used.
        said: String,
    },
    /// The CA wants somebody to do something on a page of its own: to agree to terms that have changed, for example.
    #[error("the CA asks for something to be done first: {problem}")]
    ActionRequired {
        /// The page, where the CA names one.
        url: Option<String>,
        /// The terms of service, where the CA names them.
        terms: Option<String>,
        /// What the CA said.
        problem: Box<Problem>,
    },
    /// An order or an authorization was still being worked on when the time was over.
    #[error("the {what} is still {status} after {} s{}", .after.as_secs(), back_words(*.back))]
    StillWaiting {
        /// `order` or `authorization`.
        what: &'static str,
        /// Its status.
        status: String,
        /// Its URL.
        url: String,
        /// How long was waited.
        after: Duration,
        /// When the CA asks to come back, where it says so.
        back: Option<Seconds>,
    },
    /// The CA made an order that asks for more than was ordered. Nothing of it has been published.
    #[error("the order {url} is not gone on with: {reason}")]
    Distrusted {
        /// Its URL.
        url: String,
        /// What it asks for.
        reason: String,
    },
    /// The terms of service are not agreed to.
    #[error("the terms of service have not been agreed to: {url}")]
    TermsNotAgreed {
        /// Where they are.
        url: String,
    },
    /// The CA binds accounts to accounts of its own (EAB), and no key for that is set.
    #[error("the CA creates accounts only with an external account binding")]
    BindingRequired {
        /// The CA's website, where such keys may be had.
        website: Option<String>,
    },
    /// The CA has no such profile.
    #[error("the CA has no profile {profile:?}")]
    UnknownProfile {
        /// What was asked for.
        profile: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The directory lacks what was asked for.
    #[error("the CA does not offer {0}")]
    NotOffered(&'static str),
    /// A key cannot be used; the words never repeat it.
    #[error("the key cannot be used: {0}")]
    Key(String),
    /// The issuer's CA bundle, proxy or EAB key is wrong.
    #[error("{0}")]
    Settings(String),
}

/// What is longer than a few seconds is told in whole ones.
fn seconds(length: Duration) -> String {
    let seconds = length.as_secs_f32();
    if seconds < 10.0 {
        seconds.to_string()
    } else {
        format!("{seconds:.0}")
    }
}

/// `: SAID`, or nothing.
fn colon_said(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text:?}")
    }
}

fn back_words(back: Option<Seconds>) -> String {
    back.map(|at| format!(", and the CA asks to come back after {}", date_time(at)))
        .unwrap_or_default()
}

fn until_words(until: Option<Seconds>) -> String {
    until.map(|at| format!(" until {}", date_time(at))).unwrap_or_default()
}

impl AcmeError {
    /// What the server said, where it said it in a problem document.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused { problem, .. }
            | Self::ReplacesRefused { problem }
            | Self::RateLimited { problem, .. }
            | Self::Paused { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// Whether the CA refused with ACME's error of this name: `orderNotReady`, `accountDoesNotExist`, ...
    pub fn is(&self, name: &str) -> bool {
        matches!(self, Self::Refused { problem, .. } if problem.is(name))
    }

    /// Whether the CA failed rather than refused: what it was asked about may be as it was.
    pub fn is_of_server(&self) -> bool {
        match self {
            Self::Refused { problem, .. } => problem.status.is_some_and(|status| status >= 500),
            Self::Distrusted { .. } => false,
            _ => true,
        }
    }

    /// The names that the CA refuses one by one; empty when it refused for another reason.
    pub fn refused_names(&self) -> Vec<Name> {
        match self {
            Self::Refused { problem, .. } => problem.names(),
            _ => Vec::new(),
        }
    }

    /// Whether the reason may be that the CA does not know the account by the URL with which the request was signed. Some CAs say so
    /// with an error of their own, or fail over it.
    pub(super) fn may_be_about_account(&self) -> bool {
        match self {
            Self::Refused { problem, .. } => {
                let detail = problem.detail.to_ascii_lowercase();
                let names_it = || detail.contains("account") || detail.contains("kid");
                problem.is("accountDoesNotExist")
                    || (problem.is("unauthorized") && !problem.ends_account())
                    || (problem.is("malformed") && names_it())
                    || problem.status == Some(500)
            }
            Self::Status { status, .. } => *status == 500,
            _ => false,
        }
    }

    /// Whether there is no ACME server, or nothing of one, at the URL.
    pub(super) fn leads_nowhere(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Unresolved { .. }
            | Self::Outdated { .. }
            | Self::Proxy { .. }
            | Self::TimedOut { .. }
            | Self::Broken { .. }
            | Self::Address { .. }
            | Self::Malformed { .. } => true,
            Self::Status { status, .. } => (300..500).contains(status),
            Self::Refused { problem, .. } => problem.status == Some(404),
            _ => false,
        }
    }

    /// Whether the CA says in words that the account has been deactivated or revoked. Words may mean something else:
    /// only [`AccountStatus`](super::AccountStatus) is certain.
    pub fn ends_account(&self) -> bool {
        matches!(self, Self::Refused { problem, .. } if problem.is("unauthorized") && problem.ends_account())
    }

    /// Whether the same request may succeed at once: nothing is known of what the server did with it.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            // A certificate that is not trusted stays so.
            Self::Unreachable { reason, .. } => !reason.contains("certificate"),
            Self::Unresolved { .. } | Self::TimedOut { .. } | Self::Broken { .. } => true,
            // What a proxy does not allow it does not allow a moment later either.
            Self::Proxy { status, .. } => status.is_none_or(|status| status >= 500),
            _ => false,
        }
    }

    /// The same of a request that was repeated since then: all of that time was waited.
    pub(super) fn since(self, began: Instant) -> Self {
        match self {
            Self::TimedOut { url, after } => Self::TimedOut {
                url,
                // Of all the time whole seconds are enough; a short one is that of the one request.
                after: after.max(Duration::from_secs(began.elapsed().as_secs())),
            },
            other => other,
        }
    }

    pub(super) fn malformed(url: &str, reason: impl Into<String>) -> Self {
        Self::Malformed {
            url: shown(url),
            reason: reason.into(),
        }
    }

    /// What an answer says that is not a success.
    pub(super) fn of(answer: &HttpAnswer) -> Self {
        let url = shown(&answer.url);
        let Some(problem) = answer.problem() else {
            let said = quote(&answer.body);
            let until = answer.retry_after.map(retry::moment_after);
            return match (answer.status, until) {
                (429, until) => Self::RateLimited {
                    until,
                    problem: Box::new(Problem {
                        kind: "about:blank".to_owned(),
                        detail: said,
                        status: Some(429),
                        ..Problem::default()
                    }),
                    help: answer.link("help").map(str::to_owned),
                },
                (500.., Some(until)) => Self::Busy { url, until, said },
                (status, _) => Self::Status { url, status, said },
            };
        };
        let until = answer.retry_after.map(retry::moment_after);
        // Boulder sheds load with a 503 of this type: that passes soon and is no limit of the account.
        if answer.status == 429 || (problem.is("rateLimited") && answer.status != 503) {
            if problem.detail.contains("temporarily prevented") || problem.detail.contains("paused") {
                return Self::Paused {
                    url: problem.instance.clone().or_else(|| url_in(&problem.detail)),
                    problem: Box::new(problem),
                };
            }
            return Self::RateLimited {
                until: until.or_else(|| retry_after_in(&problem.detail)),
                help: answer
                    .link("help")
                    .map(str::to_owned)
                    .or_else(|| url_in(&problem.detail)),
                problem: Box::new(problem),
            };
        }
        match until {
            Some(until) if answer.status >= 500 => Self::Busy {
                url,
                until,
                said: problem.to_string(),
            },
            _ => {
                let problem = Box::new(problem);
                if problem.is("userActionRequired") {
                    return Self::ActionRequired {
                        url: problem.instance.as_deref().map(|page| absolute(page, &answer.url)),
                        terms: answer.link("terms-of-service").map(shown),
                        problem,
                    };
                }
                Self::Refused { url, problem }
            }
        }
    }
}

/// A URL of a problem, which may leave out what the URL that was asked has.
fn absolute(url: &str, asked: &str) -> String {
    let base = reqwest::Url::parse(asked).ok();
    let whole = base.and_then(|base| base.join(url).ok());
    shown(whole.as_ref().map_or(url, |whole| whole.as_str()))
}

/// A URL for a message: cleared, and not too long.
pub(super) fn shown(url: &str) -> String {
    crate::text::clear(&crate::text::shorten(&crate::text::without_user(url), 300)).into_owned()
}

/// The first https URL in a sentence.
fn url_in(text: &str) -> Option<String> {
    let start = text.find("https://")?;
    let url = text
        .get(start..)?
        .split(|c: char| c.is_whitespace() || "<>\"'()".contains(c))
        .next()?;
    Some(shown(url.trim_end_matches(['.', ',', ';', ':'])))
}

/// Boulder's sentence `... retry after 2026-12-01 10:00:00 UTC: see ...`.
fn retry_after_in(text: &str) -> Option<Seconds> {
    let rest = text.split("retry after ").nth(1)?;
    let (day, time) = (rest.get(..10)?, rest.get(11..19)?);
    parse_time(&format!("{day}T{time}Z"))
}

#[cfg(test)]
mod tests;
