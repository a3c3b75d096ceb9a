//! What JavaScript asks of the engine. Every call acts at once or leaves a mark for the next turn.

use super::codec::Codec;
use super::conn::{Conn, Io};
use super::ready::ConnWaker;
use super::{Core, Engine};
use crate::net::listener::{self, Listener};
use crate::net::local::OwnPath;
use crate::net::stream::{BindFlags, Stream};
use crate::net::{Address, address, local, options};
use crate::sys::{self, errno};
use socket2::SockRef;
use std::io;
use std::io::IoSlice;
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// A non-negative answer, or a negative libuv error number.
pub type Answer = i32;

/// Set in the answer to a write that the kernel did not take whole; the rest is the count.
const SHORT: i32 = 1 << 30;
/// So that a count and `SHORT` fit into one int.
const WRITE_MAX: usize = SHORT as usize - 1;

fn answer(result: io::Result<()>) -> Answer {
    result.map_or_else(|error| errno::number(&error), |()| 0)
}

fn bad_descriptor() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}

impl Core {
    /// Stores a connection; gives its id.
    pub fn insert(&mut self, io: Io) -> Result<i32, Answer> {
        let ready = &self.ready;
        self.conns
            .insert(|id| Conn::new(id, io, ConnWaker::new(id, ready)))
            .ok_or(-libc::ENFILE)
    }

    /// After a change of what `id` waits for: counts it, and has the mirror follow.
    pub fn settle(&mut self, id: i32) {
        let Some(conn) = self.conns.get(id) else {
            return;
        };
        let alive = conn.is_alive();
        if alive != conn.counted {
            conn.counted = alive;
            if alive {
                self.alive += 1;
            } else {
                self.alive -= 1;
            }
        }
        if self.watch.repeats() && !conn.touched && conn.interest() != conn.watched {
            conn.touched = true;
            self.touched.push(id);
        }
    }

    /// As `settle`, and has the connection's waker registered before libuv sleeps.
    fn kick(&mut self, id: i32) {
        self.kicked.push(id);
        self.settle(id);
    }

    /// As `settle`, and has the connection tell what it has to tell without waiting for anything.
    fn kick_pending(&mut self, id: i32) {
        self.pending.push(id);
        self.settle(id);
    }

    fn with(&mut self, id: i32, act: impl FnOnce(&mut Conn) -> io::Result<()>) -> Answer {
        answer(self.conns.get(id).ok_or_else(bad_descriptor).and_then(act))
    }
}

impl Engine {
    fn insert(&self, made: io::Result<Io>) -> Answer {
        match made {
            Ok(io) => match self.core.borrow_mut().insert(io) {
                Ok(id) => id,
                Err(status) => status,
            },
            Err(error) => errno::number(&error),
        }
    }

    /// Changes what a connection waits for, and has its waker follow.
    fn kick_with(&self, id: i32, act: impl FnOnce(&mut Conn) -> io::Result<()>) -> Answer {
        let mut core = self.core.borrow_mut();
        let status = core.with(id, act);
        if status == 0 {
            core.kick(id);
        }
        drop(core);
        self.uv.set_referenced(true);
        status
    }

    /// Changes what a connection waits for, without need of a turn.
    fn settle_with(&self, id: i32, act: impl FnOnce(&mut Conn) -> io::Result<()>) -> Answer {
        let mut core = self.core.borrow_mut();
        let status = core.with(id, act);
        core.settle(id);
        let alive = core.alive > 0;
        drop(core);
        self.uv.set_referenced(alive);
        status
    }

    /// Binds a TCP socket; gives its id.
    pub fn tcp_bind(&self, host: &str, port: u16, flags: BindFlags) -> Answer {
        self.insert(listener::bind_tcp(host, port, flags).map(Io::Bound))
    }

    /// Connects a new socket, or the bound one `id`; gives the id. The end is an event.
    pub fn tcp_connect(&self, id: i32, host: &str, port: u16) -> Answer {
        let _context = self.runtime.enter();
        if id == 0 {
            let id = self.insert(Stream::connect_tcp(host, port).map(Io::Stream));
            if id > 0 {
                self.begin_connect(id, None);
            }
            return id;
        }
        let connected = self.replace(id, |io| match io {
            Io::Bound(socket) => address::parse(host, port)
                .and_then(|target| Stream::connect_bound(socket, target))
                .map(Io::Stream),
            _ => Err(io::Error::from_raw_os_error(libc::EISCONN)),
        });
        if connected < 0 {
            return connected;
        }
        self.begin_connect(id, None);
        id
    }

