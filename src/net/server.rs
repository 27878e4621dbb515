//! Answers HTTP within bounds, whoever asks: connections that only stay open keep nobody out.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::ready,
    io,
    net::{Ipv6Addr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::Service,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many connections are open at once. A further one closes the oldest.
    pub connections: usize,
    /// How long the head of a request may take.
    pub head: Duration,
    /// How long a connection may last.
    pub longest: Duration,
    /// Whether a connection is for several requests.
    pub keep_alive: bool,
}

/// The largest head of a request, in bytes.
pub const LARGEST_HEAD: usize = 16 << 10;
/// How long answers that are under way may take once it ends.
const GRACE: Duration = Duration::from_secs(2);

/// Listens on a port of all addresses. IPv6 takes IPv4 too, where there is any.
///
/// # Errors
///
/// The port is in use, or reserved.
pub async fn listen_everywhere(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => TcpListener::bind(("0.0.0.0", port)).await,
    }
}

/// Answers on `listener` until `stop` is ready; what is under way then is finished within two seconds. Errors of one
/// connection do not affect others.
pub async fn serve<S, B>(listener: TcpListener, bounds: Bounds, service: S, stop: impl Future<Output = ()>)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let plain = move |tcp: TcpStream, _: SocketAddr| ready(Some((tcp, service.clone())));
    serve_each(listener, bounds, plain, stop).await;
}

/// The same, where `begin` makes of each connection what is read and written on it, and what answers there. `None` closes
/// it. It may take as long as the head of a request.
pub async fn serve_each<A, F, I, S, B>(listener: TcpListener, bounds: Bounds, begin: A, stop: impl Future<Output = ()>)
where
    A: Fn(TcpStream, SocketAddr) -> F,
    F: Future<Output = Option<(I, S)>> + Send + 'static,
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut open = JoinSet::new();
    let mut oldest: VecDeque<AbortHandle> = VecDeque::new();
    let (end, ends) = watch::channel(());
    let mut stop = std::pin::pin!(stop);
    loop {
        while open.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((tcp, peer)) = accepted else {
            // There are no more file descriptors, or the client has left already.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        if oldest.len() >= bounds.connections {
            oldest.retain(|connection| !connection.is_finished());
        }
        if oldest.len() >= bounds.connections
            && let Some(connection) = oldest.pop_front()
        {
            connection.abort();
        }
        let _ = tcp.set_nodelay(true);
        let (first, mut ends) = (begin(tcp, peer), ends.clone());
        oldest.push_back(open.spawn(async move {
            let Ok(Some((stream, service))) = timeout(bounds.head, first).await else {
                return;
            };
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(bounds.keep_alive)
                .header_read_timeout(bounds.head)
                .max_buf_size(LARGEST_HEAD)
                .serve_connection(TokioIo::new(stream), service);
            let served = async move {
                let mut connection = std::pin::pin!(connection);
                tokio::select! {
                    _ = connection.as_mut() => return,
                    _ = ends.changed() => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
            };
            let _ = timeout(bounds.longest, served).await;
        }));
    }
    drop(listener);
    drop(end);
    let _ = timeout(GRACE, async { while open.join_next().await.is_some() {} }).await;
}
