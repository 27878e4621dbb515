//! Who asks: the `ServiceAccount` of a token that the cluster has judged, or the owner of a client certificate.

use std::{net::IpAddr, sync::Arc, time::Duration};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Access, Client, Scope, brief::Brief, gate::Gate, hands::Reviews};
use crate::{
    clock::now,
    domain::Tenant,
    object::{Key, Seconds, Text},
    x509::{Certificate, Fingerprint, Interner, San},
};

/// How long the cluster's yes is believed, and its no.
const BELIEVED: Duration = Duration::from_mins(1);
const DOUBTED: Duration = Duration::from_secs(10);
/// How many of each are remembered.
const REMEMBERED: usize = 4_096;
/// How many tokens are judged at once, how far apart, and how many wait for it.
const REVIEWS: usize = 8;
const REVIEW_EACH: Duration = Duration::from_millis(10);
const REVIEWS_WAITING: usize = 256;
/// The longest token, in bytes.
const LONGEST: usize = 8 << 10;

/// Who asks, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// The name for limits and for the log.
    pub(super) name: Text,
    /// Whose hosts it sees and changes.
    pub(super) scope: Scope,
    /// Whether it gets pairs with their keys.
    pub(super) may_have_pairs: bool,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotLetIn {
    /// There is neither a token nor a client certificate.
    Nobody,
    /// The token is not valid here.
    Unknown,
    /// Too many tokens are to be judged.
    Busy,
    /// The cluster does not judge tokens now; the log says why.
    Unjudged,
}

/// The fields of a token that are read before anybody is asked about it. They prove nothing.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    aud: Audiences,
    #[serde(default)]
    exp: Option<f64>,
}

#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Audiences {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

/// Judges who asks.
#[derive(Debug)]
pub(super) struct Door {
    access: Access,
    reviews: Option<Arc<dyn Reviews>>,
    believed: Brief<Fingerprint, Caller>,
    doubted: Brief<Fingerprint, ()>,
    gate: Gate,
}

impl Door {
    /// Runs within a runtime.
    pub(super) fn new(access: Access, reviews: Option<Arc<dyn Reviews>>) -> Self {
        Self {
            access,
            reviews,
            believed: Brief::new(BELIEVED, REMEMBERED),
            doubted: Brief::new(DOUBTED, REMEMBERED),
            gate: Gate::new(REVIEWS, REVIEW_EACH, REVIEWS_WAITING),
        }
    }

    /// The caller of a token.
    pub(super) async fn of_token(&self, token: SecretString, from: IpAddr) -> Result<Caller, NotLetIn> {
        let Some(reviews) = &self.reviews else {
            return Err(NotLetIn::Unknown);
        };
        if !is_worth_a_look(token.expose_secret(), &self.access.audience, now()) {
            return Err(NotLetIn::Unknown);
        }
        let print = Fingerprint::of(token.expose_secret().as_bytes());
        if let Some(known) = self.known(&print) {
            return known;
        }
        let place = self.gate.enter(from).ok_or(NotLetIn::Busy)?;
        let turn = place.turn().await.ok_or(NotLetIn::Busy)?;
        // Somebody with the same token may have been faster.
        if let Some(known) = self.known(&print) {
            return known;
        }
        let judged = reviews.review(&token, &self.access.audience).await;
        drop(turn);
        match judged {
            Ok(Some(user)) => {
                if let Some(caller) = self.access.of_user(&user) {
                    self.believed.note(print, caller.clone());
                    Ok(caller)
                } else {
                    self.doubted.note(print, ());
                    Err(NotLetIn::Unknown)
                }
            }
            Ok(None) => {
                self.doubted.note(print, ());
                Err(NotLetIn::Unknown)
            }
            Err(why) => {
                log::warn!("a token cannot be judged: {why}");
                Err(NotLetIn::Unjudged)
            }
        }
    }

    fn known(&self, print: &Fingerprint) -> Option<Result<Caller, NotLetIn>> {
        let believed = self.believed.get(print).map(Ok);
        believed.or_else(|| self.doubted.get(print).map(|()| Err(NotLetIn::Unknown)))
    }

    /// The caller of a client certificate (DER), whose path TLS has judged; `None` if the settings do not name it.
    pub(super) fn of_certificate(&self, der: &[u8]) -> Option<Caller> {
        let certificate = Certificate::from_der(der, &mut Interner::new()).ok()?;
        let is_named = |client: &&Client| {
            let name = client.name.as_str();
            let is_san = |san: &San| matches!(san, San::Dns(own) if own == name);
            certificate.common_name() == Some(name) || certificate.names.iter().any(is_san)
        };
        let client = self.access.clients.iter().find(is_named)?;
        Some(Caller {
            name: Text::from(format!("certificate:{}", client.name)),
            scope: client.scope.clone(),
            may_have_pairs: client.certificates,
        })
    }
}

impl Access {
    /// The caller that a user of the cluster is: a `ServiceAccount` alone.
    fn of_user(&self, user: &str) -> Option<Caller> {
        let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
        let tenant: Tenant = namespace.parse().ok()?;
        let is_tenant = self.tenants.iter().any(|pattern| pattern.is_for(namespace, ""));
        Some(Caller {
            name: user.into(),
            scope: if is_tenant { Scope::One(tenant) } else { Scope::Nothing },
            may_have_pairs: self.readers.contains(&Key::new(namespace, name)),
        })
    }
}