    /// Replaces the socket of `id` by what `make` turns it into; an error leaves it without one.
    fn replace(&self, id: i32, make: impl FnOnce(Io) -> io::Result<Io>) -> Answer {
        self.core.borrow_mut().with(id, |conn| {
            conn.io = make(std::mem::replace(&mut conn.io, Io::Nothing))?;
            Ok(())
        })
    }

    fn begin_connect(&self, id: i32, status: Option<i32>) {
        let mut core = self.core.borrow_mut();
        if let Some(conn) = core.conns.get(id) {
            conn.begin_connect(status);
        }
        if status.is_some() {
            core.kick_pending(id);
        } else {
            core.kick(id);
        }
        drop(core);
        self.uv.set_referenced(true);
    }

    /// Binds a local name (see `net::local`) for a listener; gives the id.
    pub fn local_bind(&self, path: &[u8]) -> Answer {
        let _context = self.runtime.enter();
        self.insert_bound(
            Listener::bind_local(path).map(|(listener, file)| (Io::Listener(listener), file)),
        )
    }

    /// Binds a local name without listening; gives the id.
    pub fn local_reserve(&self, path: &[u8]) -> Answer {
        self.insert_bound(local::reserve(path).map(|(socket, file)| (Io::Bound(socket), file)))
    }

    fn insert_bound(&self, made: io::Result<(Io, Option<OwnPath>)>) -> Answer {
        let (io, own_path) = match made {
            Ok(bound) => bound,
            Err(error) => return errno::number(&error),
        };
        let id = self.insert(Ok(io));
        if let Some(conn) = self.core.borrow_mut().conns.get(id) {
            conn.own_path = own_path;
        }
        id
    }

    /// Connects a new socket, or the reserved one `id`, to a local name; gives the id. Success and failure are events, as in libuv, but
    /// for a name that cannot be one.
    pub fn local_connect(&self, id: i32, path: &[u8]) -> Answer {
        let _context = self.runtime.enter();
        if let Err(error) = local::check_name(path) {
            return errno::number(&error);
        }
        // A failure is told at once; success when the descriptor is writable, in the poll phase.
        let mut status = None;
        let mut outcome =
            |made: io::Result<UnixStream>| match made.and_then(tokio::net::UnixStream::from_std) {
                Ok(stream) => Io::Stream(Stream::Local(stream)),
                Err(error) => {
                    status = Some(errno::number(&error));
                    Io::Nothing
                }
            };
        let id = if id == 0 {
            self.insert(Ok(outcome(local::connect(path))))
        } else {
            let connected = self.replace(id, |io| match io {
                Io::Bound(socket) => Ok(outcome(local::connect_reserved(socket, path))),
                _ => Err(io::Error::from_raw_os_error(libc::EISCONN)),
            });
            if connected < 0 { connected } else { id }
        };
        if id > 0 {
            self.begin_connect(id, status);
        }
        id
    }

    /// Makes a bound socket listen and accept.
    pub fn listen(&self, id: i32, backlog: i32) -> Answer {
        let _context = self.runtime.enter();
        let status = self.replace(id, |io| match io {
            Io::Bound(socket) => Listener::listen(socket, backlog).map(Io::Listener),
            Io::Listener(listener) => {
                listener.listen_again(backlog)?;
                Ok(Io::Listener(listener))
            }
            _ => Err(io::Error::from_raw_os_error(libc::EINVAL)),
        });
        if status == 0 {
            self.read_start(id)
        } else {
            status
        }
    }

    /// Adopts a descriptor that JavaScript gives away; gives the id.
    pub fn adopt(&self, fd: i32, listening: bool) -> Answer {
        let _context = self.runtime.enter();
        let made = sys::own_raw(fd).and_then(|fd| {
            let kind = sys::kind(fd.as_fd())?;
            if listening {
                Listener::adopt(fd, kind, 511).map(Io::Listener)
            } else {
                Stream::adopt(fd, kind).map(Io::Stream)
            }
        });
        self.insert(made)
    }

