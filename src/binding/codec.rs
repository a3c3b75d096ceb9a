//! The calls that give a connection's bytes a meaning: the fork channel, HTTP.

use super::instance;
use crate::engine::channel::Channel;
use crate::engine::codec::Codec;
use crate::engine::records::{ASK_UPGRADE, EXPECT_CONNECT, EXPECT_HEAD};
use crate::http1::{ALL_METHODS, Config, ErrorKind, Expect, Lenient, Parser, Role};
use crate::ipc::{Frames, Serialization};
use crate::sys::errno;
use napi::Env;
use napi_derive::napi;

/// A reason to refuse a message, by the number in its record.
#[napi(object)]
pub struct HttpError {
    pub code: String,
    pub reason: String,
}

/// Has the engine cut the bytes of a connection into the frames of a fork channel.
#[napi]
pub fn start_ipc(env: Env, id: i32, advanced: bool, max_frame: u32) -> napi::Result<i32> {
    let serialization = if advanced {
        Serialization::Advanced
    } else {
        Serialization::Json
    };
    let channel = Box::new(Channel::new(Frames::with_max_frame(
        serialization,
        max_frame as usize,
    )));
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(-errno::EBADF, |e| e.set_codec(id, Codec::Ipc(channel))))
}

/// Changes the longest frame that a fork channel takes.
#[napi]
pub fn limit_ipc(env: Env, id: i32, max_frame: u32) -> napi::Result<i32> {
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(-errno::EBADF, |engine| {
        engine.with_codec(id, |codec| {
            if let Codec::Ipc(channel) = codec {
                channel.set_max_frame(max_frame as usize);
            }
        })
    }))
}

/// Waits, blocking this thread, until a connection takes bytes: 1, or 0 when the time is over.
#[napi]
pub fn wait_writable(env: Env, id: i32, milliseconds: i32) -> napi::Result<i32> {
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(-errno::EBADF, |e| e.wait_writable(id, milliseconds)))
}

/// A parser for requests (`role` 0) or responses (1). `max_fields` 0 is no limit.
pub fn parser(role: u32, max_header_size: u32, max_fields: u32, lenient_flags: u32) -> Parser {
    let role = if role == 0 {
        Role::Request
    } else {
        Role::Response
    };
    let config = Config {
        max_head: max_header_size as usize,
        max_fields: match max_fields {
            0 => usize::MAX,
            limit => limit as usize,
        },
        lenient_flags: Lenient::from_bits(lenient_flags),
        ..Config::default()
    };
    Parser::new(role, config)
}

/// Tells a parser what `httpExpect` says.
pub fn announce(parser: &mut Parser, flags: i32) {
    if flags & ASK_UPGRADE != 0 {
        parser.ask_upgrade();
    } else {
        parser.allow_upgrade(false);
    }
    parser.expect(match flags & (EXPECT_HEAD | EXPECT_CONNECT) {
        EXPECT_HEAD => Expect::Head,
        EXPECT_CONNECT => Expect::Connect,
        _ => Expect::Normal,
    });
}

/// Has the engine parse a connection's bytes as HTTP/1: requests (`role` 0) or responses (1).
/// A head may have `maxFields` fields, 0 for any number.
#[napi]
pub fn start_http(
    env: Env,
    id: i32,
    role: u32,
    max_header_size: u32,
    max_fields: u32,
    lenient_flags: u32,
) -> napi::Result<i32> {
    let mut parser = parser(role, max_header_size, max_fields, lenient_flags);
    parser.tell_repeats(true);
    let codec = Codec::Http(Box::new(parser));
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(-errno::EBADF, |e| e.set_codec(id, codec)))
}

/// Says what the next response answers (0 any request, 1 HEAD, 2 CONNECT), or, of a server's
/// connection, that JavaScript wants to decide about requests with an Upgrade field (4).
#[napi]
pub fn http_expect(env: Env, id: i32, flags: i32) -> napi::Result<i32> {
    let engine = instance(&env)?.engine();
    Ok(engine.map_or(-errno::EBADF, |engine| {
        engine.with_codec(id, |codec| {
            if let Codec::Http(parser) = codec {
                announce(parser, flags);
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