/// Whether a text may be a token for the audience that is not over: so that nobody is asked about anything else.
fn is_worth_a_look(token: &str, audience: &str, now: Seconds) -> bool {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    if token.len() > LONGEST {
        return false;
    }
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(claims) else {
        return false;
    };
    let Ok(claims) = serde_json::from_slice::<Claims>(&bytes) else {
        return false;
    };
    let is_ours = match &claims.aud {
        Audiences::None => false,
        Audiences::One(one) => one == audience,
        Audiences::Many(all) => all.iter().any(|one| one == audience),
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 have less than 53 bits")]
    let is_over = claims.exp.is_some_and(|exp| exp <= now as f64);
    is_ours && !is_over
}

/// The token of an `Authorization` header: `Bearer TOKEN`, or `Basic` with the token as the password, which is all that a URL
/// can carry (Caddy's `get_certificate http` sends nothing else).
pub(super) fn token(authorization: &str) -> Option<SecretString> {
    let (scheme, rest) = authorization.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return (!rest.is_empty()).then(|| SecretString::from(rest));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Zeroizing::new(STANDARD.decode(rest).ok()?);
    let (_, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    (!password.is_empty()).then(|| SecretString::from(password))
}

#[cfg(test)]
mod tests {
    use std::{
        net::Ipv4Addr,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use futures_util::future::BoxFuture;

    use super::*;

    const FROM: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[derive(Debug, Default)]
    struct Cluster(AtomicUsize);

    impl Reviews for Cluster {
        fn review<'a>(&'a self, token: &'a SecretString, _: &'a str) -> BoxFuture<'a, Result<Option<String>, String>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let user = token.expose_secret().rsplit('.').next().unwrap_or_default().to_owned();
            Box::pin(async move {
                match user.as_str() {
                    "away" => Err("503".to_owned()),
                    "no" => Ok(None),
                    user => Ok(Some(user.replace('~', ":"))),
                }
            })
        }
    }

    fn made(claims: &str, user: &str) -> SecretString {
        format!("e30.{}.{user}", URL_SAFE_NO_PAD.encode(claims)).into()
    }

    fn door(cluster: &Arc<Cluster>) -> Door {
        let access = Access {
            audience: "kubectl-certs".to_owned(),
            tenants: vec!["app-*".parse().unwrap()],
            readers: vec![Key::new("edge", "nginx")],
            clients: Vec::new(),
        };
        Door::new(access, Some(Arc::clone(cluster) as Arc<dyn Reviews>))
    }

    const OURS: &str = r#"{"aud":["kubectl-certs"],"exp":9999999999}"#;

    #[tokio::test]
    async fn a_token_is_judged_once_and_says_whose_hosts_one_sees() {
        let cluster = Arc::new(Cluster::default());
        let door = door(&cluster);
        let of = async |user| door.of_token(made(OURS, user), FROM).await;
        for _ in 0..3 {
            let caller = of("system~serviceaccount~app-1~web").await.unwrap();
            assert_eq!(caller.scope, Scope::One("app-1".parse().unwrap()));
            assert!(!caller.may_have_pairs);
            assert_eq!(of("no").await, Err(NotLetIn::Unknown));
        }
        assert_eq!(cluster.0.load(Ordering::Relaxed), 2);
        let edge = of("system~serviceaccount~edge~nginx").await.unwrap();
        assert_eq!((edge.scope, edge.may_have_pairs), (Scope::Nothing, true));
        assert_eq!(of("jane").await, Err(NotLetIn::Unknown), "no ServiceAccount");
        for _ in 0..2 {
            assert_eq!(of("away").await, Err(NotLetIn::Unjudged));
        }
        assert_eq!(
            cluster.0.load(Ordering::Relaxed),
            6,
            "it is asked again while it is away"
        );
    }

    #[tokio::test]
    async fn nobody_is_asked_about_what_is_no_token_for_us() {
        let cluster = Arc::new(Cluster::default());
        let door = door(&cluster);
        for wrong in [
            made(r#"{"aud":"https://kubernetes.default.svc"}"#, "x"),
            made("{}", "x"),
            made(r#"{"aud":["kubectl-certs"],"exp":1700000000}"#, "x"),
            made(r#"{"aud":7}"#, "x"),
            "a.b".into(),
            "a.%.c".into(),
            format!("{}.{}", made(OURS, "x").expose_secret(), "d").into(),
            made(OURS, &"x".repeat(LONGEST)),
        ] {
            assert_eq!(door.of_token(wrong, FROM).await, Err(NotLetIn::Unknown));
        }
        assert_eq!(cluster.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_token_comes_as_a_bearer_or_as_the_password_of_a_url() {
        let of = |text: &str| token(text).map(|token| token.expose_secret().to_owned());
        let basic = STANDARD.encode("certs:a.b:c");
        assert_eq!(of("Bearer a.b.c"), Some("a.b.c".to_owned()));
        assert_eq!(of("bearer  a.b.c "), Some("a.b.c".to_owned()));
        assert_eq!(of(&format!("Basic {basic}")), Some("a.b:c".to_owned()));
        for wrong in ["", "Bearer", "Bearer ", "Basic %", "Digest a", "Basic YTo="] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
