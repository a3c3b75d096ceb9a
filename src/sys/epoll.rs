//! The readiness mirror's kernel side on Linux: a level-triggered epoll of our own.
//!
//! Its events are never read. libuv watches the epoll descriptor itself, which is readable as
//! long as any watched socket is.

use super::{READABLE, WRITABLE};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// A set of descriptors whose own descriptor is readable while any of them is ready.
pub struct Poller(OwnedFd);

impl Poller {
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointer; the result is checked before it is owned.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call above made this descriptor and nobody else has it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The descriptor that the event loop watches.
    pub fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Changes what `fd` is watched for, from `old` to `new` (bits of `READABLE | WRITABLE`).
    pub fn watch(&self, fd: BorrowedFd<'_>, old: u8, new: u8) -> io::Result<()> {
        let op = match (old, new) {
            (o, n) if o == n => return Ok(()),
            (0, _) => libc::EPOLL_CTL_ADD,
            (_, 0) => libc::EPOLL_CTL_DEL,
            _ => libc::EPOLL_CTL_MOD,
        };
        let mut events = 0;
        if new & READABLE != 0 {
            events |= libc::EPOLLIN | libc::EPOLLRDHUP;
        }
        if new & WRITABLE != 0 {
            events |= libc::EPOLLOUT;
        }
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: 0,
        };
        // SAFETY: both descriptors are open for the whole call and `event` outlives it.
        let rc = unsafe { libc::epoll_ctl(self.0.as_raw_fd(), op, fd.as_raw_fd(), &mut event) };
        if rc < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

/// How many descriptors before one may be the set that it was just registered with: sets are made shortly before what they
/// watch, and to look at all that a process has open takes a millisecond of its start.
const NEAR: RawFd = 8;

/// The epoll descriptor of this process with which `fd` is registered, from what the kernel tells
/// of its descriptors; `None` where it tells nothing.
pub fn find_watcher(fd: BorrowedFd<'_>) -> Option<RawFd> {
    let wanted = fd.as_raw_fd();
    let watches = |descriptor: &RawFd| is_epoll(*descriptor) && has_registered(*descriptor, wanted);
    let near = (wanted - NEAR).max(0)..wanted;
    { near }.find(watches).or_else(|| {
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        let all = fs::read_dir("/proc/self/fd").ok()?;
        all.flatten().filter_map(number).find(watches)
    })
}

fn is_epoll(descriptor: RawFd) -> bool {
    let target = fs::read_link(format!("/proc/self/fd/{descriptor}"));
    target.is_ok_and(|target| target.as_os_str() == "anon_inode:[eventpoll]")
}

fn has_registered(epoll: RawFd, wanted: RawFd) -> bool {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{epoll}"));
    info.is_ok_and(|info| info.lines().any(|line| registered(line) == Some(wanted)))
}

/// The descriptor in a line such as `tfd:       19 events: 8000201d data: ... `.
fn registered(line: &str) -> Option<RawFd> {
    line.strip_prefix("tfd:")?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_set_that_watches_a_descriptor_is_found() {
        let (watched, other) = UnixStream::pair().unwrap();
        let poller = Poller::new().unwrap();
        poller.watch(watched.as_fd(), 0, READABLE).unwrap();
        assert_eq!(find_watcher(watched.as_fd()), Some(poller.descriptor()));
        assert_eq!(find_watcher(other.as_fd()), None);
    }

    #[test]
    fn a_set_that_is_not_near_is_found_too() {
        let poller = Poller::new().unwrap();
        let between: Vec<_> = (0..NEAR).map(|_| UnixStream::pair().unwrap()).collect();
        let (watched, _) = &between[between.len() - 1];
        poller.watch(watched.as_fd(), 0, READABLE).unwrap();
        assert_eq!(find_watcher(watched.as_fd()), Some(poller.descriptor()));
    }
}
