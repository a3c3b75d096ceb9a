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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every frame of `input`, fed in pieces of the given lengths and then the rest.
    fn frames(kind: Serialization, input: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
        let mut frames = Frames::new(kind);
        let mut seen = Vec::new();
        let mut rest = input;
        for &cut in cuts {
            let (head, tail) = rest.split_at(cut);
            frames
                .feed(head, |frame| seen.push(frame.to_vec()))
                .expect("within the limit");
            rest = tail;
        }
        frames
            .feed(rest, |frame| seen.push(frame.to_vec()))
            .expect("within the limit");
        seen
    }

    /// Both formats, cut once at every place, twice at every pair of places, and byte by byte.
    fn same_however_split(kind: Serialization, input: &[u8], expected: &[&[u8]]) {
        assert_eq!(frames(kind, input, &[]), expected);
        for first in 0..=input.len() {
            assert_eq!(frames(kind, input, &[first]), expected, "cut at {first}");
            for second in 0..=input.len() - first {
                assert_eq!(
                    frames(kind, input, &[first, second]),
                    expected,
                    "cut at {first} and {second} bytes later"
                );
            }
        }
        assert_eq!(frames(kind, input, &vec![1; input.len()]), expected);
    }

    #[test]
    fn json_lines_survive_every_split() {
        same_however_split(
            Serialization::Json,
            "{\"a\":1}\n\"zwölf ☃ 𝄞\"\n\n17\r\nnull\n".as_bytes(),
            &[
                b"{\"a\":1}",
                "\"zwölf ☃ 𝄞\"".as_bytes(),
                b"",
                b"17\r",
                b"null",
            ],
        );
    }

    #[test]
    fn advanced_frames_survive_every_split() {
        same_however_split(
            Serialization::Advanced,
            b"\0\0\0\x03abc\0\0\0\0\0\0\0\x01\n\0\0\0\x05hello",
            &[b"abc", b"", b"\n", b"hello"],
        );
    }

    #[test]
    fn an_unfinished_frame_is_kept_and_told() {
        for (kind, head, tail, whole) in [
            (
                Serialization::Json,
                &b"[1,"[..],
                &b"2]\n"[..],
                &b"[1,2]"[..],
            ),
            (Serialization::Advanced, b"\0\0", b"\0\x02hi", b"hi"),
        ] {
            let mut frames = Frames::new(kind);
            let mut seen = Vec::new();
            assert!(!frames.in_frame());
            frames.feed(head, |_| panic!("no frame ends here")).unwrap();
            assert!(frames.in_frame());
            frames
                .feed(tail, |frame| seen.push(frame.to_vec()))
                .unwrap();
            assert!(!frames.in_frame());
            assert_eq!(seen, [whole]);
        }
    }

    #[test]
    fn a_whole_frame_is_not_copied() {
        for (kind, input) in [
            (Serialization::Json, &b"12345\n678\n"[..]),
            (Serialization::Advanced, b"\0\0\0\x05abcde\0\0\0\x01f"),
        ] {
            let range = input.as_ptr_range();
            let mut frames = Frames::new(kind);
            frames
                .feed(input, |frame| assert!(range.contains(&frame.as_ptr())))
                .unwrap();
            assert_eq!(frames.partial.capacity(), 0);
        }
    }

    #[test]
    fn the_buffer_is_reused_and_shrinks_after_a_giant() {
        let mut line = vec![b'x'; 4 * KEEP_CAPACITY];
        line.push(b'\n');
        let mut length = ((line.len()) as u32).to_be_bytes().to_vec();
        length.extend_from_slice(&line);
        for (kind, message, frame_len) in [
            (Serialization::Json, &line, line.len() - 1),
            (Serialization::Advanced, &length, line.len()),
        ] {
            let mut frames = Frames::new(kind);
            let mut seen = 0;
            for _ in 0..2 {
                for piece in message.chunks(65_536) {
                    frames
                        .feed(piece, |frame| {
                            assert_eq!(frame.len(), frame_len);
                            seen += 1;
                        })
                        .unwrap();
                }
            }
            assert_eq!(seen, 2);
            assert!(frames.partial.capacity() <= KEEP_CAPACITY);
        }
    }

    #[test]
    fn a_frame_over_the_limit_ends_the_channel_after_the_good_ones() {
        for (kind, input) in [
            (Serialization::Json, &b"ok\n123456789"[..]),
            (Serialization::Json, b"ok\n123456789\nok\n"),
            (Serialization::Advanced, b"\0\0\0\x02ok\0\0\0\x09"),
            (Serialization::Advanced, b"\0\0\0\x02ok\xff\xff\xff\xff"),
        ] {
            for piece in 1..=input.len() {
                let mut frames = Frames::with_max_frame(kind, 8);
                let mut seen = Vec::new();
                let fed: Vec<_> = input
                    .chunks(piece)
                    .map(|bytes| frames.feed(bytes, |frame| seen.push(frame.to_vec())))
                    .collect();
                assert_eq!(seen, [b"ok"], "{kind:?} in pieces of {piece}");
                assert_eq!(fed.last(), Some(&Err(FrameError { limit: 8 })));
                assert_eq!(frames.feed(b"1\n", |_| panic!()).unwrap_err().limit(), 8);
                assert!(!frames.in_frame());
            }
        }
    }

    #[test]
    fn a_long_frame_is_read_in_place() {
        let long = vec![b'x'; 3 * TAIL_MAX];
        let mut json = long.clone();
        json.extend_from_slice(b"\n\"next\"\n\"beg");
        let mut advanced = (long.len() as u32).to_be_bytes().to_vec();
        advanced.extend_from_slice(&long);
        for (kind, input) in [
            (Serialization::Json, json),
            (Serialization::Advanced, advanced),
        ] {
            for step in [20_000, 70_000, usize::MAX] {
                let mut frames = Frames::new(kind);
                let (first, mut rest) = input.split_at(TAIL_MIN + 10);
                frames.feed(first, |_| panic!("not yet")).unwrap();
                let tail = loop {
                    let room = frames.tail().expect("a long frame");
                    let len = room.len().min(step).min(rest.len());
                    room[..len].copy_from_slice(&rest[..len]);
                    rest = &rest[len..];
                    let room = room.len();
                    if let Some(tail) = frames.fill_tail(room, len).unwrap() {
                        break tail;
                    }
                };
                assert_eq!(&tail.bytes[tail.start..], &long);
                assert!(frames.tail().is_none() && !frames.in_frame());
                let mut seen = Vec::new();
                for bytes in [&tail.rest, rest] {
                    let fed = frames.feed(bytes, |frame| seen.push(frame.to_vec()));
                    fed.unwrap();
                }
                match kind {
                    Serialization::Json => assert_eq!(seen, [b"\"next\""]),
                    Serialization::Advanced => assert!(seen.is_empty()),
                }
            }
        }
    }

    #[test]
    fn a_long_frame_has_the_same_limit() {
        let limit = 2 * TAIL_MAX;
        for kind in [Serialization::Json, Serialization::Advanced] {
            for (len, passes) in [(limit, true), (limit + 1, false)] {
                let mut input = match kind {
                    Serialization::Json => Vec::new(),
                    Serialization::Advanced => (len as u32).to_be_bytes().to_vec(),
                };
                input.resize(input.len() + len, b'x');
                if kind == Serialization::Json {
                    input.push(b'\n');
                }
                let mut frames = Frames::with_max_frame(kind, limit);
                let (first, mut rest) = input.split_at(TAIL_MIN + 10);
                let mut told = frames.feed(first, |_| panic!("not yet")).map(|()| None);
                while let Ok(None) = told {
                    let room = frames.tail().expect("a long frame");
                    let len = room.len().min(rest.len());
                    room[..len].copy_from_slice(&rest[..len]);
                    rest = &rest[len..];
                    let room = room.len();
                    told = frames.fill_tail(room, len);
                }
                assert_eq!(told.is_ok(), passes, "{kind:?} of {len}");
            }
        }
    }

    #[test]
    fn a_frame_of_exactly_the_limit_passes() {
        for (kind, input) in [
            (Serialization::Json, &b"12345678\n"[..]),
            (Serialization::Advanced, b"\0\0\0\x0812345678"),
        ] {
            for piece in 1..=input.len() {
                let mut frames = Frames::with_max_frame(kind, 8);
                let mut seen = Vec::new();
                for bytes in input.chunks(piece) {
                    frames
                        .feed(bytes, |frame| seen.push(frame.to_vec()))
                        .unwrap();
                }
                assert_eq!(seen, [b"12345678"]);
            }
        }
    }
}
