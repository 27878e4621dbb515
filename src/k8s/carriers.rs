//! Counts objects that carry certificates and are not read. It reads only metadata, with one request for each kind that
//! the cluster serves.

use serde::Deserialize;

use super::{
    ClusterError, Connection, Listing,
    paths::{self, Served},
    request::{Asked, METADATA_LIST},
};
use crate::{
    object::{
        Kind, NotJudged, Text,
        carrier::{CARRIERS, Carrier},
    },
    source::{Scope, scope::Namespaces},
};

/// The number of namespaces above which one list of all is cheaper than one for each.
const NAMESPACES_ASKED: usize = 10;
/// How many kinds are counted at once.
const AT_ONCE: usize = 8;
/// How many objects a page has if each object has to be examined.
const PAGE: u32 = 500;
/// How many pages are examined. If there are more, the result is that objects exist, without their number.
const PAGES: usize = 40;
/// The largest page of metadata, in bytes. Annotations of 256 KiB are the exception.
const LARGEST_PAGE: usize = 64 << 20;

/// Counts the objects in the scope that carry certificates and are not read. Kinds without objects are left out. If a
/// kind could not be counted and its objects may serve hosts, it is reported without a number.
///
/// `kinds` are those that are read. `listing` is the result of a scan that has asked what the cluster serves; `None` if
/// the cluster does not tell.
pub fn count_carriers(
    connection: Connection,
    scope: Scope,
    listing: &Listing,
    kinds: &'static [Kind],
) -> impl Future<Output = Option<Vec<NotJudged>>> + Send + use<> {
    let served = listing.served.clone();
    async move { Some(counted(&connection, &scope, &*served?, kinds).await) }
}

/// The kinds that the cluster serves, that carry certificates of hosts and that are not read, without asking for any of their
/// objects. `None` if the cluster does not tell what it serves.
pub fn carriers_served(listing: &Listing, kinds: &[Kind]) -> Option<Vec<NotJudged>> {
    let there = unread(&*listing.served.clone()?, kinds).into_iter();
    let mut there: Vec<NotJudged> = there
        .filter(|(carrier, _)| carrier.serves)
        .map(|(carrier, version)| not_judged(carrier, &version, None))
        .collect();
    there.sort_by_key(|found| (found.carrier.group, found.carrier.kind));
    Some(there)
}

/// The carriers that the cluster serves, besides the kinds that are read, with their versions.
fn unread(served: &Served, kinds: &[Kind]) -> Vec<(&'static Carrier, String)> {
    let is_read = |carrier: &Carrier| {
        let same = |kind: &Kind| kind.group() == carrier.group && kind.plural() == carrier.plural;
        kinds.iter().any(same)
    };
    let unread = CARRIERS.iter().filter(|carrier| !is_read(carrier));
    unread
        .filter_map(|carrier| Some((carrier, served.version_of(carrier)?.to_owned())))
        .collect()
}

fn not_judged(carrier: &'static Carrier, version: &str, count: Option<u64>) -> NotJudged {
    NotJudged {
        carrier,
        api_version: compact_str::format_compact!("{}/{version}", carrier.group),
        count,
    }
}

async fn counted(connection: &Connection, scope: &Scope, served: &Served, kinds: &[Kind]) -> Vec<NotJudged> {
    let there = unread(served, kinds);
    let one = async |(carrier, version): (&'static Carrier, String)| {
        let count = match count(connection, scope, carrier, &version).await {
            Ok(count) => count,
            Err(error) => {
                log::debug!("{} cannot be counted: {error}", carrier.plural);
                None
            }
        };
        not_judged(carrier, &version, count)
    };
    let mut counted = Vec::new();
    for some in there.chunks(AT_ONCE) {
        let found = futures_util::future::join_all(some.iter().cloned().map(one)).await;
        // A kind that may have objects but serves no hosts is not worth a line.
        let told = |found: &NotJudged| found.count.map_or(found.carrier.serves, |count| count > 0);
        counted.extend(found.into_iter().filter(told));
    }
    counted.sort_by_key(|found| (found.carrier.group, found.carrier.kind));
    counted
}

