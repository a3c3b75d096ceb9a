//! The calls that happen once per connection or less, typed by napi-rs.

use super::instance;
use crate::engine::Engine;
use crate::net::stream::BindFlags;
use crate::net::{Address, options};
use crate::sys::{self, errno};
use napi::Env;
use napi::bindgen_prelude::{Buffer, Either};
use napi_derive::napi;
use std::io;

/// One end of a TCP connection; `family` is `IPv4` or `IPv6`.
#[napi(object)]
pub struct SocketName {
    pub address: String,
    pub family: String,
    pub port: u32,
}

/// A connected pair: the id of our end, the descriptor of the other.
#[napi(object)]
pub struct LocalPair {
    pub id: i32,
    pub fd: i32,
}

fn with(env: &Env, act: impl FnOnce(&Engine) -> i32) -> napi::Result<i32> {
    Ok(instance(env)?.engine().map_or(-errno::EBADF, act))
}

fn status(result: io::Result<()>) -> i32 {
    result.map_or_else(|error| errno::number(&error), |()| 0)
}

/// Binds a TCP socket to a numeric address. `flags`: 1 IPv6 only, 2 reuse port. Gives an id.
#[napi]
pub fn tcp_bind(env: Env, host: String, port: u16, flags: u32) -> napi::Result<i32> {
    let flags = BindFlags {
        v6_only: flags & 1 != 0,
        reuse_port: flags & 2 != 0,
    };
    with(&env, |engine| engine.tcp_bind(&host, port, flags))
}

/// Connects a new socket (`id` 0) or a bound one to a numeric address. Gives the id.
#[napi]
pub fn tcp_connect(env: Env, id: i32, host: String, port: u16) -> napi::Result<i32> {
    with(&env, |engine| engine.tcp_connect(id, &host, port))
}

/// Binds a local name (a path, or an abstract name behind a NUL). Gives an id.
#[napi]
pub fn local_bind(env: Env, path: Buffer) -> napi::Result<i32> {
    with(&env, |engine| engine.local_bind(&path))
}

/// Binds a local name without listening. Gives an id.
#[napi]
pub fn local_reserve(env: Env, path: Buffer) -> napi::Result<i32> {
    with(&env, |engine| engine.local_reserve(&path))
}

/// Connects a new socket (`id` 0) or a reserved one to a local name. Gives the id; the outcome is
/// an event.
#[napi]
pub fn local_connect(env: Env, id: i32, path: Buffer) -> napi::Result<i32> {
    with(&env, |engine| engine.local_connect(id, &path))
}

/// Most bytes that one read of a connection may bring.
#[napi]
pub fn limit_reads(env: Env, id: i32, limit: u32) -> napi::Result<i32> {
    with(&env, |engine| engine.limit_reads(id, limit))
}

/// Sets the permissions of everybody to a local server's file.
#[napi]
pub fn local_chmod(path: String, readable: bool, writable: bool) -> i32 {
    status(sys::chmod_all(path.as_ref(), readable, writable))
}

/// Makes a bound socket listen and accept.
#[napi]
pub fn listen(env: Env, id: i32, backlog: i32) -> napi::Result<i32> {
    with(&env, |engine| engine.listen(id, backlog))
}

/// Adopts a descriptor. Gives an id.
#[napi]
pub fn adopt(env: Env, fd: i32, listening: bool) -> napi::Result<i32> {
    with(&env, |engine| engine.adopt(fd, listening))
}

/// Adopts the descriptor of a TCP socket that has an address and neither listens nor connects. Gives an id.
#[napi]
pub fn adopt_bound(env: Env, fd: i32) -> napi::Result<i32> {
    with(&env, |engine| engine.adopt_bound(fd))
}

/// The kind of a descriptor: 0 TCP, 1 local, 2 pipe, 3 file, 4 terminal, 5 datagram socket,
/// 6 anything else, or an error.
#[napi]
pub fn descriptor_kind(fd: i32) -> i32 {
    match sys::borrow_raw(fd).and_then(sys::kind) {
        Ok(sys::Kind::Tcp) => 0,
        Ok(sys::Kind::Local) => 1,
        Ok(sys::Kind::Pipe) => 2,
        Ok(sys::Kind::File) => 3,
        Ok(sys::Kind::Terminal) => 4,
        Ok(sys::Kind::Datagrams) => 5,
        Ok(sys::Kind::Other) => 6,
        Err(error) => errno::number(&error),
    }
}

