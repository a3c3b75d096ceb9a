//! One listening socket, TCP or local.

use super::address;
use super::local::{self, LocalListener};
use super::stream::{BindFlags, Stream, tcp_socket};
use crate::sys::{self, Descriptor, OwnedDescriptor};
use socket2::{Domain, SockRef, Socket};
use std::io;
use std::task::{Context, Poll};
use tokio::net::TcpListener;

/// Length of the accept queue where nobody has named one: Node's.
pub const BACKLOG: i32 = 511;

pub enum Listener {
    Tcp(TcpListener),
    Local(LocalListener),
}

impl Listener {
    /// Makes a bound socket listen.
    pub fn listen(socket: Socket, backlog: i32) -> io::Result<Self> {
        socket.listen(backlog)?;
        Self::listening(socket)
    }

    fn listening(socket: Socket) -> io::Result<Self> {
        match LocalListener::from_socket(socket)? {
            Ok(listener) => Ok(Self::Local(listener)),
            Err(socket) => Ok(Self::Tcp(TcpListener::from_std(socket.into())?)),
        }
    }

    /// Binds a local name. interprocess listens in the same step; nothing is accepted before
    /// the engine is told to, and `listen_again` sets the backlog.
    pub fn bind_local(path: &[u8]) -> io::Result<(Self, Option<local::OwnPath>)> {
        let listener = LocalListener::listen(path, BACKLOG).map_err(local::bind_error)?;
        let own_path = local::OwnPath::new(path);
        Ok((Self::Local(listener), own_path))
    }

    /// Adopts a socket of the given kind that listens.
    pub fn adopt(fd: OwnedDescriptor, kind: sys::Kind) -> io::Result<Self> {
        match kind {
            sys::Kind::Tcp | sys::Kind::Local => Self::listening(sys::into_socket(fd)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Gives the descriptor up without closing it.
    pub fn leave_open(self) {
        match self {
            Self::Tcp(listener) => {
                let _ = listener.into_std().map(sys::leave_open);
            }
            Self::Local(listener) => listener.leave_open(),
        }
    }

    /// Changes the length of the accept queue of a listening socket.
    pub fn listen_again(&self, backlog: i32) -> io::Result<()> {
        match self.socket() {
            Ok(socket) => socket.listen(backlog),
            // Named pipes have no such queue.
            Err(_) => Ok(()),
        }
    }

    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        match self {
            Self::Tcp(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, _)| Stream::Tcp(stream)),
            Self::Local(listener) => listener.poll_accept(cx).map_ok(Stream::Local),
        }
    }

    /// Accepts one connection past tokio and closes it; false when none waits.
    pub fn accept_and_close(&self) -> bool {
        self.socket()
            .is_ok_and(|socket| socket.accept_raw().is_ok())
    }

    /// An error for what is no socket, a named pipe.
    pub fn socket(&self) -> io::Result<SockRef<'_>> {
        match self {
            Self::Tcp(listener) => Ok(SockRef::from(listener)),
            Self::Local(listener) => listener.socket(),
        }
    }

    /// `None` for one that has several, or none.
    pub fn descriptor(&self) -> Option<Descriptor<'_>> {
        match self {
            Self::Tcp(listener) => Some(sys::descriptor_of(listener)),
            Self::Local(listener) => listener.descriptor(),
        }
    }
}

/// Binds a TCP socket without listening yet.
pub fn bind_tcp(host: &str, port: u16, flags: BindFlags) -> io::Result<Socket> {
    let target = address::parse(host, port)?;
    tcp_socket(Domain::for_address(target), Some(target), flags)
}
