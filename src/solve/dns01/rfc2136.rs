//! Dynamic update (RFC 2136), signed with TSIG (RFC 8945).

use std::{net::SocketAddr, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::BoxFuture;
use hickory_proto::{
    op::{Message, ResponseCode, update_message},
    rr::{
        RData, RecordSet, RecordType, TSigner,
        rdata::{
            TXT,
            tsig::{TsigAlgorithm, TsigError},
        },
    },
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    config::{self, Rfc2136Config, Transport},
    provider::{Provider, Record},
};
use crate::{
    net::dns::{self, DnsError, Via, code_word, exchange},
    solve::SolveError,
};

/// How long one server has for one message.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How many times an update without an answer is sent. It may be carried out twice, because adding an existing value
/// changes nothing.
const TRIES: u32 = 3;
/// By how many seconds clocks may differ (RFC 8945, section 10).
const FUDGE: u16 = 300;

/// A primary name server.
pub(super) struct Rfc2136 {
    label: String,
    host: String,
    port: u16,
    via: Via,
    signer: Option<TSigner>,
}

impl std::fmt::Debug for Rfc2136 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rfc2136")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl Rfc2136 {
    pub(super) fn new(config: &Rfc2136Config, key: Option<&SecretString>) -> Result<Self, SolveError> {
        let (host, port) = server(&config.server).ok_or_else(|| {
            SolveError::new(format!(
                "server {:?} is neither a name nor an address, with or without a port",
                config.server
            ))
        })?;
        let signer = match (&config.key_name, key) {
            (Some(name), Some(key)) => Some(signer(name, key, config.algorithm)?),
            _ => None,
        };
        Ok(Self {
            label: format!("the name server {}", config.server),
            host,
            port,
            via: match config.transport {
                Transport::Tcp => Via::Tcp,
                Transport::Udp => Via::Udp,
            },
            signer,
        })
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, SolveError> {
        let found = crate::net::resolve(&self.host, TIMEOUT).await;
        let found = found.map_err(|e| SolveError::new(format!("cannot find {}: {e}", self.label)))?;
        Ok(found.into_iter().map(|ip| (ip, self.port).into()).collect())
    }

    /// The present values of the name, and their TTL.
    async fn present(&self, record: &Record) -> Option<(Vec<String>, Option<u32>)> {
        for server in self.addresses().await.ok()? {
            let reply = dns::query(server, &record.name, RecordType::TXT, dns::TIMEOUT).await;
            if let Ok(reply) = reply.and_then(dns::Reply::usable)
                && reply.is_authoritative()
            {
                return Some((reply.texts(), reply.text_ttl()));
            }
        }
        None
    }

    async fn send(&self, record: &Record, update: &Message) -> Result<(), SolveError> {
        let addresses = self.addresses().await?;
        let mut last = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(500) * attempt).await;
            }
            for server in addresses.iter().copied() {
                match tokio::time::timeout(TIMEOUT, self.once(server, update)).await {
                    Ok(Ok(answer)) => return self.judge(record, &answer),
                    Ok(Err(Trouble::Final(error))) => return Err(error),
                    Ok(Err(Trouble::Again(why))) => last = why,
                    Err(_) => last = format!("no answer within {} s", TIMEOUT.as_secs()),
                }
            }
        }
        let hint = match self.via {
            Via::Tcp => "check the server's address; where only UDP passes, set `transport: udp`",
            Via::Udp => "check the server's address, or set `transport: tcp`",
        };
        Err(SolveError::new(format!("{} accepts no update: {last}", self.label)).hint(hint))
    }

    async fn once(&self, server: SocketAddr, update: &Message) -> Result<Message, Trouble> {
        let garbled = |e: &dyn std::fmt::Display| {
            Trouble::Final(SolveError::new(format!(
                "{} answers with something that is not a DNS message: {e}",
                self.label
            )))
        };
        let mut message = update.clone();
        let now = crate::clock::since_epoch().as_secs();
        let mut verifier = match &self.signer {
            Some(signer) => message.finalize(signer, now).map_err(|e| garbled(&e))?,
            None => None,
        };
        let bytes = exchange(server, &message, self.via).await;
        let bytes = bytes.map_err(|e| Trouble::Again(e.to_string()))?;
        let answer = Message::from_vec(&bytes).map_err(|e| garbled(&e))?;
        // An unsigned refusal is accepted, because servers that do not know the key cannot sign it.
        if answer.metadata.response_code == ResponseCode::NoError
            && let Some(verifier) = &mut verifier
            && let Err(error) = verifier.verify(&bytes)
        {
            return Err(Trouble::Final(SolveError::new(format!(
                "the answer of {} is not signed with the key: {error}",
                self.label
            ))));
        }
        Ok(answer)
    }

    fn judge(&self, record: &Record, answer: &Message) -> Result<(), SolveError> {
        let code = answer.metadata.response_code;
        if code == ResponseCode::NoError {
            return Ok(());
        }
        let tsig = answer.signature().and_then(|signature| signature.data.error);
        let key = self
            .signer
            .as_ref()
            .map(|signer| dns::shown(signer.signer_name()))
            .unwrap_or_default();
        let refused = format!(
            "{} refuses to change {} in zone {}",
            self.label, record.name, record.zone
        );
        let (why, hint) = match (tsig, code) {
            (Some(TsigError::BadKey), _) => (
                "BADKEY".to_owned(),
                format!("it does not know the key {key} with this algorithm: check keyName and algorithm"),
            ),
            (Some(TsigError::BadSig), _) => (
                "BADSIG".to_owned(),
                format!("its key {key} is different: check the key's secret"),
            ),
            (Some(TsigError::BadTime), _) => (
                "BADTIME".to_owned(),
                "this machine's clock and the server's differ: set them".to_owned(),
            ),
            (_, ResponseCode::Refused) if key.is_empty() => (
                "REFUSED".to_owned(),
                "it requires signed updates: give keyName and key".to_owned(),
            ),
            (_, ResponseCode::Refused) => (
                "REFUSED".to_owned(),
                format!("let the key {key} change TXT records there (BIND: update-policy, or allow-update)"),
            ),
            (_, ResponseCode::NotAuth) => (
                "NOTAUTH".to_owned(),
                "it is not the zone's primary server: name that one as `server`".to_owned(),
            ),
            (_, code) => (code_word(code), "the server's log says more".to_owned()),
        };
        let error = SolveError::new(format!("{refused}: {why}")).hint(hint);
        Err(if matches!(code, ResponseCode::Refused | ResponseCode::NotAuth) {
            error.refused()
        } else {
            error
        })
    }
}

