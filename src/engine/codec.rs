//! What a connection's bytes mean, and how its codec's events become records.

use super::outbox::{Kind, Outbox, Place, Writer};
use crate::http1::{self, Repeats};
use crate::ipc::Frames;
use crate::sys::{OwnedDescriptor, errno};
use std::collections::VecDeque;

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

/// A fork channel: its frames, and the descriptors that came with them.
pub struct Channel {
    frames: Frames,
    /// Those of the last read, on their way to `descriptors`.
    pub arrived: Vec<OwnedDescriptor>,
    /// Not claimed yet, oldest first.
    descriptors: VecDeque<OwnedDescriptor>,
}

/// More unclaimed descriptors than any honest peer has under way.
const DESCRIPTORS_MAX: usize = 64;

/// The descriptors that a read found waiting, and those it brought.
#[derive(Clone, Copy)]
struct Arrivals {
    fresh: i32,
    carried: bool,
}

impl Channel {
    pub fn new(frames: Frames) -> Self {
        Self {
            frames,
            arrived: Vec::new(),
            descriptors: VecDeque::new(),
        }
    }

    /// Room at the end of a long frame, see `Frames::tail`.
    pub fn tail(&mut self) -> Option<(&mut [u8], &mut Vec<OwnedDescriptor>)> {
        let Self {
            frames, arrived, ..
        } = self;
        frames.tail().map(|room| (room, arrived))
    }

    /// Nothing came into that room.
    pub fn forget_tail(&mut self, room: usize) {
        let _ = self.frames.fill_tail(room, 0);
    }

    /// `len` bytes came into it.
    pub fn read_tail(&mut self, id: i32, room: usize, len: usize, writer: &mut Writer<'_>) -> Next {
        let arrivals = self.take_arrived();
        let Ok(tail) = self.frames.fill_tail(room, len) else {
            return Next::Fail(-errno::EMSGSIZE);
        };
        let Some(tail) = tail else {
            return Next::Read;
        };
        let len = (tail.bytes.len() - tail.start) as i32;
        let at = writer.spill(tail.bytes);
        writer.push(Kind::Frame, id, [at, len, tail.start as i32, 0]);
        let later = Arrivals {
            carried: false,
            ..arrivals
        };
        if arrivals.carried {
            writer.push(Kind::Unclaimed, id, [arrivals.fresh, 0, 0, 0]);
        }
        self.feed(id, &tail.rest, later, writer, |frame, writer| {
            writer.write(std::iter::once(frame))
        })
    }

    fn read(&mut self, id: i32, bytes: &[u8], offset: usize, writer: &mut Writer<'_>) -> Next {
        let arrivals = self.take_arrived();
        self.feed(id, bytes, arrivals, writer, |frame, writer| {
            place(bytes, offset, frame, writer)
        })
    }

    fn take_arrived(&mut self) -> Arrivals {
        let arrivals = Arrivals {
            fresh: self.arrived.len() as i32,
            carried: !self.descriptors.is_empty(),
        };
        self.descriptors.extend(self.arrived.drain(..));
        self.descriptors.truncate(DESCRIPTORS_MAX);
        arrivals
    }

