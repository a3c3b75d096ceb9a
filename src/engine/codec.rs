//! What a connection's bytes mean: nothing to the engine, frames of a fork channel (`channel`), HTTP (`messages`).

use super::channel::Channel;
use super::messages::HttpEvents;
use super::outbox::{Outbox, Place, Writer};
use super::records::Kind;
use crate::http1;

pub enum Codec {
    /// Bytes go to JavaScript as they are.
    Raw,
    Ipc(Box<Channel>),
    Http(Box<http1::Parser>),
    /// Raw after an upgrade. The parser is kept: JavaScript may say that there was none.
    Switched(Box<http1::Parser>),
    /// The stream ended in the middle of a message, which has been told.
    Broken,
}

/// What reading on makes sense for, after a piece of input.
pub enum Next {
    Read,
    /// The codec handed the connection over (upgrade): raw, and JavaScript says when to read.
    Raw,
    /// The peer broke the protocol: tell this status and stop.
    Fail(i32),
}

impl Codec {
    /// Whether bytes reach JavaScript as they are.
    pub fn is_raw(&self) -> bool {
        matches!(self, Self::Raw | Self::Switched(_))
    }

    /// How many of the next bytes reach JavaScript as they are.
    pub fn plain_ahead(&self) -> usize {
        match self {
            Self::Raw | Self::Switched(_) => usize::MAX,
            Self::Http(parser) => usize::try_from(parser.body_ahead()).unwrap_or(usize::MAX),
            Self::Ipc(_) | Self::Broken => 0,
        }
    }

    /// `len` bytes of an HTTP body were read, past the parser.
    pub fn read_body(&mut self, id: i32, place: Place, len: usize, writer: &mut Writer<'_>) {
        if let Self::Http(parser) = self {
            let (kind, at) = match place {
                Place::Buffer(number) => (Kind::BodyOwned, number),
                Place::Slab(offset) => (Kind::Body, offset),
            };
            writer.push(kind, id, [at, len as i32, 0, 0]);
            let mut events = HttpEvents {
                id,
                requests: parser.is_server(),
                closing: false,
                bytes: &[],
                offset: 0,
                writer,
            };
            parser.pass_body(len as u64, &mut events);
        }
    }

    /// Makes the connection raw and gives its parser, for JavaScript to go on with.
    pub fn take_parser(&mut self) -> Option<Box<http1::Parser>> {
        match std::mem::replace(self, Self::Raw) {
            Self::Http(mut parser) | Self::Switched(mut parser) => {
                parser.tell_repeats(false);
                Some(parser)
            }
            other => {
                *self = other;
                None
            }
        }
    }

    /// Decodes what was read; `offset` is where `bytes` lie in the slab.
    pub fn read(&mut self, id: i32, bytes: &[u8], offset: usize, writer: &mut Writer<'_>) -> Next {
        match self {
            Self::Raw | Self::Switched(_) | Self::Broken => Next::Read,
            Self::Ipc(channel) => channel.read(id, bytes, offset, writer),
            Self::Http(parser) => {
                // Between messages the parser skips line ends; a client must know that bytes came.
                let idle = !parser.is_server() && parser.is_idle();
                let silent = idle && bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
                let mut events = HttpEvents {
                    id,
                    requests: parser.is_server(),
                    closing: false,
                    bytes,
                    offset,
                    writer,
                };
                match parser.execute(bytes, &mut events) {
                    Ok(http1::Outcome::More) => {
                        if silent || parser.head_started() {
                            writer.push(Kind::Partial, id, [0; 4]);
                        }
                        Next::Read
                    }
                    Ok(http1::Outcome::Upgraded { consumed }) => {
                        let rest = &bytes[consumed..];
                        let at = (offset + consumed) as i32;
                        writer.push(Kind::Upgrade, id, [at, rest.len() as i32, 0, 0]);
                        if let Self::Http(parser) = std::mem::replace(self, Self::Raw) {
                            *self = Self::Switched(parser);
                        }
                        Next::Raw
                    }
                    Err(error) => {
                        let index = i32::from(error.kind.index());
                        let raw = [offset as i32, bytes.len() as i32];
                        let record = [index, error.at as i32, raw[0], raw[1]];
                        // The parser stays: as in Node, later bytes get the same error again.
                        writer.push(Kind::ParseError, id, record);
                        Next::Read
                    }
                }
            }
        }
    }

    /// The stream ended in order: tells what that makes of a message under way.
    pub fn end(&mut self, id: i32, outbox: &mut Outbox<'_>) {
        if let Self::Http(parser) = self {
            let (bytes, mut writer) = outbox.split(0, 0);
            let mut events = HttpEvents {
                id,
                requests: parser.is_server(),
                closing: true,
                bytes,
                offset: 0,
                writer: &mut writer,
            };
            if let Err(error) = parser.finish(&mut events) {
                let index = i32::from(error.kind.index());
                writer.push(Kind::ParseError, id, [index, 0, 0, 0]);
                *self = Self::Broken;
            }
        }
    }
}
