//! A fork channel as records: its frames, and the descriptors that came with them.

use super::codec::Next;
use super::outbox::Writer;
use super::records::Kind;
use crate::ipc::Frames;
use crate::sys::{OwnedDescriptor, errno};
use std::collections::VecDeque;

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

    pub fn read(&mut self, id: i32, bytes: &[u8], offset: usize, writer: &mut Writer<'_>) -> Next {
        let arrivals = self.take_arrived();
        self.feed(id, bytes, arrivals, writer, |frame, writer| {
            writer.place(bytes, offset, frame)
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
