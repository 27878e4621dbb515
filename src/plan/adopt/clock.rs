//! Programs by their images, and the Secrets that their words name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Former;

/// What images of known tools are called: a part of the last component of their names, the whole of the one before it, or both.
const IMAGES: &[(&str, Former)] = &[
    ("kube-lego", Former::KubeLego),
    ("certbot", Former::Certbot),
    ("letsencrypt", Former::Certbot),
    ("simp_le", Former::Certbot),
    ("simp-le", Former::Certbot),
    ("acme.sh", Former::AcmeSh),
    ("acmesh", Former::AcmeSh),
    ("dehydrated", Former::Dehydrated),
    ("goacme/lego", Former::Lego),
    ("xenolf/lego", Former::Lego),
];

/// The tool that a Pod runs, by the images of its containers; `None` if none is known.
pub fn tool_of(pod: &Value) -> Option<Former> {
    let mut containers = ["containers", "initContainers"]
        .iter()
        .flat_map(|field| pod[*field].as_array().into_iter().flatten());
    containers.find_map(|one| of_image(one["image"].as_str()?))
}

fn of_image(image: &str) -> Option<Former> {
    // Neither the registry nor the tag says what it is.
    let name = image.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let (path, last) = name.rsplit_once('/').unwrap_or(("", name.as_str()));
    let last = last.split(':').next().unwrap_or_default();
    let owner = path.rsplit('/').next().unwrap_or_default();
    let short = format!("{owner}/{last}");
    let found = IMAGES.iter().find(|(part, _)| {
        if part.contains('/') {
            short == *part
        } else {
            last.contains(part) || owner == *part
        }
    });
    found.map(|(_, former)| *former)
}

/// The words that a Pod is told: its commands, arguments and variables. What variables take from elsewhere is not known.
fn words(pod: &Value) -> Vec<&str> {
    let mut all = Vec::new();
    let containers = ["containers", "initContainers"]
        .iter()
        .flat_map(|field| pod[*field].as_array().into_iter().flatten());
    for container in containers {
        for field in ["command", "args"] {
            let words = container[field].as_array().into_iter().flatten();
            all.extend(words.filter_map(Value::as_str));
        }
        let variables = container["env"].as_array().into_iter().flatten();
        all.extend(variables.filter_map(|one| one["value"].as_str()));
    }
    all
}

/// Which of these Secrets the words of a Pod name, and the files that are mounted into it (`scripts`): each as a word of its own.
/// The usual container names its Secret `certs-` and the first of `DOMAINS`.
pub fn mentioned<'a>(pod: &Value, scripts: &[&str], secrets: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let mut named: BTreeSet<String> = BTreeSet::new();
    for text in words(pod).into_iter().chain(scripts.iter().copied()) {
        let parts = text.split(|c: char| !is_of_name(c));
        named.extend(parts.map(|part| part.trim_matches(['.', '-']).to_owned()));
    }
    named.extend(first_domains(pod).map(|domain| format!("certs-{domain}")));
    secrets.into_iter().filter(|secret| named.contains(*secret)).collect()
}

/// Whether the words of a Pod, or the files that are mounted into it (`scripts`), have a known tool prove names by DNS-01.
pub fn proves_by_dns(pod: &Value, scripts: &[&str]) -> bool {
    let texts = words(pod).into_iter().chain(scripts.iter().copied());
    let mut words =
        texts.flat_map(|text| text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ';')));
    // certbot's plugins and acme.sh's flag; lego's; the challenge's name in dehydrated's settings; certbot's --preferred-challenges.
    let mut before = "";
    words.any(|word| {
        let is_dns = word == "--dns"
            || word.starts_with("--dns-")
            || word == "dns-01"
            || (word == "dns" && before == "--preferred-challenges");
        before = word;
        is_dns
    })
}

/// The first domain of each variable `DOMAINS`.
fn first_domains(pod: &Value) -> impl Iterator<Item = &str> {
    let containers = pod["containers"].as_array().into_iter().flatten();
    let variables = containers.flat_map(|container| container["env"].as_array().into_iter().flatten());
    let domains = variables.filter(|one| one["name"] == "DOMAINS");
    domains.filter_map(|one| {
        one["value"]
            .as_str()?
            .split([' ', ','])
            .find(|domain| !domain.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tools_are_known_by_the_names_of_their_images() {
        for (image, expected) in [
            ("certbot/certbot:v2.11.0", Some(Former::Certbot)),
            (
                "registry.example:5000/mirror/certbot/dns-cloudflare",
                Some(Former::Certbot),
            ),
            ("sjenning/kube-nginx-letsencrypt:0.8.1", Some(Former::Certbot)),
            ("neilpang/acme.sh@sha256:00ff", Some(Former::AcmeSh)),
            ("goacme/lego:v4", Some(Former::Lego)),
            ("docker.io/jetstack/kube-lego:0.1.7", Some(Former::KubeLego)),
            ("quay.io/example/dehydrated", Some(Former::Dehydrated)),
            ("registry.example/lego:1", None),
            ("certbot.example/shop:certbot", None),
            ("nginx", None),
            ("", None),
        ] {
            let pod = json!({"containers": [{"image": "busybox"}, {"image": image}]});
            assert_eq!(tool_of(&pod), expected, "{image}");
        }
        assert_eq!(tool_of(&json!({})), None);
    }

    #[test]
    fn a_proof_by_dns_is_known_by_the_words_for_it() {
        for (words, script, expected) in [
            ("certbot renew --dns-rfc2136", "", true),
            ("certbot renew --preferred-challenges=dns", "", true),
            ("certbot certonly --preferred-challenges dns -d a.example", "", true),
            ("acme.sh --cron", "acme.sh --issue --dns dns_cf -d a.example", true),
            ("dehydrated -c", "CHALLENGETYPE=\"dns-01\"", true),
            ("certbot renew --webroot -d dns.example", "echo dns", false),
            ("", "", false),
        ] {
            let pod = json!({"containers": [{"command": ["sh", "-c", words]}]});
            assert_eq!(proves_by_dns(&pod, &[script]), expected, "{words} {script}");
        }
    }

    #[test]
    fn a_secret_is_named_by_a_word_of_its_own() {
        let pod = json!({"containers": [{
            "command": ["sh", "-c", "kubectl create secret tls web-tls --cert=/live/fullchain.pem"],
            "args": ["--secret=shop/api-tls."],
            "env": [
                {"name": "SECRET", "value": "blog-tls"},
                {"name": "DOMAINS", "value": " a.example b.example"},
                {"name": "OTHER", "valueFrom": {"secretKeyRef": {"name": "key-tls"}}},
            ],
        }]});
        let secrets = [
            "web-tls",
            "web",
            "tls",
            "api-tls",
            "blog-tls",
            "certs-a.example",
            "certs-b.example",
            "key-tls",
            "hook-tls",
        ];
        let found = mentioned(&pod, &["store hook-tls\n"], secrets);
        // `tls` is a word of the command, and a Secret may be called so.
        let expected = BTreeSet::from(["web-tls", "tls", "api-tls", "blog-tls", "certs-a.example", "hook-tls"]);
        assert_eq!(found, expected);
        assert!(mentioned(&json!({}), &[], secrets).is_empty());
    }
}
