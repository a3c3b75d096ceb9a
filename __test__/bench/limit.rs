//! The least that a server of the TCP and pipe rows can do: a loop over epoll that moves the bytes, without JavaScript. What it
//! reaches with the same load is what could be reached.
//!
//! Compiled on its own by `rustc`, with nothing but std and Linux, as load/ is.
//!
//! usage: limit echo|in|out [PATH]      as server.js, also in what it prints and answers

use std::ffi::{c_int, c_long};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};

const BLOCK: usize = 64 * 1024;

const EPOLLIN: u32 = 1;
const EPOLLOUT: u32 = 4;
const EPOLL_CTL_ADD: c_int = 1;
const EPOLL_CTL_MOD: c_int = 3;
const EPOLL_CLOEXEC: c_int = 0o2000000;

#[repr(C)]
#[cfg_attr(target_arch = "x86_64", repr(packed))]
#[derive(Clone, Copy)]
struct Event {
    events: u32,
    fd: u64,
}

/// `struct rusage`: two times of seconds and microseconds, and what nobody asks for here.
#[repr(C)]
struct Usage {
    times: [c_long; 4],
    rest: [c_long; 14],
}

// SAFETY: as Linux and its C libraries declare them in <sys/epoll.h> and <sys/resource.h>.
unsafe extern "C" {
    fn epoll_create1(flags: c_int) -> c_int;
    fn epoll_ctl(epoll: c_int, what: c_int, fd: c_int, event: *const Event) -> c_int;
    fn epoll_wait(epoll: c_int, events: *mut Event, max: c_int, timeout: c_int) -> c_int;
    fn getrusage(who: c_int, usage: *mut Usage) -> c_int;
}

fn check(status: c_int) -> io::Result<c_int> {
    if status < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(status)
}

struct Epoll(RawFd);

impl Epoll {
    fn new() -> io::Result<Self> {
        // SAFETY: it takes no pointer.
        check(unsafe { epoll_create1(EPOLL_CLOEXEC) }).map(Self)
    }

    fn control(&self, what: c_int, fd: RawFd, events: u32) -> io::Result<()> {
        let event = Event {
            events,
            fd: fd as u64,
        };
        // SAFETY: `event` outlives the call.
        check(unsafe { epoll_ctl(self.0, what, fd, &event) }).map(|_| ())
    }

    fn wait(&self, events: &mut [Event]) -> io::Result<usize> {
        let max = events.len() as c_int;
        // SAFETY: the pointer and the length are those of one slice, which outlives the call.
        match check(unsafe { epoll_wait(self.0, events.as_mut_ptr(), max, -1) }) {
            Ok(count) => Ok(count as usize),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }
}

fn cpu_micros() -> io::Result<c_long> {
    let mut usage = Usage {
        times: [0; 4],
        rest: [0; 14],
    };
    // SAFETY: `usage` is as long as the kernel's, and outlives the call.
    check(unsafe { getrusage(0, &mut usage) })?;
    let [seconds, micros, system_seconds, system_micros] = usage.times;
    Ok((seconds + system_seconds) * 1_000_000 + micros + system_micros)
}

trait Stream: Read + Write + AsRawFd {}
impl<T: Read + Write + AsRawFd> Stream for T {}

enum Listener {
    Tcp(TcpListener),
    Local(UnixListener),
}

impl Listener {
    fn fd(&self) -> RawFd {
        match self {
            Listener::Tcp(listener) => listener.as_raw_fd(),
            Listener::Local(listener) => listener.as_raw_fd(),
        }
    }

    fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _): (TcpStream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok(Box::new(stream))
            }
            Listener::Local(listener) => {
                let (stream, _): (UnixStream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}

struct Connection {
    stream: Box<dyn Stream>,
    count: usize,
    left: usize,
}

fn is_blocked(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

/// An echo never waits for room: every message is answered before the next one comes.
fn step(
    behaviour: &str,
    each: &mut Connection,
    buffer: &mut [u8],
    block: &[u8],
) -> io::Result<bool> {
    if behaviour == "out" && each.left > 0 {
        return pour(each, block);
    }
    let len = each.stream.read(buffer)?;
    match behaviour {
        "echo" => each.stream.write_all(&buffer[..len])?,
        "in" if len == 0 => each.stream.write_all(each.count.to_string().as_bytes())?,
        "in" => each.count += len,
        _ => {
            let text = str::from_utf8(&buffer[..len]).unwrap_or_default();
            each.left = text.trim().parse().unwrap_or_default();
            return pour(each, block);
        }
    }
    Ok(len > 0)
}

fn pour(each: &mut Connection, block: &[u8]) -> io::Result<bool> {
    while each.left > 0 {
        let start = (BLOCK - each.left % BLOCK) % BLOCK;
        each.left -= each
            .stream
            .write(&block[start..BLOCK.min(start + each.left)])?;
    }
    Ok(false)
}

fn serve(behaviour: &str, listener: &Listener) -> io::Result<()> {
    let epoll = Epoll::new()?;
    epoll.control(EPOLL_CTL_ADD, 0, EPOLLIN)?;
    epoll.control(EPOLL_CTL_ADD, listener.fd(), EPOLLIN)?;
    let block: Vec<u8> = (0..BLOCK).map(|i| (i * 31 % 251) as u8).collect();
    let mut buffer = vec![0; BLOCK];
    let mut events = [Event { events: 0, fd: 0 }; 1024];
    // By their descriptors.
    let mut connections: Vec<Option<Connection>> = Vec::new();
    loop {
        let count = epoll.wait(&mut events)?;
        for event in &events[..count] {
            let fd = event.fd as RawFd;
            if fd == 0 {
                if io::stdin().read(&mut [0; 16])? == 0 {
                    return Ok(());
                }
                println!("{{\"cpu\":{},\"rss\":0}}", cpu_micros()?);
            } else if fd == listener.fd() {
                loop {
                    match listener.accept() {
                        Ok(stream) => {
                            let fd = stream.as_raw_fd();
                            epoll.control(EPOLL_CTL_ADD, fd, EPOLLIN)?;
                            let (count, left) = (0, 0);
                            let each = Connection {
                                stream,
                                count,
                                left,
                            };
                            let len = connections.len().max(fd as usize + 1);
                            connections.resize_with(len, || None);
                            connections[fd as usize] = Some(each);
                        }
                        Err(error) if is_blocked(&error) => break,
                        Err(error) => return Err(error),
                    }
                }
            } else if let Some(Some(each)) = connections.get_mut(fd as usize) {
                match step(behaviour, each, &mut buffer, &block) {
                    Ok(true) => {}
                    Err(error) if is_blocked(&error) => {
                        let room = if each.left > 0 { EPOLLOUT } else { EPOLLIN };
                        epoll.control(EPOLL_CTL_MOD, fd, room)?;
                    }
                    // Closed, by either; a client whose time is over just goes.
                    _ => connections[fd as usize] = None,
                }
            }
        }
    }
}

fn run() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (listener, address) = match arguments.get(1) {
        Some(path) => {
            let listener = UnixListener::bind(path)?;
            listener.set_nonblocking(true)?;
            (Listener::Local(listener), path.clone())
        }
        None => {
            let listener = TcpListener::bind(("127.0.0.1", 0))?;
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port().to_string();
            (Listener::Tcp(listener), port)
        }
    };
    println!("{address}");
    let behaviour = arguments.first().map_or("echo", String::as_str);
    serve(behaviour, &listener)
}

fn main() {
    if let Err(error) = run() {
        eprintln!("limit: {error}");
        std::process::exit(1);
    }
}
