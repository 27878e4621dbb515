//! Judges the CAA records of a domain for an order (RFC 8659; `accounturi` and `validationmethods`: RFC 8657).
//!
//! The caller looks up the names of [`ancestors`] and passes the answers on; the resolver follows CNAMEs.

use crate::event::Method;

/// The known tags. A known tag with the critical flag does not forbid anything by itself.
const KNOWN: [&str; 7] = [
    "issue",
    "issuewild",
    "iodef",
    "issuemail",
    "issuevmc",
    "contactemail",
    "contactphone",
];

/// One property of a CAA record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Whether a CA that does not know the tag must not issue.
    pub critical: bool,
    /// Its tag, in lower case.
    pub tag: String,
    /// Its value, unchanged.
    pub value: String,
}

/// The answer for one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaaAnswer {
    /// These records, which may be none.
    Records(Vec<Property>),
    /// The name servers of the domain fail (SERVFAIL), for this reason. No CA issues then.
    Failed(String),
    /// The name could not be looked up from here, for this reason. The answer that a CA gets is not known.
    Unknown(String),
}

/// The order, and how the name is proved.
#[derive(Debug, Clone, Copy)]
pub struct CaaQuery<'a> {
    /// The domains by which records name the CA, according to its directory; empty if it names none.
    pub identities: &'a [String],
    /// The URL of the account; `None` if there is none yet.
    pub account: Option<&'a str>,
    /// The method that proves the name.
    pub method: Method,
    /// Whether the name is a wildcard.
    pub wildcard: bool,
}

/// The verdict of the records on an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Neither the name nor those above it have records.
    Nothing,
    /// The records of this name permit the order.
    Allowed {
        /// The name whose records count.
        at: String,
    },
    /// The records of this name forbid the order.
    Forbidden {
        /// The name whose records count.
        at: String,
        /// The reason.
        why: Forbidden,
    },
    /// The name servers fail, which forbids the order.
    Failed {
        /// The name that was looked up.
        at: String,
        /// The error.
        cause: String,
    },
    /// The verdict cannot be known from here.
    Unknown {
        /// The name that was looked up.
        at: String,
        /// The error.
        cause: String,
    },
}

/// Why records forbid an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// The records name other CAs.
    #[error("it names other CAs: {}", .0.join(", "))]
    Others(Vec<String>),
    /// No CA may issue.
    #[error("it lets no CA issue")]
    Nobody,
    /// The record names the CA with another account.
    #[error("it lets the CA issue only to another account: {account}")]
    Account {
        /// The URL of the account in the record.
        account: String,
    },
    /// The record names the CA with an account, and there is none yet.
    #[error("it lets the CA issue only to the account {account}, and there is no account here yet")]
    NoAccount {
        /// The URL of the account in the record.
        account: String,
    },
    /// The record names the CA with other methods to prove the name.
    #[error("it lets the CA issue only by {methods}")]
    Methods {
        /// The methods in the record.
        methods: String,
    },
    /// There is a critical property that no CA knows.
    #[error("it holds the critical property {0:?}, which no CA knows")]
    Critical(String),
    /// A record that names the CA cannot be read.
    #[error("it cannot be read: {0:?}")]
    Malformed(String),
    /// The CA does not say by which domain records name it.
    #[error("it names CAs ({}), and this CA does not say which name is its own", .0.join(", "))]
    NoIdentity(Vec<String>),
}

/// The name and those above it, ending with the top-level domain.
pub fn ancestors(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name.trim_end_matches('.')), |at| {
        at.split_once('.').map(|(_, above)| above)
    })
    .filter(|at| !at.is_empty())
}