/// Why an update has no answer.
enum Trouble {
    Again(String),
    Final(SolveError),
}

fn signer(name: &str, key: &SecretString, algorithm: config::TsigAlgorithm) -> Result<TSigner, SolveError> {
    let packed: zeroize::Zeroizing<String> = key
        .expose_secret()
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .into();
    let bytes = BASE64_STANDARD.decode(packed.as_bytes()).map_err(|_| {
        SolveError::new(format!("the key {name} is not base64")).hint("give only the secret of BIND's key statement")
    })?;
    let name = dns::name(name).map_err(|e| SolveError::new(format!("keyName: {e}")))?;
    let algorithm = match algorithm {
        config::TsigAlgorithm::HmacSha256 => TsigAlgorithm::HmacSha256,
        config::TsigAlgorithm::HmacSha384 => TsigAlgorithm::HmacSha384,
        config::TsigAlgorithm::HmacSha512 => TsigAlgorithm::HmacSha512,
    };
    TSigner::new(bytes, algorithm, name, FUDGE).map_err(|e| SolveError::new(format!("cannot use the TSIG key: {e}")))
}

/// Reads `HOST`, `HOST:PORT` or `[ADDRESS]:PORT`.
fn server(text: &str) -> Option<(String, u16)> {
    if let Some(address) = dns::server(text) {
        return Some((address.ip().to_string(), address.port()));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, dns::PORT),
    };
    (!host.is_empty() && dns::name(host).is_ok()).then(|| (host.to_owned(), port))
}

