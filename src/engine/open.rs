//! How sockets come to be: bound, connecting, listening, adopted, in pairs.
//!
//! Calls give an id or a negative libuv error number; how connecting ends is an event.

use super::Engine;
use super::conn::Io;
use super::ops::{Answer, bad_descriptor};
use crate::net::listener::{self, BACKLOG, Listener};
use crate::net::local::{LocalStream, OwnPath};
use crate::net::stream::{BindFlags, Stream, begin_connect};
use crate::net::{address, local};
use crate::sys::{self, OwnedDescriptor, errno};
use std::io;

impl Engine {
    /// Binds a TCP socket; gives its id.
    pub fn tcp_bind(&self, host: &str, port: u16, flags: BindFlags) -> Answer {
        self.insert(listener::bind_tcp(host, port, flags).map(Io::Bound))
    }

    /// Connects a new socket, or the one `id`; gives the id. The end is an event. The kernel decides what connecting once more
    /// means: after a connect that did not block it says once that all is well.
    pub fn tcp_connect(&self, id: i32, host: &str, port: u16) -> Answer {
        let _context = self.driver.enter();
        if id == 0 {
            let id = self.insert(Stream::connect_tcp(host, port).map(Io::Stream));
            if id > 0 {
                self.begin_connect(id, None);
            }
            return id;
        }
        if self.is_connecting(id) {
            return -errno::EALREADY;
        }
        let begun = address::parse_peer(host, port).and_then(|target| {
            let mut core = self.core.borrow_mut();
            let conn = core.conns.get(id).ok_or_else(bad_descriptor)?;
            begin_connect(&*conn.socket()?, target)
        });
        if let Err(error) = begun {
            return errno::number(&error);
        }
        let connecting = self.replace(id, |io| match io {
            Io::Bound(socket) => Stream::connecting(socket).map(Io::Stream),
            other => Ok(other),
        });
        if connecting < 0 {
            return connecting;
        }
        self.begin_connect(id, None);
        id
    }

    fn is_connecting(&self, id: i32) -> bool {
        let mut core = self.core.borrow_mut();
        core.conns.get(id).is_some_and(|conn| conn.is_connecting())
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
        let _context = self.driver.enter();
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
            conn.own_path = own_path.map(Box::new);
        }
        id
    }

    /// Connects a new socket, or the reserved one `id`, to a local name; gives the id. Success and failure are events, as in libuv, but
    /// for a name that cannot be one.
    pub fn local_connect(&self, id: i32, path: &[u8]) -> Answer {
        let _context = self.driver.enter();
        if let Err(error) = local::check_name(path) {
            return errno::number(&error);
        }
        if self.is_connecting(id) {
            return -errno::EALREADY;
        }
        // A failure is told at once; success when the descriptor is writable, in the poll phase.
        let mut status = None;
        let mut again = false;
        let mut outcome = |made: io::Result<_>| match made.and_then(LocalStream::driven) {
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
                other => {
                    again = true;
                    Ok(other)
                }
            });
            if connected < 0 { connected } else { id }
        };
        if again {
            status = Some(-errno::EISCONN);
        }
        if id > 0 {
            self.begin_connect(id, status);
        }
        id
    }

    /// Makes a bound socket listen and accept.
    pub fn listen(&self, id: i32, backlog: i32) -> Answer {
        let _context = self.driver.enter();
        let status = self.replace(id, |io| match io {
            Io::Bound(socket) => Listener::listen(socket, backlog).map(Io::Listener),
            Io::Listener(listener) => {
                listener.listen_again(backlog)?;
                Ok(Io::Listener(listener))
            }
            _ => Err(errno::error(errno::EINVAL)),
        });
        if status == 0 {
            self.read_start(id)
        } else {
            status
        }
    }

    /// Takes over a descriptor that JavaScript gives away; gives the id. One that cannot be used stays JavaScript's.
    pub fn adopt(&self, fd: i32, listening: bool) -> Answer {
        let _context = self.driver.enter();
        self.insert(usable(fd).and_then(|(given, kind)| {
            if listening {
                sys::listen(given, BACKLOG)?;
                Listener::adopt(sys::own_raw(fd)?, kind).map(Io::Listener)
            } else {
                Stream::adopt(sys::own_raw(fd)?, kind).map(Io::Stream)
            }
        }))
    }

    /// As `adopt`, for a TCP socket that has an address and neither listens nor connects.
    pub fn adopt_bound(&self, fd: i32) -> Answer {
        let _context = self.driver.enter();
        self.insert(usable(fd).and_then(|(_, kind)| {
            if kind != sys::Kind::Tcp {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            let socket = sys::into_socket(sys::own_raw(fd)?);
            socket.set_nonblocking(true)?;
            Ok(Io::Bound(socket))
        }))
    }

    /// A connected pair of local sockets: our end's id, and the other end's descriptor.
    pub fn local_pair(&self) -> io::Result<(i32, OwnedDescriptor)> {
        let _context = self.driver.enter();
        let (ours, theirs) = local::pair()?;
        let id = self.insert(Ok(Io::Stream(Stream::Local(ours))));
        if id < 0 {
            return Err(io::Error::from_raw_os_error(-id));
        }
        Ok((id, theirs))
    }
}

/// A descriptor that the driver could watch, and does not yet.
fn usable<'a>(fd: i32) -> io::Result<(sys::Descriptor<'a>, sys::Kind)> {
    let given = sys::borrow_raw(fd)?;
    let kind = sys::kind(given)?;
    if !matches!(kind, sys::Kind::Tcp | sys::Kind::Local | sys::Kind::Pipe) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sys::check_unwatched(given)?;
    Ok((given, kind))
}
