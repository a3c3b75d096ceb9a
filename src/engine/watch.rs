//! The readiness mirror: what every connection waits for, in one descriptor that libuv can watch.
//!
//! tokio does not tell its own poll descriptor, so libuv watches this one. Its interest is exactly
//! what the connection awaits and it is deleted at none, because hang-up and error are reported
//! whatever the mask and would spin the loop.

use super::conn::Conn;
use crate::sys::Poller;
use std::io;
use std::os::fd::RawFd;

pub struct Mirror(Poller);

impl Mirror {
    pub fn new() -> io::Result<Self> {
        Poller::new().map(Self)
    }

    pub fn descriptor(&self) -> RawFd {
        self.0.descriptor()
    }

    /// Brings the mirror in line with what `conn` waits for now.
    pub fn reconcile(&self, conn: &mut Conn) {
        let wanted = conn.interest();
        if wanted == conn.watched {
            return;
        }
        // Failing leaves the old interest: at worst a wake-up that finds nothing, or one missed
        // for want of kernel memory, which the next change of interest repairs.
        let watch = |fd| self.0.watch(fd, conn.watched, wanted);
        if conn.descriptor().is_some_and(|fd| watch(fd).is_ok()) {
            conn.watched = wanted;
        }
    }

    /// Takes `conn` out, before its descriptor is closed or leaves for another process.
    pub fn forget(&self, conn: &mut Conn) {
        if conn.watched != 0 {
            if let Some(fd) = conn.descriptor() {
                let _ = self.0.watch(fd, conn.watched, 0);
            }
            conn.watched = 0;
        }
    }
}
