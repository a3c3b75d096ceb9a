//! Named pipes, under the names that unix domain sockets have elsewhere.
//!
//! A name lives as long as a handle to it does, so no file is left over. Connections do not go through a queue: each waits in an
//! instance that the server has made before.

use super::LocalStream;
use crate::sys::{Descriptor, OwnedDescriptor, errno};
use socket2::{SockRef, Socket};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};

/// Instances that wait for a client, as many as may connect between two turns without waiting themselves.
const WAITING: usize = 16;

/// No name is owned apart from the listener.
pub enum OwnPath {}

impl OwnPath {
    pub fn new(_path: &[u8]) -> Option<Self> {
        None
    }
}

fn name(path: &[u8]) -> io::Result<OsString> {
    match std::str::from_utf8(path) {
        Ok(name) if !name.is_empty() && !name.contains('\0') => Ok(name.into()),
        _ => Err(errno::error(errno::EINVAL)),
    }
}

/// Whether `path` can be a name at all.
pub fn check_name(path: &[u8]) -> io::Result<()> {
    name(path).map(drop)
}

/// A name without a listener is nothing here.
pub fn reserve(_path: &[u8]) -> io::Result<(Socket, Option<OwnPath>)> {
    Err(errno::error(errno::ENOTSUP))
}

pub fn connect_reserved(_socket: Socket, _path: &[u8]) -> io::Result<LocalStream> {
    Err(errno::error(errno::ENOTSUP))
}

/// Connects to a name.
pub fn connect(path: &[u8]) -> io::Result<LocalStream> {
    LocalStream::open(name(path)?)
}

/// An instance, once a client has come to it.
type Waiting = Pin<Box<dyn Future<Output = io::Result<NamedPipeServer>>>>;

/// The instances of one name that wait for clients.
pub struct LocalListener {
    name: OsString,
    waiting: RefCell<VecDeque<Waiting>>,
}

/// Handles for other processes travel in no way that we have here.
pub fn pair() -> io::Result<(LocalStream, OwnedDescriptor)> {
    Err(errno::error(errno::ENOTSUP))
}

/// As libuv words what the system says to a name.
pub fn bind_error(error: io::Error) -> io::Error {
    if errno::is(&error, errno::EPERM) {
        errno::error(errno::EADDRINUSE)
    } else if errno::is(&error, errno::ENOENT) {
        errno::error(errno::EACCES)
    } else {
        error
    }
}

impl LocalListener {
    /// Nobody needs it: see `sys::is_standard`.
    pub fn leave_open(self) {}

    /// Takes a name, which must be free.
    pub fn listen(path: &[u8], _backlog: i32) -> io::Result<Self> {
        let listener = Self {
            name: name(path)?,
            waiting: RefCell::default(),
        };
        let mut waiting = VecDeque::with_capacity(WAITING);
        waiting.push_back(listener.instance(true)?);
        for _ in 1..WAITING {
            waiting.push_back(listener.instance(false)?);
        }
        *listener.waiting.borrow_mut() = waiting;
        Ok(listener)
    }

    /// No socket is a local one.
    pub fn from_socket(socket: Socket) -> io::Result<Result<Self, Socket>> {
        Ok(Err(socket))
    }

    /// There is none.
    pub fn socket(&self) -> io::Result<SockRef<'_>> {
        Err(errno::error(errno::ENOTSOCK))
    }

    /// There are as many as instances.
    pub fn descriptor(&self) -> Option<Descriptor<'_>> {
        None
    }

    fn instance(&self, first: bool) -> io::Result<Waiting> {
        let server = ServerOptions::new()
            .first_pipe_instance(first)
            .create(&self.name)?;
        Ok(Box::pin(async move {
            server.connect().await?;
            Ok(server)
        }))
    }

    /// Gives a client's connection, and has another instance wait in its place.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<LocalStream>> {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.is_empty() {
            waiting.push_back(self.instance(false)?);
        }
        let mut at = 0;
        while at < waiting.len() {
            let Poll::Ready(connected) = waiting[at].as_mut().poll(cx) else {
                at += 1;
                continue;
            };
            waiting.remove(at);
            if let Ok(instance) = self.instance(false) {
                waiting.push_back(instance);
            }
            // A client that is gone again has nobody to tell.
            if let Ok(server) = connected {
                return Poll::Ready(Ok(LocalStream::Server(server)));
            }
        }
        Poll::Pending
    }
}
