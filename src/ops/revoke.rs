//! `revoke`: a certificate of a Secret or a file, unless it is in use.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::{
    acme::{Acme, Client, RevocationReason, Revoked, SigningKey},
    apply::{
        Api, Permits, Slots, Target as Secret, backup, events,
        secret::{ISSUER, SHA256},
        verify,
    },
    engine::{
        aftermath::record_on_secret,
        revoke::{self, RevokeError, Use},
    },
    error::Blame,
    event::Teller,
    net::{Lookup, ResolveError, probe::TIMEOUT},
    object::{Key, Kind, Text},
    plan::{Plan, steps::Step},
    scan::{cluster::finished, probe},
    settings::{
        Settings,
        account::{self, AccountError},
        layer::{Choice, Layer},
        value::Length,
    },
    text::{Clear, first_of, time},
    x509::{Certificate, Interner, KeyState, bundle, is_staging_issuer, pem},
};

use super::{
    Context, Front, OpError, Source,
    files::read_file,
    front::ended,
    named::{Named, ingress_instead, one_secret},
    session::{Open, Session},
};

/// A PEM file of one chain, with its key perhaps.
const LARGEST_FILE: u64 = 1 << 20;
/// How many names are shown.
const SHOWN: usize = 5;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The Secret: `NAME`, `secret/NAME` or `NAMESPACE/NAME`; or a file: `./FILE`, `/FILE`.
    pub target: String,
    /// Why.
    pub reason: RevocationReason,
    /// The file with the certificate's key, to sign with instead of an account.
    pub key_file: Option<PathBuf>,
    /// How long a certificate that was replaced may still be served; `None` is the usual time.
    pub wait: Option<Duration>,
    /// Whether it is done although the certificate is in use.
    pub force: bool,
    /// Whether it is only shown.
    pub is_dry: bool,
    /// Where it is looked who uses the certificate.
    pub source: Source,
    /// The CA and the account, where the caller names them.
    pub flags: Layer,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// In a sentence, or a line for each step of a dry run, as it was printed.
    pub said: String,
}

/// Revokes the certificate of a Secret or a file, after it was confirmed, unless it is in use.
///
/// # Errors
///
/// There is no such certificate, nobody knows whether it is in use, it is in use or not to be revoked, its CA or the account is not
/// known; or the CA refuses.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    if !request.source.filename.is_empty() {
        return Err(OpError::usage("manifests (-f) are not revoked")
            .hint("name a Secret of the cluster, or ./FILE with the certificate as PEM"));
    }
    let wanted = Wanted::of(request)?;
    let found = match &wanted {
        Wanted::File(path) => Found::of_file(path)?,
        Wanted::Secret(namespace, name) => of_secret(context, namespace.as_deref(), name).await?,
    };
    let found = found.with_key_file(request.key_file.as_deref())?;
    let used = Box::pin(used(request, context, &wanted, &found)).await?;
    let mut layers = context.layers(request.flags.clone()).await?;
    if layers.iter().all(|layer| layer.choice.is_none()) {
        let issuer = found.issuer().ok_or_else(|| {
            OpError::usage(format!(
                "the CA's directory is not known; the issuer of the certificate is {}",
                found.leaf.issuer.full
            ))
            .hint("name it with --issuer NAME or --directory-url URL")
        })?;
        if let Some(flags) = layers.first_mut() {
            flags.choice = Some(Choice::Issuer(issuer));
        }
    }
    let settings = Settings::of(&layers).map_err(|error| OpError::because(&error))?;
    let issuer = &settings.chosen.issuer;
    let steps = vec![Step::Revoke {
        serial: found.leaf.serial.to_string(),
        issuer: format!("{} ({})", issuer.name, issuer.directory_url),
        reason: request.reason.to_string(),
    }];
    let mut notes = vec![found.summary()];
    notes.extend(used);
    let plan = Plan {
        targets: vec![(found.secret.clone().unwrap_or_else(|| Key::new("", "")), steps)],
        notes,
        place: context.place(),
        question: Some(format!(
            "Revoke certificate {} at {} for good, reason {}?",
            found.leaf.serial, issuer.name, request.reason
        )),
        ..Plan::default()
    };
    if request.is_dry {
        return dry_run(&plan, front);
    }
    front.confirm(plan).await?;
    let tell = match &found.secret {
        Some(secret) => front.steps().about(secret.clone()),
        None => Teller::silent(),
    };
    let result = Box::pin(carry_out(request, context, &settings, &found)).await;
    ended(&tell, &result);
    result
}

