//! Where tokio's driver runs, which learns from the kernel what is ready.
//!
//! *Here*: on the loop thread, polled by each turn in one short `block_on`. The root future returns
//! `Pending` once. Before tokio parks, its hook wakes the root, so the park polls the driver without
//! blocking (one `epoll_wait`) and comes back for the turn. libuv watches the driver or a mirror of it
//! (`watch`).
//!
//! *Elsewhere*: on a thread of its own, for systems whose readiness libuv cannot watch (Windows). The thread does
//! nothing but mark connections as ready and send for a turn, once for all that it has found; sockets, codecs and
//! outbox stay on the loop thread. Readiness may change at any time then, see `net::readiness_is_shared`.

use crate::net;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, JoinHandle};
use tokio::runtime::{Builder, EnterGuard, Handle, LocalOptions, LocalRuntime};

pub enum Driver {
    Here {
        runtime: LocalRuntime,
        turn: TurnWaker,
    },
    Elsewhere(DriverThread),
}

impl Driver {
    pub fn here() -> io::Result<Self> {
        let turn = TurnWaker::default();
        let wake = turn.clone();
        let runtime = Builder::new_current_thread()
            .enable_io()
            .on_thread_park(move || wake.wake())
            .build_local(LocalOptions::default())?;
        Ok(Self::Here { runtime, turn })
    }

    pub fn elsewhere() -> io::Result<Self> {
        net::share_readiness();
        DriverThread::start().map(Self::Elsewhere)
    }

    /// Makes sockets that are created meanwhile known to the driver.
    pub fn enter(&self) -> EnterGuard<'_> {
        match self {
            Self::Here { runtime, .. } => runtime.enter(),
            Self::Elsewhere(thread) => thread.handle.enter(),
        }
    }

    /// Polls the driver without blocking, then runs `then`.
    pub fn poll<T>(&self, then: impl FnOnce() -> T) -> T {
        let (runtime, turn) = match self {
            Self::Here { runtime, turn } => (runtime, turn),
            Self::Elsewhere(thread) => {
                let _context = thread.handle.enter();
                return then();
            }
        };
        let mut then = Some(then);
        let mut polled = false;
        let root = poll_fn(|cx| {
            if polled && let Some(then) = then.take() {
                return Poll::Ready(then());
            }
            turn.keep(cx.waker());
            polled = true;
            Poll::Pending
        });
        // The turn has its own budget; tokio's would stop it after 128 operations.
        runtime.block_on(tokio::task::coop::unconstrained(root))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Self::Here { turn, .. } = self {
            turn.clear();
        }
    }
}

/// Wakes the root future from tokio's park hook. The root's waker is the runtime's own and never
/// changes, so it is kept from the first turn on.
#[derive(Clone, Default)]
pub struct TurnWaker(Arc<Mutex<Option<Waker>>>);

impl TurnWaker {
    fn wake(&self) {
        if let Some(waker) = self.slot().as_ref() {
            waker.wake_by_ref();
        }
    }

    fn keep(&self, waker: &Waker) {
        self.slot().get_or_insert_with(|| waker.clone());
    }

    /// The runtime holds the hook, the hook the waker, the waker the runtime: cut here, or its
    /// descriptors outlive the engine.
    fn clear(&self) {
        *self.slot() = None;
    }

    fn slot(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that runs the driver and nothing else.
pub struct DriverThread {
    handle: Handle,
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    due: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl DriverThread {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let handle = runtime.handle().clone();
        let stop = Arc::<Stop>::default();
        let until = Arc::clone(&stop);
        let run = move || runtime.block_on(until.wait());
        let thread = thread::Builder::new().name("ferrowire".into()).spawn(run)?;
        Ok(Self {
            handle,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for DriverThread {
    fn drop(&mut self) {
        self.stop.request();
        if let Some(thread) = self.thread.take() {
            // It has panicked, or it is gone.
            let _ = thread.join();
        }
    }
}

impl Stop {
    fn slot(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self) {
        self.due.store(true, Ordering::SeqCst);
        if let Some(waker) = self.slot().take() {
            waker.wake();
        }
    }

    async fn wait(&self) {
        poll_fn(|cx| {
            *self.slot() = Some(cx.waker().clone());
            if self.due.load(Ordering::SeqCst) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_ends_with_its_driver() {
        let driver = DriverThread::start().unwrap();
        let stop = Arc::downgrade(&driver.stop);
        drop(driver);
        assert!(stop.upgrade().is_none());
    }
}
