//! Values of customers' domains.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use super::{NotAValue, no};

/// What stands for the host in the URL of a question.
const HOST: &str = "{host}";

/// The URL at which the application is asked about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskUrl(String);

impl AskUrl {
    /// The URL of a question. A host has letters, digits, hyphens and dots, which no URL encodes.
    pub fn of(&self, host: &str, renewal: bool) -> String {
        let url = self.0.replace(HOST, host);
        match (renewal, url.contains('?')) {
            (false, _) => url,
            (true, true) => format!("{url}&renewal=true"),
            (true, false) => format!("{url}?renewal=true"),
        }
    }

    /// The host that is asked, without its port.
    pub fn server(&self) -> String {
        let uri: Option<http::Uri> = self.0.replace(HOST, "x").parse().ok();
        uri.and_then(|uri| uri.host().map(str::to_ascii_lowercase))
            .unwrap_or_default()
    }
}

impl FromStr for AskUrl {
    type Err = NotAValue;

    /// Reads an http or https URL with one `{host}` behind its address. Errors quote neither a user nor a password.
    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let wrong = || {
            no(
                &crate::text::without_user(text),
                "URL at which the application is asked",
                "https://app.shop/allowed?domain={host}, without a user name",
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (address, behind) = rest.split_at(rest.find(['/', '?']).ok_or_else(wrong)?);
        let is_url = text
            .replace(HOST, "x")
            .parse::<http::Uri>()
            .is_ok_and(|uri| uri.host().is_some());
        let fits = ["http", "https"].contains(&scheme)
            && is_url
            && !address.contains(['@', '{', '}', '\\'])
            && behind.matches(HOST).count() == 1
            && !text.contains('#');
        if fits { Ok(Self(text.to_owned())) } else { Err(wrong()) }
    }
}

impl fmt::Display for AskUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a server listens: `:9403` is this port of all addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListenAt {
    /// The address; `None` for all.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
}

impl ListenAt {
    /// The address and the port, with IPv6's unspecified address for all.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), self.port)
    }
}

impl FromStr for ListenAt {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        if let Some(port) = text.strip_prefix(':')
            && let Ok(port) = port.parse()
        {
            return Ok(Self { address: None, port });
        }
        let socket: Option<SocketAddr> = text.parse().ok();
        socket
            .map(|at| Self {
                address: Some(at.ip()),
                port: at.port(),
            })
            .ok_or_else(|| no(text, "place to listen at", ":9403, 0.0.0.0:9403 or [::]:9403"))
    }
}

impl fmt::Display for ListenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(_) => self.socket().fmt(f),
            None => write!(f, ":{}", self.port),
        }
    }
}

/// How customers' domains are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServeWord {
    /// By Ingresses with many hosts each.
    Ingress,
    /// By `ListenerSet`s with many listeners each.
    ListenerSet,
    /// By an object for each, of a template.
    Template,
    /// By no objects: servers ask for each certificate.
    Source,
}

words!(
    ServeWord, "way to serve domains", "ingress, listenerset, template or source",
    "ingress" => Ingress, "listenerset" => ListenerSet, "template" => Template, "source" => Source
);

/// Where the records of customers' domains are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreWord {
    /// In `Domain` objects of the cluster.
    Cluster,
    /// In a database.
    Postgres,
}

words!(StoreWord, "store of domains", "cluster or postgres", "cluster" => Cluster, "postgres" => Postgres);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_goes_to_the_address_of_the_settings_whatever_the_host_is() {
        let url = |text: &str| text.parse::<AskUrl>().unwrap();
        let ask = url("https://app.shop/allowed?domain={host}");
        assert_eq!(
            ask.of("www.example.com", false),
            "https://app.shop/allowed?domain=www.example.com"
        );
        assert_eq!(
            ask.of("www.example.com", true),
            "https://app.shop/allowed?domain=www.example.com&renewal=true"
        );
        let path = url("http://app.shop.svc:8080/domains/{host}");
        assert_eq!(
            path.of("a.example.com", true),
            "http://app.shop.svc:8080/domains/a.example.com?renewal=true"
        );
        assert_eq!(path.server(), "app.shop.svc");
        for wrong in [
            "",
            "app.shop/allowed?domain={host}",
            "ftp://app.shop/{host}",
            "https://{host}/allowed",
            "https://app.{host}/allowed?domain={host}",
            "https://app.shop",
            "https://app.shop/allowed",
            "https://app.shop/{host}?domain={host}",
            "https://app.shop/allowed?domain={host}#x",
            "https://app.shop/allowed ?domain={host}",
            "https://me:hunter2@app.shop/allowed?domain={host}",
            "https:///allowed?domain={host}",
        ] {
            let error = wrong.parse::<AskUrl>().unwrap_err().to_string();
            assert!(error.contains("{host}") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_port_alone_is_that_of_all_addresses() {
        for (text, socket) in [
            (":9403", "[::]:9403"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:9403", "[::1]:9403"),
        ] {
            let at: ListenAt = text.parse().unwrap();
            assert_eq!(
                (at.socket().to_string(), at.to_string()),
                (socket.to_owned(), text.to_owned())
            );
        }
        for wrong in ["9403", ":", ":x", "localhost:9403", ""] {
            assert!(wrong.parse::<ListenAt>().is_err(), "{wrong}");
        }
    }
}
