//! The outbox: what happened in a turn, as flat integers and bytes that JavaScript walks.
//!
//! A record is six ints: kind, connection id, then four that the kind defines. Bytes lie in the
//! slab at an offset that the record names; what did not fit is kept as a *spill*, which the
//! record names by a negative offset (-1 is the first) and JavaScript fetches. Records that did
//! not fit wait in the overflow, and no socket is read before they are out.

use super::host::{BUFFER_MAX, BUFFERS, FreshBuffers, Handed, Memory};
use super::records::Kind;
use std::collections::VecDeque;

/// Ints per record.
pub const STRIDE: usize = 6;
/// Most bytes that one read puts into the slab.
const SLAB_READ_MAX: usize = 64 * 1024;
/// Most records that one connection pushes before those that may wait in the overflow: a connect
/// and the buffers of one read. The numbers of buffers hold for one turn only.
const RECORDS_LOW: usize = 8;
/// Room in the slab below which no further connection is read in this turn.
const SLAB_LOW: usize = 2 * 1024;
/// Bytes in buffers of their own, from which on JavaScript is told before more is read: it finds them in the processor's
/// cache, and often writes them on.
const OWNED_MAX: usize = 256 * 1024;

pub type Record = [i32; STRIDE];

/// What outlives a turn: records that found no room, and spilled bytes.
#[derive(Default)]
pub struct Overflow {
    records: VecDeque<Record>,
    spills: Vec<Vec<u8>>,
    /// Bytes of the slab that waiting records still point into.
    slab_used: usize,
}

impl Overflow {
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Gives the bytes of spill number `-1 - offset` away.
    pub fn take_spill(&mut self, offset: i32) -> Vec<u8> {
        let index = usize::try_from(-1 - offset).unwrap_or(usize::MAX);
        self.spills
            .get_mut(index)
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

/// Where a large read goes.
pub struct OwnSpace<'a> {
    pub buffers: [&'a mut [u8]; BUFFERS],
    /// The free slab, for what comes behind them, and its offset.
    pub spill: &'a mut [u8],
    pub offset: usize,
}

/// Where JavaScript finds a piece of a large read: the number of its buffer, or an offset.
pub enum Place {
    Buffer(i32),
    Slab(i32),
}

pub struct Outbox<'a> {
    events: &'a mut [i32],
    slab: &'a mut [u8],
    pub buffers: &'a mut dyn FreshBuffers,
    overflow: Overflow,
    count: usize,
    used: usize,
    /// Bytes that were read into buffers of their own.
    owned: usize,
}

impl<'a> Outbox<'a> {
    /// Starts a turn's outbox with what was left over from the one before.
    pub fn new(memory: Memory<'a>, overflow: Overflow) -> Self {
        let mut outbox = Self {
            events: memory.events,
            slab: memory.slab,
            buffers: memory.buffers,
            used: 0,
            overflow,
            count: 0,
            owned: 0,
        };
        if outbox.overflow.is_empty() {
            outbox.overflow.spills.clear();
            outbox.overflow.slab_used = 0;
        }
        outbox.used = outbox.overflow.slab_used;
        while outbox.has_record_room() {
            let Some(record) = outbox.overflow.records.pop_front() else {
                break;
            };
            outbox.put(record);
        }
        outbox
    }

    fn has_record_room(&self) -> bool {
        (self.count + 1) * STRIDE <= self.events.len()
    }

    fn put(&mut self, record: Record) {
        let at = self.count * STRIDE;
        self.events[at..at + STRIDE].copy_from_slice(&record);
        self.count += 1;
    }

    /// Appends a record, behind those that wait.
    pub fn push(&mut self, kind: Kind, id: i32, rest: [i32; 4]) {
        let record = [kind as i32, id, rest[0], rest[1], rest[2], rest[3]];
        if self.overflow.is_empty() && self.has_record_room() {
            self.put(record);
        } else {
            self.overflow.records.push_back(record);
        }
    }

    /// Whether another connection may be polled in this turn.
    pub fn has_room(&self) -> bool {
        self.owned < OWNED_MAX
            && self.overflow.is_empty()
            && (self.count + RECORDS_LOW) * STRIDE <= self.events.len()
            && self.slab.len() - self.used >= SLAB_LOW
    }

