//! Framing of the fork channel: where one message ends and the next begins.
//!
//! Two formats share the work: [`json`] has one text per line, [`advanced`] puts a length before
//! each message. Neither looks inside a message; values are made and read in JavaScript. Pure
//! code: bytes in, frames out, so a frame that lies whole in the input is handed on without a
//! copy, and only one that a read has split is put together in a buffer, which is then reused.

#![forbid(unsafe_code)]

mod advanced;
#[cfg(unix)]
mod channel;
mod json;
#[cfg(test)]
mod tests;

#[cfg(unix)]
pub use channel::{Channel, HandleKind, Message, spawn};

use std::fmt;

/// The longest frame a channel takes unless told otherwise. V8 has no string or buffer view that
/// a sane program sends beyond this, and a peer that speaks another format must not fill memory.
pub const DEFAULT_MAX_FRAME: usize = 512 * 1024 * 1024;

/// What the reassembly buffer may keep between messages: one giant message must not pin its size.
const KEEP_CAPACITY: usize = 256 * 1024;

/// A frame under way gets read into directly from this length on.
const TAIL_MIN: usize = 32 * 1024;
/// What one read may bring then.
const TAIL_MAX: usize = 256 * 1024;

/// How a message is written on the channel; both ends are told by the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serialization {
    /// One JSON text and a newline.
    Json,
    /// Four bytes of length, big endian, and that many bytes of V8's serialization.
    Advanced,
}

/// Why a channel cannot go on: the next frame's end is unknown, or too far away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameError {
    limit: usize,
}

impl FrameError {
    /// The limit, in bytes, that the frame went over.
    pub fn limit(self) -> usize {
        self.limit
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a channel frame is longer than {} bytes", self.limit)
    }
}

impl std::error::Error for FrameError {}

/// The receiving half of one connection: cuts the byte stream into frames.
#[derive(Debug)]
pub struct Frames {
    serialization: Serialization,
    max_frame: usize,
    /// The start of a frame whose end has not been read yet.
    partial: Vec<u8>,
    /// Once set, nothing that follows can be trusted to begin at a frame's start.
    failed: Option<FrameError>,
}

impl Frames {
    /// A connection from which nothing has been read.
    pub fn new(serialization: Serialization) -> Self {
        Self::with_max_frame(serialization, DEFAULT_MAX_FRAME)
    }

    /// As [`Frames::new`], with another limit for a single frame.
    pub fn with_max_frame(serialization: Serialization, max_frame: usize) -> Self {
        Self {
            serialization,
            max_frame,
            partial: Vec::new(),
            failed: None,
        }
    }

    /// Changes the limit, from the next bytes on.
    pub fn set_max_frame(&mut self, max_frame: usize) {
        self.max_frame = max_frame;
    }

    /// Takes the next bytes of the stream and calls `on_frame` for each frame that ends in them,
    /// in order. The newline or the length is not part of what `on_frame` gets.
    ///
    /// Frames before an over-long one are still handed on; after the error every call fails.
    pub fn feed(&mut self, input: &[u8], on_frame: impl FnMut(&[u8])) -> Result<(), FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let fed = match self.serialization {
            Serialization::Json => json::feed(&mut self.partial, self.max_frame, input, on_frame),
            Serialization::Advanced => {
                advanced::feed(&mut self.partial, self.max_frame, input, on_frame)
            }
        };
        fed.map_err(|TooLong| self.fail())
    }

    /// Room at the end of a long frame that is under way, to be read into: its bytes need no other
    /// stop then. `fill_tail` must follow, with the length of this room.
    pub fn tail(&mut self) -> Option<&mut [u8]> {
        let have = self.partial.len();
        if have < TAIL_MIN || self.failed.is_some() {
            return None;
        }
        let more = match self.serialization {
            Serialization::Json => TAIL_MAX,
            Serialization::Advanced => advanced::missing(&self.partial)?.min(TAIL_MAX),
        };
        self.partial.resize(have + more, 0);
        Some(&mut self.partial[have..])
    }

    /// Says that `len` bytes came into the `room` that `tail` gave. `None` while the frame is under
    /// way still; the bytes behind its end, if any, are for `feed`.
    pub fn fill_tail(&mut self, room: usize, len: usize) -> Result<Option<Tail>, FrameError> {
        let old = self.partial.len() - room;
        self.partial.truncate(old + len);
        let end = match self.serialization {
            Serialization::Json => memchr::memchr(b'\n', &self.partial[old..]).map(|at| old + at),
            Serialization::Advanced => {
                let whole = advanced::missing(&self.partial) == Some(0);
                whole.then_some(self.partial.len())
            }
        };
        let start = match self.serialization {
            Serialization::Json => 0,
            Serialization::Advanced => advanced::LENGTH_BYTES,
        };
        if end.unwrap_or(self.partial.len()) > self.max_frame.saturating_add(start) {
            return Err(self.fail());
        }
        let Some(end) = end else {
            return Ok(None);
        };
        let rest = self.partial.get(end + 1..).unwrap_or_default().to_vec();
        let mut bytes = std::mem::take(&mut self.partial);
        bytes.truncate(end);
        Ok(Some(Tail { bytes, start, rest }))
    }

    fn fail(&mut self) -> FrameError {
        self.partial = Vec::new();
        let error = FrameError {
            limit: self.max_frame,
        };
        self.failed = Some(error);
        error
    }

    /// Whether the bytes so far end inside a frame: at the end of the stream, a message was cut off.
    pub fn in_frame(&self) -> bool {
        !self.partial.is_empty()
    }
}

/// A long frame that has come to its end.
#[derive(Debug)]
pub struct Tail {
    /// The frame, from `start` on.
    pub bytes: Vec<u8>,
    pub start: usize,
    /// Bytes that were read beyond it.
    pub rest: Vec<u8>,
}

/// The codecs' word for "over the limit"; [`Frames`] adds the number.
#[derive(Debug)]
struct TooLong;

/// Empties the reassembly buffer after its frame was handed on.
fn recycle(partial: &mut Vec<u8>) {
    partial.clear();
    if partial.capacity() > KEEP_CAPACITY {
        partial.shrink_to(KEEP_CAPACITY);
    }
}
