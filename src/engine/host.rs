//! What the engine asks of JavaScript's side. `binding` implements it; tests can fake it.

/// Memory of one turn. The pointers behind it are valid for that turn only.
pub struct Memory<'a> {
    /// Event records, see `outbox`.
    pub events: &'a mut [i32],
    /// Bytes that events point into.
    pub slab: &'a mut [u8],
    pub buffers: &'a mut dyn FreshBuffers,
}

/// Buffers for large reads, which JavaScript owns as soon as they are handed over.
pub trait FreshBuffers {
    /// A buffer of `len` bytes; the same one again until it is handed over.
    fn fresh(&mut self, len: usize) -> Option<&mut [u8]>;
    /// Gives the last fresh buffer away, and tells the number under which JavaScript finds it.
    fn hand_over(&mut self) -> i32;
}

pub trait Host {
    /// Runs `turn` with the outbox's memory. `false` when there is none any more.
    fn lend(&self, turn: &mut dyn FnMut(Memory<'_>)) -> bool;
    /// Enters JavaScript, which walks the first `events` records of the outbox.
    fn dispatch(&self, events: usize);
}