/// Whether a descriptor is a listening socket.
#[napi]
pub fn descriptor_listens(fd: i32) -> bool {
    sys::borrow_raw(fd).is_ok_and(sys::is_listening)
}

/// The descriptor's number, or -1.
#[napi]
pub fn descriptor(env: Env, id: i32) -> napi::Result<i32> {
    with(&env, |engine| engine.descriptor(id))
}

/// A connected pair of local sockets, or an error.
#[napi]
pub fn local_pair(env: Env) -> napi::Result<Either<LocalPair, i32>> {
    let Some(engine) = instance(&env)?.engine() else {
        return Ok(Either::B(-errno::EBADF));
    };
    Ok(match engine.local_pair() {
        Ok((id, theirs)) => Either::A(LocalPair {
            id,
            fd: sys::into_number(theirs),
        }),
        Err(error) => Either::B(errno::number(&error)),
    })
}

/// Closes a descriptor that `localPair` gave.
#[napi]
pub fn close_descriptor(fd: i32) -> i32 {
    status(sys::own_raw(fd).map(drop))
}

fn name(found: io::Result<Option<Address>>) -> Either<SocketName, i32> {
    match found {
        Ok(Some(address)) => Either::A(SocketName {
            address: address.address,
            family: format!("IPv{}", address.family),
            port: u32::from(address.port),
        }),
        Ok(None) => Either::B(-errno::EINVAL),
        Err(error) => Either::B(errno::number(&error)),
    }
}

/// The own address of a TCP socket, or an error.
#[napi]
pub fn local_address(env: Env, id: i32) -> napi::Result<Either<SocketName, i32>> {
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(Either::B(-errno::EBADF), |e| name(e.local_address(id))))
}

/// The peer's address of a TCP socket, or an error.
#[napi]
pub fn peer_address(env: Env, id: i32) -> napi::Result<Either<SocketName, i32>> {
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(Either::B(-errno::EBADF), |e| name(e.peer_address(id))))
}

#[napi]
pub fn set_no_delay(env: Env, id: i32, enable: bool) -> napi::Result<i32> {
    with(&env, |engine| {
        status(engine.with_socket(id, |socket| options::set_nodelay(socket, enable)))
    })
}

/// Seconds; 0 is the default.
#[napi]
pub fn set_keep_alive(
    env: Env,
    id: i32,
    enable: bool,
    idle: u32,
    interval: u32,
    count: u32,
) -> napi::Result<i32> {
    with(&env, |engine| {
        status(engine.with_socket(id, |socket| {
            options::set_keepalive(socket, enable, idle, interval, count)
        }))
    })
}

#[napi]
pub fn set_type_of_service(env: Env, id: i32, tos: u32) -> napi::Result<i32> {
    with(&env, |engine| {
        status(engine.with_socket(id, |socket| options::set_tos(socket, tos)))
    })
}

/// The type-of-service byte, or an error.
#[napi]
pub fn get_type_of_service(env: Env, id: i32) -> napi::Result<i32> {
    with(&env, |engine| match engine.with_socket(id, options::tos) {
        Ok(tos) => i32::try_from(tos).unwrap_or(0),
        Err(error) => errno::number(&error),
    })
}

/// Closes a stream whose peer cannot be told of the end in any other way.
#[napi]
pub fn hang_up(env: Env, id: i32) -> napi::Result<i32> {
    with(&env, |engine| engine.hang_up(id))
}

/// An id without a socket, for a handle that is closed before it got one.
#[napi]
pub fn placeholder(env: Env) -> napi::Result<i32> {
    with(&env, Engine::placeholder)
}

/// Bytes received on a connection.
#[napi]
pub fn bytes_read(env: Env, id: i32) -> napi::Result<f64> {
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(0.0, |engine| engine.bytes_read(id) as f64))
}

/// Bytes that found no room in the slab, see engine/outbox.rs.
#[napi]
pub fn take_spill(env: Env, offset: i32) -> napi::Result<Buffer> {
    let engine = instance(&env)?.engine();
    Ok(engine
        .map_or_else(Vec::new, |e| e.take_spill(offset))
        .into())
}

/// The number of a duplicate of a descriptor, which the caller owns, or an error.
#[napi]
pub fn duplicate_descriptor(fd: i32) -> i32 {
    match sys::borrow_raw(fd).and_then(sys::duplicate) {
        Ok(copy) => sys::into_number(copy),
        Err(error) => errno::number(&error),
    }
}
