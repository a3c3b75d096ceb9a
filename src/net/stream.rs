//! One connected (or connecting) byte stream, TCP or local.

use super::local::LocalStream;
use super::{address, readiness_is_shared};
use crate::sys::{self, Descriptor, OwnedDescriptor, errno};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, Interest, ReadBuf, Ready};
use tokio::net::TcpStream;

pub enum Stream {
    Tcp(TcpStream),
    Local(LocalStream),
}

macro_rules! either {
    ($stream:expr, $inner:ident => $act:expr) => {
        match $stream {
            Stream::Tcp($inner) => $act,
            Stream::Local($inner) => $act,
        }
    };
}

/// Socket creation options of a TCP bind.
#[derive(Clone, Copy, Default)]
pub struct BindFlags {
    pub v6_only: bool,
    pub reuse_port: bool,
}

/// Linux makes it so at once; elsewhere it takes two more system calls.
pub fn nonblocking_socket(domain: Domain, protocol: Option<Protocol>) -> io::Result<Socket> {
    #[cfg(target_os = "linux")]
    return Socket::new(domain, Type::STREAM.nonblocking(), protocol);
    #[cfg(not(target_os = "linux"))]
    {
        let socket = Socket::new(domain, Type::STREAM, protocol)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

/// Makes a nonblocking TCP socket, bound when `local` is given, as `uv_tcp_bind` does it.
pub fn tcp_socket(
    domain: Domain,
    local: Option<SocketAddr>,
    flags: BindFlags,
) -> io::Result<Socket> {
    let socket = nonblocking_socket(domain, Some(Protocol::TCP))?;
    if let Some(local) = local {
        sys::set_reuse(&socket, flags.reuse_port)?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(flags.v6_only)?;
        }
        socket.bind(&local.into())?;
    }
    Ok(socket)
}

/// Asks the kernel to connect, which it goes on with by itself.
pub fn begin_connect(socket: &Socket, target: SocketAddr) -> io::Result<()> {
    match socket.connect(&target.into()) {
        Err(error) if !errno::is(&error, sys::CONNECT_UNDER_WAY) => Err(error),
        _ => Ok(()),
    }
}

impl Stream {
    /// Starts a TCP connect; the end of it shows as write readiness. Refused at once on
    /// loopback is reported later too, as libuv does; other errors come back here.
    pub fn connect_tcp(host: &str, port: u16) -> io::Result<Self> {
        let target = address::parse_peer(host, port)?;
        let socket = tcp_socket(Domain::for_address(target), None, BindFlags::default())?;
        begin_connect(&socket, target)?;
        Self::connecting(socket)
    }

    /// Takes a TCP socket that has begun to connect.
    pub fn connecting(socket: Socket) -> io::Result<Self> {
        Ok(Self::Tcp(TcpStream::from_std(socket.into())?))
    }

    pub fn is_tcp(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }

    /// Adopts a descriptor of the given kind: a connected socket, or a pipe.
    pub fn adopt(fd: OwnedDescriptor, kind: sys::Kind) -> io::Result<Self> {
        let socket = sys::into_socket(fd);
        socket.set_nonblocking(true)?;
        match kind {
            sys::Kind::Tcp => Self::connecting(socket),
            kind => LocalStream::adopt(socket, kind).map(Self::Local),
        }
    }

    /// Gives the descriptor up without closing it.
    pub fn leave_open(self) {
        match self {
            Self::Tcp(stream) => {
                let _ = stream.into_std().map(sys::leave_open);
            }
            Self::Local(stream) => stream.leave_open(),
        }
    }

    /// Reads once into `buf`; a short read tells tokio that the socket is drained.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        let done = either!(self, stream => Pin::new(stream).poll_read(cx, &mut buf));
        done.map_ok(|()| buf.filled().len())
    }

    /// As `poll_read`, and appends the descriptors that came with the bytes. These end a read
    /// early, so a short one with descriptors says nothing about what is left.
    pub fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
        descriptors: &mut Vec<OwnedDescriptor>,
    ) -> Poll<io::Result<usize>> {
        let before = descriptors.len();
        loop {
            ready!(self.poll_read_ready(cx))?;
            let receive = || sys::receive(self.descriptor(), buf, descriptors);
            match self.try_io(Interest::READABLE, receive) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(len) => {
                    if len > 0 && len < buf.len() && descriptors.len() == before {
                        self.refuse(Interest::READABLE);
                    }
                    return Poll::Ready(Ok(len));
                }
                failed => return Poll::Ready(failed),
            }
        }
    }

    fn try_io<T>(&self, interest: Interest, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        either!(self, stream => stream.try_io(interest, act))
    }

    /// As `poll_read`, into several buffers one after the other.
    pub fn poll_read_vectored(
        &self,
        cx: &mut Context<'_>,
        slices: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = slices.iter().map(|slice| slice.len()).sum();
        loop {
            ready!(self.poll_read_ready(cx))?;
            let done = either!(self, stream => stream.try_read_vectored(slices));
            match done {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(len) if 0 < len && len < room => {
                    self.refuse(Interest::READABLE);
                    return Poll::Ready(Ok(len));
                }
                done => return Poll::Ready(done),
            }
        }
    }

    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read_ready(cx))
    }

    /// Whether the peer is gone in both directions, as far as the last poll of the driver knows.
    pub fn is_hung_up(&self, cx: &mut Context<'_>) -> bool {
        match self {
            Self::Tcp(stream) => {
                let both = Interest::READABLE | Interest::WRITABLE;
                is_closed_both_ways(&pin!(stream.ready(both)).poll(cx))
            }
            Self::Local(stream) => stream.is_hung_up(cx),
        }
    }

    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_write_ready(cx))
    }

    /// tokio takes an accepted socket for readable until a read fails. The driver has not been
    /// polled since, so the kernel's own word is still to come, and it saves that read.
    pub fn forget_assumed_readiness(&self) {
        self.refuse(Interest::READABLE);
    }

    /// Tells tokio that the kernel has nothing more for `interest`, until the driver says so.
    fn refuse(&self, interest: Interest) {
        if LocalStream::READINESS_IS_TOKIOS && matches!(self, Self::Local(_)) {
            return;
        }
        let _ = self.try_io(interest, || {
            if readiness_is_shared() && sys::is_ready(self.descriptor(), interest.is_writable()) {
                return Ok(());
            }
            Err(io::ErrorKind::WouldBlock.into())
        });
    }

    /// Forgets that the socket was writable. Writes go past tokio (its own `try_write` reports
    /// a false EAGAIN on a fresh socket), so it has to be told when the kernel refused one.
    pub fn clear_write_ready(&self) {
        self.refuse(Interest::WRITABLE);
    }

    /// Sends at once what the kernel takes; 0 when it takes nothing now.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        none_taken(match self {
            Self::Tcp(stream) => sys::send(sys::descriptor_of(stream), bytes),
            Self::Local(stream) => stream.send(bytes),
        })
    }

    /// As `send`, for several slices.
    pub fn send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        none_taken(match self {
            Self::Tcp(stream) => sys::send_vectored(sys::descriptor_of(stream), slices),
            Self::Local(stream) => stream.send_vectored(slices),
        })
    }

    /// As `send`, with a duplicate of a descriptor. It is gone as soon as a byte is.
    pub fn send_with_descriptor(
        &self,
        bytes: &[u8],
        descriptor: Descriptor<'_>,
    ) -> io::Result<usize> {
        none_taken(sys::send_with_descriptor(
            self.descriptor(),
            bytes,
            descriptor,
        ))
    }

    /// Waits for the end of a connect that is under way.
    pub fn poll_connected(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => {
                ready!(stream.poll_write_ready(cx))?;
                Poll::Ready(connect_outcome(&SockRef::from(&*stream)))
            }
            Self::Local(stream) => stream.poll_connected(cx),
        }
    }

    /// Tells the peer that no more bytes will come. A named pipe has no such word: it is closed a while later.
    pub fn shutdown(&self) -> io::Result<()> {
        match self.socket() {
            Ok(socket) => socket.shutdown(std::net::Shutdown::Write),
            Err(_) => Ok(()),
        }
    }

    /// An error for what is no socket, a named pipe.
    pub fn socket(&self) -> io::Result<SockRef<'_>> {
        match self {
            Self::Tcp(stream) => Ok(SockRef::from(stream)),
            Self::Local(stream) => stream.socket(),
        }
    }

    pub fn descriptor(&self) -> Descriptor<'_> {
        match self {
            Self::Tcp(stream) => sys::descriptor_of(stream),
            Self::Local(stream) => stream.descriptor(),
        }
    }

    /// What libuv says to reading from a pipe that is open for writing only.
    pub fn check_readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(_) => Ok(()),
            Self::Local(stream) => stream.check_readable(),
        }
    }

    /// The same of a shutdown.
    pub fn check_writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(_) => Ok(()),
            Self::Local(stream) => stream.check_writable(),
        }
    }
}

/// How a connect ended that is not under way any more.
pub(super) fn connect_outcome(socket: &SockRef<'_>) -> io::Result<()> {
    socket.take_error()?.map_or(Ok(()), Err)
}

/// Of the answer to a question for both directions.
pub(super) fn is_closed_both_ways(ready: &Poll<io::Result<Ready>>) -> bool {
    matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed() && ready.is_write_closed())
}

fn none_taken(sent: io::Result<usize>) -> io::Result<usize> {
    match sent {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        // A local socket whose peer's queue is full says ENOBUFS on some systems.
        Err(error) if errno::is(&error, errno::ENOBUFS) => Ok(0),
        other => other,
    }
}