    /// A descriptor belongs to a frame that ends in the read it came with, or to the one that is
    /// unfinished then. JavaScript, which alone knows what frames say, claims it; `Unclaimed`
    /// follows the last frame that may.
    fn feed(
        &mut self,
        id: i32,
        bytes: &[u8],
        arrivals: Arrivals,
        writer: &mut Writer<'_>,
        place: impl Fn(&[u8], &mut Writer<'_>) -> (i32, i32),
    ) -> Next {
        let Arrivals { fresh, mut carried } = arrivals;
        let fed = self.frames.feed(bytes, |frame| {
            let place = place(frame, writer);
            writer.push(Kind::Frame, id, [place.0, place.1, 0, 0]);
            if std::mem::take(&mut carried) {
                writer.push(Kind::Unclaimed, id, [fresh, 0, 0, 0]);
            }
        });
        if fed.is_err() {
            return Next::Fail(-errno::EMSGSIZE);
        }
        if fresh > 0 && !self.frames.in_frame() {
            writer.push(Kind::Unclaimed, id, [0; 4]);
        }
        Next::Read
    }

    pub fn set_max_frame(&mut self, max_frame: usize) {
        self.frames.set_max_frame(max_frame);
    }

    /// The oldest descriptor that no frame has claimed.
    pub fn claim(&mut self) -> Option<OwnedDescriptor> {
        self.descriptors.pop_front()
    }

    /// Closes all but the newest `keep`.
    pub fn drop_unclaimed(&mut self, keep: usize) {
        let void = self.descriptors.len().saturating_sub(keep);
        self.descriptors.drain(..void);
    }
}

/// Where a piece lies in the slab: at its place in the input, or copied behind it.
fn place(input: &[u8], offset: usize, piece: &[u8], writer: &mut Writer<'_>) -> (i32, i32) {
    // Compared as numbers only: a piece inside the input starts between its ends.
    let at = (piece.as_ptr() as usize).wrapping_sub(input.as_ptr() as usize);
    if at <= input.len() && at + piece.len() <= input.len() {
        return ((offset + at) as i32, piece.len() as i32);
    }
    writer.write(std::iter::once(piece))
}

/// Where a head record has its `info`, and the bit there that says that the message is over.
const INFO: usize = 4;
const ENDED: i32 = 1 << 22;
/// Node's parser hands this many fields to JavaScript before the head is complete.
const FLUSHED_AT: usize = 32;

struct HttpEvents<'a, 'w> {
    id: i32,
    /// They come from a client.
    requests: bool,
    /// The stream has ended, and with it the message.
    closing: bool,
    bytes: &'a [u8],
    offset: usize,
    writer: &'a mut Writer<'w>,
}

/// Writes `first\nname\nvalue\nname\nvalue`. No parser, however lenient, has an LF in one of them; a
/// lenient one lets a NUL through.
fn write_fields(
    writer: &mut Writer<'_>,
    first: Option<&[u8]>,
    fields: http1::Fields<'_>,
) -> (i32, i32) {
    const LF: &[u8] = b"\n";
    let pairs = fields.flat_map(|(name, value)| [LF, name, LF, value]);
    match first {
        Some(first) => writer.write(std::iter::once(first).chain(pairs)),
        // Without a first part the text begins with a name.
        None => writer.write(pairs.skip(1)),
    }
}

/// Bits of a head record's `info`; js/internal/records.js has the same list.
pub fn info(head: &http1::Head<'_>) -> i32 {
    use http1::Framing;
    let has = |wanted: &[u8]| {
        let mut names = head.fields.clone().map(|(name, _)| name);
        names.any(|name| name.eq_ignore_ascii_case(wanted))
    };
    let has_body = !matches!(head.framing, Framing::None | Framing::Length(0));
    let mut info = i32::from(head.minor) | i32::from(head.major) << 8;
    for (bit, set) in [
        (16, head.keep_alive),
        (17, head.upgrade),
        (18, has_body),
        (19, matches!(head.framing, Framing::UntilClose)),
        (20, has(b"host")),
        (21, has(b"expect")),
        (23, head.fields.len() >= FLUSHED_AT),
        (24, head.repeats != Repeats::Nothing),
        (25, head.repeats == Repeats::All),
    ] {
        info |= i32::from(set) << bit;
    }
    info
}

impl http1::Events for HttpEvents<'_, '_> {
    fn head(&mut self, head: &http1::Head<'_>) {
        let (at, len) = match head.repeats {
            Repeats::Nothing => write_fields(self.writer, Some(head.target), head.fields.clone()),
            Repeats::Fields => place(self.bytes, self.offset, head.target, self.writer),
            Repeats::All => (0, 0),
        };
        let record = [at, len, info(head), i32::from(head.code)];
        self.writer.push(Kind::Head, self.id, record);
    }

    fn body(&mut self, chunk: &[u8]) {
        let (at, len) = place(self.bytes, self.offset, chunk, self.writer);
        self.writer.push(Kind::Body, self.id, [at, len, 0, 0]);
    }

    fn end(&mut self, trailers: http1::Fields<'_>) {
        // A request that is only a head is told in one record.
        let whole = self.requests && trailers.is_empty() && !self.closing;
        if whole && self.writer.amend(Kind::Head, self.id, INFO, ENDED) {
            return;
        }
        let (at, len) = write_fields(self.writer, None, trailers);
        let closing = i32::from(self.closing);
        self.writer
            .push(Kind::MessageEnd, self.id, [at, len, closing, 0]);
    }
}
