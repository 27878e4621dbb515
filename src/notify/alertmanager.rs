//! The form of Alertmanager's API v2 (`POST /api/v2/alerts`, api/v2/openapi.yaml of prometheus/alertmanager).
//!
//! An alert is known again by its labels: what begins and what is over have the same ones, and only annotations say
//! what happened.

use serde_json::{Map, Value, json};

use super::{Notice, Scene, Topic};
use crate::{object::Seconds, text::date_time};

/// How long a renewal is told of, in seconds: it is over as soon as it is there.
const RENEWED: Seconds = 600;

/// The path below the URL of an Alertmanager.
const PATH: &str = "/api/v2/alerts";

/// Where alerts are taken, below the URL that was given.
pub(super) fn url(base: &str) -> String {
    let base = base.trim_end_matches('/');
    format!("{}{PATH}", base.strip_suffix(PATH).unwrap_or(base))
}

/// The alerts of a message.
pub(super) fn alerts(notices: &[Notice], scene: &Scene) -> Value {
    notices.iter().map(|notice| alert(notice, scene)).collect()
}

fn alert(notice: &Notice, scene: &Scene) -> Value {
    let mut labels = Map::new();
    let mut label = |name: &str, value: &str| {
        if !value.is_empty() {
            labels.insert(name.to_owned(), value.into());
        }
    };
    label("alertname", notice.topic.alert());
    label("severity", notice.topic.severity());
    label("service", "kubectl-certs");
    label("cluster", &scene.cluster);
    if let Some(secret) = &notice.secret {
        label("namespace", &secret.namespace);
        label("secret", &secret.name);
    }
    let lasts = match notice.topic {
        Topic::Renewed => RENEWED,
        _ => scene.lasts,
    };
    let ends = if notice.is_over {
        notice.at
    } else {
        notice.at.saturating_add(lasts)
    };
    let mut alert = json!({
        "labels": labels,
        "annotations": {"summary": notice.line()},
        "endsAt": date_time(ends),
    });
    // What is over began when it was told first, which the Alertmanager knows.
    if !notice.is_over {
        alert["startsAt"] = date_time(notice.at).into();
    }
    if let Some(secret) = &notice.secret
        && notice.topic != Topic::Renewed
    {
        let (name, namespace) = (&secret.name, &secret.namespace);
        let next = format!("`kubectl certs show secret/{name} -n {namespace}` says what is wrong, and what to do.");
        alert["annotations"]["description"] = next.into();
    }
    alert
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::example;

    #[test]
    fn an_alert_is_known_again_by_its_labels_and_ends_when_it_is_over() {
        let scene = Scene {
            cluster: "prod".to_owned(),
            lasts: 3_600,
        };
        let mut notices = example();
        notices.truncate(1);
        notices.push(Notice {
            is_over: true,
            message: String::new(),
            at: notices[0].at + 60,
            ..notices[0].clone()
        });
        let alerts = alerts(&notices, &scene);
        assert_eq!(
            alerts[0]["labels"],
            json!({
                "alertname": "KubectlCertsRenewalFailed", "severity": "warning", "service": "kubectl-certs", "cluster": "prod",
                "namespace": "shop", "secret": "shop-tls",
            })
        );
        assert_eq!(alerts[1]["labels"], alerts[0]["labels"]);
        assert_eq!(alerts[0]["startsAt"], "2026-12-01T00:00:00Z");
        assert_eq!(alerts[0]["endsAt"], "2026-12-01T01:00:00Z");
        assert_eq!(alerts[1]["endsAt"], "2026-12-01T00:01:00Z");
        assert!(alerts[1].get("startsAt").is_none());
        let summary = alerts[0]["annotations"]["summary"].as_str().unwrap();
        assert!(summary.starts_with("not renewed: Secret shop/shop-tls: ") && !summary.contains('\u{1b}'));
    }

    #[test]
    fn the_path_is_added_to_a_url_once() {
        for given in ["http://a:9093", "http://a:9093/", "http://a:9093/api/v2/alerts"] {
            assert_eq!(url(given), "http://a:9093/api/v2/alerts");
        }
        assert_eq!(url("https://a/alertmanager/"), "https://a/alertmanager/api/v2/alerts");
    }
}
