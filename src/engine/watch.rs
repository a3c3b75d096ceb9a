//! What libuv watches, to know that a turn is due.
//!
//! tokio does not tell its own poll descriptor. On Linux the kernel does: it lists, for every
//! epoll descriptor, what is registered with it, so a socket that was just given to tokio leads to
//! the driver. libuv watches that one descriptor, and a connection costs nothing more.
//!
//! Elsewhere, or where /proc is closed, the engine keeps a *mirror*: one level-triggered set of its
//! own. Its interest is exactly what each connection awaits and it is deleted at none, because
//! hang-up and error are reported whatever the mask and would spin the loop.
//!
//! The two differ in what they repeat. The mirror is readable as long as anything is left to read.
//! The driver tells each change once: what a turn leaves on the ready list must be remembered.

use super::conn::Conn;
use crate::sys::{self, Poller};
use std::io;
use std::os::fd::{AsFd, RawFd};
use tokio::net::UnixStream;

pub enum Watch {
    /// tokio's own descriptor, which lives as long as the runtime.
    Driver(RawFd),
    Mirror(Poller),
}

impl Watch {
    /// Finds the driver of the runtime that is entered, or sets up a mirror.
    pub fn new() -> io::Result<Self> {
        // For tests of the portable way.
        if std::env::var_os("FERROWIRE_WATCH").is_none_or(|way| way != "mirror")
            && let Some(driver) = find_driver()
        {
            return Ok(Self::Driver(driver));
        }
        Poller::new().map(Self::Mirror)
    }

    pub fn descriptor(&self) -> RawFd {
        match self {
            Self::Driver(descriptor) => *descriptor,
            Self::Mirror(poller) => poller.descriptor(),
        }
    }

    /// Whether libuv hears again of what a turn has left.
    pub fn repeats(&self) -> bool {
        matches!(self, Self::Mirror(_))
    }

    /// Brings the mirror in line with what `conn` waits for now.
    pub fn reconcile(&self, conn: &mut Conn) {
        let Self::Mirror(poller) = self else { return };
        let wanted = conn.interest();
        if wanted == conn.watched {
            return;
        }
        // Failing leaves the old interest: at worst a wake-up that finds nothing, or one missed
        // for want of kernel memory, which the next change of interest repairs.
        let watch = |fd| poller.watch(fd, conn.watched, wanted);
        if conn.descriptor().is_some_and(|fd| watch(fd).is_ok()) {
            conn.watched = wanted;
        }
    }

    /// Takes `conn` out, before its descriptor is closed or leaves for another process.
    pub fn forget(&self, conn: &mut Conn) {
        let Self::Mirror(poller) = self else { return };
        if conn.watched != 0 {
            if let Some(fd) = conn.descriptor() {
                let _ = poller.watch(fd, conn.watched, 0);
            }
            conn.watched = 0;
        }
    }
}

/// The driver's descriptor: the one with which tokio has just registered a socket of ours.
fn find_driver() -> Option<RawFd> {
    let (probe, _peer) = UnixStream::pair().ok()?;
    sys::find_watcher(probe.as_fd())
}