/// What would be done; nothing is asked, and the CA hears nothing of it.
fn dry_run(plan: &Plan, front: &dyn Front) -> Result<Report, OpError> {
    plan.notes.iter().for_each(|line| front.note(line));
    let steps = plan.targets.iter().flat_map(|(_, steps)| steps);
    let lines = steps.map(|step| format!("would {} (dry run)\n", Clear(&step.to_string())));
    printed(&lines.collect::<Vec<_>>().concat(), front)
}

fn printed(said: &str, front: &dyn Front) -> Result<Report, OpError> {
    front.print(said)?;
    Ok(Report {
        said: said.trim_end().to_owned(),
    })
}

/// Revokes it, and notes it where the pair is kept.
async fn carry_out(
    request: &Request,
    context: &Context,
    settings: &Settings,
    found: &Found,
) -> Result<Report, OpError> {
    let (front, reason) = (&**context.front(), request.reason);
    let issuer = &settings.chosen.issuer;
    let waiting = front.wait_for_ca(&issuer.name);
    let acme = Acme::open(issuer)
        .await
        .map_err(|error| failed(RevokeError::Acme(error)))?;
    let account = if request.key_file.is_some() {
        None
    } else {
        let store = context.store(&settings.chosen).await?;
        account_of(account::existing(&acme, &settings.chosen, &store).await, found)?
    };
    let (revoked, signed) = revoke::revoke(&acme, account.as_ref(), found.signing.as_ref(), &found.der, reason)
        .await
        .map_err(failed)?;
    drop(waiting);
    note_on_backups(request, context, found).await;
    let serial = &found.leaf.serial;
    let told = match revoked {
        Revoked::Now => format!("certificate {serial} is revoked ({reason}), signed with {signed}\n"),
        Revoked::Already => format!("certificate {serial} had already been revoked\n"),
    };
    printed(&told, front)
}

/// Notes it where the certificate is kept, so that no rollback puts it back unawares. It is revoked by then: trouble is only told.
async fn note_on_backups(request: &Request, context: &Context, found: &Found) {
    let (front, reason) = (&**context.front(), request.reason);
    let Ok(connection) = context.cluster.login().await else {
        // A file is revoked without any cluster too.
        return;
    };
    let _waiting = front.wait_for_server(connection);
    let api = Api::new(connection.clone(), Permits::none());
    if let Some(secret) = &found.secret {
        // Without the right to it no Event is left, and nothing else is the worse.
        let api = api.with_permits(events::permits(&secret.namespace));
        let message = format!("revoked certificate {}, reason {reason}", found.leaf.serial);
        record_on_secret(
            &api,
            secret,
            events::Reason::CertificateRevoked,
            &events::signed(&message, &api, None),
        )
        .await;
    }
    let named = request.source.namespace.first().map(String::as_str);
    let reason = reason.to_string();
    let noted = |namespace| backup::note_revoked(&api, namespace, found.secret.as_ref(), found.leaf.sha256, &reason);
    // Without the right to all namespaces, the one that counts is looked through.
    let noted = match (named, noted(named).await) {
        (None, Err(error)) if error.is_forbidden() => noted(Some(&connection.namespace)).await,
        (_, noted) => noted,
    };
    if let Err(error) = noted {
        front.warn(&format!(
            "the revocation could not be recorded with the kept pair, so that `rollback` would put it back: {}",
            crate::error::chain(&error)
        ));
    }
}

// By value, as `map_err` hands it on.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: RevokeError) -> OpError {
    OpError::because(&error)
}

/// The account; none where there is none and the certificate's key is at hand.
fn account_of(found: Result<account::Ready, AccountError>, held: &Found) -> Result<Option<Client>, OpError> {
    match found {
        Ok(ready) => Ok(Some(ready.client)),
        Err(AccountError::None { .. } | AccountError::Lost { .. } | AccountError::Ended { .. })
            if held.signing.is_some() =>
        {
            Ok(None)
        }
        Err(error @ AccountError::None { .. }) => Err(OpError::of(Blame::Usage, &error)
            .hint("--key-file FILE signs with the certificate's key; --account-secret names where the account is")),
        Err(error) => Err(OpError::because(&error)),
    }
}

