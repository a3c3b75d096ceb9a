//! What an operating system must provide, and the only home of raw OS calls.
//!
//! Every function takes a borrowed descriptor and returns an `io::Result`, so nothing above this
//! module handles bare integers. `errno` maps OS errors to the numbers libuv gives to JavaScript.
//! Each platform module offers the same names. What a platform lacks fails there: Windows has no `Poller` (the
//! driver runs on a thread of its own) and no descriptors that travel.

pub mod errno;
pub mod memory;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

#[cfg(unix)]
mod rights;
#[cfg(unix)]
pub use rights::{receive, send_with_descriptor};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod epoll;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use epoll::{Poller, find_watcher};

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod kqueue;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub use kqueue::{Poller, find_watcher};

/// Readiness a descriptor is watched for: bytes or connections to take in.
pub const READABLE: u8 = 1;
/// Readiness a descriptor is watched for: room to write, or the end of a connect.
pub const WRITABLE: u8 = 2;

/// What kind of descriptor a number from JavaScript is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    windows,
    allow(dead_code, reason = "numbers of JavaScript's name nothing there")
)]
pub enum Kind {
    Tcp,
    Local,
    Pipe,
    File,
    Terminal,
    Datagrams,
    Other,
}
