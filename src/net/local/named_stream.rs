//! The bytes of a named pipe, and the wait for an instance of one that is free.

use crate::net::stream::is_closed_both_ways;
use crate::sys::{self, Descriptor, errno};
use socket2::{SockRef, Socket};
use std::ffi::OsString;
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::windows::io::AsHandle;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer};

/// Bytes of slices that are written together.
const JOINED: usize = 64 * 1024;
/// How long a client waits for an instance, as with libuv.
const PATIENCE: Duration = Duration::from_secs(30);

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
    /// A named pipe's readiness is of tokio's own making, and right.
    pub const READINESS_IS_TOKIOS: bool = true;

    /// Opens the other end of an instance of a name, or waits for one.
    pub fn open(name: OsString) -> io::Result<Self> {
        open(Busy::new(name))
    }

    /// A stream that the driver knows, as all do.
    pub fn driven(stream: Self) -> io::Result<Self> {
        Ok(stream)
    }

    /// Nobody needs it: see `sys::is_standard`.
    pub fn leave_open(self) {}

    /// Handles come from nobody else.
    pub fn adopt(_socket: Socket, _kind: sys::Kind) -> io::Result<Self> {
        Err(errno::error(errno::ENOTSUP))
    }

    /// Whether the peer is gone, as far as the last poll of the driver knows.
    pub fn is_hung_up(&self, cx: &mut Context<'_>) -> bool {
        let both = Interest::READABLE | Interest::WRITABLE;
        either!(self, pipe => is_closed_both_ways(&pin!(pipe.ready(both)).poll(cx)), false)
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

    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, pipe => pipe.try_write(bytes), Err(not_connected()))
    }

    /// One write is under way at a time, and of several slices it would take the first alone: they are joined, as many as one
    /// write should have.
    pub fn send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let [first, rest @ ..] = slices else {
            return Ok(0);
        };
        if rest.is_empty() || first.len() >= JOINED {
            return self.send(first);
        }
        let mut joined = Vec::with_capacity(JOINED);
        for slice in slices {
            let room = JOINED - joined.len();
            joined.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        self.send(&joined)
    }

    pub fn try_io<T>(
        &self,
        interest: Interest,
        act: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        either!(self, pipe => pipe.try_io(interest, act), Err(not_connected()))
    }

    /// Waits for the other end to be open, which it is as soon as there is a handle.
    pub fn poll_connected(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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

    /// There is none.
    pub fn socket(&self) -> io::Result<SockRef<'_>> {
        Err(errno::error(errno::ENOTSOCK))
    }

    pub fn descriptor(&self) -> Descriptor<'_> {
        either!(self, pipe => Descriptor::Pipe(pipe.as_handle()), Descriptor::Nothing)
    }

    /// Both directions are open.
    pub fn check_readable(&self) -> io::Result<()> {
        Ok(())
    }

    /// As of reading.
    pub fn check_writable(&self) -> io::Result<()> {
        Ok(())
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
