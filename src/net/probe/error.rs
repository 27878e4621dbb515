//! Why a server sends no certificate, in words that say what to check.

use std::{io, net::IpAddr, time::Duration};

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use crate::net::name::InvalidName;

/// Why a probe has no result. The messages are one line of printable ASCII, except for those of the operating system.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The host is not a valid name.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// No server can have the address.
    #[error("{address} is an unspecified, multicast or broadcast address: nothing is sent to it")]
    AddressRefused {
        /// The address.
        address: IpAddr,
    },
    /// There was no response to the connection.
    #[error("no connection within {} s: the address is wrong, or a firewall drops the packets", after.as_secs_f32())]
    ConnectTimeout {
        /// The time limit.
        after: Duration,
    },
    /// The port is closed.
    #[error("connection refused: nothing listens on that port")]
    Refused,
    /// The network reports that there is no route.
    #[error("the address cannot be reached from here: {0}")]
    Unreachable(io::Error),
    /// The connection cannot be made for another reason.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// The connection exists, but the server sends nothing.
    #[error("it accepts the connection and then sends nothing for {} s: TLS may not be on that port, or its backend hangs", after.as_secs_f32())]
    HandshakeTimeout {
        /// The time limit.
        after: Duration,
    },
    /// An answer began and did not end.
    #[error("the TLS handshake began but did not end within {} s", after.as_secs_f32())]
    HandshakeStalled {
        /// The time limit.
        after: Duration,
    },
    /// The server closed the connection.
    #[error("it closes the connection during the TLS handshake, as servers without a certificate for the host do")]
    Closed,
    /// The server, or something in front of it, reset the connection.
    #[error("the connection is reset during the TLS handshake")]
    Reset,
    /// The server answers in HTTP without TLS.
    #[error("it answers in plain HTTP: TLS is not on that port")]
    PlainHttp,
    /// The server uses another protocol.
    #[error("it does not speak TLS: its answer begins with \"{began}\"")]
    NotTls {
        /// The first bytes, escaped to printable ASCII.
        began: String,
    },
    /// The server has no certificate for the name and says so.
    #[error("it has no certificate for the host (TLS alert unrecognized_name)")]
    UnknownHost,
    /// The server refuses what was offered.
    #[error("it refuses the handshake (TLS alert {alert}): {hint}")]
    Alert {
        /// The name of the alert (RFC 8446, section 6).
        alert: String,
        /// The usual cause.
        hint: &'static str,
    },
    /// The server requires a client certificate before it sends its own.
    #[error("it demands a client certificate before it shows its own")]
    ClientCertificateRequired,
    /// The server only supports TLS 1.1 or older, or nothing in common.
    #[error("it offers neither TLS 1.2 nor TLS 1.3 with a modern cipher")]
    TooOld,
    /// The handshake has no certificate.
    #[error("it shows no certificate at all")]
    NoCertificate,
    /// The first certificate is not valid X.509.
    #[error("its certificate cannot be read: it is not X.509")]
    BrokenCertificate,
    /// The server does not have the key of the certificate that it sends.
    #[error("its signature was not made by the key of the certificate that it shows: certificate and key do not match")]
    BadSignature,
    /// The server sends more than a TLS client accepts.
    #[error("its certificate chain is larger than 64 KiB, which TLS clients refuse")]
    TooLarge,
    /// The server refuses the application protocols of the web.
    #[error("it refuses h2 and http/1.1 and every other application protocol")]
    NoApplicationProtocol,
    /// The server violates TLS in another way.
    #[error("the TLS handshake fails: {0}")]
    Protocol(rustls::Error),
    /// The connection breaks in the middle.
    #[error("the connection fails during the TLS handshake: {0}")]
    Broken(io::Error),
}

impl ProbeError {
    /// Whether the server answers in TLS, and has no usable pair to show for the host. What may come from something between, such as
    /// a load balancer without a server behind it, does not count.
    pub fn is_for_want_of_a_pair(&self) -> bool {
        matches!(
            self,
            Self::UnknownHost
                | Self::Alert { .. }
                | Self::NoCertificate
                | Self::BrokenCertificate
                | Self::BadSignature
                | Self::TooLarge
        )
    }

    /// Classifies a failed connect.
    pub(super) fn from_connect(error: io::Error) -> Self {
        use io::ErrorKind as K;
        match error.kind() {
            K::ConnectionRefused => Self::Refused,
            K::HostUnreachable | K::NetworkUnreachable | K::AddrNotAvailable | K::NetworkDown => {
                Self::Unreachable(error)
            }
            _ => Self::Connect(error),
        }
    }

    /// Classifies a failed handshake; `head` is what the server sent first.
    pub(super) fn from_handshake(error: io::Error, head: &[u8]) -> Self {
        let tls = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
        match tls {
            Some(tls) => Self::from_tls(tls, head),
            None if not_tls(head) => Self::other_protocol(head),
            None => match error.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => Self::Closed,
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Self::Reset,
                _ => Self::Broken(error),
            },
        }
    }

    fn from_tls(error: &rustls::Error, head: &[u8]) -> Self {
        use rustls::Error as E;
        match error {
            E::AlertReceived(alert) => Self::from_alert(*alert),
            E::InvalidMessage(
                InvalidMessage::CertificatePayloadTooLarge | InvalidMessage::HandshakePayloadTooLarge,
            ) => Self::TooLarge,
            _ if not_tls(head) => Self::other_protocol(head),
            E::NoCertificatesPresented => Self::NoCertificate,
            E::InvalidCertificate(CertificateError::BadEncoding) => Self::BrokenCertificate,
            E::InvalidCertificate(CertificateError::BadSignature) => Self::BadSignature,
            E::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::NoCipherSuitesInCommon
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => Self::TooOld,
            other => Self::Protocol(other.clone()),
        }
    }

    fn from_alert(alert: AlertDescription) -> Self {
        use AlertDescription as A;
        let (alert, hint) = match alert {
            A::UnrecognisedName => return Self::UnknownHost,
            A::ProtocolVersion | A::InsufficientSecurity => return Self::TooOld,
            A::NoApplicationProtocol => return Self::NoApplicationProtocol,
            A::CertificateRequired | A::NoCertificate => return Self::ClientCertificateRequired,
            A::HandshakeFailure => (
                "handshake_failure".to_owned(),
                "it has no certificate for the host, or no cipher in common",
            ),
            A::InternalError => (
                "internal_error".to_owned(),
                "it has no certificate for the host, or fails to load it: see the controller's log",
            ),
            A::AccessDenied => (
                "access_denied".to_owned(),
                "it does not serve the host, or refuses this client",
            ),
            A::CloseNotify => return Self::Closed,
            other => (
                other.as_str().map_or_else(|| format!("{}", u8::from(other)), snake),
                "see the server's log",
            ),
        };
        Self::Alert { alert, hint }
    }

    fn other_protocol(head: &[u8]) -> Self {
        if head.starts_with(b"HTTP/") || head.get(..5).is_some_and(|h| h.eq_ignore_ascii_case(b"<html")) {
            return Self::PlainHttp;
        }
        let line = head.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
        Self::NotTls {
            began: line.escape_ascii().to_string(),
        }
    }
}

/// Whether the first byte is not a record type of TLS (RFC 8446, section 5.1).
fn not_tls(head: &[u8]) -> bool {
    head.first().is_some_and(|b| !(20..=24).contains(b))
}

/// Converts `DecodeError` into `decode_error`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower {
            out.push('_');
        }
        lower = c.is_ascii_lowercase();
        out.push(c.to_ascii_lowercase());
    }
    out
}
