//! Local pipes on Windows: named pipes, under the names that `local` has elsewhere.
//!
//! A name lives as long as a handle to it does, so no file is left over. Connections do not go through a queue: each waits in an
//! instance that the server has made before.

use crate::sys::{Descriptor, OwnedDescriptor, errno};
use socket2::{SockRef, Socket};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::windows::io::AsHandle;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, Interest, ReadBuf, Ready};
use tokio::net::windows::named_pipe::{
    ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions,
};

/// Instances that wait for a client, as many as may connect between two turns.
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
    ClientOptions::new()
        .open(name(path)?)
        .map(LocalStream::Client)
}

/// One end of a connection; which one it is makes no difference but to tokio.
pub enum LocalStream {
    Client(NamedPipeClient),
    Server(NamedPipeServer),
}

macro_rules! either {
    ($stream:expr, $pipe:ident => $act:expr) => {
        match $stream {
            LocalStream::Client($pipe) => $act,
            LocalStream::Server($pipe) => $act,
        }
    };
}

impl LocalStream {
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        either!(self, pipe => pipe.ready(interest).await)
    }

    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, pipe => pipe.poll_read_ready(cx))
    }

    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, pipe => pipe.poll_write_ready(cx))
    }

    pub fn try_read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        ended(either!(self, pipe => pipe.try_read_vectored(slices)))
    }

    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, pipe => pipe.try_write(bytes))
    }

    pub fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, pipe => pipe.try_write_vectored(slices))
    }

    pub fn try_io<T>(
        &self,
        interest: Interest,
        act: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        either!(self, pipe => pipe.try_io(interest, act))
    }

    /// A connect is over when there is a handle.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(None)
    }

    fn descriptor(&self) -> Descriptor<'_> {
        Descriptor::Pipe(either!(self, pipe => pipe.as_handle()))
    }
}

/// A peer that has closed its end is one that has said all.
fn ended(read: io::Result<usize>) -> io::Result<usize> {
    match read {
        Err(error) if errno::is(&error, errno::EPIPE) => Ok(0),
        read => read,
    }
}

impl AsyncRead for LocalStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = either!(self.get_mut(), pipe => Pin::new(pipe).poll_read(cx, buf));
        match read {
            Poll::Ready(Err(error)) => Poll::Ready(ended(Err(error)).map(drop)),
            read => read,
        }
    }
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

/// A stream that the driver knows, as all do.
pub fn driven(stream: LocalStream) -> io::Result<LocalStream> {
    Ok(stream)
}

/// There is none.
pub fn socket_of<T>(_of: &T) -> io::Result<SockRef<'_>> {
    Err(errno::error(errno::ENOTSOCK))
}

pub fn descriptor_of(stream: &LocalStream) -> Descriptor<'_> {
    stream.descriptor()
}

pub fn descriptor_of_listener(_listener: &LocalListener) -> Option<Descriptor<'_>> {
    None
}

pub fn poll_accept(
    listener: &LocalListener,
    cx: &mut Context<'_>,
) -> Poll<io::Result<LocalStream>> {
    listener.poll_accept(cx)
}

/// Takes a name, which must be free.
pub fn listen_driven(path: &[u8], _backlog: i32) -> io::Result<LocalListener> {
    let listener = LocalListener {
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
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<LocalStream>> {
        let mut waiting = self.waiting.borrow_mut();
        for at in 0..waiting.len() {
            if let Poll::Ready(connected) = waiting[at].as_mut().poll(cx) {
                // Without the new one there are fewer; the next client may still find room.
                waiting.remove(at);
                if let Ok(instance) = self.instance(false) {
                    waiting.push_back(instance);
                }
                return Poll::Ready(connected.map(LocalStream::Server));
            }
        }
        Poll::Pending
    }
}