    /// A connected pair of local sockets: our end's id, and the other end's descriptor.
    pub fn local_pair(&self) -> io::Result<(i32, OwnedFd)> {
        let _context = self.runtime.enter();
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let ours = tokio::net::UnixStream::from_std(ours)?;
        let id = self.insert(Ok(Io::Stream(Stream::Local(ours))));
        if id < 0 {
            return Err(io::Error::from_raw_os_error(-id));
        }
        Ok((id, theirs.into()))
    }

    /// Most bytes that one read may bring.
    pub fn limit_reads(&self, id: i32, limit: usize) -> Answer {
        self.core.borrow_mut().with(id, |conn| {
            conn.read_limit = Some(limit);
            Ok(())
        })
    }

    pub fn read_start(&self, id: i32) -> Answer {
        self.kick_with(id, |conn| {
            match &conn.io {
                Io::Stream(stream) => stream.check_readable()?,
                Io::Bound(_) => return Err(io::Error::from_raw_os_error(libc::ENOTCONN)),
                Io::Listener(_) | Io::Nothing => {}
            }
            conn.reading = true;
            Ok(())
        })
    }

    pub fn read_stop(&self, id: i32) -> Answer {
        self.settle_with(id, |conn| {
            conn.reading = false;
            conn.expected.pause();
            Ok(())
        })
    }

    pub fn set_codec(&self, id: i32, codec: Codec) -> Answer {
        self.core.borrow_mut().with(id, |conn| {
            conn.codec = codec;
            Ok(())
        })
    }

    /// Changes the codec of a connection in place.
    pub fn with_codec(&self, id: i32, act: impl FnOnce(&mut Codec)) -> Answer {
        self.core.borrow_mut().with(id, |conn| {
            act(&mut conn.codec);
            Ok(())
        })
    }

    /// Sends at once; gives the bytes that the kernel took. When that is less than all, `SHORT`
    /// is set in the answer and an event tells when there is room.
    pub fn write(&self, id: i32, bytes: &[u8]) -> Answer {
        let part = &bytes[..bytes.len().min(WRITE_MAX)];
        self.write_with(id, bytes.len(), |stream| stream.send(part))
    }

