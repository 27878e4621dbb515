//! `revoke`: a certificate of a Secret or a file, unless it is in use.

use std::{path::Path, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::{
    acme::{Acme, Client, RevocationReason, Revoked, SigningKey},
    apply::{
        Api, Permits, Slots, Target as Secret, backup, events,
        secret::{ISSUER, SHA256},
        verify,
    },
    cli::failure::{Exit, Failure},
    engine::{
        aftermath::record_on_secret,
        revoke::{self, RevokeError, Use},
    },
    event::Teller,
    net::probe::TIMEOUT,
    object::{Key, Kind, Text},
    plan::steps::Step,
    scan::{cluster::finished, probe},
    settings::{
        Settings,
        account::{self, AccountError},
        layer::Choice,
        value::{DryRun, Length},
    },
    text::{Clear, time},
    tui::order::Plan,
    x509::{Certificate, Interner, KeyState, bundle, is_staging_issuer, pem},
};

use super::{
    agree,
    args::{CheckArgs, SourceArgs, issue::RevokeCommand},
    note, print_text,
    session::{Open, Session, connected, read_file},
    settings::{Cluster, ca_layer, layers, store},
    target::{Target, ingress_instead, one_secret},
    told,
    waiting::Waiting,
};

/// A PEM file of one chain, with its key perhaps.
const LARGEST_FILE: u64 = 1 << 20;
/// How many names are shown.
const SHOWN: usize = 5;

pub(super) async fn run(command: RevokeCommand) -> Result<Exit, Failure> {
    let command = &command;
    let reason: RevocationReason = command.reason.parse().map_err(Failure::usage)?;
    if !command.source.filename.is_empty() {
        return Err(Failure::usage("manifests (-f) are not revoked")
            .hint("name a Secret of the cluster, or ./FILE with the certificate as PEM"));
    }
    let wanted = Wanted::of(command)?;
    let cluster = Cluster::new(&command.source.connection);
    let found = match &wanted {
        Wanted::File(path) => Found::of_file(path)?,
        Wanted::Secret(namespace, name) => of_secret(command, namespace.as_deref(), name).await?,
    };
    let found = found.with_key_file(command)?;
    let used = Box::pin(used(command, &wanted, &found)).await?;
    let mut layers = layers(ca_layer(&command.ca)?, &command.ca.settings, &cluster).await?;
    if layers.iter().all(|layer| layer.choice.is_none()) {
        let issuer = found.issuer().ok_or_else(|| {
            Failure::usage(format!(
                "the CA's directory is not known; the issuer of the certificate is {}",
                found.leaf.issuer.full
            ))
            .hint("name it with --issuer NAME or --directory-url URL")
        })?;
        if let Some(flags) = layers.first_mut() {
            flags.choice = Some(Choice::Issuer(issuer));
        }
    }
    let settings = Settings::of(&layers).map_err(|error| Failure::because(&error))?;
    let issuer = &settings.chosen.issuer;
    let steps = vec![Step::Revoke {
        serial: found.leaf.serial.to_string(),
        issuer: format!("{} ({})", issuer.name, issuer.directory_url),
        reason: reason.to_string(),
    }];
    let mut notes = vec![found.summary()];
    notes.extend(used);
    let plan = agree::plan(found.secret.clone().unwrap_or_else(|| Key::new("", "")), steps, notes);
    if command.dry_run != DryRun::None {
        return dry_run(&plan);
    }
    let question = format!(
        "Revoke certificate {} at {} for good, reason {reason}?",
        found.leaf.serial, issuer.name
    );
    agree::agreed(plan, &question, command.yes).await?;
    let tell = match &found.secret {
        Some(secret) => told::to_screen().about(secret.clone()),
        None => Teller::silent(),
    };
    let ended = Box::pin(carry_out(command, &cluster, &settings, &found, reason)).await;
    told::end(&tell, &ended);
    ended
}

/// What would be done; nothing is asked, and the CA hears nothing of it.
fn dry_run(plan: &Plan) -> Result<Exit, Failure> {
    plan.notes.iter().for_each(|line| note(line));
    let steps = plan.targets.iter().flat_map(|(_, steps)| steps);
    let lines = steps.map(|step| format!("would {} (dry run)\n", Clear(&step.to_string())));
    print_text(&lines.collect::<Vec<_>>().concat())
}

/// Revokes it, and notes it where the pair is kept.
async fn carry_out(
    command: &RevokeCommand,
    cluster: &Cluster<'_>,
    settings: &Settings,
    found: &Found,
    reason: RevocationReason,
) -> Result<Exit, Failure> {
    let issuer = &settings.chosen.issuer;
    let waiting = Waiting::for_ca(&issuer.name);
    let acme = Acme::open(issuer)
        .await
        .map_err(|error| failed(RevokeError::Acme(error)))?;
    let account = if command.key_file.is_some() {
        None
    } else {
        let store = store(&settings.chosen, cluster).await?;
        account_of(account::existing(&acme, &settings.chosen, &store).await, found)?
    };
    let (revoked, signed) = revoke::revoke(&acme, account.as_ref(), found.signing.as_ref(), &found.der, reason)
        .await
        .map_err(failed)?;
    drop(waiting);
    note_on_backups(command, cluster, found, reason).await;
    let serial = &found.leaf.serial;
    let told = match revoked {
        Revoked::Now => format!("certificate {serial} is revoked ({reason}), signed with {signed}\n"),
        Revoked::Already => format!("certificate {serial} had already been revoked\n"),
    };
    print_text(&told)
}

/// Notes it where the certificate is kept, so that no rollback puts it back unawares. It is revoked by then: trouble is only told.
async fn note_on_backups(command: &RevokeCommand, cluster: &Cluster<'_>, found: &Found, reason: RevocationReason) {
    let Ok(connection) = cluster.connection().await else {
        // A file is revoked without any cluster too.
        return;
    };
    let _waiting = Waiting::for_server(connection);
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
    let named = command.source.namespace.first().map(String::as_str);
    let reason = reason.to_string();
    let noted = |namespace| backup::note_revoked(&api, namespace, found.secret.as_ref(), found.leaf.sha256, &reason);
    // Without the right to all namespaces, the one that counts is looked through.
    let noted = match (named, noted(named).await) {
        (None, Err(error)) if error.is_forbidden() => noted(Some(&connection.namespace)).await,
        (_, noted) => noted,
    };
    if let Err(error) = noted {
        super::warn(&format!(
            "the revocation could not be recorded with the kept pair, so that `rollback` would put it back: {}",
            crate::error::chain(&error)
        ));
    }
}

// By value, as `map_err` hands it on.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: RevokeError) -> Failure {
    Failure::because(&error)
}

