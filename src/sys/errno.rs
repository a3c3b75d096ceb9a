//! The one table from OS errors to libuv's error numbers.
//!
//! On Unix libuv's number is the negated errno, so the table is arithmetic; JavaScript finds the
//! name with `util.getSystemErrorName`. Errors that carry no OS number (tokio's and
//! interprocess's own) are mapped by kind.

use std::io;

/// Gives the negative libuv error number of an I/O error.
pub fn number(error: &io::Error) -> i32 {
    if let Some(code) = error.raw_os_error() {
        return -code;
    }
    let code = match error.kind() {
        io::ErrorKind::NotFound => libc::ENOENT,
        io::ErrorKind::PermissionDenied => libc::EACCES,
        io::ErrorKind::ConnectionRefused => libc::ECONNREFUSED,
        io::ErrorKind::ConnectionReset => libc::ECONNRESET,
        io::ErrorKind::ConnectionAborted => libc::ECONNABORTED,
        io::ErrorKind::NotConnected => libc::ENOTCONN,
        io::ErrorKind::AddrInUse => libc::EADDRINUSE,
        io::ErrorKind::AddrNotAvailable => libc::EADDRNOTAVAIL,
        io::ErrorKind::BrokenPipe => libc::EPIPE,
        io::ErrorKind::WouldBlock => libc::EAGAIN,
        io::ErrorKind::InvalidInput => libc::EINVAL,
        io::ErrorKind::TimedOut => libc::ETIMEDOUT,
        io::ErrorKind::OutOfMemory => libc::ENOMEM,
        io::ErrorKind::Unsupported => libc::ENOTSUP,
        _ => libc::EIO,
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
