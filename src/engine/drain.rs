//! What a turn collects: the steps of ready connections, ends that wait for no descriptor, closed connections.

use super::Core;
use super::conn::{Conn, Io, Step};
use super::host::Memory;
use super::outbox::Outbox;
use super::records::Kind;
use crate::sys::errno;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Core {
    pub(super) fn has_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Whether a connection is ready of which libuv will not hear again.
    pub(super) fn has_unfinished(&self) -> bool {
        let is_idle = self.due.is_empty() && self.ready.is_empty();
        !(is_idle || self.watch.repeats())
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty() || !self.overflow.is_empty()
    }

    /// Registers the wakers of connections that JavaScript has told to read, so that the next
    /// turn meets them in the order in which the kernel reports them, and not before all others.
    pub(super) fn arm(&mut self) {
        for id in std::mem::take(&mut self.kicked) {
            if let Some(conn) = self.conns.get(id) {
                conn.arm();
            }
        }
    }

    /// What found no room in an earlier outbox, as far as it finds some in this one.
    pub(super) fn drain_overflow(&mut self, memory: Memory<'_>) -> usize {
        let outbox = Outbox::new(memory, std::mem::take(&mut self.overflow));
        self.keep_overflow(outbox)
    }

    pub(super) fn drain_pending(&mut self, memory: Memory<'_>) -> usize {
        let mut outbox = Outbox::new(memory, std::mem::take(&mut self.overflow));
        for id in std::mem::take(&mut self.pending) {
            if let Some(conn) = self.conns.get(id) {
                guarded(conn, &mut outbox, Conn::finish_pending);
            }
            self.settle(id);
        }
        self.keep_overflow(outbox)
    }

    /// Ends the outbox; gives the number of its records.
    fn keep_overflow(&mut self, outbox: Outbox<'_>) -> usize {
        let (events, overflow) = outbox.finish();
        self.overflow = overflow;
        events
    }

    /// Those who are ready get in line.
    pub(super) fn take_ready(&mut self) {
        self.ready.append_to(&mut self.due);
    }

    /// Those who were not done get in line, behind those for whom there was no room, or the fastest of them would be the only one that
    /// is ever read.
    pub(super) fn take_again(&mut self) {
        let mut again = std::mem::take(&mut self.again);
        for id in again.drain(..) {
            if let Some(conn) = self.conns.get(id)
                && conn.ready.claim()
            {
                self.due.push_back(id);
            }
        }
        self.again = again;
    }

    /// Those who are not done after all rounds are as ready as any.
    pub(super) fn leave_again(&mut self) {
        let mut again = std::mem::take(&mut self.again);
        for id in again.drain(..) {
            if let Some(conn) = self.conns.get(id) {
                conn.ready.queue();
            }
        }
        self.again = again;
    }

    pub(super) fn drain(&mut self, memory: Memory<'_>) -> (usize, bool) {
        let mut outbox = Outbox::new(memory, std::mem::take(&mut self.overflow));
        let mut more = false;
        while outbox.has_room() {
            let Some(id) = self.due.pop_front() else {
                break;
            };
            let Some(conn) = self.conns.get(id) else {
                continue;
            };
            conn.ready.taken();
            let step = guarded(conn, &mut outbox, Conn::poll);
            if step.more || step.later {
                self.again.push(id);
            }
            more |= step.more;
            self.settle(id);
            if !step.accepted.is_empty() || step.exhausted {
                self.take_in(id, step, &mut outbox);
            }
        }
        let events = self.keep_overflow(outbox);
        more |= !self.overflow.is_empty() || !self.due.is_empty();
        (events, more)
    }

    /// Stores what a listener accepted and tells JavaScript.
    fn take_in(&mut self, listener: i32, step: Step, outbox: &mut Outbox<'_>) {
        for accepted in step.accepted {
            let record = match accepted {
                Err(status) => [status, 0, 0, 0],
                Ok(stream) => {
                    self.accepted = true;
                    match self.insert(Io::Stream(stream)) {
                        Ok(id) => [id, 0, 0, 0],
                        Err(status) => [status, 0, 0, 0],
                    }
                }
            };
            outbox.push(Kind::Connection, listener, record);
        }
        if step.exhausted {
            let Self { reserve, conns, .. } = self;
            if let Some(Conn {
                io: Io::Listener(listener),
                ..
            }) = conns.get(listener)
            {
                reserve.spend(|| while listener.accept_and_close() {});
            }
        }
    }

    pub(super) fn drain_closing(&mut self, memory: Memory<'_>) -> usize {
        let mut outbox = Outbox::new(memory, std::mem::take(&mut self.overflow));
        // The last one closed is told first: libuv's list of closing handles is a stack.
        for id in std::mem::take(&mut self.closing).into_iter().rev() {
            self.closed.push(id);
            outbox.push(Kind::Closed, id, [0; 4]);
        }
        self.keep_overflow(outbox)
    }

    /// Frees the indices of connections whose end was told. Not earlier: a new connection under
    /// the same index would take the record from the old one. Records that wait for room keep
    /// theirs until they are told.
    pub(super) fn release_closed(&mut self) {
        if !self.overflow.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.closed) {
            self.conns.release(id);
        }
    }

    pub fn reconcile(&mut self) {
        let mut touched = std::mem::take(&mut self.touched);
        for id in touched.drain(..) {
            if let Some(conn) = self.conns.get(id) {
                conn.touched = false;
                self.watch.reconcile(conn);
            }
        }
        self.touched = touched;
    }
}

/// Has a connection do something. A panic ends it with an error and leaves the others alone.
fn guarded<T: Default>(
    conn: &mut Conn,
    outbox: &mut Outbox<'_>,
    act: impl FnOnce(&mut Conn, &mut Outbox<'_>) -> T,
) -> T {
    catch_unwind(AssertUnwindSafe(|| act(conn, outbox))).unwrap_or_else(|_| {
        conn.recover();
        outbox.push(Kind::End, conn.id, [-errno::EIO, 0, 0, 0]);
        T::default()
    })
}
