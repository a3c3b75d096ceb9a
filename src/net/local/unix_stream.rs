//! The bytes of a local stream: those of a unix domain socket, or of a pipe that somebody else opened.

use super::fifo::Fifo;
use crate::net::stream::{connect_outcome, is_closed_both_ways};
use crate::sys::{self, Descriptor};
use socket2::{SockRef, Socket};
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::UnixStream;

pub enum LocalStream {
    Socket(UnixStream),
    /// Boxed, because it is rare and twice as large as the other.
    Fifo(Box<Fifo>),
}

macro_rules! either {
    ($stream:expr, $inner:ident => $act:expr) => {
        match $stream {
            LocalStream::Socket($inner) => $act,
            LocalStream::Fifo($inner) => $act,
        }
    };
}

impl LocalStream {
    /// tokio has to be told when the kernel has nothing more.
    pub const READINESS_IS_TOKIOS: bool = false;

    /// Takes a stream that the driver does not know yet.
    pub fn driven(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        UnixStream::from_std(stream).map(Self::Socket)
    }

    /// Takes a descriptor of the given kind.
    pub fn adopt(descriptor: Socket, kind: sys::Kind) -> io::Result<Self> {
        let descriptor = OwnedFd::from(descriptor);
        match kind {
            sys::Kind::Local => Self::driven(descriptor.into()),
            sys::Kind::Pipe => Ok(Self::Fifo(Box::new(Fifo::new(descriptor)?))),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Gives the descriptor up without closing it.
    pub fn leave_open(self) {
        match self {
            Self::Socket(stream) => {
                let _ = stream.into_std().map(sys::leave_open);
            }
            Self::Fifo(fifo) => fifo.leave_open(),
        }
    }

    pub fn try_read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        either!(self, stream => stream.try_read_vectored(slices))
    }

    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read_ready(cx))
    }

    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_write_ready(cx))
    }

    pub fn try_io<T>(
        &self,
        interest: Interest,
        act: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        either!(self, stream => stream.try_io(interest, act))
    }

    /// Whether the peer is gone, as far as the last poll of the driver knows.
    pub fn is_hung_up(&self, cx: &mut Context<'_>) -> bool {
        match self {
            Self::Socket(stream) => {
                let both = Interest::READABLE | Interest::WRITABLE;
                is_closed_both_ways(&pin!(stream.ready(both)).poll(cx))
            }
            Self::Fifo(fifo) => fifo.is_hung_up(cx),
        }
    }

    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Socket(stream) => sys::send(stream.as_fd(), bytes),
            Self::Fifo(fifo) => fifo.write(bytes),
        }
    }

    pub fn send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Socket(stream) => sys::send_vectored(stream.as_fd(), slices),
            Self::Fifo(fifo) => fifo.write_vectored(slices),
        }
    }

    /// Waits for the end of a connect that is under way.
    pub fn poll_connected(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_ready(cx))?;
        Poll::Ready(connect_outcome(&self.socket()?))
    }

    pub fn socket(&self) -> io::Result<SockRef<'_>> {
        Ok(match self {
            Self::Socket(stream) => SockRef::from(stream),
            Self::Fifo(fifo) => SockRef::from(&**fifo),
        })
    }

    pub fn descriptor(&self) -> Descriptor<'_> {
        either!(self, stream => stream.as_fd())
    }

    /// What libuv says to reading from a pipe that is open for writing only.
    pub fn check_readable(&self) -> io::Result<()> {
        match self {
            Self::Socket(_) => Ok(()),
            Self::Fifo(fifo) => fifo.check_readable(),
        }
    }

    /// The same of a shutdown.
    pub fn check_writable(&self) -> io::Result<()> {
        match self {
            Self::Socket(_) => Ok(()),
            Self::Fifo(fifo) => fifo.check_writable(),
        }
    }
}

impl AsyncRead for LocalStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Socket(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Fifo(fifo) => fifo.poll_read(cx, buf),
        }
    }
}
