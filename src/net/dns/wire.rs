//! Sends one message to one server, and returns the matching answer.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use hickory_proto::op::{Message, MessageType};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

/// The transport of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// As a datagram.
    Udp,
    /// Over a TCP connection of its own.
    Tcp,
}

/// Sends a message and returns the bytes of its answer; the caller limits the time. A datagram that answers another
/// query (RFC 5452, section 9) is skipped. An answer has 65,535 bytes at most.
pub async fn exchange(server: SocketAddr, message: &Message, via: Via) -> io::Result<Vec<u8>> {
    let bytes = message.to_vec().map_err(io::Error::other)?;
    match via {
        Via::Udp => datagram(server, message, &bytes).await,
        Via::Tcp => stream(server, message, &bytes).await,
    }
}

async fn datagram(server: SocketAddr, asked: &Message, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let local: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(local).await?;
    // Connected, so that the system drops what comes from elsewhere, and reports if nothing listens there.
    socket.connect(server).await?;
    socket.send(bytes).await?;
    let mut buffer = vec![0; 65_535];
    loop {
        let length = socket.recv(&mut buffer).await?;
        let answer = buffer.get(..length).unwrap_or_default();
        if belongs(asked, answer) {
            return Ok(answer.to_vec());
        }
    }
}

async fn stream(server: SocketAddr, asked: &Message, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(bytes);
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    if belongs(asked, &answer) {
        Ok(answer)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it answers another question",
        ))
    }
}

/// Whether an answer has the id of the query and repeats its name and type. Servers that fail repeat nothing.
fn belongs(asked: &Message, bytes: &[u8]) -> bool {
    let Ok(answer) = Message::from_vec(bytes) else {
        // If the id is right, the caller reports what cannot be read.
        return bytes.get(..2) == Some(&asked.metadata.id.to_be_bytes());
    };
    answer.metadata.id == asked.metadata.id
        && answer.metadata.message_type == MessageType::Response
        && answer.metadata.op_code == asked.metadata.op_code
        && match (answer.queries.first(), asked.queries.first()) {
            (Some(a), Some(b)) => a.name() == b.name() && a.query_type() == b.query_type(),
            (None, _) => answer.answers.is_empty(),
            (Some(_), None) => false,
        }
}
