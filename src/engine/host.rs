//! What the engine asks of JavaScript's side. `binding` implements it; tests can fake it.

/// Memory of one turn. The pointers behind it are valid for that turn only.
pub struct Memory<'a> {
    /// Event records, see `outbox`.
    pub events: &'a mut [i32],
    /// Bytes that events point into.
    pub slab: &'a mut [u8],
    pub buffers: &'a mut dyn FreshBuffers,
}

/// Most bytes of one buffer for a large read, and of one chunk that users see.
pub const BUFFER_MAX: usize = 64 * 1024;
/// Most such buffers in one read.
pub const BUFFERS: usize = 4;

/// Buffers for large reads, which JavaScript owns as soon as they are handed over.
pub trait FreshBuffers {
    /// Buffers of `len` bytes in all, each of `BUFFER_MAX` but the last, which may be shorter; what
    /// is too much is empty. The same ones again until they are handed over, in later turns too.
    fn fresh(&mut self, len: usize) -> Option<[&mut [u8]; BUFFERS]>;
    /// Gives the first of them away, into which `len` bytes were read.
    fn hand_over(&mut self, len: usize) -> Handed<'_>;
}

/// Where the bytes of a large read are.
pub enum Handed<'a> {
    /// In the buffer that JavaScript finds under this number.
    Buffer(i32),
    /// Here, to be copied: a buffer that is mostly empty stays for the next read, so that a small
    /// chunk does not hold a large one.
    Bytes(&'a [u8]),
}

pub trait Host {
    /// Runs `turn` with the outbox's memory; does not when there is none any more, as when the environment ends.
    fn lend(&self, turn: &mut dyn FnMut(Memory<'_>));
    /// Enters JavaScript, which walks the first `events` records of the outbox.
    fn dispatch(&self, events: usize);
}
