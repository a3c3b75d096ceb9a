//! The one table from OS errors to libuv's error numbers.
//!
//! On Unix libuv's number is the negated errno, so the table is arithmetic. On Windows libuv has numbers
//! of its own, and `uv_translate_sys_error` says which belongs to which of the system's. JavaScript finds
//! the name with `util.getSystemErrorName`. Errors that carry no OS number (tokio's and interprocess's own)
//! are mapped by kind.

use std::io;

#[cfg(unix)]
pub use libc::{
    EACCES, EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EALREADY, EBADF, ECONNABORTED, ECONNREFUSED,
    ECONNRESET, EINTR, EINVAL, EIO, EISCONN, EMFILE, EMSGSIZE, ENFILE, ENOBUFS, ENOENT, ENOMEM,
    ENOTCONN, ENOTSUP, EPIPE, EPROTO, ETIMEDOUT,
};

#[cfg(windows)]
pub use super::windows::codes::*;

/// The negated libuv number of an error of the operating system.
#[cfg(unix)]
fn code_of(os: i32) -> i32 {
    os
}

#[cfg(windows)]
use super::windows::codes::code_of;

/// Whether `error` is the one of this code, one of the constants above.
pub fn is(error: &io::Error, code: i32) -> bool {
    number(error) == -code
}

/// An error of our own making.
pub fn error(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

/// Gives the negative libuv error number of an I/O error.
pub fn number(error: &io::Error) -> i32 {
    if let Some(code) = error.raw_os_error() {
        return -code_of(code);
    }
    let code = match error.kind() {
        io::ErrorKind::NotFound => ENOENT,
        io::ErrorKind::PermissionDenied => EACCES,
        io::ErrorKind::ConnectionRefused => ECONNREFUSED,
        io::ErrorKind::ConnectionReset => ECONNRESET,
        io::ErrorKind::ConnectionAborted => ECONNABORTED,
        io::ErrorKind::NotConnected => ENOTCONN,
        io::ErrorKind::AddrInUse => EADDRINUSE,
        io::ErrorKind::AddrNotAvailable => EADDRNOTAVAIL,
        io::ErrorKind::BrokenPipe => EPIPE,
        io::ErrorKind::WouldBlock => EAGAIN,
        io::ErrorKind::InvalidInput => EINVAL,
        io::ErrorKind::TimedOut => ETIMEDOUT,
        io::ErrorKind::OutOfMemory => ENOMEM,
        io::ErrorKind::Unsupported => ENOTSUP,
        _ => EIO,
    };
    -code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_os_error_keeps_its_number() {
        let error = io::Error::from_raw_os_error(libc::EADDRINUSE);
        assert_eq!(number(&error), -libc::EADDRINUSE);
    }

    #[test]
    fn an_error_without_a_number_goes_by_its_kind() {
        assert_eq!(number(&io::ErrorKind::InvalidInput.into()), -libc::EINVAL);
        assert_eq!(number(&io::Error::other("?")), -libc::EIO);
    }
}
