//! The engine: tokio on Node's own loop thread.
//!
//! One `Engine` per Node environment. JavaScript's calls act on it at once (`open`, `write`, `ops`);
//! everything that the kernel reports comes in through a *turn* (`turn`), which polls tokio's driver
//! without blocking, lets every ready connection make one step (`drain`, `conn`, `read`), and appends
//! what happened to the *outbox*; what bytes mean is in `codec`, with `channel` and `messages`. After
//! the turn one call enters JavaScript, which walks the outbox.
//!
//! `uv` ties turns to libuv's loop. `driver` says where tokio's driver runs: here, or on a thread of its own
//! where libuv cannot watch readiness, with the same outbox. `watch` is how libuv knows that a turn is due.
//! `host` is what the engine needs from JavaScript's side.
//!
//! Invariants: no JavaScript runs inside a turn; nothing is polled outside one; the core is
//! borrowed by a turn or by one call from JavaScript, never by both.

pub mod channel;
pub mod codec;
pub mod conn;
mod drain;
mod driver;
pub mod host;
pub mod messages;
mod open;
mod ops;
pub mod outbox;
mod read;
pub mod ready;
pub mod records;
pub mod slots;
mod turn;
pub mod uv;
mod watch;
mod write;

use conn::Conn;
use driver::Driver;
use outbox::Overflow;
use ready::ReadyList;
use slots::Slots;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use watch::Watch;

/// Everything that both turns and calls from JavaScript change.
pub struct Core {
    conns: Slots<Conn>,
    watch: Watch,
    ready: Arc<ReadyList>,
    /// Connections whose interest may differ from what a mirror watches.
    touched: Vec<i32>,
    /// Whose turn it is, in order. A turn leaves those here for which there was no room.
    due: VecDeque<i32>,
    /// Those that were not done in the last turn; empty between callbacks of libuv.
    again: Vec<i32>,
    /// Ids whose `'close'` is due in libuv's closing phase.
    closing: Vec<i32>,
    /// Ids whose `'close'` is in the outbox.
    closed: Vec<i32>,
    /// Events and bytes that did not fit into the last outbox.
    overflow: Overflow,
    reserve: crate::sys::Reserve,
    /// Connections that keep the process alive.
    alive: usize,
    /// Connections whose waker may not know yet what they wait for.
    kicked: Vec<i32>,
    /// Sockets were accepted of which the driver has not reported anything yet.
    accepted: bool,
    /// Connections with something to tell that waits for no descriptor.
    pending: Vec<i32>,
}

pub struct Engine {
    core: RefCell<Core>,
    driver: Driver,
    host: Box<dyn host::Host>,
    uv: uv::Loop,
    /// A turn or its dispatch is under way; a nested one must not start.
    busy: Cell<bool>,
    /// This loop iteration's poll phase had a turn.
    polled: Cell<bool>,
}

impl Engine {
    /// Makes the engine of one environment. `uv` is libuv's loop of this thread; `way` as for `watch::set_up`.
    pub fn new(
        host: Box<dyn host::Host>,
        uv: uv::Loop,
        way: Option<&str>,
    ) -> io::Result<Box<Self>> {
        let (driver, watch) = watch::set_up(way)?;
        let ready = match watch {
            Watch::Told => ReadyList::told(uv.sender()),
            _ => ReadyList::default(),
        };
        let core = Core {
            conns: Slots::default(),
            watch,
            ready: Arc::new(ready),
            touched: Vec::new(),
            due: VecDeque::new(),
            again: Vec::new(),
            closing: Vec::new(),
            closed: Vec::new(),
            overflow: Overflow::default(),
            reserve: crate::sys::Reserve::new(),
            alive: 0,
            kicked: Vec::new(),
            accepted: false,
            pending: Vec::new(),
        };
        let engine = Box::new(Self {
            core: RefCell::new(core),
            driver,
            host,
            uv,
            busy: Cell::new(false),
            polled: Cell::new(false),
        });
        let descriptor = engine.core.borrow().watch.descriptor();
        if let Err(error) = engine.uv.start(&engine, descriptor) {
            // libuv may know some of its handles, whose memory must stay.
            Box::leak(engine);
            return Err(error);
        }
        Ok(engine)
    }
}