/// The account; none where there is none and the certificate's key is at hand.
fn account_of(found: Result<account::Ready, AccountError>, held: &Found) -> Result<Option<Client>, Failure> {
    match found {
        Ok(ready) => Ok(Some(ready.client)),
        Err(AccountError::None { .. } | AccountError::Lost { .. } | AccountError::Ended { .. })
            if held.signing.is_some() =>
        {
            Ok(None)
        }
        Err(error @ AccountError::None { .. }) => Err(Failure::of(Exit::Usage, &error)
            .hint("--key-file FILE signs with the certificate's key; --account-secret names where the account is")),
        Err(error) => Err(Failure::because(&error)),
    }
}

/// What is to be revoked.
enum Wanted<'a> {
    File(&'a Path),
    /// Its namespace, where that is said, and its name.
    Secret(Option<String>, String),
}

impl<'a> Wanted<'a> {
    fn of(command: &'a RevokeCommand) -> Result<Self, Failure> {
        let word = command.target.as_str();
        if word.starts_with("./") || word.starts_with("../") || word.starts_with('/') {
            return Ok(Self::File(Path::new(word)));
        }
        let given = match command.source.namespace.as_slice() {
            [] => None,
            [one] => Some(one.as_str()),
            _ => return Err(one_namespace()),
        };
        let route = "a route may use several certificates: name the Secret, or ./FILE";
        let (namespace, name) = one_secret(word, given, route)?;
        if namespace.is_none() && command.source.all_namespaces {
            return Err(one_namespace());
        }
        Ok(Self::Secret(namespace, name))
    }
}

