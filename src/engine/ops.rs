//! What JavaScript asks of the engine. Every call acts at once or leaves a mark for the next turn.
//!
//! How a connection comes to be is in `open`, how bytes leave in `write`.

use super::codec::Codec;
use super::conn::{Conn, Io};
use super::ready::ConnWaker;
use super::{Core, Engine};
use crate::net::{Address, options};
use crate::sys::{self, errno};
use socket2::SockRef;
use std::io;

/// A non-negative answer, or a negative libuv error number.
pub type Answer = i32;

pub(super) fn answer(result: io::Result<()>) -> Answer {
    result.map_or_else(|error| errno::number(&error), |()| 0)
}

pub(super) fn bad_descriptor() -> io::Error {
    errno::error(errno::EBADF)
}

impl Core {
    /// Stores a connection; gives its id.
    pub fn insert(&mut self, io: Io) -> Result<i32, Answer> {
        let ready = &self.ready;
        self.conns
            .insert(|id| Conn::new(id, io, ConnWaker::new(id, ready)))
            .ok_or(-errno::ENFILE)
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
    pub(super) fn kick(&mut self, id: i32) {
        self.kicked.push(id);
        self.settle(id);
    }

    /// As `settle`, and has the connection tell what it has to tell without waiting for anything.
    pub(super) fn kick_pending(&mut self, id: i32) {
        self.pending.push(id);
        self.settle(id);
    }

    pub(super) fn with(
        &mut self,
        id: i32,
        act: impl FnOnce(&mut Conn) -> io::Result<()>,
    ) -> Answer {
        answer(self.conns.get(id).ok_or_else(bad_descriptor).and_then(act))
    }
}

impl Engine {
    pub(super) fn insert(&self, made: io::Result<Io>) -> Answer {
        match made {
            Ok(io) => match self.core.borrow_mut().insert(io) {
                Ok(id) => id,
                Err(status) => status,
            },
            Err(error) => errno::number(&error),
        }
    }

    /// Changes what a connection waits for, and has its waker follow.
    pub(super) fn kick_with(
        &self,
        id: i32,
        act: impl FnOnce(&mut Conn) -> io::Result<()>,
    ) -> Answer {
        let mut core = self.core.borrow_mut();
        let status = core.with(id, act);
        if status == 0 {
            core.kick(id);
        }
        let alive = core.alive > 0;
        drop(core);
        self.uv.set_referenced(alive);
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

    /// 1 when something has come to a connection that no turn has read yet, its end included; else 0.
    pub fn has_pending_read(&self, id: i32) -> Answer {
        let mut core = self.core.borrow_mut();
        let descriptor = core.conns.get(id).and_then(|conn| conn.descriptor());
        descriptor.map_or(-errno::EBADF, |fd| i32::from(sys::is_ready(fd, false)))
    }

    /// Most bytes that one read may bring.
    pub fn limit_reads(&self, id: i32, limit: u32) -> Answer {
        self.core.borrow_mut().with(id, |conn| {
            conn.read_limit = Some(limit);
            Ok(())
        })
    }

    pub fn read_start(&self, id: i32) -> Answer {
        let status = self.kick_with(id, |conn| {
            match &conn.io {
                Io::Stream(stream) => stream.check_readable()?,
                Io::Bound(_) => return Err(errno::error(errno::ENOTCONN)),
                Io::Listener(_) | Io::Nothing => {}
            }
            conn.reading = true;
            Ok(())
        });
        self.tell_hung_up(id);
        status
    }

    fn tell_hung_up(&self, id: i32) {
        let mut core = self.core.borrow_mut();
        if core.conns.get(id).is_some_and(|conn| conn.has_hung_up()) {
            core.kick_pending(id);
        }
    }

    /// Closes a stream that its peer cannot be told the end of in any other way; the end of what is read is an event.
    pub fn hang_up(&self, id: i32) -> Answer {
        let status = self.kick_with(id, |conn| {
            conn.hang_up();
            Ok(())
        });
        self.tell_hung_up(id);
        status
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
        claimed.map_or(-errno::EBADF, sys::into_number)
    }

    /// Closes all but the newest `keep` descriptors that no frame has claimed.
    pub fn drop_unclaimed(&self, id: i32, keep: usize) -> Answer {
        self.with_codec(id, |codec| {
            if let Codec::Ipc(channel) = codec {
                channel.drop_unclaimed(keep);
            }
        })
    }

    /// Closes at once; `Closed` follows in libuv's closing phase.
    pub fn close(&self, id: i32, reset: bool) -> Answer {
        let mut core = self.core.borrow_mut();
        let Some(mut conn) = core.conns.take(id) else {
            return -errno::EBADF;
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
        if conn.descriptor().is_some_and(sys::is_standard) {
            conn.io.leave_open();
        } else {
            drop(conn);
        }
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
        let mut core = self.core.borrow_mut();
        let fd = core.conns.get(id).and_then(|conn| conn.descriptor());
        fd.map_or(-1, sys::number)
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
