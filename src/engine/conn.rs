//! One connection or listener: a stream, a codec, and what it waits for.
//!
//! A connection makes at most one read step per turn, so that JavaScript can pause or destroy it
//! between any two of its events, as it can under libuv.

use super::codec::Codec;
use super::outbox::Outbox;
use super::read::Expected;
use super::ready::ConnWaker;
use super::records::Kind;
use crate::net::{Listener, Stream, local::OwnPath};
use crate::sys::{self, Descriptor, errno};
use socket2::{SockRef, Socket};
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Most connections taken from one listener in one turn.
const ACCEPT_BUDGET: usize = 64;

pub enum Io {
    /// A local connect that failed at once, whose error is told in the next turn, or a stream that we have closed.
    Nothing,
    /// A socket with an own address, neither listening nor connecting yet.
    Bound(Socket),
    Stream(Stream),
    Listener(Listener),
}

impl Io {
    /// Gives the descriptor up without closing it.
    pub fn leave_open(self) {
        match self {
            Self::Nothing => {}
            Self::Bound(socket) => sys::leave_open(socket),
            Self::Stream(stream) => stream.leave_open(),
            Self::Listener(listener) => listener.leave_open(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Connect {
    No,
    Waiting,
    /// Ended at once with this status.
    Done(i32),
}

/// What a step of a connection asks of the turn.
#[derive(Default)]
pub struct Step {
    /// There is more to do at once: run another round before libuv sleeps.
    pub more: bool,
    /// There is more, and the next loop iteration is early enough.
    pub later: bool,
    /// Connections that a listener accepted.
    pub accepted: Vec<Result<Stream, i32>>,
    /// The process is out of descriptors.
    pub exhausted: bool,
}

pub struct Conn {
    pub id: i32,
    /// The file of a bound local socket, removed by its drop: before the socket is closed, after which somebody else may have
    /// taken its name.
    pub own_path: Option<Box<OwnPath>>,
    pub io: Io,
    pub codec: Codec,
    pub ready: Arc<ConnWaker>,
    waker: Waker,
    connect: Connect,
    pub reading: bool,
    /// A write came short; JavaScript waits for room.
    want_write: bool,
    shutdown_due: bool,
    /// Closed on our side alone: nothing more comes.
    hung_up: bool,
    pub referenced: bool,
    /// Counted among those that keep the process alive.
    pub counted: bool,
    /// On the engine's list of touched connections.
    pub touched: bool,
    /// What the readiness mirror watches this descriptor for.
    pub watched: u8,
    pub bytes_read: u64,
    pub(super) expected: Expected,
    /// Most bytes of one read.
    pub read_limit: Option<u32>,
}

impl Conn {
    pub fn new(id: i32, io: Io, ready: Arc<ConnWaker>) -> Self {
        Self {
            id,
            own_path: None,
            io,
            codec: Codec::Raw,
            waker: ready.waker(),
            ready,
            connect: Connect::No,
            reading: false,
            want_write: false,
            shutdown_due: false,
            hung_up: false,
            referenced: true,
            counted: false,
            touched: false,
            watched: 0,
            bytes_read: 0,
            expected: Expected::default(),
            read_limit: None,
        }
    }

    pub fn descriptor(&self) -> Option<Descriptor<'_>> {
        match &self.io {
            Io::Nothing => None,
            Io::Bound(socket) => Some(sys::descriptor_of(socket)),
            Io::Stream(stream) => Some(stream.descriptor()),
            Io::Listener(listener) => listener.descriptor(),
        }
    }

    pub fn socket(&self) -> io::Result<SockRef<'_>> {
        match &self.io {
            Io::Nothing => Err(errno::error(errno::EBADF)),
            Io::Bound(socket) => Ok(SockRef::from(socket)),
            Io::Stream(stream) => stream.socket(),
            Io::Listener(listener) => listener.socket(),
        }
    }

    pub fn has_hung_up(&self) -> bool {
        self.hung_up
    }

    pub fn is_connecting(&self) -> bool {
        self.connect != Connect::No
    }

    pub fn stream(&self) -> io::Result<&Stream> {
        match &self.io {
            Io::Stream(stream) => Ok(stream),
            _ => Err(errno::error(errno::ENOTCONN)),
        }
    }

    /// Waits for the end of a connect, or tells `status` in the next turn.
    pub fn begin_connect(&mut self, status: Option<i32>) {
        self.connect = status.map_or(Connect::Waiting, Connect::Done);
    }

    /// Tell JavaScript when there is room; when it `is_full`, a write came short.
    pub fn wait_for_room(&mut self, is_full: bool) {
        if is_full && let Io::Stream(stream) = &self.io {
            stream.clear_write_ready();
        }
        self.want_write = true;
    }

    /// Sends FIN and tells the status right behind the poll phase, as libuv delays it.
    pub fn begin_shutdown(&mut self) {
        self.shutdown_due = true;
    }

    /// Closes the stream; who reads is told of its end.
    pub fn hang_up(&mut self) {
        self.io = Io::Nothing;
        self.want_write = false;
        self.hung_up = true;
    }

    /// What the readiness mirror has to watch the descriptor for.
    pub fn interest(&self) -> u8 {
        let mut interest = 0;
        if self.reading && self.connect == Connect::No {
            interest |= sys::READABLE;
        }
        if self.want_write || self.connect == Connect::Waiting {
            interest |= sys::WRITABLE;
        }
        interest
    }

    /// Whether this connection keeps the process alive, by libuv's rules: an active handle does
    /// when referenced, a request under way always.
    pub fn is_alive(&self) -> bool {
        (self.referenced && self.reading)
            || self.connect != Connect::No
            || self.want_write
            || self.shutdown_due
    }

    /// Registers the waker for what the connection waits for, or puts it on the ready list if it
    /// need not wait.
    pub fn arm(&mut self) {
        let cx = &mut Context::from_waker(&self.waker);
        let ready = match &self.io {
            Io::Stream(stream) => {
                let writes = self.want_write || self.connect == Connect::Waiting;
                let readable = self.reading && stream.poll_read_ready(cx).is_ready();
                let writable = writes && stream.poll_write_ready(cx).is_ready();
                readable || writable
            }
            // tokio has no way to ask a listener without accepting.
            Io::Listener(_) => self.reading,
            Io::Bound(_) | Io::Nothing => false,
        };
        if ready {
            self.ready.queue();
        }
    }

    /// Makes one step and tells in the outbox what came of it.
    pub fn poll(&mut self, outbox: &mut Outbox<'_>) -> Step {
        // Taken out for the time, not cloned: two atomic operations a message.
        let waker = std::mem::replace(&mut self.waker, Waker::noop().clone());
        let step = self.step(&mut Context::from_waker(&waker), outbox);
        self.waker = waker;
        step
    }

    /// After a panic, which has taken the waker along.
    pub fn recover(&mut self) {
        self.reading = false;
        self.waker = self.ready.waker();
    }

    fn step(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox<'_>) -> Step {
        let mut step = Step::default();
        match self.connect {
            Connect::Waiting => self.poll_connect(cx, outbox),
            Connect::Done(_) => return step,
            Connect::No => {}
        }
        match &self.io {
            Io::Stream(_) if self.connect == Connect::No => {
                if self.reading {
                    self.poll_read(cx, outbox, &mut step);
                }
                if self.want_write {
                    self.poll_room(cx, outbox);
                }
            }
            Io::Listener(listener) if self.reading => accept(listener, cx, &mut step),
            _ => {}
        }
        step
    }

    /// Tells what waited for no descriptor.
    pub fn finish_pending(&mut self, outbox: &mut Outbox<'_>) {
        if let Connect::Done(status) = self.connect {
            self.end_connect(status, outbox);
        }
        if self.shutdown_due {
            self.shutdown(outbox);
        }
        if self.hung_up && self.reading {
            self.end(0, outbox);
        }
    }

    fn poll_connect(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox<'_>) {
        let Io::Stream(stream) = &mut self.io else {
            return;
        };
        let status = match stream.poll_connected(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(())) => 0,
            Poll::Ready(Err(error)) => errno::number(&error),
        };
        self.end_connect(status, outbox);
    }

    fn end_connect(&mut self, status: i32, outbox: &mut Outbox<'_>) {
        self.connect = Connect::No;
        outbox.push(Kind::Connect, self.id, [status, 0, 0, 0]);
    }

    fn poll_room(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox<'_>) {
        let Io::Stream(stream) = &self.io else { return };
        if stream.poll_write_ready(cx).is_ready() {
            self.want_write = false;
            outbox.push(Kind::Writable, self.id, [0; 4]);
        }
    }

    fn shutdown(&mut self, outbox: &mut Outbox<'_>) {
        let Io::Stream(stream) = &self.io else { return };
        self.shutdown_due = false;
        let status = match stream.shutdown() {
            Ok(()) => 0,
            Err(error) => errno::number(&error),
        };
        outbox.push(Kind::Shutdown, self.id, [status, 0, 0, 0]);
    }

    pub(super) fn end(&mut self, status: i32, outbox: &mut Outbox<'_>) {
        self.reading = false;
        if status == 0 {
            self.codec.end(self.id, outbox);
        }
        outbox.push(Kind::End, self.id, [status, 0, 0, 0]);
    }
}

fn accept(listener: &Listener, cx: &mut Context<'_>, step: &mut Step) {
    for _ in 0..ACCEPT_BUDGET {
        match listener.poll_accept(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(stream)) => {
                stream.forget_assumed_readiness();
                step.accepted.push(Ok(stream));
            }
            Poll::Ready(Err(error)) => match -errno::number(&error) {
                // The peer gave up while it waited: nobody to tell.
                errno::ECONNABORTED | errno::EPROTO | errno::EINTR => {}
                errno::EMFILE | errno::ENFILE => {
                    step.exhausted = true;
                    step.later = true;
                    return;
                }
                _ => {
                    step.accepted.push(Err(errno::number(&error)));
                    return;
                }
            },
        }
    }
    step.more = true;
}
