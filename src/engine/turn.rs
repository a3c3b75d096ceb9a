//! The turn: tokio's driver is polled without blocking (`driver`), then every ready connection makes a step (`drain`), then
//! JavaScript hears of it.

use super::Engine;
use super::host::Memory;
use super::watch::Watch;

/// Rounds in one callback of libuv, for connections that filled their whole buffer and for those that found no room in the
/// outbox. 16 reads of 64 KiB are half of what libuv takes from one connection before it looks at the next.
const ROUNDS: usize = 16;
/// libuv's own number of rounds for callbacks that are due at once.
const PENDING_ROUNDS: usize = 8;

impl Engine {
    /// libuv's poll phase: turns and their dispatch, until what is left can wait for libuv.
    pub fn run(&self) {
        self.take_turns(true);
    }

    /// With a look at the driver, or only for those whom it has reported earlier. Whoever becomes ready meanwhile has the next poll
    /// phase, behind `setImmediate`: further rounds are for those who are not done.
    fn take_turns(&self, look: bool) {
        if self.busy.replace(true) {
            return;
        }
        for round in 0..ROUNDS {
            let (events, more) = match round {
                0 => self.turn(look),
                _ => self.go_on(),
            };
            self.enter(events);
            if !more || self.uv.is_closing() {
                break;
            }
        }
        self.core.borrow_mut().leave_again();
        self.run_pending();
        self.busy.set(false);
        self.settle();
    }

    /// What needs no descriptor to be ready: the end of a shutdown or of a local connect, and
    /// records that found no room. libuv runs its own such callbacks right behind the poll phase
    /// and again before the next.
    fn run_pending(&self) {
        for _ in 0..PENDING_ROUNDS {
            if !self.core.borrow().has_pending() || self.uv.is_closing() {
                return;
            }
            let mut events = 0;
            self.host
                .lend(&mut |memory| events = self.core.borrow_mut().drain_pending(memory));
            self.enter(events);
        }
    }

    fn enter(&self, events: usize) {
        if events > 0 {
            self.host.dispatch(events);
        }
    }

    /// One turn; gives the number of records and whether another round is worth while.
    fn turn(&self, look: bool) -> (usize, bool) {
        let mut result = (0, false);
        self.host
            .lend(&mut |memory| result = self.turn_with(memory, look));
        result
    }

    fn turn_with(&self, memory: Memory<'_>, look: bool) -> (usize, bool) {
        // Those who wait since the last turn come first anyway.
        if !look || !self.core.borrow().due.is_empty() {
            let _context = self.driver.enter();
            let mut core = self.core.borrow_mut();
            core.take_ready();
            return core.drain(memory);
        }
        self.driver.poll(|| {
            let mut core = self.core.borrow_mut();
            core.arm();
            core.take_ready();
            core.drain(memory)
        })
    }

    /// A turn for those who were not done in the one before.
    fn go_on(&self) -> (usize, bool) {
        let mut result = (0, false);
        self.host.lend(&mut |memory| {
            let _context = self.driver.enter();
            let mut core = self.core.borrow_mut();
            core.take_again();
            result = core.drain(memory);
        });
        result
    }

    /// After a panic that was none connection's: the next callback starts afresh.
    pub fn recover(&self) {
        self.busy.set(false);
        if self.core.try_borrow_mut().is_ok() {
            self.settle();
        }
    }

    /// Brings mirror, idle handle and references in line before libuv sleeps.
    pub fn settle(&self) {
        let mut core = self.core.borrow_mut();
        core.reconcile();
        let (pending, alive) = (core.has_pending(), core.alive > 0);
        let unfinished = core.has_unfinished();
        drop(core);
        self.uv.keep_awake(pending || unfinished);
        self.uv.set_referenced(alive || pending);
    }

    /// libuv's poll phase, when the watched descriptor is readable.
    pub fn ready(&self) {
        self.polled.set(true);
        self.run();
    }

    /// Right behind the poll phase, before `setImmediate`: what an earlier turn left, unless this
    /// iteration had its turn.
    pub fn check(&self) {
        if !self.polled.replace(false) && self.core.borrow().has_unfinished() {
            self.take_turns(false);
        }
    }

    /// libuv's prepare phase. No socket is read here: Node's events come in the poll phase, and
    /// what is ready is told there.
    pub fn prepare(&self) {
        let mut core = self.core.borrow_mut();
        // Elsewhere the driver's first word of a new socket leads to a turn.
        let unsettled = matches!(core.watch, Watch::Told) && !core.kicked.is_empty();
        core.arm();
        let (pending, touched) = (core.has_pending(), core.has_touched() || unsettled);
        let accepted = std::mem::take(&mut core.accepted);
        drop(core);
        if accepted && !self.busy.get() {
            // A new socket is writable and waits in the driver with that. Left there it would be
            // the first to be read, whoever's bytes come first.
            self.driver.poll(|| ());
        }
        if pending && !self.busy.replace(true) {
            self.run_pending();
            self.busy.set(false);
        }
        if pending || touched || self.core.borrow().has_unfinished() {
            self.settle();
        }
    }

    /// libuv's closing phase: tells every connection that was closed since the last one.
    pub fn closing_phase(&self) {
        let mut events = 0;
        self.host.lend(&mut |memory| {
            events = self.core.borrow_mut().drain_closing(memory);
        });
        self.busy.set(true);
        while events > 0 {
            self.enter(events);
            // Those for which there was no room: nothing else may be left that would bring another turn.
            events = 0;
            if !self.core.borrow().overflow.is_empty() && !self.uv.is_closing() {
                self.host
                    .lend(&mut |memory| events = self.core.borrow_mut().drain_overflow(memory));
            }
        }
        self.busy.set(false);
        self.core.borrow_mut().release_closed();
        // Closed during that dispatch: those are due in the next iteration's closing phase.
        if !self.core.borrow().closing.is_empty() && !self.uv.is_closing() {
            self.uv.request_closing_phase();
        }
    }
}
