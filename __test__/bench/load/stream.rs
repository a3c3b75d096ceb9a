//! A connection, over TCP or a local pipe.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::wrong;

// A server that stops answering must end the benchmark, not hang it.
const PATIENCE: Duration = Duration::from_secs(10);

pub trait Stream: Read + Write {
    fn finish(&self) -> io::Result<()>;
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()>;
    /// Closing it resets it, so that no port is kept from the next ones for a minute.
    fn leave_nothing(&self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn finish(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        TcpStream::set_nonblocking(self, nonblocking)
    }

    #[cfg(unix)]
    fn leave_nothing(&self) -> io::Result<()> {
        linger::set_zero(self)
    }

    #[cfg(not(unix))]
    fn leave_nothing(&self) -> io::Result<()> {
        Ok(())
    }
}

pub fn connect(address: &str) -> io::Result<Box<dyn Stream>> {
    if let Ok(port) = address.parse::<u16>() {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        return Ok(Box::new(stream));
    }
    local::connect(address)
}

/// Reads something; unlike `read` also when a signal comes in between.
pub fn read(stream: &mut dyn Stream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// One byte beyond the answer is one too many.
pub fn expect_end(stream: &mut dyn Stream) -> io::Result<()> {
    match read(stream, &mut [0])? {
        0 => Ok(()),
        _ => Err(wrong("more came than was asked for")),
    }
}

#[cfg(unix)]
mod local {
    use std::os::unix::net::UnixStream;

    use super::*;

    impl Stream for UnixStream {
        fn finish(&self) -> io::Result<()> {
            self.shutdown(Shutdown::Write)
        }

        fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
            UnixStream::set_nonblocking(self, nonblocking)
        }

        fn leave_nothing(&self) -> io::Result<()> {
            Ok(())
        }
    }

    pub fn connect(path: &str) -> io::Result<Box<dyn Stream>> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Box::new(stream))
    }
}

#[cfg(windows)]
mod local {
    use std::fs::{File, OpenOptions};

    use super::*;

    impl Stream for File {
        fn finish(&self) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn set_nonblocking(&self, _nonblocking: bool) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn leave_nothing(&self) -> io::Result<()> {
            Ok(())
        }
    }

    pub fn connect(path: &str) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(
            OpenOptions::new().read(true).write(true).open(path)?,
        ))
    }
}

/// std's `set_linger` is not stable yet.
#[cfg(unix)]
mod linger {
    use std::ffi::{c_int, c_uint, c_void};
    use std::io;
    use std::net::TcpStream;
    use std::os::fd::AsRawFd;

    #[repr(C)]
    struct Linger {
        on: c_int,
        seconds: c_int,
    }

    #[cfg(target_os = "linux")]
    const SOL_SOCKET: c_int = 1;
    #[cfg(target_os = "linux")]
    const SO_LINGER: c_int = 13;
    #[cfg(not(target_os = "linux"))]
    const SOL_SOCKET: c_int = 0xffff;
    #[cfg(not(target_os = "linux"))]
    const SO_LINGER: c_int = 0x80;

    // SAFETY: as POSIX declares it in <sys/socket.h>.
    unsafe extern "C" {
        fn setsockopt(
            fd: c_int,
            level: c_int,
            name: c_int,
            value: *const c_void,
            len: c_uint,
        ) -> c_int;
    }

    pub fn set_zero(stream: &TcpStream) -> io::Result<()> {
        let value = Linger { on: 1, seconds: 0 };
        let len = size_of::<Linger>() as c_uint;
        // SAFETY: the pointer and the length are those of `value`, which outlives the call.
        let status = unsafe {
            setsockopt(
                stream.as_raw_fd(),
                SOL_SOCKET,
                SO_LINGER,
                (&raw const value).cast(),
                len,
            )
        };
        if status == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}
