//! A pipe or FIFO that somebody else opened, as one of a child's standard streams is.

use crate::sys::{self, errno};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::unix::pipe::{Receiver, Sender};

pub enum Fifo {
    In(Receiver),
    Out(Sender),
    /// A FIFO that was opened for both; the second is a duplicate.
    Both(Receiver, Sender),
}

fn not_connected() -> io::Error {
    errno::error(errno::ENOTCONN)
}

impl Fifo {
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(match sys::access(fd.as_fd())? {
            (true, true) => {
                let copy = fd.try_clone()?;
                Self::Both(Receiver::from_owned_fd(fd)?, Sender::from_owned_fd(copy)?)
            }
            (true, false) => Self::In(Receiver::from_owned_fd(fd)?),
            (false, _) => Self::Out(Sender::from_owned_fd(fd)?),
        })
    }

    /// Gives the descriptor up without closing it.
    pub fn leave_open(self) {
        let (Self::In(receiver) | Self::Both(receiver, _)) = self else {
            if let Self::Out(sender) = self {
                let _ = sender.into_nonblocking_fd().map(sys::leave_open);
            }
            return;
        };
        let _ = receiver.into_nonblocking_fd().map(sys::leave_open);
    }

    fn receiver(&self) -> io::Result<&Receiver> {
        match self {
            Self::In(receiver) | Self::Both(receiver, _) => Ok(receiver),
            Self::Out(_) => Err(not_connected()),
        }
    }

    fn sender(&self) -> io::Result<&Sender> {
        match self {
            Self::Out(sender) | Self::Both(_, sender) => Ok(sender),
            Self::In(_) => Err(not_connected()),
        }
    }

    /// Fails with what libuv says to reading from a pipe that is open for writing only.
    pub fn check_readable(&self) -> io::Result<()> {
        self.receiver().map(drop)
    }

    /// The same of a shutdown.
    pub fn check_writable(&self) -> io::Result<()> {
        self.sender().map(drop)
    }

    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::In(receiver) | Self::Both(receiver, _) => Pin::new(receiver).poll_read(cx, buf),
            Self::Out(_) => Poll::Ready(Err(not_connected())),
        }
    }

    pub fn try_read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.receiver()?.try_read_vectored(slices)
    }

    pub fn try_io<T>(
        &self,
        interest: Interest,
        act: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        if interest.is_readable() {
            self.receiver()?.try_io(act)
        } else {
            self.sender()?.try_io(act)
        }
    }

    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.receiver()?.poll_read_ready(cx)
    }

    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sender()?.poll_write_ready(cx)
    }

    /// Whether nobody holds the other end, as far as the last poll of the driver knows.
    pub fn is_hung_up(&self, cx: &mut Context<'_>) -> bool {
        self.receiver().is_ok_and(|receiver| {
            let ready = pin!(receiver.ready(Interest::READABLE)).poll(cx);
            matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
        })
    }

    /// libuv does not even try to write to a pipe that is open for reading only.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.sender() {
            Ok(sender) => sys::write(sender.as_fd(), bytes),
            Err(_) => Err(errno::error(errno::EPIPE)),
        }
    }

    pub fn write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.sender() {
            Ok(sender) => sys::write_vectored(sender.as_fd(), slices),
            Err(_) => Err(errno::error(errno::EPIPE)),
        }
    }
}

impl AsFd for Fifo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::In(receiver) | Self::Both(receiver, _) => receiver.as_fd(),
            Self::Out(sender) => sender.as_fd(),
        }
    }
}
