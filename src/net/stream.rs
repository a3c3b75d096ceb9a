//! One connected (or connecting) byte stream, TCP or local.

use super::local::{self, LocalStream};
#[cfg(unix)]
use super::pipe::Pipe;
use super::{address, readiness_is_shared};
use crate::sys::{self, Descriptor, OwnedDescriptor, errno};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::TcpStream;

pub enum Stream {
    Tcp(TcpStream),
    Local(LocalStream),
    /// Boxed, because it is rare and twice as large as the others.
    #[cfg(unix)]
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
        // On Windows that would let others take the address over, and nobody share it.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        if flags.reuse_port {
            #[cfg(unix)]
            socket.set_reuse_port(true)?;
            #[cfg(not(unix))]
            return Err(errno::error(errno::ENOTSUP));
        }
        if domain == Domain::IPV6 {
            socket.set_only_v6(flags.v6_only)?;
        }
        socket.bind(&local.into())?;
    }
    Ok(socket)
}

/// What the kernel says to a connect that it goes on with.
#[cfg(unix)]
const UNDER_WAY: i32 = errno::EINPROGRESS;
#[cfg(windows)]
const UNDER_WAY: i32 = errno::EAGAIN;

/// Asks the kernel to connect, which it goes on with by itself.
pub fn begin_connect(socket: &Socket, target: SocketAddr) -> io::Result<()> {
    match socket.connect(&target.into()) {
        Err(error) if !errno::is(&error, UNDER_WAY) => Err(error),
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
    #[cfg(unix)]
    pub fn adopt(fd: OwnedDescriptor, kind: sys::Kind) -> io::Result<Self> {
        let socket = Socket::from(fd);
        socket.set_nonblocking(true)?;
        match kind {
            sys::Kind::Tcp => Ok(Self::Tcp(TcpStream::from_std(socket.into())?)),
            sys::Kind::Local => {
                let stream = std::os::fd::OwnedFd::from(socket).into();
                LocalStream::from_std(stream).map(Self::Local)
            }
            sys::Kind::Pipe => Ok(Self::Pipe(Box::new(Pipe::new(socket.into())?))),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    #[cfg(windows)]
    pub fn adopt(fd: OwnedDescriptor, _kind: sys::Kind) -> io::Result<Self> {
        match fd {}
    }

    /// Reads once into `buf`; a short read tells tokio that the socket is drained.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        let done = match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut buf),
            Self::Local(stream) => Pin::new(stream).poll_read(cx, &mut buf),
            #[cfg(unix)]
            Self::Pipe(pipe) => pipe.poll_read(cx, &mut buf),
        };
        done.map_ok(|()| buf.filled().len())
    }

    /// As `poll_read`, and appends the descriptors that came with the bytes. These end a read
    /// early, so a short one with descriptors says nothing about what is left.
    #[cfg(unix)]
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

    #[cfg(windows)]
    pub fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
        _descriptors: &mut Vec<OwnedDescriptor>,
    ) -> Poll<io::Result<usize>> {
        self.poll_read(cx, buf)
    }

    fn try_io<T>(&self, interest: Interest, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self {
            Self::Tcp(stream) => stream.try_io(interest, act),
            Self::Local(stream) => stream.try_io(interest, act),
            #[cfg(unix)]
            Self::Pipe(pipe) => pipe.try_io(interest, act),
        }
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
                #[cfg(unix)]
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
            #[cfg(unix)]
            Self::Pipe(pipe) => pipe.poll_read_ready(cx),
        }
    }

    /// Whether the peer is gone in both directions, as far as the last poll of the driver knows.
    pub fn is_hung_up(&self, cx: &mut Context<'_>) -> bool {
        let both = Interest::READABLE | Interest::WRITABLE;
        let ready = match self {
            Self::Tcp(stream) => pin!(stream.ready(both)).poll(cx),
            Self::Local(stream) => pin!(stream.ready(both)).poll(cx),
            #[cfg(unix)]
            Self::Pipe(pipe) => return pipe.is_hung_up(cx),
        };
        matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed() && ready.is_write_closed())
    }

    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(cx),
            Self::Local(stream) => stream.poll_write_ready(cx),
            #[cfg(unix)]
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
        // A named pipe's readiness is of tokio's own making, and right.
        if cfg!(windows) && matches!(self, Self::Local(_)) {
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
            #[cfg(unix)]
            Self::Pipe(pipe) => pipe.write(bytes),
            #[cfg(unix)]
            _ => sys::send(self.descriptor(), bytes),
            #[cfg(windows)]
            Self::Local(pipe) => pipe.try_write(bytes),
            #[cfg(windows)]
            Self::Tcp(stream) => SockRef::from(stream).send(bytes),
        })
    }

    /// As `send`, for several slices.
    pub fn send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        none_taken(match self {
            #[cfg(unix)]
            Self::Pipe(pipe) => pipe.write_vectored(slices),
            #[cfg(unix)]
            _ => sys::send_vectored(self.descriptor(), slices),
            #[cfg(windows)]
            Self::Local(pipe) => pipe.try_write_vectored(slices),
            #[cfg(windows)]
            Self::Tcp(stream) => SockRef::from(stream).send_vectored(slices),
        })
    }

    /// As `send`, with a duplicate of a descriptor. It is gone as soon as a byte is.
    #[cfg(unix)]
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

    #[cfg(windows)]
    pub fn send_with_descriptor(
        &self,
        _bytes: &[u8],
        _descriptor: Descriptor<'_>,
    ) -> io::Result<usize> {
        Err(errno::error(errno::ENOTSUP))
    }

    /// Waits for the end of a connect that is under way.
    pub fn poll_connected(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        #[cfg(windows)]
        if let Self::Local(stream) = self {
            return stream.poll_opened(cx);
        }
        ready!(self.poll_write_ready(cx))?;
        Poll::Ready(match self.socket()?.take_error()? {
            Some(error) => Err(error),
            None => Ok(()),
        })
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
            Self::Local(stream) => local::socket_of(stream),
            #[cfg(unix)]
            Self::Pipe(pipe) => local::socket_of(&**pipe),
        }
    }

    pub fn descriptor(&self) -> Descriptor<'_> {
        match self {
            Self::Tcp(stream) => sys::descriptor_of(stream),
            Self::Local(stream) => local::descriptor_of(stream),
            #[cfg(unix)]
            Self::Pipe(pipe) => sys::descriptor_of(&**pipe),
        }
    }

    /// What libuv says to reading from a pipe that is open for writing only.
    pub fn check_readable(&self) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Pipe(pipe) => pipe.check_readable(),
            _ => Ok(()),
        }
    }

    /// The same of a shutdown.
    pub fn check_writable(&self) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Pipe(pipe) => pipe.check_writable(),
            _ => Ok(()),
        }
    }
}

fn none_taken(sent: io::Result<usize>) -> io::Result<usize> {
    match sent {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        // A local socket whose peer's queue is full says ENOBUFS on some systems.
        Err(error) if errno::is(&error, errno::ENOBUFS) => Ok(0),
        other => other,
    }
}
