//! One read step of a connection, and where its bytes go.
//!
//! Small reads go into the slab, from which JavaScript copies them. Large ones, of raw
//! connections and of HTTP bodies, go into an ArrayBuffer of their own, of the size that this peer
//! is expected to send: copying 16 KiB costs as much as half of the message. The slab lies behind
//! that buffer in a vectored read, so a message of just the expected size is known to be the last
//! without asking the kernel again, and its chunk has an ArrayBuffer of exactly its length, as
//! Node's chunks do.
//!
//! A local stream or an HTTP body that keeps filling its buffer, and that nobody has paused, is read
//! into several at once. The kernel's work goes by the read, not only by the byte: 1 MiB from loopback
//! costs 195 us in reads of 64 KiB and 108 in such of 256 (a C loop). Chunks stay as long as Node's,
//! and buffers that a read left empty wait for the next.

use super::codec::{Codec, Next};
use super::conn::{Conn, Io, Step};
use super::host::{BUFFER_MAX, BUFFERS};
use super::outbox::{Outbox, Place};
use super::records::Kind;
use crate::sys::errno;
use std::io::{self, IoSliceMut};
use std::task::{Context, Poll, ready};

/// Reads at least this long get a buffer of their own.
const OWN_BUFFER_MIN: usize = 4 * 1024;
/// So much must have come without a pause before more than one buffer is filled at once:
/// a stream that nobody reads stops earlier, and holds no more than in Node.
const FLOWS_AFTER: usize = 2 * BUFFER_MAX;

/// How many bytes the next read of a connection will bring, judged by the last ones.
#[derive(Default)]
pub struct Expected {
    /// Size of the next own buffers together; 0 while reads are small.
    size: usize,
    /// What the last read brought.
    last: usize,
    /// What came of a body since it began, or of a stream since a short read, or since a pause.
    flowed: usize,
}

impl Expected {
    /// Follows the sizes that the peer sends: upwards at once, downwards when seen twice or when
    /// well below.
    fn follow(&mut self, len: usize) {
        if len < OWN_BUFFER_MIN {
            self.size = 0;
        } else if self.size == 0 || len == self.last {
            self.size = len.min(BUFFER_MAX);
        } else if len > self.size || len <= self.size / 2 {
            self.size = len.next_multiple_of(OWN_BUFFER_MIN).min(BUFFER_MAX);
        }
        self.last = len;
    }

    /// As `follow`, for bytes that nobody announced, in at most `buffers` at once. One short read in a flow says nothing.
    fn follow_stream(&mut self, len: usize, buffers: usize) {
        if len >= BUFFER_MAX {
            self.flow(len);
            self.size = self.size.min(buffers * BUFFER_MAX);
        } else if self.flowed > 0 {
            self.pause();
            self.last = len;
        } else {
            self.follow(len);
        }
    }

    /// As `follow`, for a read that began inside of a body of which `ahead` bytes were left. That
    /// of its last piece says nothing about the next body.
    fn follow_body(&mut self, len: usize, ahead: usize) {
        if ahead <= len {
            self.pause();
        } else {
            self.flow(len);
        }
    }

    fn flow(&mut self, len: usize) {
        self.flowed += len;
        if len >= BUFFER_MAX && self.flowed >= FLOWS_AFTER {
            self.size = BUFFERS * BUFFER_MAX;
            self.last = len;
        } else {
            self.follow(len);
        }
    }

    /// As `follow`, for a read that began with a head; short ones say nothing about bodies.
    fn follow_head(&mut self, len: usize) {
        self.flowed = len;
        if len >= OWN_BUFFER_MIN {
            self.follow(len);
        }
    }

    pub fn pause(&mut self) {
        self.size = self.size.min(BUFFER_MAX);
        self.flowed = 0;
    }
}

/// The offset of bytes that went to the end of a fork channel's long frame.
const IN_TAIL: usize = usize::MAX;

/// What one read brought, and how much it could have brought.
struct Taken {
    len: usize,
    room: usize,
    /// Where in the slab the bytes lie, those past an own buffer.
    offset: usize,
    /// Bytes of them in own buffers.
    own: usize,
}