/// How many objects of a kind there are; `None` if they are too many to examine one by one.
async fn count(
    connection: &Connection,
    scope: &Scope,
    carrier: &'static Carrier,
    version: &str,
) -> Result<Option<u64>, ClusterError> {
    let places: Vec<Option<&Text>> = match &scope.namespaces {
        Namespaces::Only(names) if carrier.namespaced && names.len() <= NAMESPACES_ASKED => names
            .iter()
            .filter(|name| scope.allows_namespace(name))
            .map(Some)
            .collect(),
        _ => vec![None],
    };
    let mut all = 0;
    for place in places {
        match count_in(connection, scope, carrier, version, place.map(Text::as_str)).await {
            Ok(Some(count)) => all += count,
            // The resources of this group are not known, or the kind has just been removed.
            Err(ClusterError::Refused { code: 404, .. }) => {}
            other => return other,
        }
    }
    Ok(Some(all))
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(default)]
    items: Vec<Object>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    #[serde(rename = "continue")]
    token: Option<String>,
    remaining_item_count: Option<u64>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    metadata: Meta,
}

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(default)]
    namespace: Text,
}

async fn count_in(
    connection: &Connection,
    scope: &Scope,
    carrier: &'static Carrier,
    version: &str,
    namespace: Option<&str>,
) -> Result<Option<u64>, ClusterError> {
    // The server counts the remaining objects, but not with a label selector, and it cannot apply patterns of this
    // program.
    let labels = scope.selector.as_deref().filter(|_| carrier.serves);
    let filtered = namespace.is_none()
        && carrier.namespaced
        && (!scope.excluded.is_empty() || scope.namespaces != Namespaces::All);
    let limit = if filtered || labels.is_some() { PAGE } else { 1 };
    let asked = Asked {
        verb: "list",
        resource: carrier.plural,
        namespace,
    };
    let mut token: Option<String> = None;
    let mut count = 0;
    for _ in 0..PAGES {
        let mut path = paths::path_of(carrier, version, namespace);
        paths::query(&mut path, "limit", &limit.to_string());
        if let Some(labels) = labels {
            paths::query(&mut path, "labelSelector", labels);
        }
        if let Some(token) = &token {
            paths::query(&mut path, "continue", token);
        }
        let body = connection
            .get(&path, METADATA_LIST, asked)
            .await?
            .whole(LARGEST_PAGE)
            .await?;
        let Ok(page) = serde_json::from_slice::<Page>(&body) else {
            return Ok(None);
        };
        let inside = |object: &&Object| scope.allows_namespace(&object.metadata.namespace);
        count += page.items.iter().filter(inside).count() as u64;
        match (
            page.metadata.token.filter(|token| !token.is_empty()),
            page.metadata.remaining_item_count,
        ) {
            (None, _) => return Ok(Some(count)),
            (Some(_), Some(rest)) if !filtered => return Ok(Some(count + rest)),
            (next, _) if next == token => return Ok(None),
            (next, _) => token = next,
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::{
        ListOptions,
        fake::{Fake, json, refusal},
        list,
    };
    use super::*;

    const GROUPS: &str = r#"{"kind":"APIGroupDiscoveryList","items":[
        {"metadata":{"name":"route.openshift.io"},"versions":[{"version":"v1","resources":[{"resource":"routes"}]}]},
        {"metadata":{"name":"networking.istio.io"},"versions":[
            {"version":"v1","resources":[{"resource":"virtualservices"},{"resource":"gateways"}]}]},
        {"metadata":{"name":"projectcontour.io"},"versions":[{"version":"v1","resources":[{"resource":"httpproxies"}]}]}]}"#;

    fn page(namespaces: &[&str], rest: Option<u64>, token: &str) -> String {
        let items: Vec<String> = namespaces
            .iter()
            .map(|namespace| format!(r#"{{"metadata":{{"name":"x","namespace":"{namespace}"}}}}"#))
            .collect();
        let rest = rest
            .map(|n| format!(r#","remainingItemCount":{n}"#))
            .unwrap_or_default();
        format!(
            r#"{{"kind":"PartialObjectMetadataList","metadata":{{"continue":"{token}"{rest}}},"items":[{}]}}"#,
            items.join(",")
        )
    }

    /// What is reported of a cluster with Routes, with Istio's Gateways that may not be listed, and without
    /// `HTTPProxy`; and the requests.
    async fn found_in(scope: &Scope) -> (Vec<String>, Vec<String>) {
        let fake = Fake::start(|path, _| match path.split('?').next().unwrap() {
            "/apis" => json(GROUPS),
            "/apis/route.openshift.io/v1/routes" if path.contains("limit=1") => {
                json(&page(&["shop"], Some(41), "more"))
            }
            "/apis/route.openshift.io/v1/routes" if path.contains("continue") => {
                json(&page(&["blog", "kube-x"], None, ""))
            }
            "/apis/route.openshift.io/v1/routes" => json(&page(&["shop", "kube-y"], None, "next")),
            "/apis/route.openshift.io/v1/namespaces/shop/routes" => json(&page(&["shop"], Some(2), "more")),
            "/apis/networking.istio.io/v1/gateways" => refusal(403, "Forbidden", ""),
            path if path.contains("networking.istio.io") => refusal(404, "NotFound", ""),
            path if path.contains("projectcontour.io") => json(&page(&[], None, "")),
            _ => refusal(404, "NotFound", ""),
        })
        .await;
        let connection = fake.connection().await;
        let (sink, _changes) = tokio::sync::mpsc::channel(64);
        let listing = list(&connection, scope, &[Kind::IngressRoute], &ListOptions::default(), sink)
            .await
            .unwrap();
        let found = count_carriers(connection, scope.clone(), &listing, &[Kind::IngressRoute])
            .await
            .unwrap();
        let told = found
            .iter()
            .map(|n| format!("{} {} {:?}", n.api_version, n.carrier.kind, n.count))
            .collect();
        let asked = fake.asked().into_iter().filter(|path| path != "/apis").collect();
        (told, asked)
    }

    #[tokio::test]
    async fn what_is_there_is_counted_with_one_request_a_kind_that_is_served() {
        let (told, asked) = found_in(&Scope::everything()).await;
        assert_eq!(
            told,
            [
                "networking.istio.io/v1 Gateway None",
                "route.openshift.io/v1 Route Some(42)"
            ]
        );
        assert_eq!(asked.len(), 3, "{asked:?}");
    }

    #[tokio::test]
    async fn kinds_that_are_served_are_named_without_asking_for_their_objects() {
        let fake = Fake::start(|path, _| match path.split('?').next().unwrap() {
            "/apis" => json(GROUPS),
            _ => json(&page(&["shop"], None, "")),
        })
        .await;
        let connection = fake.connection().await;
        let (sink, _changes) = tokio::sync::mpsc::channel(64);
        let (scope, kinds) = (Scope::everything(), [Kind::IngressRoute]);
        let listing = list(&connection, &scope, &kinds, &ListOptions::default(), sink)
            .await
            .unwrap();
        let asked = fake.asked().len();
        let found = carriers_served(&listing, &kinds).unwrap();
        let told: Vec<(&str, Option<u64>)> = found.iter().map(|n| (n.carrier.kind, n.count)).collect();
        assert_eq!(told, [("Gateway", None), ("HTTPProxy", None), ("Route", None)]);
        assert_eq!(fake.asked().len(), asked);
    }

    #[tokio::test]
    async fn namespaces_that_are_left_out_are_not_counted() {
        let scope = Scope::new(Namespaces::All, &["kube-*".into()], None).unwrap();
        let (told, _) = found_in(&scope).await;
        assert!(
            told.contains(&"route.openshift.io/v1 Route Some(2)".to_owned()),
            "{told:?}"
        );
        let scope = Scope::new(Namespaces::Only(vec!["shop".into()]), &[], None).unwrap();
        let (told, _) = found_in(&scope).await;
        assert_eq!(told, ["route.openshift.io/v1 Route Some(3)"]);
    }
}