    /// Splits the free slab: where to read into, and the offset of its first byte.
    ///
    /// For a codec half of the room is kept for what it writes about the bytes it reads.
    pub fn read_space(&mut self, for_codec: bool) -> (&mut [u8], usize) {
        let free = self.slab.len() - self.used;
        let len = if for_codec { free / 2 } else { free }.min(SLAB_READ_MAX);
        (&mut self.slab[self.used..self.used + len], self.used)
    }

    /// Fresh buffers of `len` bytes. Full buffers have no slab behind them: a stream that fills
    /// those is read again anyway.
    pub fn own_space(&mut self, len: usize, for_codec: bool) -> Option<OwnSpace<'_>> {
        let buffers = self.buffers.fresh(len)?;
        let free = self.slab.len() - self.used;
        let spill = match len % BUFFER_MAX {
            0 => 0,
            _ if for_codec => free / 2,
            _ => free,
        };
        Some(OwnSpace {
            buffers,
            spill: &mut self.slab[self.used..self.used + spill.min(SLAB_READ_MAX)],
            offset: self.used,
        })
    }

    /// Gives away the next buffer, into which `len` bytes were read.
    pub fn hand_over(&mut self, len: usize) -> (Place, Writer<'_>) {
        let mut writer = Writer {
            events: &mut *self.events,
            count: &mut self.count,
            overflow: &mut self.overflow,
            base: self.used,
            free: &mut self.slab[self.used..],
            written: &mut self.used,
        };
        let place = match self.buffers.hand_over(len) {
            Handed::Buffer(number) => {
                self.owned += len;
                Place::Buffer(number)
            }
            Handed::Bytes(bytes) => Place::Slab(writer.write(std::iter::once(bytes)).0),
        };
        (place, writer)
    }

    /// Keeps `len` bytes that were read into `read_space`. Eight-byte steps keep copies aligned.
    pub fn keep(&mut self, len: usize) {
        self.used = (self.used + len).next_multiple_of(8).min(self.slab.len());
    }

    /// The kept bytes at `offset`, and a writer for what is said about them.
    pub fn split(&mut self, offset: usize, len: usize) -> (&[u8], Writer<'_>) {
        let (kept, free) = self.slab.split_at_mut(self.used);
        let writer = Writer {
            events: &mut *self.events,
            count: &mut self.count,
            overflow: &mut self.overflow,
            free,
            base: self.used,
            written: &mut self.used,
        };
        (&kept[offset..offset + len], writer)
    }

    /// Ends the turn; gives the number of records, and what is left for the next.
    pub fn finish(mut self) -> (usize, Overflow) {
        self.overflow.slab_used = self.used;
        (self.count, self.overflow)
    }
}

/// Appends records and bytes while the bytes they are about are still borrowed from the slab.
pub struct Writer<'a> {
    events: &'a mut [i32],
    count: &'a mut usize,
    overflow: &'a mut Overflow,
    free: &'a mut [u8],
    /// Slab offset of `free[0]`.
    base: usize,
    /// Slab offset of the first free byte.
    written: &'a mut usize,
}

