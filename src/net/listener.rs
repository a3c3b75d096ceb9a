//! One listening socket, TCP or local.

use super::stream::{BindFlags, Stream, tcp_socket};
use super::{address, local};
use crate::sys;
use socket2::{Domain, SockRef, Socket};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};
use tokio::net::{TcpListener, UnixListener};

pub enum Listener {
    Tcp(TcpListener),
    Local(UnixListener),
}

impl Listener {
    /// Makes a bound socket listen.
    pub fn listen(socket: Socket, backlog: i32) -> io::Result<Self> {
        socket.listen(backlog)?;
        if socket.local_addr()?.domain() == Domain::UNIX {
            let listener = UnixListener::from_std(OwnedFd::from(socket).into())?;
            return Ok(Self::Local(listener));
        }
        Ok(Self::Tcp(TcpListener::from_std(socket.into())?))
    }

    /// Binds a local name. interprocess listens in the same step; nothing is accepted before
    /// the engine is told to, and `listen_again` sets the backlog.
    pub fn bind_local(path: &[u8]) -> io::Result<(Self, Option<local::OwnPath>)> {
        let listener = local::listen(path, 511).map_err(local::bind_error)?;
        let own_path = local::OwnPath::new(path);
        Ok((Self::Local(UnixListener::from_std(listener)?), own_path))
    }

    /// Adopts a bound socket of the given kind and makes it listen.
    pub fn adopt(fd: OwnedFd, kind: sys::Kind, backlog: i32) -> io::Result<Self> {
        let socket = Socket::from(fd);
        socket.set_nonblocking(true)?;
        socket.listen(backlog)?;
        match kind {
            sys::Kind::Tcp => Ok(Self::Tcp(TcpListener::from_std(socket.into())?)),
            sys::Kind::Local => {
                let listener = UnixListener::from_std(OwnedFd::from(socket).into())?;
                Ok(Self::Local(listener))
            }
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Changes the length of the accept queue of a listening socket.
    pub fn listen_again(&self, backlog: i32) -> io::Result<()> {
        sys::listen(self.as_fd(), backlog)
    }

    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        match self {
            Self::Tcp(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, _)| Stream::Tcp(stream)),
            Self::Local(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, _)| Stream::Local(stream)),
        }
    }

    /// Accepts one connection past tokio and closes it; false when none waits.
    pub fn accept_and_close(&self) -> bool {
        self.socket().accept_raw().is_ok()
    }

    pub fn socket(&self) -> SockRef<'_> {
        SockRef::from(self)
    }
}

/// Binds a TCP socket without listening yet.
pub fn bind_tcp(host: &str, port: u16, flags: BindFlags) -> io::Result<Socket> {
    let target = address::parse(host, port)?;
    tcp_socket(Domain::for_address(target), Some(target), flags)
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Local(listener) => listener.as_fd(),
        }
    }
}
