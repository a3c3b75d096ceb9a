//! One listening socket, TCP or local.

use super::stream::{BindFlags, Stream, tcp_socket};
use super::{address, local};
use crate::sys;
use socket2::{Domain, SockRef, Socket};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, UnixListener};

pub enum Listener {
    Tcp(TcpListener),
    /// With the path to remove when it closes, if it has one.
    Local(UnixListener, Option<PathBuf>),
}

impl Listener {
    /// Makes a socket that was bound by `bind_tcp` listen.
    pub fn listen_tcp(socket: Socket, backlog: i32) -> io::Result<Self> {
        socket.listen(backlog)?;
        Ok(Self::Tcp(TcpListener::from_std(socket.into())?))
    }

    /// Binds a local name. interprocess listens in the same step; nothing is accepted before
    /// the engine is told to, and `listen_again` sets the backlog.
    pub fn bind_local(path: &[u8]) -> io::Result<Self> {
        use std::os::unix::ffi::OsStrExt;
        let listener = local::listen(path, 511).map_err(|error| match error.raw_os_error() {
            // libuv says the same on every system.
            Some(libc::ENOENT) => io::Error::from_raw_os_error(libc::EACCES),
            _ => error,
        })?;
        let file = (path[0] != 0).then(|| PathBuf::from(std::ffi::OsStr::from_bytes(path)));
        Ok(Self::Local(UnixListener::from_std(listener)?, file))
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
                Ok(Self::Local(listener, None))
            }
            sys::Kind::Pipe | sys::Kind::Other => Err(io::ErrorKind::InvalidInput.into()),
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
            Self::Local(listener, _) => listener
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
            Self::Local(listener, _) => listener.as_fd(),
        }
    }
}

impl Drop for Listener {
    /// A local server's file goes with it, as libuv removes it at close.
    fn drop(&mut self) {
        if let Self::Local(_, Some(path)) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}
