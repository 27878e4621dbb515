//! Keeps the first bytes that a server sends, to recognize its protocol if it is not TLS.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes are kept: enough to tell HTTP, SSH or SMTP from TLS.
const KEPT: usize = 32;

/// The first bytes that were received, shared with the stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Head(Arc<OnceLock<Box<[u8]>>>);

impl Head {
    /// The first bytes, at most 32; empty if nothing was received.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.get().map_or(&[], |b| b)
    }
}

/// A stream whose first bytes are kept.
#[derive(Debug)]
pub(super) struct Sniff<S> {
    inner: S,
    head: Head,
}

impl<S> Sniff<S> {
    pub(super) fn new(inner: S) -> (Self, Head) {
        let head = Head::default();
        let stream = Self {
            inner,
            head: head.clone(),
        };
        (stream, head)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sniff<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let answer = Pin::new(&mut self.inner).poll_read(cx, buf);
        let came = buf.filled().get(before..).unwrap_or_default();
        if !came.is_empty() {
            self.head.0.get_or_init(|| came.iter().take(KEPT).copied().collect());
        }
        answer
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sniff<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
