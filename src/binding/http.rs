//! The HTTP codec for bytes that JavaScript brings: those of a TLS socket or of any Duplex, those
//! that were read before HTTP began, those that a listener of the user's wants to see as well.
//!
//! What is found comes back as records like the outbox's (engine/outbox.rs), without the
//! connection: a kind and four ints each. Heads and trailers lie in `text`, bodies in the input.

use super::codec::{announce, parser};
use super::instance;
use crate::engine::messages::info;
use crate::engine::records::Kind;
use crate::http1::{Events, Fields, Head, Outcome, ParseError, Parser};
use napi::Env;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

/// What a piece of input held.
#[napi(object)]
pub struct Parsed {
    pub records: Vec<i32>,
    pub text: Buffer,
}

#[napi]
pub struct HttpCodec {
    parser: Box<Parser>,
}

#[napi]
impl HttpCodec {
    /// For requests (`role` 0) or responses (1).
    #[napi(constructor)]
    pub fn new(role: u32, max_header_size: u32, max_fields: u32, lenient_flags: u32) -> Self {
        Self {
            parser: Box::new(parser(role, max_header_size, max_fields, lenient_flags)),
        }
    }

    /// As `httpExpect` for a connection.
    #[napi]
    pub fn expect(&mut self, flags: i32) {
        announce(&mut self.parser, flags);
    }

    /// Parses the next bytes of the stream.
    #[napi]
    pub fn execute(&mut self, input: Buffer) -> Parsed {
        let mut found = Found::new(&input);
        match self.parser.execute(&input, &mut found) {
            Ok(Outcome::More) if self.parser.head_started() => found.push(Kind::Partial, [0; 4]),
            Ok(Outcome::More) => {}
            Ok(Outcome::Upgraded { consumed }) => {
                found.push(Kind::Upgrade, [consumed as i32, 0, 0, 0]);
            }
            Err(error) => found.fail(error),
        }
        found.into()
    }

    /// The stream has ended.
    #[napi]
    pub fn finish(&mut self) -> Parsed {
        let mut found = Found::new(&[]);
        if let Err(error) = self.parser.finish(&mut found) {
            found.fail(error);
        }
        found.into()
    }

    /// The request that asked for an upgrade is a plain one; its body and what follows are next.
    #[napi]
    pub fn decline(&mut self) -> Parsed {
        let mut found = Found::new(&[]);
        if let Err(error) = self.parser.decline_upgrade(&mut found) {
            found.fail(error);
        }
        found.into()
    }
}

/// Takes the codec off a connection, whose bytes reach JavaScript from now on.
#[napi]
pub fn take_http(env: Env, id: i32) -> napi::Result<Option<HttpCodec>> {
    let mut taken = None;
    if let Some(engine) = instance(&env)?.engine() {
        engine.with_codec(id, |codec| taken = codec.take_parser());
    }
    Ok(taken.map(|parser| HttpCodec { parser }))
}

struct Found<'a> {
    input: &'a [u8],
    records: Vec<i32>,
    text: Vec<u8>,
}

impl<'a> Found<'a> {
    fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            records: Vec::new(),
            text: Vec::new(),
        }
    }

    fn push(&mut self, kind: Kind, rest: [i32; 4]) {
        self.records.push(kind as i32);
        self.records.extend(rest);
    }

    fn fail(&mut self, error: ParseError) {
        let index = i32::from(error.kind.index());
        self.push(Kind::ParseError, [index, error.at as i32, 0, 0]);
    }

    /// `first\nname\nvalue...`; without a first part the text begins with a name.
    fn write(&mut self, first: Option<&[u8]>, fields: Fields<'_>) -> (i32, i32) {
        let start = self.text.len();
        self.text.extend_from_slice(first.unwrap_or_default());
        for (name, value) in fields {
            if first.is_some() || self.text.len() > start {
                self.text.push(b'\n');
            }
            self.text.extend_from_slice(name);
            self.text.push(b'\n');
            self.text.extend_from_slice(value);
        }
        (start as i32, (self.text.len() - start) as i32)
    }
}

impl Events for Found<'_> {
    fn head(&mut self, head: &Head<'_>) {
        let (at, len) = self.write(Some(head.target), head.fields.clone());
        self.push(Kind::Head, [at, len, info(head), i32::from(head.code)]);
    }

    fn body(&mut self, chunk: &[u8]) {
        let at = chunk.as_ptr().addr() - self.input.as_ptr().addr();
        self.push(Kind::Body, [at as i32, chunk.len() as i32, 0, 0]);
    }

    fn end(&mut self, trailers: Fields<'_>) {
        let (at, len) = self.write(None, trailers);
        self.push(Kind::MessageEnd, [at, len, 0, 0]);
    }
}

impl From<Found<'_>> for Parsed {
    fn from(found: Found<'_>) -> Self {
        Self {
            records: found.records,
            text: found.text.into(),
        }
    }
}
