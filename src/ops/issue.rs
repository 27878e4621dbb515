//! `issue`: a certificate for a Secret that no route has to use yet.

use super::{
    Context, OpError,
    issuance::{Order, Report},
    named::Named,
    opened::Opened,
    renew::{
        certmanager::{asked_for, split},
        tell_of_names,
    },
    session::Session,
};
use crate::{
    name::Name,
    object::{Key, Kind, Text},
    plan::{
        Names,
        ca::Issuers,
        target::{kept, target},
    },
    source::scope::Namespaces,
};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The Secret's name; its namespace is the one of the order's source.
    pub secret: String,
    /// What the certificate is for, besides what the present one has.
    pub names: Vec<Name>,
    /// How it is ordered.
    pub order: Order,
}

/// Orders the certificate, after it was confirmed, and stores it.
///
/// # Errors
///
/// Nothing was ordered: it cannot be, or it was not wanted.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let word = Named::new(Kind::Secret, request.secret.clone());
    let opened = Box::pin(Opened::read(&request.order, std::slice::from_ref(&word), context)).await?;
    let secret = secret(&opened, &request.order, &request.secret)?;
    let mut target = target(&opened.session.inventory, secret, false);
    // What the Secret serves now stays in it.
    let held: Vec<Name> = target.names.order.clone();
    let hosts: Vec<String> = request.names.iter().map(ToString::to_string).collect();
    target.names = Names::join(hosts.iter().map(String::as_str), held, false);
    // What `issue` keeps of the certificate need not be a route's.
    target.names.unrouted.clear();
    if target.held.is_none() {
        target.names.present.clear();
    }
    tell_of_names(&target, &**context.front());
    let issuers = Issuers::of(&opened.session.inventory, opened.settings.chosen.ca.clone());
    issuers.mark(std::slice::from_mut(&mut target));
    let mut issuance = opened.issuance(&request.order, context, &[]);
    issuance.is_bounded = true;
    Box::pin(issuance.carry_out(&[target])).await
}

/// The Secret with this name, which is not cert-manager's, and keeps no pair of another one.
pub(super) fn secret(opened: &Opened, order: &Order, name: &str) -> Result<Key, OpError> {
    let secret = Key::new(namespace(&opened.session, order)?, name);
    let (theirs, _) = split(
        &opened.session,
        vec![target(&opened.session.inventory, secret.clone(), false)],
    );
    if let Some((_, certificate)) = theirs.first() {
        return Err(OpError::usage(format!(
            "Secret {secret} belongs to cert-manager's Certificate {certificate}"
        ))
        .hint("add the hosts to its spec.dnsNames, or choose another Secret"));
    }
    if let Some(kept) = kept(&opened.session.inventory, &secret) {
        return Err(OpError::because(&kept));
    }
    match asked_for(opened, &secret) {
        Some(asked) => Err(OpError::usage(asked.what).hint(asked.hint)),
        None => Ok(secret),
    }
}

/// The one namespace in which a Secret is made.
fn namespace(session: &Session, order: &Order) -> Result<Text, OpError> {
    match &session.scope.namespaces {
        Namespaces::Only(names) if names.len() == 1 => Ok(names[0].clone()),
        Namespaces::All if !order.source.filename.is_empty() => {
            Ok(order.source.namespace.first().map_or("default", String::as_str).into())
        }
        _ => Err(OpError::usage("a Secret is created in one namespace").hint("name it with -n NAMESPACE")),
    }
}