fn one_namespace() -> Failure {
    Failure::usage("a Secret is in one namespace").hint("-n NAMESPACE names it")
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
    fn of_file(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let bytes = read_file(path, LARGEST_FILE)
            .map(SecretSlice::from)
            .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
        let parsed = bundle::parse_file(bytes.expose_secret(), &mut Interner::new());
        let why = || match parsed.bundle.unreadable.first() {
            Some((_, why)) => why.clone(),
            None if bytes.expose_secret().is_empty() => "it is empty".to_owned(),
            None => "it has no block of PEM that is one".to_owned(),
        };
        let mut found = Self::of(format!("file {shown}"), &parsed)
            .ok_or_else(|| Failure::usage(format!("there is no certificate in {shown}: {}", why())))?;
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
    fn with_key_file(mut self, command: &RevokeCommand) -> Result<Self, Failure> {
        let Some(path) = &command.key_file else {
            return Ok(self);
        };
        let shown = path.display();
        let text = read_file(path, pem::KEY_CAP as u64)
            .map(SecretSlice::from)
            .map_err(|error| Failure::usage(format!("cannot read --key-file {shown}: {error}")))?;
        let key = SigningKey::from_pem(text.expose_secret())
            .map_err(|error| Failure::usage(format!("cannot sign with --key-file {shown}: {error}")))?;
        let certificate = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            BASE64_STANDARD.encode(&self.der)
        );
        let both = bundle::parse(Some(certificate.as_bytes()), Some(&text), &mut Interner::new());
        if both.bundle.key != KeyState::Matches {
            return Err(Failure::usage(format!(
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
async fn of_secret(command: &RevokeCommand, namespace: Option<&str>, name: &str) -> Result<Found, Failure> {
    let connection = connected(&command.source.connection).await?;
    let _waiting = Waiting::for_server(&connection);
    let key = Key::new(Text::from(namespace.unwrap_or(&connection.namespace)), name);
    let secret = Secret::read(&Api::new(connection.clone(), Permits::none()), &key)
        .await
        .map_err(|error| Failure::because(&error))?;
    if !secret.exists() {
        let instead = ingress_instead(&connection, &key).await;
        let hint = instead.unwrap_or_else(|| "-n chooses the namespace; a file begins with ./ or /".to_owned());
        return Err(Failure::usage(format!("there is no Secret {key}")).hint(hint));
    }
    let slots = Slots::default();
    let parsed = secret.held(&slots);
    let mut found = parsed
        .as_ref()
        .and_then(|parsed| Found::of(format!("Secret {key}"), parsed))
        .ok_or_else(|| Failure::usage(format!("there is no certificate in Secret {key}")))?;
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
async fn used(command: &RevokeCommand, wanted: &Wanted<'_>, found: &Found) -> Result<Vec<String>, Failure> {
    match Box::pin(uses(command, wanted, found)).await {
        Ok(uses) if uses.is_empty() => Ok(Vec::new()),
        Ok(uses) if command.force => Ok(revoke::listed(&uses)
            .into_iter()
            .map(|line| format!("by --force: {line}"))
            .collect()),
        Ok(uses) => {
            let failure = failed(RevokeError::InUse(uses));
            Err(match &found.secret {
                Some(secret) => failure.hint(renew_first(secret)),
                None => failure,
            })
        }
        Err(failure) if command.force => Ok(vec![format!(
            "by --force: whether the certificate is in use is not known: {}",
            failure.message
        )]),
        Err(failure) => Err(failure),
    }
}

/// What to do about a certificate in use: the renewal keeps the pair that it replaces, and that is revoked.
fn renew_first(secret: &Key) -> String {
    let (kept, namespace) = (backup::key(secret).name, &secret.namespace);
    format!(
        "renew it first, so that clients get another (`kubectl certs renew secret/{} -n {namespace}`); the pair before it is kept, and \
         `kubectl certs revoke secret/{kept} -n {namespace}` revokes it then; --force revokes it anyway",
        secret.name
    )
}

/// Where it is in use: all that can be seen of the cluster is looked at, and where DNS leads for the certificate's names.
async fn uses(command: &RevokeCommand, wanted: &Wanted<'_>, found: &Found) -> Result<Vec<Use>, Failure> {
    // A task of its own: reading a cluster blocks this one, and what serves the certificate would seem not to answer.
    let leaf = found.leaf.clone();
    let by_name = tokio::spawn(async move { revoke::served(&leaf, TIMEOUT).await });
    let session = look(command, wanted).await.map_err(|failure| match wanted {
        Wanted::File(_) => failure.hint("--force revokes even where the cluster cannot be read"),
        Wanted::Secret(..) => failure,
    })?;
    let waiting = Waiting::for_hosts();
    let mut uses = finished(by_name).await;
    let inventory = &session.inventory;
    let options = probe::Options {
        connect: None,
        timeout: TIMEOUT,
        one_each: false,
    };
    let ids = revoke::bindings(inventory, &found.leaf);
    let (probed, _) = probe::probe(inventory, &ids, &options, &session.judge).await;
    drop(waiting);
    uses.extend(revoke::uses(inventory, found.leaf.sha256, &probed));
    uses.sort();
    uses.dedup();
    // Who revokes by force waits for nothing, unless asked to.
    let usual = if command.force { Duration::ZERO } else { verify::WAIT };
    let wait = command.wait.map_or(usual, |length| length.0);
    if !uses.is_empty() && !wait.is_zero() && revoke::is_replaced(inventory, found.leaf.sha256, &uses) {
        if let [first, rest @ ..] = uses.as_slice() {
            let more = if rest.is_empty() {
                String::new()
            } else {
                format!(", and {} more", rest.len())
            };
            note(&format!(
                "another certificate is stored in its place, but {first}{more}: waiting up to {} until the other one is served",
                Length(wait)
            ));
        }
        uses = revoke::until_replaced(uses, found.leaf.sha256, wait, TIMEOUT).await;
    }
    Ok(uses)
}

/// All namespaces, as a Gateway may use a Secret of another; those that were named where there is no right to that.
async fn look(command: &RevokeCommand, wanted: &Wanted<'_>) -> Result<Session, Failure> {
    let targets: Vec<Target> = match wanted {
        Wanted::File(_) => Vec::new(),
        Wanted::Secret(namespace, name) => vec![Target {
            namespace: namespace.clone(),
            ..Target::new(Kind::Secret, name.as_str())
        }],
    };
    let check = CheckArgs {
        config: command.ca.settings.config.clone(),
        ..CheckArgs::default()
    };
    let all = SourceArgs {
        all_namespaces: true,
        namespace: Vec::new(),
        ..command.source.clone()
    };
    match Session::open(&all, &check, &targets, Open::default()).await {
        Ok(session) if session.exit == Exit::Ok && session.inventory.forbidden().is_empty() => return Ok(session),
        Err(failure) if command.source.all_namespaces => return Err(failure),
        _ => {}
    }
    let session = Session::open(&command.source, &check, &targets, Open::default()).await?;
    super::warn("not all namespaces could be read: a route elsewhere may use the certificate");
    Ok(session)
}
