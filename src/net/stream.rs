//! One connected (or connecting) byte stream, TCP or local.

use super::{address, pipe::Pipe};
use crate::sys;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

pub enum Stream {
    Tcp(TcpStream),
    Local(UnixStream),
    /// Boxed, because it is rare and twice as large as the others.
    Pipe(Box<Pipe>),
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
        socket.set_reuse_address(true)?;
        if flags.reuse_port {
            socket.set_reuse_port(true)?;
        }
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
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
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

    /// Adopts a descriptor that is a connected stream socket of the given kind.
    pub fn adopt(fd: OwnedFd, kind: sys::Kind) -> io::Result<Self> {
        let socket = Socket::from(fd);
        socket.set_nonblocking(true)?;
        match kind {
            sys::Kind::Tcp => Ok(Self::Tcp(TcpStream::from_std(socket.into())?)),
            sys::Kind::Local => Ok(Self::Local(UnixStream::from_std(
                OwnedFd::from(socket).into(),
            )?)),
            sys::Kind::Pipe => Ok(Self::Pipe(Box::new(Pipe::new(socket.into())?))),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Reads once into `buf`; a short read tells tokio that the socket is drained.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        let done = match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut buf),
            Self::Local(stream) => Pin::new(stream).poll_read(cx, &mut buf),
            Self::Pipe(pipe) => pipe.poll_read(cx, &mut buf),
        };
        done.map_ok(|()| buf.filled().len())
    }

    /// As `poll_read`, and appends the descriptors that came with the bytes. These end a read
    /// early, so a short one with descriptors says nothing about what is left.
    pub fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> Poll<io::Result<usize>> {
        let before = descriptors.len();
        loop {
            ready!(self.poll_read_ready(cx))?;
            let receive = || sys::receive(self.as_fd(), buf, descriptors);
            match self.try_io(Interest::READABLE, receive) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(len) => {
                    if len > 0 && len < buf.len() && descriptors.len() == before {
                        self.clear_ready(Interest::READABLE);
                    }
                    return Poll::Ready(Ok(len));
                }
                failed => return Poll::Ready(failed),
            }
        }
    }

    fn try_io<T>(&self, interest: Interest, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self {
            Self::Tcp(stream) => stream.try_io(interest, act),
            Self::Local(stream) => stream.try_io(interest, act),
            Self::Pipe(pipe) => pipe.try_io(interest, act),
        }
    }

    fn clear_ready(&self, interest: Interest) {
        let refuse = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let _ = self.try_io(interest, refuse);
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
            let done = match self {
                Self::Tcp(stream) => stream.try_read_vectored(slices),
                Self::Local(stream) => stream.try_read_vectored(slices),
                Self::Pipe(pipe) => pipe.try_read_vectored(slices),
            };
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
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            Self::Local(stream) => stream.poll_read_ready(cx),
            Self::Pipe(pipe) => pipe.poll_read_ready(cx),
        }
    }

    /// Whether the peer is gone in both directions, as far as the last poll of the driver knows.
    pub fn is_hung_up(&self, cx: &mut Context<'_>) -> bool {
        let both = Interest::READABLE | Interest::WRITABLE;
        let ready = match self {
            Self::Tcp(stream) => pin!(stream.ready(both)).poll(cx),
            Self::Local(stream) => pin!(stream.ready(both)).poll(cx),
            Self::Pipe(pipe) => return pipe.is_hung_up(cx),
        };
        matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed() && ready.is_write_closed())
    }

    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(cx),
            Self::Local(stream) => stream.poll_write_ready(cx),
            Self::Pipe(pipe) => pipe.poll_write_ready(cx),
        }
    }

    /// tokio takes an accepted socket for readable until a read fails. The driver has not been
    /// polled since, so the kernel's own word is still to come, and it saves that read.
    pub fn forget_assumed_readiness(&self) {
        self.refuse(Interest::READABLE);
    }

    /// Tells tokio that the kernel has nothing more for `interest`, until the driver says so.
    fn refuse(&self, interest: Interest) {
        let refuse = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let _ = match self {
            Self::Tcp(stream) => stream.try_io(interest, refuse),
            Self::Local(stream) => stream.try_io(interest, refuse),
            Self::Pipe(pipe) => pipe.try_io(interest, refuse),
        };
    }

    /// Forgets that the socket was writable. Writes go past tokio (its own `try_write` reports
    /// a false EAGAIN on a fresh socket), so it has to be told when the kernel refused one.
    pub fn clear_write_ready(&self) {
        self.refuse(Interest::WRITABLE);
    }

    /// Sends at once what the kernel takes; 0 when it takes nothing now.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        none_taken(match self {
            Self::Pipe(pipe) => pipe.write(bytes),
            _ => sys::send(self.as_fd(), bytes),
        })
    }

    /// As `send`, for several slices.
    pub fn send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        none_taken(match self {
            Self::Pipe(pipe) => pipe.write_vectored(slices),
            _ => sys::send_vectored(self.as_fd(), slices),
        })
    }

    /// As `send`, with a duplicate of a descriptor. It is gone as soon as a byte is.
    pub fn send_with_descriptor(
        &self,
        bytes: &[u8],
        descriptor: BorrowedFd<'_>,
    ) -> io::Result<usize> {
        none_taken(sys::send_with_descriptor(self.as_fd(), bytes, descriptor))
    }

    /// The error of a finished connect, if it failed.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        match self {
            Self::Tcp(stream) => stream.take_error(),
            Self::Local(stream) => stream.take_error(),
            Self::Pipe(_) => Ok(None),
        }
    }

    /// Tells the peer that no more bytes will come.
    pub fn shutdown(&self) -> io::Result<()> {
        self.socket().shutdown(std::net::Shutdown::Write)
    }

    pub fn socket(&self) -> SockRef<'_> {
        SockRef::from(self)
    }

    /// What libuv says to reading from a pipe that is open for writing only.
    pub fn check_readable(&self) -> io::Result<()> {
        match self {
            Self::Pipe(pipe) => pipe.check_readable(),
            _ => Ok(()),
        }
    }

    /// The same of a shutdown.
    pub fn check_writable(&self) -> io::Result<()> {
        match self {
            Self::Pipe(pipe) => pipe.check_writable(),
            _ => Ok(()),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Local(stream) => stream.as_fd(),
            Self::Pipe(pipe) => pipe.as_fd(),
        }
    }
}

fn none_taken(sent: io::Result<usize>) -> io::Result<usize> {
    match sent {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        // A local socket whose peer's queue is full says ENOBUFS on some systems.
        Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(0),
        other => other,
    }
}