/// What is to be revoked.
enum Wanted<'a> {
    File(&'a Path),
    /// Its namespace, where that is said, and its name.
    Secret(Option<String>, String),
}

impl<'a> Wanted<'a> {
    fn of(request: &'a Request) -> Result<Self, OpError> {
        let word = request.target.as_str();
        if word.starts_with("./") || word.starts_with("../") || word.starts_with('/') {
            return Ok(Self::File(Path::new(word)));
        }
        let given = match request.source.namespace.as_slice() {
            [] => None,
            [one] => Some(one.as_str()),
            _ => return Err(one_namespace()),
        };
        let route = "a route may use several certificates: name the Secret, or ./FILE";
        let (namespace, name) = one_secret(word, given, route)?;
        if namespace.is_none() && request.source.all_namespaces {
            return Err(one_namespace());
        }
        Ok(Self::Secret(namespace, name))
    }
}

fn one_namespace() -> OpError {
    OpError::usage("a Secret is in one namespace").hint("-n NAMESPACE names it")
}

/// A certificate, and what there is to sign with.
struct Found {
    /// Where it is: `Secret shop/shop-tls`.
    place: String,
    /// The Secret, where it is one.
    secret: Option<Key>,
    leaf: Certificate,
    der: Vec<u8>,
    /// The certificate's key, where it is at hand.
    signing: Option<SigningKey>,
    /// The issuer that was noted when it was stored.
    noted: Option<String>,
}

impl Found {
    fn of_file(path: &Path) -> Result<Self, OpError> {
        let shown = path.display();
        let bytes = read_file(path, LARGEST_FILE)
            .map(SecretSlice::from)
            .map_err(|error| OpError::usage(format!("cannot read {shown}: {error}")))?;
        let parsed = bundle::parse_file(bytes.expose_secret(), &mut Interner::new());
        let why = || match parsed.bundle.unreadable.first() {
            Some((_, why)) => why.clone(),
            None if bytes.expose_secret().is_empty() => "it is empty".to_owned(),
            None => "it has no block of PEM that is one".to_owned(),
        };
        let mut found = Self::of(format!("file {shown}"), &parsed)
            .ok_or_else(|| OpError::usage(format!("there is no certificate in {shown}: {}", why())))?;
        if parsed.bundle.key == KeyState::Matches {
            found.signing = SigningKey::from_pem(bytes.expose_secret()).ok();
        }
        Ok(found)
    }

    fn of(place: String, parsed: &bundle::Parsed) -> Option<Self> {
        let at = parsed.bundle.leaf?;
        Some(Self {
            place,
            secret: None,
            leaf: parsed.bundle.certificates.get(at)?.as_ref().clone(),
            der: parsed.der.get(at)?.to_vec(),
            signing: None,
            noted: None,
        })
    }

    /// With the key of `--key-file`, which has to be the certificate's.
    fn with_key_file(mut self, path: Option<&Path>) -> Result<Self, OpError> {
        let Some(path) = path else {
            return Ok(self);
        };
        let shown = path.display();
        let text = read_file(path, pem::KEY_CAP as u64)
            .map(SecretSlice::from)
            .map_err(|error| OpError::usage(format!("cannot read --key-file {shown}: {error}")))?;
        let key = SigningKey::from_pem(text.expose_secret())
            .map_err(|error| OpError::usage(format!("cannot sign with --key-file {shown}: {error}")))?;
        let certificate = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            BASE64_STANDARD.encode(&self.der)
        );
        let both = bundle::parse(Some(certificate.as_bytes()), Some(&text), &mut Interner::new());
        if both.bundle.key != KeyState::Matches {
            return Err(OpError::usage(format!(
                "the key in {shown} is not that of certificate {}",
                self.leaf.serial
            )));
        }
        self.signing = Some(key);
        Ok(self)
    }

    /// The name of the issuer, where nobody chose one: as noted, or Let's Encrypt by its certificates.
    fn issuer(&self) -> Option<String> {
        if let Some(noted) = &self.noted {
            return Some(noted.clone());
        }
        if is_staging_issuer(&self.leaf) {
            return Some("letsencrypt-staging".to_owned());
        }
        let own = |rdn: &str| rdn.trim() == "O=Let's Encrypt";
        self.leaf
            .issuer
            .full
            .split(',')
            .any(own)
            .then(|| "letsencrypt".to_owned())
    }

    fn summary(&self) -> String {
        let leaf = &self.leaf;
        let mut names: Vec<String> = leaf.names.iter().take(SHOWN).map(ToString::to_string).collect();
        if let Some(more) = leaf.names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            names.push(format!("and {more} more"));
        }
        format!(
            "certificate {} (serial number; SHA-256 {}) of {}, for {}, by {}, valid until {}",
            leaf.serial,
            leaf.sha256.short(),
            self.place,
            Clear(&names.join(", ")),
            Clear(&leaf.issuer.full),
            time::date(leaf.not_after)
        )
    }
}