impl Writer<'_> {
    pub fn push(&mut self, kind: Kind, id: i32, rest: [i32; 4]) {
        let record = [kind as i32, id, rest[0], rest[1], rest[2], rest[3]];
        let at = *self.count * STRIDE;
        if self.overflow.is_empty() && at + STRIDE <= self.events.len() {
            self.events[at..at + STRIDE].copy_from_slice(&record);
            *self.count += 1;
        } else {
            self.overflow.records.push_back(record);
        }
    }

    /// Sets bits in the last record, if that is one of `kind` about `id` and still in the outbox.
    pub fn amend(&mut self, kind: Kind, id: i32, field: usize, bits: i32) -> bool {
        if *self.count == 0 || !self.overflow.is_empty() {
            return false;
        }
        let at = (*self.count - 1) * STRIDE;
        let record = &mut self.events[at..at + STRIDE];
        let same = record[0] == kind as i32 && record[1] == id;
        if same {
            record[field] |= bits;
        }
        same
    }

    /// Writes the pieces one after the other; gives their offset (negative: a spill) and length.
    pub fn write<'p>(&mut self, pieces: impl Iterator<Item = &'p [u8]> + Clone) -> (i32, i32) {
        let len: usize = pieces.clone().map(<[u8]>::len).sum();
        let start = *self.written - self.base;
        if let Some(room) = self.free.get_mut(start..start + len) {
            let mut at = 0;
            for piece in pieces {
                room[at..at + piece.len()].copy_from_slice(piece);
                at += piece.len();
            }
            let offset = *self.written;
            *self.written += len;
            return (offset as i32, len as i32);
        }
        let mut spilled = Vec::with_capacity(len);
        pieces.for_each(|piece| spilled.extend_from_slice(piece));
        (self.spill(spilled), len as i32)
    }

    /// Where a piece of `input` lies in the slab: at its place there, if the input begins at `offset`; or copied behind it.
    pub fn place(&mut self, input: &[u8], offset: usize, piece: &[u8]) -> (i32, i32) {
        // Compared as numbers only: a piece inside the input starts between its ends.
        let at = (piece.as_ptr() as usize).wrapping_sub(input.as_ptr() as usize);
        if at <= input.len() && at + piece.len() <= input.len() {
            return ((offset + at) as i32, piece.len() as i32);
        }
        self.write(std::iter::once(piece))
    }

    /// Keeps bytes outside the slab; gives their offset, a negative one.
    pub fn spill(&mut self, bytes: Vec<u8>) -> i32 {
        self.overflow.spills.push(bytes);
        -(self.overflow.spills.len() as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoBuffers;
    impl FreshBuffers for NoBuffers {
        fn fresh(&mut self, _len: usize) -> Option<[&mut [u8]; BUFFERS]> {
            None
        }
        fn hand_over(&mut self, _len: usize) -> Handed<'_> {
            Handed::Bytes(&[])
        }
    }

    fn turn(
        events: &mut [i32],
        slab: &mut [u8],
        overflow: &mut Overflow,
        body: impl FnOnce(&mut Outbox<'_>),
    ) -> usize {
        let memory = Memory {
            events,
            slab,
            buffers: &mut NoBuffers,
        };
        let mut outbox = Outbox::new(memory, std::mem::take(overflow));
        body(&mut outbox);
        let (count, left) = outbox.finish();
        *overflow = left;
        count
    }

    #[test]
    fn records_that_find_no_room_come_first_in_the_next_turn() {
        let (mut events, mut slab) = ([0; 10 * STRIDE], [0; 4096]);
        let mut overflow = Overflow::default();
        let count = turn(&mut events, &mut slab, &mut overflow, |outbox| {
            for id in 1..=21 {
                outbox.push(Kind::Writable, id, [0; 4]);
            }
            assert!(!outbox.has_room());
        });
        assert_eq!((count, events[1], events[9 * STRIDE + 1]), (10, 1, 10));
        let count = turn(&mut events, &mut slab, &mut overflow, |outbox| {
            assert!(!outbox.has_room());
        });
        assert_eq!((count, events[1], events[9 * STRIDE + 1]), (10, 11, 20));
        let count = turn(&mut events, &mut slab, &mut overflow, |outbox| {
            assert!(outbox.has_room());
        });
        assert_eq!((count, events[1]), (1, 21));
    }

    #[test]
    fn bytes_that_find_no_room_are_spilled() {
        let (mut events, mut slab) = ([0; 8 * STRIDE], [0; 64]);
        let mut overflow = Overflow::default();
        turn(&mut events, &mut slab, &mut overflow, |outbox| {
            outbox.keep(16);
            let (_, mut writer) = outbox.split(0, 16);
            let small: [&[u8]; 2] = [b"ab", b"cd"];
            assert_eq!(writer.write(small.into_iter()), (16, 4));
            let large: [&[u8]; 1] = [&[b'x'; 100]];
            assert_eq!(writer.write(large.into_iter()), (-1, 100));
        });
        assert_eq!(&slab[16..20], b"abcd");
        assert_eq!(overflow.take_spill(-1), vec![b'x'; 100]);
        assert!(overflow.take_spill(-2).is_empty());
        assert!(overflow.take_spill(i32::MIN).is_empty());
    }
}
