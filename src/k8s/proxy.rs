//! Selects the proxy by the rules of Go's net/http, which kubectl follows.
//!
//! This replaces kube's own code, which compares `NO_PROXY` with the address of the proxy, and lets `NO_PROXY` overrule
//! the kubeconfig.

use std::net::IpAddr;

use http::Uri;

use super::problem::ConnectError;

/// The proxy for `server`: that of the kubeconfig, otherwise that of the environment unless `NO_PROXY` or a loopback
/// address excludes it.
pub(super) fn choose(
    kubeconfig: Option<&str>,
    server: &Uri,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Uri>, ConnectError> {
    if let Some(url) = kubeconfig.filter(|url| !url.is_empty()) {
        return parse(url, "proxy-url in the kubeconfig").map(Some);
    }
    let any = |names: [&'static str; 2]| {
        names
            .into_iter()
            .find_map(|n| Some((n, env(n).filter(|v| !v.is_empty())?)))
    };
    let names = if server.scheme_str() == Some("http") {
        ["HTTP_PROXY", "http_proxy"]
    } else {
        ["HTTPS_PROXY", "https_proxy"]
    };
    let Some((name, url)) = any(names) else { return Ok(None) };
    let host = server
        .host()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_lowercase();
    let port = server
        .port_u16()
        .unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let excluded =
        any(["NO_PROXY", "no_proxy"]).is_some_and(|(_, list)| list.split(',').any(|e| excludes(e.trim(), &host, port)));
    let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if excluded || local {
        Ok(None)
    } else {
        parse(&url, name).map(Some)
    }
}

fn parse(url: &str, from: &'static str) -> Result<Uri, ConnectError> {
    let whole = if url.contains("://") {
        url.replacen("socks5h://", "socks5://", 1)
    } else {
        format!("http://{url}")
    };
    let uri: Uri = whole.parse().map_err(|_| ConnectError::BadProxy {
        from,
        cause: "not a URL",
    })?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") if uri.host().is_some_and(|h| !h.is_empty()) => Ok(uri),
        _ => Err(ConnectError::BadProxy {
            from,
            cause: "only http, https and socks5 are known",
        }),
    }
}

/// Whether an entry of `NO_PROXY` excludes a host: `*`, an address, a network, or a domain with everything below it;
/// each may end in a port.
fn excludes(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    let entry = entry.to_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    if let Some((network, bits)) = entry.split_once('/') {
        return match (network.parse(), bits.parse::<u32>(), address) {
            (Ok(network), Ok(bits), Some(address)) => within(network, bits, address),
            _ => false,
        };
    }
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => (name, digits.parse().ok()),
        _ => (entry.as_str(), None),
    };
    if name.is_empty() || wanted.is_some_and(|wanted: u16| wanted != port) {
        return false;
    }
    let name = name.trim_matches(['[', ']']);
    if let (Ok(a), Some(b)) = (name.parse::<IpAddr>(), address) {
        return a == b;
    }
    let below = name.trim_start_matches('*').trim_start_matches('.');
    let is_below = host.strip_suffix(below).is_some_and(|rest| rest.ends_with('.'));
    !below.is_empty() && (is_below || (host == below && !name.starts_with(['.', '*'])))
}

fn within(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(n), IpAddr::V4(a)) if bits <= 32 => {
            (n.to_bits() ^ a.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(n), IpAddr::V6(a)) if bits <= 128 => {
            (n.to_bits() ^ a.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(kubeconfig: Option<&str>, server: &str, env: &[(&str, &str)]) -> Option<String> {
        let look = |name: &str| env.iter().find(|(k, _)| *k == name).map(|(_, v)| (*v).to_owned());
        choose(kubeconfig, &server.parse().unwrap(), &look)
            .unwrap()
            .map(|uri| uri.to_string())
    }

    #[test]
    fn no_proxy_is_matched_against_the_server_and_the_kubeconfig_wins() {
        let server = "https://api.prod.example:6443";
        for (no_proxy, used) in [
            ("", true),
            ("*", false),
            ("prod.example", false),
            (".prod.example", false),
            ("*.prod.example", false),
            ("api.prod.example", false),
            (".api.prod.example", true),
            ("rod.example", true),
            ("api.prod.example:443", true),
            ("api.prod.example:6443", false),
            ("other.example, prod.example", false),
            ("proxy.example", true),
        ] {
            let env = [("HTTPS_PROXY", "proxy.example:3128"), ("NO_PROXY", no_proxy)];
            assert_eq!(chosen(None, server, &env).is_some(), used, "{no_proxy}");
        }
        let env = [("HTTPS_PROXY", "http://proxy.example"), ("NO_PROXY", "*")];
        assert_eq!(
            chosen(Some("socks5://127.0.0.1:1080"), server, &env).as_deref(),
            Some("socks5://127.0.0.1:1080/")
        );
    }

    #[test]
    fn networks_and_loopback_are_kept_off_the_proxy() {
        for (server, no_proxy, used) in [
            ("https://10.1.2.3", "10.0.0.0/8", false),
            ("https://11.1.2.3", "10.0.0.0/8", true),
            ("https://11.1.2.3", "0.0.0.0/0", false),
            ("https://10.1.2.3:6443", "10.1.2.3", false),
            ("https://[fd00::1]:6443", "fd00::/8", false),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", false),
            ("https://127.0.0.1:6443", "", false),
            ("https://localhost:6443", "", false),
            ("https://10.1.2.3", "10.0.0.0/99", true),
        ] {
            let env = [("https_proxy", "http://p:1"), ("no_proxy", no_proxy)];
            assert_eq!(chosen(None, server, &env).is_some(), used, "{server} {no_proxy}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_not_quoted() {
        let error = choose(Some("ftp://user:hunter2@p"), &"https://a".parse().unwrap(), &|_| None).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
