//! How libuv knows that a turn is due.
//!
//! Where the driver is on the loop thread, libuv watches a descriptor. tokio does not tell its own.
//! On Linux the kernel does: it lists, for every epoll descriptor, what is registered with it, so a
//! socket that was just given to tokio leads to the driver. libuv watches that one descriptor, and a
//! connection costs nothing more.
//!
//! Elsewhere, or where /proc is closed, the engine keeps a *mirror*: one level-triggered set of its
//! own. Its interest is exactly what each connection awaits and it is deleted at none, because
//! hang-up and error are reported whatever the mask and would spin the loop.
//!
//! A driver on a thread of its own sends for the turn, and nothing is watched. That is the way of
//! systems where descriptors cannot be watched, and `FERROWIRE_WATCH=thread` elsewhere.
//!
//! The first two differ in what they repeat. The mirror is readable as long as anything is left to read.
//! The driver tells each change once: what a turn leaves on the ready list must be remembered.

use super::conn::Conn;
use super::driver::Driver;
use crate::sys::Poller;
use std::io;

pub enum Watch {
    /// tokio's own descriptor, which lives as long as the runtime.
    Driver(i32),
    Mirror(Poller),
    /// The driver's thread sends for turns.
    Told,
}

/// The driver, and how turns follow from it. `way` forces one: `mirror` or `thread`.
pub fn set_up(way: Option<&str>) -> io::Result<(Driver, Watch)> {
    if cfg!(windows) || way == Some("thread") {
        return Ok((Driver::elsewhere()?, Watch::Told));
    }
    let driver = Driver::here()?;
    let found = {
        let _context = driver.enter();
        if way == Some("mirror") {
            None
        } else {
            find_driver()
        }
    };
    let watch = match found {
        Some(descriptor) => Watch::Driver(descriptor),
        None => Watch::Mirror(Poller::new()?),
    };
    Ok((driver, watch))
}

impl Watch {
    /// What libuv watches, if anything.
    pub fn descriptor(&self) -> Option<i32> {
        match self {
            Self::Driver(descriptor) => Some(*descriptor),
            Self::Mirror(poller) => Some(poller.descriptor()),
            Self::Told => None,
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

#[cfg(windows)]
fn find_driver() -> Option<i32> {
    None
}

/// The driver's descriptor: the one with which tokio has just registered a socket of ours.
#[cfg(unix)]
fn find_driver() -> Option<i32> {
    use std::os::fd::AsFd;
    let (probe, _peer) = tokio::net::UnixStream::pair().ok()?;
    crate::sys::find_watcher(probe.as_fd())
}
