//! Chooses the image of Pods if the settings name none: one that a node of the cluster has already, so that nothing is
//! pulled, even in a cluster without Internet access; otherwise a public one.

use std::collections::BTreeMap;

use serde_json::Value;

/// The image that is pulled if no node has a suitable one. Kubernetes's own tests use it
/// (`test/utils/image/manifest.go`), it supports all architectures, and its registry does not limit pulls. The digest
/// of its index prevents anybody from replacing it; the tag says what it is.
pub const PUBLIC: &str = concat!(
    "registry.k8s.io/e2e-test-images/busybox:1.36.1-1",
    "@sha256:a9155b13325b2abef48e71de77bb8ac015412a566829f621d06bfae5c699b1b9"
);

/// The repositories, by their last part, whose images have a shell with `nc` and `wget`: busybox itself, and images
/// based on Alpine, whose shell is busybox (the Dockerfiles of Traefik and of ingress-nginx's controller).
const FITTING: &[&str] = &[
    "busybox",
    "mirrored-library-busybox",
    "alpine",
    "traefik",
    "mirrored-library-traefik",
];

/// How many nodes the preference of the Pod names.
const NODES: usize = 10;

/// An image, and the nodes that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name, with a tag or digest.
    pub name: String,
    /// Nodes that have it.
    pub nodes: Vec<String>,
}

/// The most suitable image of nodes (v1, as the API server returns them): the kind that is the most certain to work,
/// then the one that most nodes have. Nodes that accept no Pods, and Windows nodes, do not count. `None` if no image is
/// suitable.
pub fn on_nodes(nodes: &[Value]) -> Option<Image> {
    let mut found: BTreeMap<(usize, &str), Vec<String>> = BTreeMap::new();
    for node in nodes.iter().filter(|node| takes_pods(node)) {
        let hostname = node["metadata"]["labels"]["kubernetes.io/hostname"].as_str();
        let Some(hostname) = hostname.or(node["metadata"]["name"].as_str()) else {
            continue;
        };
        let images = node["status"]["images"].as_array().into_iter().flatten();
        // A tag says more than a digest, and a node may list both.
        let names = images.filter_map(|image| {
            let names = || {
                image["names"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
            };
            names().find(|name| !name.contains('@')).or_else(|| names().next())
        });
        for name in names {
            let Some(rank) = FITTING.iter().position(|fitting| repository(name) == *fitting) else {
                continue;
            };
            found.entry((rank, name)).or_default().push(hostname.to_owned());
        }
    }
    let best = found
        .into_iter()
        .min_by_key(|((rank, name), nodes)| (*rank, std::cmp::Reverse(nodes.len()), (*name).to_owned()));
    best.map(|((_, name), mut nodes)| {
        nodes.truncate(NODES);
        Image {
            name: name.to_owned(),
            nodes,
        }
    })
}

/// The last part of an image's repository.
fn repository(image: &str) -> &str {
    let whole = image.split('@').next().unwrap_or(image);
    let last = whole.rsplit('/').next().unwrap_or(whole);
    last.split(':').next().unwrap_or(last)
}

fn takes_pods(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    let is_ready = conditions
        .into_iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let windows = node["metadata"]["labels"]["kubernetes.io/os"] == "windows";
    is_ready && !windows && node["spec"]["unschedulable"] != true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, images: &[&[&str]]) -> Value {
        let images: Vec<Value> = images
            .iter()
            .map(|names| json!({"names": names, "sizeBytes": 1}))
            .collect();
        json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
            "status": {"images": images, "conditions": [{"type": "Ready", "status": "True"}]},
        })
    }

    #[test]
    fn the_surest_kind_counts_then_the_number_of_nodes() {
        let nodes = [
            node(
                "a",
                &[
                    &["traefik:v3.6"],
                    &["pause:3.10"],
                    &["reg.example/x/busybox@sha256:0", "reg.example/x/busybox:1.37"],
                ],
            ),
            node("b", &[&["traefik:v3.6"], &["docker.io/library/busybox:1.36"]]),
            node("c", &[&["traefik:v3.6"], &["docker.io/library/busybox:1.36"]]),
        ];
        let found = on_nodes(&nodes).unwrap();
        assert_eq!(found.name, "docker.io/library/busybox:1.36");
        assert_eq!(found.nodes, ["b", "c"]);
        assert_eq!(on_nodes(&nodes[..1]).unwrap().name, "reg.example/x/busybox:1.37");
    }

    #[test]
    fn the_public_one_is_pinned_to_a_digest() {
        let (name, digest) = PUBLIC.split_once("@sha256:").unwrap();
        assert!(name.starts_with("registry.k8s.io/") && repository(PUBLIC) == "busybox");
        assert!(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    }

    #[test]
    fn what_only_sounds_alike_and_nodes_that_take_no_pods_do_not_count() {
        let mut cordoned = node("a", &[&["busybox:1"]]);
        cordoned["spec"]["unschedulable"] = true.into();
        let mut away = node("b", &[&["busybox:1"]]);
        away["status"]["conditions"][0]["status"] = "Unknown".into();
        let mut windows = node("c", &[&["busybox:1"]]);
        windows["metadata"]["labels"]["kubernetes.io/os"] = "windows".into();
        let alike = node("d", &[&["example/traefik-mesh:1"], &["busybox-tools:1"], &[]]);
        assert_eq!(on_nodes(&[cordoned, away, windows, alike]), None);
    }
}
