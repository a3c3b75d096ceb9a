//! The readiness mirror's kernel side on macOS and the BSDs: a kqueue of our own.
//!
//! Its events are never taken out. libuv watches the kqueue's descriptor, which is readable as
//! long as any level-triggered filter in it is active.

use super::{READABLE, WRITABLE};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// A set of descriptors whose own descriptor is readable while any of them is ready.
pub struct Poller(OwnedFd);

impl Poller {
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer; the result is checked before it is owned.
        let fd = unsafe { libc::kqueue() };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above made this descriptor and nobody else has it.
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: an open descriptor and a flag; nothing is written through.
        unsafe { libc::fcntl(owned.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
        Ok(Self(owned))
    }

    /// The descriptor that the event loop watches.
    pub fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Changes what `fd` is watched for, from `old` to `new` (bits of `READABLE | WRITABLE`).
    pub fn watch(&self, fd: BorrowedFd<'_>, old: u8, new: u8) -> io::Result<()> {
        for (bit, filter) in [
            (READABLE, libc::EVFILT_READ),
            (WRITABLE, libc::EVFILT_WRITE),
        ] {
            if (old ^ new) & bit == 0 {
                continue;
            }
            let flags = if new & bit != 0 {
                libc::EV_ADD
            } else {
                libc::EV_DELETE
            };
            // SAFETY: `kevent` is plain data, for which all zeroes is a valid value.
            let mut change: libc::kevent = unsafe { std::mem::zeroed() };
            change.ident = fd.as_raw_fd() as _;
            change.filter = filter;
            change.flags = flags;
            // SAFETY: one change is read from a live local, no event is written.
            let rc = unsafe {
                libc::kevent(
                    self.0.as_raw_fd(),
                    &change,
                    1,
                    ptr::null_mut(),
                    0,
                    ptr::null(),
                )
            };
            if rc < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }
}

/// Nothing here tells which kqueue watches a descriptor.
pub fn find_watcher(_fd: BorrowedFd<'_>) -> Option<RawFd> {
    None
}