    /// As `write`, for several slices.
    pub fn write_vectored(&self, id: i32, slices: &[IoSlice<'_>]) -> Answer {
        let len = slices.iter().map(|slice| slice.len()).sum();
        self.write_with(id, len, |stream| stream.send_vectored(slices))
    }

    /// As `write`, with a duplicate of a descriptor, which is gone as soon as a byte is.
    pub fn write_with_descriptor(&self, id: i32, bytes: &[u8], fd: i32) -> Answer {
        let part = &bytes[..bytes.len().min(WRITE_MAX)];
        match sys::borrow_raw(fd) {
            Ok(fd) => self.write_with(id, bytes.len(), |stream| {
                stream.send_with_descriptor(part, fd)
            }),
            Err(error) => errno::number(&error),
        }
    }

    /// Blocks until a connection takes bytes: 1, or 0 when the time is over.
    pub fn wait_writable(&self, id: i32, milliseconds: i32) -> Answer {
        let mut core = self.core.borrow_mut();
        match core.conns.get(id).and_then(|conn| conn.descriptor()) {
            Some(fd) => sys::wait_writable(fd, milliseconds)
                .map_or_else(|error| errno::number(&error), i32::from),
            None => -libc::EBADF,
        }
    }

    /// Stops watching a connection for reading before it leaves for another process, after which
    /// the mirror could not be told any more.
    pub fn release(&self, id: i32) -> Answer {
        let status = self.read_stop(id);
        let mut core = self.core.borrow_mut();
        core.reconcile();
        status
    }

    /// The next descriptor that came over a fork channel, for the frame that announces it.
    pub fn claim_descriptor(&self, id: i32) -> Answer {
        let mut claimed = None;
        self.with_codec(id, |codec| {
            if let Codec::Ipc(channel) = codec {
                claimed = channel.claim();
            }
        });
        claimed.map_or(-libc::EBADF, IntoRawFd::into_raw_fd)
    }

    /// Closes all but the newest `keep` descriptors that no frame has claimed.
    pub fn drop_unclaimed(&self, id: i32, keep: usize) -> Answer {
        self.with_codec(id, |codec| {
            if let Codec::Ipc(channel) = codec {
                channel.drop_unclaimed(keep);
            }
        })
    }

    fn write_with(
        &self,
        id: i32,
        len: usize,
        send: impl FnOnce(&Stream) -> io::Result<usize>,
    ) -> Answer {
        let mut core = self.core.borrow_mut();
        let sent = core
            .conns
            .get(id)
            .ok_or_else(bad_descriptor)
            .and_then(|conn| conn.stream().and_then(send));
        match sent {
            Ok(taken) if taken < len => {
                drop(core);
                self.kick_with(id, |conn| {
                    conn.wait_for_room();
                    Ok(())
                });
                taken.min(WRITE_MAX) as i32 | SHORT
            }
            Ok(taken) => taken as i32,
            Err(error) => errno::number(&error),
        }
    }

    pub fn shutdown(&self, id: i32) -> Answer {
        let mut core = self.core.borrow_mut();
        let status = core.with(id, |conn| {
            conn.stream()?.check_writable()?;
            conn.begin_shutdown();
            Ok(())
        });
        if status == 0 {
            core.kick_pending(id);
        }
        drop(core);
        self.uv.set_referenced(true);
        status
    }

    /// Closes at once; `Closed` follows in libuv's closing phase.
    pub fn close(&self, id: i32, reset: bool) -> Answer {
        let mut core = self.core.borrow_mut();
        let Some(mut conn) = core.conns.take(id) else {
            return -libc::EBADF;
        };
        core.watch.forget(&mut conn);
        if conn.counted {
            core.alive -= 1;
        }
        core.closing.push(id);
        let alive = core.alive > 0;
        drop(core);
        let status = if reset {
            answer(conn.socket().and_then(options::set_reset_on_close))
        } else {
            0
        };
        drop(conn);
        self.uv.request_closing_phase();
        self.uv.set_referenced(alive);
        status
    }

    pub fn set_referenced(&self, id: i32, referenced: bool) -> Answer {
        self.settle_with(id, |conn| {
            conn.referenced = referenced;
            Ok(())
        })
    }

    /// Applies a socket option.
    pub fn with_socket<T>(
        &self,
        id: i32,
        act: impl FnOnce(SockRef<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut core = self.core.borrow_mut();
        let conn = core.conns.get(id).ok_or_else(bad_descriptor)?;
        act(conn.socket()?)
    }

    /// The own address of a TCP socket.
    pub fn local_address(&self, id: i32) -> io::Result<Option<Address>> {
        self.with_socket(id, |socket| {
            Ok(Address::from_sockaddr(&socket.local_addr()?))
        })
    }

    /// The peer's address of a TCP socket.
    pub fn peer_address(&self, id: i32) -> io::Result<Option<Address>> {
        self.with_socket(id, |socket| {
            Ok(Address::from_sockaddr(&socket.peer_addr()?))
        })
    }

    /// The descriptor's number, for user code that reads `fd`.
    pub fn descriptor(&self, id: i32) -> Answer {
        use std::os::fd::AsRawFd;
        let mut core = self.core.borrow_mut();
        let fd = core.conns.get(id).and_then(|conn| conn.descriptor());
        fd.map_or(-1, |fd| fd.as_raw_fd())
    }

    /// An id without a socket, for a handle that is closed before it got one.
    pub fn placeholder(&self) -> Answer {
        self.insert(Ok(Io::Nothing))
    }

    pub fn bytes_read(&self, id: i32) -> u64 {
        let mut core = self.core.borrow_mut();
        core.conns.get(id).map_or(0, |conn| conn.bytes_read)
    }

    /// Bytes that found no room in the slab, see `outbox`.
    pub fn take_spill(&self, offset: i32) -> Vec<u8> {
        self.core.borrow_mut().overflow.take_spill(offset)
    }
}
