//! The URL of a database: what libpq's form says of TLS, and what this program adds.

use std::{path::Path, sync::Arc, time::Duration};

use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use crate::{file, tls};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// What the server itself holds each connection to, beside what the URL says.
const OPTIONS: &str =
    "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s -c jit=off";

/// A URL cannot be used. The messages fit "the database's URL is not accepted: ...", and quote no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDatabaseUrl {
    /// It has another form.
    #[error("it has to begin with postgresql:// or postgres://")]
    Form,
    /// The driver does not take it.
    #[error("{0}")]
    Refused(String),
    /// `sslmode` is none that libpq has.
    #[error("sslmode is none of disable, allow, prefer, require, verify-ca and verify-full")]
    Mode,
    /// The file of the roots cannot be used.
    #[error("sslrootcert: {0}")]
    Roots(String),
}

/// Where the database is, and by whom its certificate has to be signed.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: Arc<ClientConfig>,
}

impl Address {
    /// Reads a URL as libpq has it (`PostgreSQL` documentation, section 34.1.1.2). TLS is wanted and the certificate judged by its
    /// name, unless the URL says `sslmode=disable`, or says nothing and the server is on this machine. `sslrootcert` names a file with
    /// further roots.
    pub(super) fn read(url: &SecretString) -> Result<Self, BadDatabaseUrl> {
        let url = url.expose_secret().trim();
        if !(url.starts_with("postgresql://") || url.starts_with("postgres://")) {
            return Err(BadDatabaseUrl::Form);
        }
        let (bare, query) = url.split_once('?').unwrap_or((url, ""));
        let mut kept = Vec::new();
        let (mut mode, mut roots) = (None, None);
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", "system")) => {}
                Some(("sslrootcert", value)) => roots = Some(value),
                _ => kept.push(part),
            }
        }
        let mut whole = zeroize::Zeroizing::new(bare.to_owned());
        if !kept.is_empty() {
            whole.push('?');
            whole.push_str(&kept.join("&"));
        }
        let parsed = whole.parse::<Config>();
        let mut config = parsed.map_err(|error| BadDatabaseUrl::Refused(crate::error::chain(&error)))?;
        config.ssl_mode(match mode {
            Some("disable") => SslMode::Disable,
            None if is_here(&config) => SslMode::Disable,
            None | Some("allow" | "prefer" | "require" | "verify-ca" | "verify-full") => SslMode::Require,
            Some(_) => return Err(BadDatabaseUrl::Mode),
        });
        let options = config
            .get_options()
            .map_or_else(|| OPTIONS.to_owned(), |own| format!("{OPTIONS} {own}"));
        config.options(options);
        if config.get_application_name().is_none() {
            config.application_name("kubectl-certs");
        }
        config.connect_timeout(CONNECT).tcp_user_timeout(2 * CONNECT);
        Ok(Self {
            config,
            tls: Arc::new(trusting(roots)?),
        })
    }
}

/// Whether the server is on this machine alone.
fn is_here(config: &Config) -> bool {
    let is_loopback =
        |name: &str| name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    !config
        .get_hosts()
        .iter()
        .any(|host| matches!(host, Host::Tcp(name) if !is_loopback(name)))
}

fn trusting(roots: Option<&str>) -> Result<ClientConfig, BadDatabaseUrl> {
    let bad = |why: String| BadDatabaseUrl::Roots(why);
    let pem = roots.map(|path| file::read(Path::new(path), file::SMALL, file::PATIENCE));
    let pem = pem.transpose().map_err(|error| bad(error.to_string()))?;
    tls::client(pem.as_deref().map(Vec::as_slice)).map_err(|error| bad(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Result<SslMode, String> {
        let read = Address::read(&url.into());
        read.map(|address| address.config.get_ssl_mode())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn tls_is_wanted_of_every_server_elsewhere_whatever_libpq_would_do() {
        for (url, expected) in [
            ("postgresql://u:p@db.example/d", SslMode::Require),
            ("postgres://u:p@db.example/d?sslmode=prefer", SslMode::Require),
            (
                "postgresql://u@db.example/d?sslmode=verify-full&sslrootcert=system",
                SslMode::Require,
            ),
            ("postgresql://u@db.example/d?sslmode=disable", SslMode::Disable),
            ("postgresql://u@127.0.0.1/d", SslMode::Disable),
            ("postgresql://u@localhost,db.example/d", SslMode::Require),
            ("postgresql://u@%2Fvar%2Frun%2Fpostgresql/d", SslMode::Disable),
            ("postgresql://u@127.0.0.1/d?sslmode=require", SslMode::Require),
        ] {
            assert_eq!(mode(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_without_its_password() {
        for url in [
            "mysql://u:hidden@db.example/d",
            "host=db.example password=hidden",
            "postgresql://u:hidden@db.example/d?sslmode=yes",
            "postgresql://u:hidden@db.example/d?nonsense=1",
            "postgresql://u:hidden@db.example:port/d",
            "postgresql://u:hidden@db.example/d?sslrootcert=/nowhere/root.pem",
        ] {
            let error = mode(url).unwrap_err();
            assert!(!error.contains("hidden"), "{error}");
        }
    }

    #[test]
    fn the_server_is_held_to_limits_and_to_what_the_url_says_besides() {
        let address = Address::read(&"postgresql://u@db.example/d?options=-c%20search_path%3Dcerts".into()).unwrap();
        let options = address.config.get_options().unwrap().to_owned();
        assert!(
            options.contains("statement_timeout=10s") && options.ends_with("-c search_path=certs"),
            "{options}"
        );
    }
}