impl Conn {
    /// Reads once and tells in the outbox what came.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &mut Outbox<'_>,
        step: &mut Step,
    ) {
        let ahead = self.codec.plain_ahead();
        let taken = match self.poll_take(ahead, cx, outbox) {
            Poll::Pending => return,
            Poll::Ready(Err(error)) => return self.end(errno::number(&error), outbox),
            Poll::Ready(Ok(Taken { len: 0, .. })) => return self.end(0, outbox),
            Poll::Ready(Ok(taken)) => taken,
        };
        self.bytes_read += taken.len as u64;
        let Io::Stream(stream) = &self.io else { return };
        // A full buffer may mean more. After a short read only the end of the stream can be left:
        // libuv tells it in the same callback when both directions are down, else one iteration
        // later.
        if stream.poll_read_ready(cx).is_ready() {
            // Descriptors end a read early, too.
            let cut = matches!(&self.codec, Codec::Ipc(channel) if !channel.arrived.is_empty());
            step.more = taken.len == taken.room || cut || stream.is_hung_up(cx);
            step.later = !step.more;
        }
        // TCP opens its window by the read: a sender that waits for that is the slower the more is read at once.
        let buffers = if stream.is_tcp() { 1 } else { BUFFERS };
        self.tell(&taken, outbox);
        match &self.codec {
            Codec::Http(_) if ahead > 0 => self.expected.follow_body(taken.len, ahead),
            Codec::Http(_) => self.expected.follow_head(taken.len),
            _ => self.expected.follow_stream(taken.len, buffers),
        }
    }

    /// `ahead` is how many of the bytes to come are for JavaScript as they are.
    fn poll_take(
        &mut self,
        ahead: usize,
        cx: &mut Context<'_>,
        outbox: &mut Outbox<'_>,
    ) -> Poll<io::Result<Taken>> {
        let Io::Stream(stream) = &mut self.io else {
            return Poll::Pending;
        };
        let raw = self.codec.is_raw();
        let size = self.expected.size.min(ahead);
        if size >= OWN_BUFFER_MIN
            && self.read_limit.is_none()
            && let Some(space) = outbox.own_space(size, !raw)
        {
            let (room, offset) = (size + space.spill.len(), space.offset);
            let [first, second, third, fourth] = space.buffers;
            let mut slices = [first, second, third, fourth, &mut []].map(IoSliceMut::new);
            // Behind the last that is not empty.
            let last = size.div_ceil(BUFFER_MAX);
            slices[last] = IoSliceMut::new(space.spill);
            let done = stream.poll_read_vectored(cx, &mut slices[..=last]);
            return done.map_ok(|len| Taken {
                len,
                room,
                offset,
                own: len.min(size),
            });
        }
        if let Codec::Ipc(channel) = &mut self.codec
            && let Some((space, descriptors)) = channel.tail()
        {
            let room = space.len();
            let done = stream.poll_receive(cx, space, descriptors);
            if !matches!(done, Poll::Ready(Ok(1..))) {
                channel.forget_tail(room);
            }
            return done.map_ok(|len| Taken {
                len,
                room,
                offset: IN_TAIL,
                own: 0,
            });
        }
        let (space, offset) = outbox.read_space(!raw);
        let room = self
            .read_limit
            .map_or(space.len(), |limit| space.len().min(limit as usize));
        if room == 0 {
            // As libuv, when it gets no buffer for what is there to read.
            ready!(stream.poll_read_ready(cx))?;
            return Poll::Ready(Err(errno::error(errno::ENOBUFS)));
        }
        let space = &mut space[..room];
        let done = match &mut self.codec {
            Codec::Ipc(channel) => stream.poll_receive(cx, space, &mut channel.arrived),
            _ => stream.poll_read(cx, space),
        };
        done.map_ok(|len| Taken {
            len,
            room,
            offset,
            own: 0,
        })
    }

    fn tell(&mut self, taken: &Taken, outbox: &mut Outbox<'_>) {
        let mut told = 0;
        while told < taken.own {
            let part = (taken.own - told).min(BUFFER_MAX);
            told += part;
            let (place, mut writer) = outbox.hand_over(part);
            if !self.codec.is_raw() {
                self.codec.read_body(self.id, place, part, &mut writer);
                continue;
            }
            let (kind, at, behind) = match place {
                Place::Buffer(number) => (Kind::DataOwned, number, taken.len - told),
                // The last one.
                Place::Slab(offset) => (Kind::Data, offset, 0),
            };
            writer.push(kind, self.id, [at, part as i32, behind as i32, 0]);
        }
        let len = taken.len - taken.own;
        if len == 0 {
            return;
        }
        if taken.offset == IN_TAIL
            && let Codec::Ipc(channel) = &mut self.codec
        {
            let (_, mut writer) = outbox.split(0, 0);
            let next = channel.read_tail(self.id, taken.room, len, &mut writer);
            return self.go_on(next, outbox);
        }
        outbox.keep(len);
        if self.codec.is_raw() {
            let record = [taken.offset as i32, len as i32, 0, 0];
            outbox.push(Kind::Data, self.id, record);
            return;
        }
        let (bytes, mut writer) = outbox.split(taken.offset, len);
        let next = self.codec.read(self.id, bytes, taken.offset, &mut writer);
        self.go_on(next, outbox);
    }

    fn go_on(&mut self, next: Next, outbox: &mut Outbox<'_>) {
        match next {
            Next::Read => {}
            Next::Raw => self.reading = false,
            Next::Fail(status) => self.end(status, outbox),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(reads: &[usize]) -> Vec<usize> {
        let mut expected = Expected::default();
        let follow = |&len: &usize| {
            expected.follow(len);
            expected.size
        };
        reads.iter().map(follow).collect()
    }

    #[test]
    fn small_reads_use_the_slab() {
        assert_eq!(sizes(&[64, 4095, 100]), [0, 0, 0]);
    }

    #[test]
    fn equal_messages_get_buffers_of_their_size() {
        assert_eq!(sizes(&[16_384; 3]), [16_384; 3]);
        assert_eq!(sizes(&[10_000, 9_000, 9_000]), [10_000, 10_000, 9_000]);
    }

    #[test]
    fn a_stream_gets_the_largest_buffers() {
        let sizes = sizes(&[5_000, 70_000, 65_536]);
        assert_eq!(sizes, [5_000, BUFFER_MAX, BUFFER_MAX]);
    }

    #[test]
    fn a_body_that_fills_its_buffers_gets_more() {
        const K: usize = 1024;
        let mut expected = Expected::default();
        expected.follow_head(40 * K);
        let mut body = |len, left| {
            expected.follow_body(len, left);
            expected.size / K
        };
        assert_eq!(body(64 * K, 900 * K), 64);
        assert_eq!(body(64 * K, 800 * K), 256);
        assert_eq!(body(256 * K, 700 * K), 256);
        assert_eq!(body(200 * K, 400 * K), 256);
        assert_eq!(body(100 * K, 200 * K), 256);
        assert_eq!(body(40 * K, 160 * K), 40);
        assert_eq!(body(64 * K, 100 * K), 256);
        // The last piece.
        assert_eq!(body(36 * K, 36 * K), 64);
    }

    #[test]
    fn a_stream_that_flows_gets_as_many_as_its_kind_has() {
        for buffers in [1, BUFFERS] {
            let mut expected = Expected::default();
            let mut read = |len| {
                expected.follow_stream(len, buffers);
                expected.size
            };
            assert_eq!(read(BUFFER_MAX), BUFFER_MAX);
            assert_eq!(read(BUFFER_MAX), buffers * BUFFER_MAX);
            // One short read says nothing, two do.
            assert_eq!([read(100), read(100)], [BUFFER_MAX, 0]);
        }
    }

    #[test]
    fn a_paused_body_gets_one_buffer() {
        let mut expected = Expected::default();
        for _ in 0..2 {
            expected.follow_body(BUFFER_MAX, usize::MAX);
        }
        assert_eq!(expected.size, BUFFERS * BUFFER_MAX);
        expected.pause();
        expected.follow_body(BUFFER_MAX, usize::MAX);
        assert_eq!(expected.size, BUFFER_MAX);
    }

    #[test]
    fn a_short_head_says_nothing() {
        let mut expected = Expected::default();
        expected.follow_head(10_000);
        expected.follow_head(100);
        assert_eq!(expected.size, 10_000);
    }

    #[test]
    fn a_peer_that_turns_to_small_messages_is_followed() {
        assert_eq!(sizes(&[60_000, 20_000, 50]), [60_000, 20_480, 0]);
    }
}
