//! Commands that show what a server sends.

use super::say::one_host;
use crate::{check::row::Row, text::quote};

/// The command that prints what an address serves for the row's host.
pub(in crate::check) fn s_client(address: &str, row: &Row<'_>, arguments: &str) -> String {
    format!("{} 2>/dev/null | openssl x509 {arguments}", handshake(address, row, ""))
}

/// The command that makes one TLS handshake. It sends no SNI for an address, which is not a host name (RFC 6066,
/// section 3).
pub(in crate::check) fn handshake(address: &str, row: &Row<'_>, more: &str) -> String {
    let name = one_host(row)
        .filter(|host| host.parse::<std::net::IpAddr>().is_err())
        .map_or_else(String::new, |host| format!(" -servername {}", quote(&host)));
    format!(
        "openssl s_client -connect {}{name}{more} </dev/null",
        quote(&with_port(address))
    )
}

/// The address with its port, by default 443. openssl requires brackets around IPv6 addresses.
fn with_port(address: &str) -> String {
    if address.parse::<std::net::SocketAddr>().is_ok() {
        return address.to_owned();
    }
    match address.parse::<std::net::IpAddr>() {
        Ok(ip) => std::net::SocketAddr::new(ip, 443).to_string(),
        Err(_)
            if address
                .rsplit_once(':')
                .is_some_and(|(_, port)| port.parse::<u16>().is_ok()) =>
        {
            address.to_owned()
        }
        Err(_) => format!("{address}:443"),
    }
}