/// The certificate of a Secret, with its key.
async fn of_secret(context: &Context, namespace: Option<&str>, name: &str) -> Result<Found, OpError> {
    let connection = context.cluster.connection().await?;
    let _waiting = context.front().wait_for_server(connection);
    let key = Key::new(Text::from(namespace.unwrap_or(&connection.namespace)), name);
    let secret = Secret::read(&Api::new(connection.clone(), Permits::none()), &key)
        .await
        .map_err(|error| OpError::because(&error))?;
    if !secret.exists() {
        let instead = ingress_instead(connection, &key).await;
        let hint = instead.unwrap_or_else(|| "-n chooses the namespace; a file begins with ./ or /".to_owned());
        return Err(OpError::usage(format!("there is no Secret {key}")).hint(hint));
    }
    let slots = Slots::default();
    let parsed = secret.held(&slots);
    let mut found = parsed
        .as_ref()
        .and_then(|parsed| Found::of(format!("Secret {key}"), parsed))
        .ok_or_else(|| OpError::usage(format!("there is no certificate in Secret {key}")))?;
    if parsed.is_some_and(|parsed| matches!(parsed.bundle.key, KeyState::Matches)) {
        let text: Option<SecretString> = secret.private_key(&slots);
        found.signing = text.and_then(|text| SigningKey::from_pem(text.expose_secret().as_bytes()).ok());
    }
    found.secret = Some(key.clone());
    // A note speaks of the certificate that it was written with, and of no other.
    if secret.annotation(SHA256) == Some(found.leaf.sha256.to_string().as_str()) {
        found.noted = secret.annotation(ISSUER).map(str::to_owned);
    } else {
        found.noted = backup::issuer_of(&secret, found.leaf.sha256);
    }
    Ok(found)
}

