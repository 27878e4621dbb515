//! A name server for tests, within the process.

use std::net::{Ipv4Addr, SocketAddr};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use tokio::{net::UdpSocket, task::JoinHandle};

use super::shown;

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
