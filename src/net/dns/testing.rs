//! A name server for tests, within the process.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use hickory_proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{RData, Record, RecordType, rdata},
};
use tokio::{net::UdpSocket, task::JoinHandle};

use super::{name, shown};

/// Its answer for a name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Says {
    /// This code, without records.
    Code(ResponseCode),
    /// No answer.
    Nothing,
}

/// Answers over UDP until it is dropped.
pub(crate) struct NameServer {
    /// Its address.
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl NameServer {
    /// Starts a server that gives these answers for these names and everything below them, and answers for all other
    /// names that there is no record. The empty name is above all names.
    pub(crate) async fn start(of: &[(&str, Says)]) -> Self {
        let of: Vec<(String, Says)> = of.iter().map(|(name, says)| ((*name).to_owned(), *says)).collect();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let mut answer = Message::from_vec(&buffer[..length]).unwrap();
                let asked = shown(answer.queries[0].name());
                let is_within = |name: &str| name.is_empty() || asked == name || asked.ends_with(&format!(".{name}"));
                let says = of.iter().find(|(name, _)| is_within(name)).map(|(_, says)| *says);
                let Says::Code(code) = says.unwrap_or(Says::Code(ResponseCode::NoError)) else {
                    continue;
                };
                answer.metadata.message_type = MessageType::Response;
                answer.metadata.response_code = code;
                answer.edns = None;
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        Self { address, serving }
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One query, and the answer that is to be filled in: authoritative, without records, NOERROR.
pub(crate) struct Asked<'a> {
    /// The name, in lower case, without the trailing dot.
    pub(crate) name: &'a str,
    pub(crate) kind: RecordType,
    pub(crate) answer: &'a mut Message,
    /// Whether no answer is sent.
    pub(crate) is_silent: bool,
}

impl Asked<'_> {
    /// Whether it is about this name and type.
    pub(crate) fn is(&self, name: &str, kind: RecordType) -> bool {
        self.name == name && self.kind == kind
    }

    /// Adds an address of the requested name.
    pub(crate) fn a(&mut self, ip: [u8; 4]) {
        let data = RData::A(rdata::A(ip.into()));
        self.answer.add_answer(record(self.name, 60, data));
    }

    /// Adds an alias of the requested name.
    pub(crate) fn cname(&mut self, target: &str) {
        let data = RData::CNAME(rdata::CNAME(name(target).unwrap()));
        self.answer.add_answer(record(self.name, 60, data));
    }

    /// Adds a name server of the requested name.
    pub(crate) fn ns(&mut self, server: &str) {
        let data = RData::NS(rdata::NS(name(server).unwrap()));
        self.answer.add_answer(record(self.name, 60, data));
    }

    /// Makes it a referral to the server of a zone below, with its address.
    pub(crate) fn refer(&mut self, zone: &str, server: &str, ip: [u8; 4]) {
        self.answer.metadata.authoritative = false;
        let data = RData::NS(rdata::NS(name(server).unwrap()));
        self.answer.add_authority(record(zone, 60, data));
        let data = RData::A(rdata::A(ip.into()));
        self.answer.add_additional(record(server, 60, data));
    }

    /// Makes it a negative answer of a zone: `ttl` is that of its SOA.
    pub(crate) fn none(&mut self, code: ResponseCode, zone: &str, ttl: u32, minimum: u32) {
        self.answer.metadata.response_code = code;
        let server = name(&format!("ns1.{zone}")).unwrap();
        let soa = rdata::SOA::new(server, name(".").unwrap(), 1, 60, 60, 600, minimum);
        self.answer.add_authority(record(zone, ttl, RData::SOA(soa)));
    }
}

fn record(of: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name(of).unwrap(), ttl, data)
}

/// A name server that answers by a script and writes down what it was asked: `NS shop.example`, and `A shop.example
/// without recursion`.
pub(crate) struct ScriptedServer {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl ScriptedServer {
    /// Starts one at an address; port 0 is any.
    pub(crate) async fn start(address: ([u8; 4], u16), script: impl Fn(&mut Asked<'_>) + Send + 'static) -> Self {
        let socket = UdpSocket::bind(SocketAddr::from(address)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let mut answer = Message::from_vec(&buffer[..length]).unwrap();
                let (name, kind) = (shown(answer.queries[0].name()), answer.queries[0].query_type());
                let how = if answer.metadata.recursion_desired {
                    ""
                } else {
                    " without recursion"
                };
                log.lock().unwrap().push(format!("{kind} {name}{how}"));
                answer.metadata.message_type = MessageType::Response;
                answer.metadata.authoritative = true;
                answer.edns = None;
                let mut asked = Asked {
                    name: &name,
                    kind,
                    answer: &mut answer,
                    is_silent: false,
                };
                script(&mut asked);
                if asked.is_silent {
                    continue;
                }
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        Self {
            address,
            asked,
            serving,
        }
    }

    /// What it was asked so far, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