/// Refuses what is in use. By force it is no reason, but told before anything is asked: a line for each place, or that the places are
/// not known.
async fn used(
    request: &Request,
    context: &Context,
    wanted: &Wanted<'_>,
    found: &Found,
) -> Result<Vec<String>, OpError> {
    match Box::pin(uses(request, context, wanted, found)).await {
        Ok(uses) if uses.is_empty() => Ok(Vec::new()),
        Ok(uses) if request.force => Ok(revoke::listed(&uses)
            .into_iter()
            .map(|line| format!("by --force: {line}"))
            .collect()),
        Ok(uses) => {
            let holders: Vec<&Key> = uses.iter().filter_map(Use::secret).collect();
            // Of a kept pair that is in use elsewhere, that other Secret is meant.
            let own = found.secret.as_ref();
            let meant = own.filter(|own| holders.is_empty() || holders.contains(own));
            let meant = meant.or_else(|| own.and(holders.first().copied()));
            let hint = meant.map(|meant| renew_first(meant, own != Some(meant)));
            let failure = failed(RevokeError::InUse(uses));
            Err(match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
        Err(failure) if request.force => Ok(vec![format!(
            "by --force: whether the certificate is in use is not known: {}",
            failure.message
        )]),
        Err(failure) => Err(failure),
    }
}

/// What to do about a certificate in use: the renewal keeps the pair that it replaces, and that is revoked; where another Secret than
/// the one that was named uses it, this command is given again.
fn renew_first(used: &Key, is_other: bool) -> String {
    let (name, namespace) = (&used.name, &used.namespace);
    let first = format!(
        "renew it first, so that clients get another: `kubectl certs renew secret/{name} -n {namespace}` with --production or \
         --issuer NAME"
    );
    if is_other {
        return format!("{first}; then this command revokes it; --force revokes it anyway");
    }
    let kept = backup::key(used).name;
    format!(
        "{first}; the pair before it is kept, and `kubectl certs revoke secret/{kept} -n {namespace}` revokes it then; --force \
         revokes it anyway"
    )
}

/// Where it is in use: all that can be seen of the cluster is looked at, and where DNS leads for the certificate's names.
async fn uses(request: &Request, context: &Context, wanted: &Wanted<'_>, found: &Found) -> Result<Vec<Use>, OpError> {
    let front = &**context.front();
    // A task of its own: reading a cluster blocks this one, and what serves the certificate would seem not to answer.
    let leaf = found.leaf.clone();
    let by_name = tokio::spawn(async move { revoke::served(&leaf, &Lookup::System, TIMEOUT).await });
    let session = look(request, context, wanted).await.map_err(|failure| match wanted {
        Wanted::File(_) => failure.hint("--force revokes even where the cluster cannot be read"),
        Wanted::Secret(..) => failure,
    })?;
    let names = revoke::looked_up(&found.leaf);
    let waiting = front.wait(move || waited_for(&names));
    let inventory = &session.inventory;
    let options = probe::Options {
        connect: None,
        timeout: TIMEOUT,
        lookup: revoke::LOOKUP,
        one_each: false,
        compare_dns: false,
    };
    let ids = revoke::bindings(inventory, &found.leaf);
    let (by_name, (probed, _)) = tokio::join!(
        finished(by_name),
        probe::probe(inventory, &ids, &options, &session.judge)
    );
    drop(waiting);
    if let Some(why) = &by_name.why {
        front.warn(&not_known(&by_name.unanswered, why));
    }
    let mut uses = by_name.uses;
    uses.extend(revoke::uses(inventory, found.leaf.sha256, &probed));
    uses.sort();
    uses.dedup();
    // Who revokes by force waits for nothing, unless asked to.
    let usual = if request.force { Duration::ZERO } else { verify::WAIT };
    let wait = request.wait.unwrap_or(usual);
    if !uses.is_empty() && !wait.is_zero() && revoke::is_replaced(inventory, found.leaf.sha256, &uses) {
        if let [first, rest @ ..] = uses.as_slice() {
            let more = if rest.is_empty() {
                String::new()
            } else {
                format!(", and {} more", rest.len())
            };
            front.note(&format!(
                "another certificate is stored in its place, but {first}{more}: waiting up to {} until the other one is served",
                Length(wait)
            ));
        }
        uses = revoke::until_replaced(uses, found.leaf.sha256, wait, TIMEOUT).await;
    }
    Ok(uses)
}

/// What it takes to find out where a certificate is served.
fn waited_for(names: &[String]) -> String {
    format!(
        "waiting for DNS and for the servers of {} to answer: they may serve the certificate",
        first_of(names, SHOWN)
    )
}

/// That nobody knows whether some names lead to it: they may lead out of the cluster.
fn not_known(names: &[String], why: &ResolveError) -> String {
    format!(
        "whether the certificate is served outside of this cluster for {} is not known: {why}",
        first_of(names, SHOWN)
    )
}

/// All namespaces, as a Gateway may use a Secret of another; those that were named where there is no right to that.
async fn look(request: &Request, context: &Context, wanted: &Wanted<'_>) -> Result<Session, OpError> {
    let targets: Vec<Named> = match wanted {
        Wanted::File(_) => Vec::new(),
        Wanted::Secret(namespace, name) => vec![Named {
            namespace: namespace.clone(),
            ..Named::new(Kind::Secret, name.as_str())
        }],
    };
    let check = context.checks();
    let all = Source {
        all_namespaces: true,
        namespace: Vec::new(),
        ..request.source.clone()
    };
    match Session::open(&context.cluster, &all, &check, &targets, Open::default()).await {
        Ok(session) if session.trouble.is_none() && session.inventory.forbidden().is_empty() => return Ok(session),
        Err(failure) if request.source.all_namespaces => return Err(failure),
        _ => {}
    }
    let session = Session::open(&context.cluster, &request.source, &check, &targets, Open::default()).await?;
    let front = context.front();
    front.warn("not all namespaces could be read: a route elsewhere may use the certificate");
    Ok(session)
}
