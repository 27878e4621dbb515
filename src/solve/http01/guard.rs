//! Prevents misuse as a proxy: which addresses may be requested. The owner of a host controls its DNS and its
//! redirects.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::net::address::is_refused;

/// A range of addresses: `10.96.0.0/12`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// The text is not a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a range of addresses such as 10.96.0.0/12")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let error = || NotANetwork(crate::text::shorten(text, 100).into_owned());
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(bits), str::parse).map_err(|_| error())?;
        if length > bits {
            return Err(error());
        }
        Ok(Self { address, length })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl Network {
    /// Whether the range contains an address.
    pub fn holds(self, address: IpAddr) -> bool {
        let length = u32::from(self.length);
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let apart = own.to_bits() ^ other.to_bits();
                apart.leading_zeros() >= length
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let apart = own.to_bits() ^ other.to_bits();
                apart.leading_zeros() >= length
            }
            _ => false,
        }
    }
}

/// Which addresses may be requested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// The addresses of the route itself, which are always permitted.
    pub own: Vec<IpAddr>,
    /// The networks that the settings permit.
    pub allowed: Vec<Network>,
    /// The networks of the cluster for Services and Pods.
    pub cluster: Vec<Network>,
}

impl Guard {
    /// Why an address may not be requested; `None` if it may.
    pub fn refuses(&self, address: IpAddr) -> Option<&'static str> {
        let address = address.to_canonical();
        if is_refused(address) {
            return Some("no server has it");
        }
        if self.own.contains(&address) || self.allowed.iter().any(|network| network.holds(address)) {
            return None;
        }
        let link_local = match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        if address.is_loopback() {
            Some("it is this machine's own (loopback)")
        } else if link_local {
            Some("it is link-local")
        } else if self.cluster.iter().any(|network| network.holds(address)) {
            Some("it is inside the cluster")
        } else {
            None
        }
    }

    /// The networks of the cluster in which this process runs, as far as its environment tells: those around the
    /// address of the API server's Service. Outside of a cluster there are none, because its addresses lead nowhere.
    pub fn surroundings(variable: impl Fn(&str) -> Option<String>) -> Vec<Network> {
        let service = variable("KUBERNETES_SERVICE_HOST").and_then(|host| host.parse::<IpAddr>().ok());
        service
            .map(|address| match address {
                // The usual ranges for Services are /12 to /20. A /16 around the first address is in the middle.
                IpAddr::V4(v4) => {
                    let [a, b, ..] = v4.octets();
                    Network {
                        address: Ipv4Addr::new(a, b, 0, 0).into(),
                        length: 16,
                    }
                }
                IpAddr::V6(_) => Network { address, length: 108 },
            })
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_hold_what_they_say() {
        for (network, inside, outside) in [
            ("10.96.0.0/12", "10.111.255.255", "10.112.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("fd00::/8", "fdff::1", "fe80::1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.holds(ip(inside)) && !network.holds(ip(outside)), "{network}");
        }
        assert!("10.0.0.0/12".parse::<Network>().unwrap().holds(ip("::ffff:10.1.2.3")));
        for wrong in ["10.0.0.0/33", "x", "10.0.0.0/-1", "fd00::/129", ""] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn loopback_link_local_and_the_clusters_addresses_are_asked_only_when_they_are_the_routes() {
        let guard = Guard {
            cluster: vec!["10.96.0.0/16".parse().unwrap()],
            ..Guard::default()
        };
        for refused in [
            "127.0.0.1",
            "::1",
            "169.254.169.254",
            "fe80::1",
            "10.96.0.1",
            "0.0.0.0",
            "::ffff:127.0.0.1",
        ] {
            assert!(guard.refuses(ip(refused)).is_some(), "{refused}");
        }
        for asked in ["192.0.2.7", "10.99.0.1", "192.168.1.7", "2001:db8::1"] {
            assert_eq!(guard.refuses(ip(asked)), None, "{asked}");
        }
        let own = Guard {
            own: vec![ip("127.0.0.1")],
            allowed: vec!["10.96.3.0/24".parse().unwrap()],
            ..guard
        };
        assert_eq!(own.refuses(ip("127.0.0.1")), None);
        assert_eq!(own.refuses(ip("10.96.3.9")), None);
        assert!(own.refuses(ip("224.0.0.1")).is_some(), "nothing makes a group a server");
    }

    #[test]
    fn inside_of_a_cluster_its_services_are_known() {
        let inside = |name: &str| (name == "KUBERNETES_SERVICE_HOST").then(|| "10.96.0.1".to_owned());
        assert_eq!(Guard::surroundings(inside), ["10.96.0.0/16".parse().unwrap()]);
        assert!(Guard::surroundings(|_| None).is_empty());
    }
}
