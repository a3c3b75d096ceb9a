//! Local pipes on Windows: named pipes, under the names that `local` has elsewhere.
//!
//! A name lives as long as a handle to it does, so no file is left over. Connections do not go through a queue: each waits in an
//! instance that the server has made before.

use crate::sys::{self, Descriptor, OwnedDescriptor, errno};
use socket2::{SockRef, Socket};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::windows::io::AsHandle;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, Interest, ReadBuf, Ready};
use tokio::net::windows::named_pipe::{
    ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions,
};

/// Instances that wait for a client, as many as may connect between two turns without waiting themselves.
const WAITING: usize = 16;
/// Bytes of slices that are written together.
const JOINED: usize = 64 * 1024;
/// How long a client waits for one, as with libuv.
const PATIENCE: Duration = Duration::from_secs(30);

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
    open(Busy::new(name(path)?))
}

/// Opens the other end of an instance, or waits for one.
fn open(busy: Busy) -> io::Result<LocalStream> {
    match ClientOptions::new().open(&busy.name) {
        Ok(client) => Ok(LocalStream::Client(client)),
        Err(error) if errno::is(&error, errno::EBUSY) && Instant::now() < busy.until => {
            Ok(LocalStream::Busy(busy))
        }
        Err(error) => Err(error),
    }
}

/// One end of a connection; which one it is makes no difference but to tokio.
pub enum LocalStream {
    Client(NamedPipeClient),
    Server(NamedPipeServer),
    /// Not connected yet: all instances of the name are taken.
    Busy(Busy),
}

/// A name whose instances are all taken. The system has only a call that blocks, so a thread makes it, as libuv's pool does.
pub struct Busy {
    name: OsString,
    until: Instant,
    wait: Option<Arc<Wait>>,
}

#[derive(Default)]
struct Wait {
    is_over: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Busy {
    fn new(name: OsString) -> Self {
        Self {
            name,
            until: Instant::now() + PATIENCE,
            wait: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wait = match &self.wait {
            Some(wait) => wait,
            None => self
                .wait
                .insert(Wait::begin(self.name.clone(), self.until)?),
        };
        *wait.slot() = Some(cx.waker().clone());
        if wait.is_over.load(Ordering::SeqCst) {
            self.wait = None;
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }
}

impl Wait {
    fn begin(name: OsString, until: Instant) -> io::Result<Arc<Self>> {
        let wait = Arc::<Self>::default();
        let told = Arc::clone(&wait);
        std::thread::Builder::new()
            .name("ferrowire pipe".into())
            .spawn(move || {
                sys::wait_for_pipe(&name, until.saturating_duration_since(Instant::now()));
                told.is_over.store(true, Ordering::SeqCst);
                if let Some(waker) = told.slot().take() {
                    waker.wake();
                }
            })?;
        Ok(wait)
    }

    fn slot(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_connected() -> io::Error {
    errno::error(errno::ENOTCONN)
}

macro_rules! either {
    ($stream:expr, $pipe:ident => $act:expr, $otherwise:expr) => {
        match $stream {
            LocalStream::Client($pipe) => $act,
            LocalStream::Server($pipe) => $act,
            LocalStream::Busy(_) => $otherwise,
        }
    };
}

impl LocalStream {
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        either!(self, pipe => pipe.ready(interest).await, Err(not_connected()))
    }

    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, pipe => pipe.poll_read_ready(cx), Poll::Pending)
    }

    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, pipe => pipe.poll_write_ready(cx), Poll::Ready(Ok(())))
    }

    pub fn try_read_vectored(&self, slices: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        ended(either!(self, pipe => pipe.try_read_vectored(slices), Err(not_connected())))
    }

    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, pipe => pipe.try_write(bytes), Err(not_connected()))
    }

    /// One write is under way at a time, and of several slices it would take the first alone: they are joined, as many as one
    /// write should have.
    pub fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let [first, rest @ ..] = slices else {
            return Ok(0);
        };
        if rest.is_empty() || first.len() >= JOINED {
            return self.try_write(first);
        }
        let mut joined = Vec::with_capacity(JOINED);
        for slice in slices {
            let room = JOINED - joined.len();
            joined.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        self.try_write(&joined)
    }

    pub fn try_io<T>(
        &self,
        interest: Interest,
        act: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        either!(self, pipe => pipe.try_io(interest, act), Err(not_connected()))
    }

    /// Whether the other end is open, which it is as soon as there is a handle.
    pub fn poll_opened(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Self::Busy(busy) = self else {
                return self.poll_write_ready(cx);
            };
            ready!(busy.poll(cx))?;
            let busy = Busy {
                name: std::mem::take(&mut busy.name),
                until: busy.until,
                wait: None,
            };
            *self = open(busy)?;
        }
    }

    fn descriptor(&self) -> Descriptor<'_> {
        either!(self, pipe => Descriptor::Pipe(pipe.as_handle()), Descriptor::Nothing)
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
        let read =
            either!(self.get_mut(), pipe => Pin::new(pipe).poll_read(cx, buf), Poll::Pending);
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
