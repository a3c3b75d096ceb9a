//! Whether somebody else learns of readiness while the loop thread works.
//!
//! Where the driver is polled by the loop thread, nothing changes between a system call and what is noted of it. A driver
//! on a thread of its own may report new readiness in between, and that must not be forgotten: there the kernel is asked
//! once more. One answer for the process, since every engine in it works in the same way.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static SHARED: AtomicBool = AtomicBool::new(false);

/// Said before the first socket is made.
pub fn share_readiness() {
    SHARED.store(true, Relaxed);
}

pub fn readiness_is_shared() -> bool {
    SHARED.load(Relaxed)
}
