//! The server that HTTP clients are measured against: as little work as a server can do, so that the client is the bottleneck.
//!
//! Compiled on its own by `rustc`, with nothing but std and poll(2), as load.rs is.
//!
//! GET answers with the path; GET /large with 1 MiB; POST with the number of bytes in the body, once it is there in full. A
//! client that asks for `Connection: close` closes first, and its connection is then reset: tens of thousands of ports that
//! wait for their time to pass would make each further connect slower, whoever's it is.
//!
//! usage: peer      Prints its port; the end of stdin ends it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};

const LARGE: usize = 1024 * 1024;
const HEAD_MAX: usize = 16 * 1024;

#[repr(C)]
struct PollFd {
    fd: RawFd,
    events: i16,
    revents: i16,
}

const POLLIN: i16 = 1;
const POLLOUT: i16 = 4;

#[cfg(target_os = "linux")]
type Count = std::ffi::c_ulong;
#[cfg(not(target_os = "linux"))]
type Count = std::ffi::c_uint;

#[repr(C)]
struct Linger {
    on: i32,
    seconds: i32,
}

#[cfg(target_os = "linux")]
const LINGER: (i32, i32) = (1, 13);
#[cfg(not(target_os = "linux"))]
const LINGER: (i32, i32) = (0xffff, 0x80);

// SAFETY: as POSIX declares them in <poll.h> and <sys/socket.h>; `Count` is the platform's `nfds_t`.
unsafe extern "C" {
    fn poll(fds: *mut PollFd, count: Count, timeout: i32) -> i32;
    fn setsockopt(fd: RawFd, level: i32, name: i32, value: *const Linger, len: u32) -> i32;
}

/// Closing will reset the connection.
fn reset_at_close(stream: &TcpStream) {
    let now = Linger { on: 1, seconds: 0 };
    // SAFETY: an open socket, and a value of the length that is said.
    unsafe { setsockopt(stream.as_raw_fd(), LINGER.0, LINGER.1, &now, 8) };
}

fn wait(fds: &mut [PollFd]) -> io::Result<()> {
    // SAFETY: the pointer and the count are those of one slice, which outlives the call.
    match unsafe { poll(fds.as_mut_ptr(), fds.len() as Count, -1) } {
        0.. => Ok(()),
        _ => match io::Error::last_os_error() {
            error if error.kind() == ErrorKind::Interrupted => Ok(()),
            error => Err(error),
        },
    }
}

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    /// What is left of the answer under way: its head, then of `LARGE` so many bytes.
    output: Vec<u8>,
    sent: usize,
    large: usize,
    closes: bool,
}

/// A request's head and what its answer depends on.
struct Request<'a> {
    path: &'a [u8],
    /// Of head and body together.
    len: usize,
    body: usize,
    closes: bool,
}

fn field<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|&byte| byte == b'\n').find_map(|line| {
        let (key, value) = line.split_at_checked(name.len())?;
        let value = key.eq_ignore_ascii_case(name).then_some(value)?;
        Some(value.strip_prefix(b":")?.trim_ascii())
    })
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// The first request of `input`, None while it is not there in full.
fn parse(input: &[u8]) -> io::Result<Option<Request<'_>>> {
    let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
        if input.len() > HEAD_MAX {
            return Err(wrong("a head without an end"));
        }
        return Ok(None);
    };
    let head = &input[..end];
    let mut words = head.split(|&byte| byte == b' ');
    let (Some(_method), Some(path)) = (words.next(), words.next()) else {
        return Err(wrong("no request line"));
    };
    if field(head, b"transfer-encoding").is_some() {
        return Err(wrong("chunks are not understood here"));
    }
    let body = match field(head, b"content-length") {
        None => 0,
        Some(text) => str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| wrong("no length"))?,
    };
    let len = end + 4 + body;
    Ok((input.len() >= len).then_some(Request {
        path,
        len,
        body,
        closes: field(head, b"connection") == Some(b"close"),
    }))
}

impl Connection {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            input: Vec::new(),
            output: Vec::new(),
            sent: 0,
            large: 0,
            closes: false,
        })
    }

    fn is_writing(&self) -> bool {
        self.sent < self.output.len() || self.large > 0
    }

    /// Reads, answers and writes as far as possible; false when the connection is over.
    fn step(&mut self, buffer: &mut [u8], large: &[u8]) -> io::Result<bool> {
        if !self.is_writing() {
            match self.stream.read(buffer)? {
                0 => {
                    if self.closes {
                        reset_at_close(&self.stream);
                    }
                    return Ok(false);
                }
                len => self.input.extend_from_slice(&buffer[..len]),
            }
            self.answer()?;
        }
        while self.sent < self.output.len() {
            self.sent += self.stream.write(&self.output[self.sent..])?;
        }
        while self.large > 0 {
            self.large -= self.stream.write(&large[LARGE - self.large..])?;
        }
        Ok(true)
    }

    fn answer(&mut self) -> io::Result<()> {
        let Some(request) = parse(&self.input)? else {
            return Ok(());
        };
        self.output.clear();
        self.sent = 0;
        let count;
        let body = match (request.path, request.body) {
            (b"/large", _) => {
                self.large = LARGE;
                &[]
            }
            (path, 0) => path,
            (_, body) => {
                count = body.to_string();
                count.as_bytes()
            }
        };
        self.closes = request.closes;
        let kept = if request.closes {
            "close"
        } else {
            "keep-alive"
        };
        write!(
            self.output,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: {kept}\r\n\r\n",
            body.len() + self.large
        )?;
        self.output.extend_from_slice(body);
        let len = request.len;
        self.input.drain(..len);
        Ok(())
    }
}

fn serve(listener: &TcpListener) -> io::Result<()> {
    let large: Vec<u8> = (0..LARGE).map(|i| (i * 31 % 251) as u8).collect();
    let mut buffer = vec![0; 256 * 1024];
    let mut connections: Vec<Connection> = Vec::new();
    let mut fds = Vec::new();
    loop {
        fds.clear();
        let watch = |fd, events| PollFd {
            fd,
            events,
            revents: 0,
        };
        fds.push(watch(0, POLLIN));
        fds.push(watch(listener.as_raw_fd(), POLLIN));
        for each in &connections {
            let events = if each.is_writing() { POLLOUT } else { POLLIN };
            fds.push(watch(each.stream.as_raw_fd(), events));
        }
        wait(&mut fds)?;
        if fds[0].revents != 0 {
            return Ok(());
        }
        let mut ready = fds[2..].iter().map(|fd| fd.revents != 0);
        connections.retain_mut(|each| {
            if ready.next() != Some(true) {
                return true;
            }
            match each.step(&mut buffer, &large) {
                Ok(stays) => stays,
                Err(error) if error.kind() == ErrorKind::WouldBlock => true,
                Err(error) => {
                    // A client whose time is over just goes.
                    let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                    if !gone.contains(&error.kind()) {
                        eprintln!("peer: {error}");
                    }
                    false
                }
            }
        });
        if fds[1].revents != 0 {
            loop {
                match listener.accept() {
                    Ok((stream, _)) => connections.push(Connection::new(stream)?),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

fn run() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?.port());
    serve(&listener)
}

fn main() {
    if let Err(error) = run() {
        eprintln!("peer: {error}");
        std::process::exit(1);
    }
}