/// Judges the answers for a name and those above it, the lowest first. The first name with records counts, and a
/// failure below it forbids the order.
pub fn judge(answers: &[(String, CaaAnswer)], asking: &CaaQuery<'_>) -> Verdict {
    for (at, answer) in answers {
        let at = at.clone();
        match answer {
            CaaAnswer::Failed(cause) => {
                return Verdict::Failed {
                    at,
                    cause: cause.clone(),
                };
            }
            CaaAnswer::Unknown(cause) => {
                return Verdict::Unknown {
                    at,
                    cause: cause.clone(),
                };
            }
            CaaAnswer::Records(records) if records.is_empty() => {}
            CaaAnswer::Records(records) => {
                return match forbidden(records, asking) {
                    None => Verdict::Allowed { at },
                    Some(why) => Verdict::Forbidden { at, why },
                };
            }
        }
    }
    Verdict::Nothing
}

/// Why a record set forbids the order; `None` if it does not.
fn forbidden(records: &[Property], asking: &CaaQuery<'_>) -> Option<Forbidden> {
    let unknown = records.iter().find(|r| r.critical && !KNOWN.contains(&r.tag.as_str()));
    if let Some(unknown) = unknown {
        return Some(Forbidden::Critical(unknown.tag.clone()));
    }
    let of = |tag: &str| -> Vec<&Property> { records.iter().filter(|r| r.tag == tag).collect() };
    let wild = of("issuewild");
    let counting = if asking.wildcard && !wild.is_empty() {
        wild
    } else {
        of("issue")
    };
    if counting.is_empty() {
        return None;
    }
    let mut others = Vec::new();
    let mut nearest = None;
    for record in counting {
        let domain = domain_of(&record.value);
        if domain.is_empty() {
            continue;
        }
        if !asking.identities.iter().any(|own| own.eq_ignore_ascii_case(domain)) {
            others.push(domain.to_ascii_lowercase());
            continue;
        }
        match unmet(&record.value, asking) {
            None => return None,
            Some(why) => nearest = nearest.or(Some(why)),
        }
    }
    Some(match nearest {
        Some(why) => why,
        None if others.is_empty() => Forbidden::Nobody,
        None if asking.identities.is_empty() => Forbidden::NoIdentity(others),
        None => Forbidden::Others(others),
    })
}

fn is_space(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// The domain of an `issue` value: the text before the first semicolon.
pub(super) fn domain_of(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim_matches(is_space)
}

/// The first condition of a record that names the CA which the order does not meet.
fn unmet(value: &str, asking: &CaaQuery<'_>) -> Option<Forbidden> {
    let malformed = || Some(Forbidden::Malformed(value.to_owned()));
    let Some(parameters) = parameters(value) else {
        return malformed();
    };
    let all = |wanted: &str| -> Vec<&str> {
        let of = parameters.iter().filter(|(tag, _)| tag.eq_ignore_ascii_case(wanted));
        of.map(|(_, value)| *value).collect()
    };
    match all("accounturi").as_slice() {
        [] => {}
        [account] if asking.account == Some(account) => {}
        [account] => {
            let account = (*account).to_owned();
            return Some(match asking.account {
                Some(_) => Forbidden::Account { account },
                None => Forbidden::NoAccount { account },
            });
        }
        // RFC 8657, section 3: several parameters of one name count as if none matched.
        _ => return malformed(),
    }
    match all("validationmethods").as_slice() {
        [] => None,
        [methods] if methods.split(',').any(|m| m == asking.method.as_str()) => None,
        [methods] => Some(Forbidden::Methods {
            methods: (*methods).to_owned(),
        }),
        _ => malformed(),
    }
}

/// The parameters of an `issue` value; `None` if they do not follow RFC 8659, section 4.2.
pub(super) fn parameters(value: &str) -> Option<Vec<(&str, &str)>> {
    let Some((_, rest)) = value.split_once(';') else {
        return Some(Vec::new());
    };
    if rest.trim_matches(is_space).is_empty() {
        return Some(Vec::new());
    }
    rest.split(';')
        .map(|parameter| {
            let (tag, value) = parameter.split_once('=')?;
            let (tag, value) = (tag.trim_matches(is_space), value.trim_matches(is_space));
            let is_tag = !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_alphanumeric());
            let is_value = value.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b';');
            (is_tag && is_value).then_some((tag, value))
        })
        .collect()
}

#[cfg(test)]
mod tests;
