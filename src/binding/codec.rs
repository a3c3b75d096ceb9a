//! The calls that give a connection's bytes a meaning: the fork channel, HTTP.

use super::instance;
use crate::engine::codec::Codec;
use crate::http1::{ALL_METHODS, Config, ErrorKind, Expect, Lenient, Parser, Role};
use crate::ipc::{Frames, Serialization};
use napi::Env;
use napi_derive::napi;

/// What `httpExpect` may say of a connection.
const EXPECT_HEAD: u32 = 1;
const EXPECT_CONNECT: u32 = 2;
const ALLOW_UPGRADE: u32 = 4;

/// A reason to refuse a message, by the number in its record.
#[napi(object)]
pub struct HttpError {
    pub code: String,
    pub reason: String,
}

/// Has the engine cut the bytes of a connection into the frames of a fork channel.
#[napi]
pub fn start_ipc(env: Env, id: i32, advanced: bool) -> napi::Result<i32> {
    let serialization = if advanced {
        Serialization::Advanced
    } else {
        Serialization::Json
    };
    let frames = Frames::new(serialization);
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(-libc::EBADF, |e| e.set_codec(id, Codec::Ipc(frames))))
}

/// Has the engine parse a connection's bytes as HTTP/1: requests (`role` 0) or responses (1).
#[napi]
pub fn start_http(
    env: Env,
    id: i32,
    role: u32,
    max_header_size: u32,
    lenient_flags: u32,
) -> napi::Result<i32> {
    let role = if role == 0 {
        Role::Request
    } else {
        Role::Response
    };
    let config = Config {
        max_head: max_header_size as usize,
        lenient_flags: Lenient::from_bits(lenient_flags),
        ..Config::default()
    };
    let codec = Codec::Http(Box::new(Parser::new(role, config)));
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(-libc::EBADF, |e| e.set_codec(id, codec)))
}

/// Says what the next response answers (0 any request, 1 HEAD, 2 CONNECT), or, of a server's
/// connection, that an Upgrade field may switch it to raw (4).
#[napi]
pub fn http_expect(env: Env, id: i32, flags: u32) -> napi::Result<i32> {
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(-libc::EBADF, |engine| {
        engine.with_codec(id, |codec| {
            if let Codec::Http(parser) = codec {
                parser.allow_upgrade(flags & ALLOW_UPGRADE != 0);
                parser.expect(match flags & (EXPECT_HEAD | EXPECT_CONNECT) {
                    EXPECT_HEAD => Expect::Head,
                    EXPECT_CONNECT => Expect::Connect,
                    _ => Expect::Normal,
                });
            }
        })
    }))
}

/// The methods that a request's head record counts.
#[napi]
pub fn http_methods() -> Vec<&'static str> {
    ALL_METHODS.to_vec()
}

/// The errors that a parse error record counts.
#[napi]
pub fn http_errors() -> Vec<HttpError> {
    let describe = |kind: &ErrorKind| HttpError {
        code: kind.code().into(),
        reason: kind.reason().into(),
    };
    ErrorKind::ALL.iter().map(describe).collect()
}