/// The value as a record set, with the zone that contains its name.
fn set(record: &Record, ttl: u32) -> Result<(RecordSet, hickory_proto::rr::Name), SolveError> {
    let wrong = |e: DnsError| SolveError::new(e.to_string());
    let (name, zone) = (
        dns::name(&record.name).map_err(wrong)?,
        dns::name(&record.zone).map_err(wrong)?,
    );
    if !zone.zone_of(&name) {
        return Err(SolveError::new(format!(
            "{} is not in zone {}",
            record.name, record.zone
        )));
    }
    let mut set = RecordSet::with_ttl(name, RecordType::TXT, ttl);
    set.add_rdata(RData::TXT(TXT::new(vec![record.value.clone()])));
    Ok((set, zone))
}

impl Provider for Rfc2136 {
    fn label(&self) -> &str {
        &self.label
    }

    fn add<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            // A record set has one TTL, so another one would change that of others' values (BIND takes the newest).
            let present = self.present(record).await.and_then(|(_, ttl)| ttl);
            let (set, zone) = set(record, present.unwrap_or(record.ttl))?;
            self.send(record, &update_message::append(set, zone, false, false))
                .await
        })
    }

    fn remove<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<bool, SolveError>> {
        Box::pin(async move {
            let present = self.present(record).await;
            let (set, zone) = set(record, 0)?;
            self.send(record, &update_message::delete_by_rdata(set, zone, false))
                .await?;
            Ok(present.is_none_or(|(values, _)| values.contains(&record.value)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(key_name: Option<&str>) -> Rfc2136Config {
        Rfc2136Config {
            server: "192.0.2.1".to_owned(),
            key_name: key_name.map(str::to_owned),
            key: None,
            algorithm: config::TsigAlgorithm::HmacSha512,
            transport: Transport::Tcp,
        }
    }

    #[test]
    fn servers_are_read_with_and_without_a_port() {
        for (text, host, port) in [
            ("192.0.2.1", "192.0.2.1", 53),
            ("192.0.2.1:5353", "192.0.2.1", 5353),
            ("[2001:db8::1]:5353", "2001:db8::1", 5353),
            ("2001:db8::1", "2001:db8::1", 53),
            ("ns1.shop.example", "ns1.shop.example", 53),
            ("ns1.shop.example:5353", "ns1.shop.example", 5353),
        ] {
            assert_eq!(server(text), Some((host.to_owned(), port)), "{text}");
        }
        assert_eq!(server("ns1:x"), None);
        assert_eq!(server(""), None);
    }

    #[test]
    fn a_key_is_base64_and_never_shown() {
        let provider = Rfc2136::new(&config(Some("update")), Some(&SecretString::from("c2Vj\n cmV0"))).unwrap();
        assert_eq!(provider.signer.as_ref().unwrap().key(), b"secret");
        assert!(!format!("{provider:?}").contains("c2Vj"));
        let error = Rfc2136::new(&config(Some("update")), Some(&SecretString::from("s3cret!"))).unwrap_err();
        assert_eq!(error.message, "the key update is not base64");
    }

    #[test]
    fn a_record_outside_its_zone_is_refused_before_anything_is_sent() {
        let record = Record {
            zone: "other.example".to_owned(),
            name: "_acme-challenge.shop.example".to_owned(),
            value: "v".to_owned(),
            ttl: 60,
            domain: "shop.example".to_owned(),
            token: String::new(),
        };
        assert!(set(&record, 60).unwrap_err().message.contains("is not in zone"));
    }
}
