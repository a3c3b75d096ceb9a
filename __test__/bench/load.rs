//! The load of the benchmark and the demo: a closed loop of questions and answers over many connections.
//!
//! Compiled on its own by `rustc`, with nothing but std, so that it is there wherever the addon was built. Not JavaScript:
//! a generator on Node's `net` costs as much as the server under test and would hide most of a difference (measured: 155 k
//! messages/s against a C echo loop which gives 205 k to this one).
//!
//! Each connection has one message under way. They are served in turn with blocking calls; while it waits for one answer,
//! the server works on the others, so a readiness API would only add system calls.
//!
//! usage: load echo|http ADDRESS CONNECTIONS BYTES SECONDS      ADDRESS: a port of 127.0.0.1, or a path
//! Prints `{"count":N,"seconds":S}`; a wrong answer ends it with status 1.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

// A server that stops answering must end the benchmark, not hang it.
const PATIENCE: Duration = Duration::from_secs(10);

fn connect(address: &str) -> io::Result<Box<dyn Stream>> {
    if let Ok(port) = address.parse::<u16>() {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        return Ok(Box::new(stream));
    }
    connect_local(address)
}

#[cfg(unix)]
fn connect_local(path: &str) -> io::Result<Box<dyn Stream>> {
    let stream = std::os::unix::net::UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(Box::new(stream))
}

#[cfg(windows)]
fn connect_local(path: &str) -> io::Result<Box<dyn Stream>> {
    let pipe = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)?;
    Ok(Box::new(pipe))
}

fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// What is said on every connection, and how an answer is known to be right and whole.
enum Talk {
    Echo {
        message: Vec<u8>,
    },
    Http {
        request: Vec<u8>,
        body: &'static [u8],
    },
}

impl Talk {
    fn new(name: &str, size: usize) -> io::Result<Self> {
        match name {
            // Not one letter over and over: bytes in the wrong place must show.
            "echo" => Ok(Talk::Echo {
                message: (0..size).map(|i| (i * 31 % 251) as u8).collect(),
            }),
            "http" => Ok(Talk::Http {
                request: b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec(),
                body: b"/hello",
            }),
            _ => Err(wrong(format!("no such talk: {name}"))),
        }
    }

    fn question(&self) -> &[u8] {
        match self {
            Talk::Echo { message } => message,
            Talk::Http { request, .. } => request,
        }
    }

    fn take_answer(&self, stream: &mut dyn Stream, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Talk::Echo { message } => {
                stream.read_exact(&mut buffer[..message.len()])?;
                if buffer[..message.len()] != message[..] {
                    return Err(wrong("the echo is not what was sent"));
                }
            }
            Talk::Http { body, .. } => {
                let mut have = 0;
                loop {
                    let count = stream.read(&mut buffer[have..])?;
                    if count == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    have += count;
                    if is_whole_response(&buffer[..have], body)? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

fn is_whole_response(bytes: &[u8], body: &[u8]) -> io::Result<bool> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(false);
    };
    let (head, rest) = bytes.split_at(end + 4);
    if rest.len() < body.len() {
        return Ok(false);
    }
    if !head.starts_with(b"HTTP/1.1 200 OK\r\n") || rest != body {
        return Err(wrong(format!(
            "not the expected response: {}",
            String::from_utf8_lossy(bytes)
        )));
    }
    Ok(true)
}

fn run(arguments: &[String]) -> io::Result<(u64, f64)> {
    let [talk, address, connections, size, seconds] = arguments else {
        return Err(wrong(
            "usage: load echo|http ADDRESS CONNECTIONS BYTES SECONDS",
        ));
    };
    let number = |text: &String| {
        text.parse::<f64>()
            .map_err(|_| wrong(format!("not a number: {text}")))
    };
    let talk = Talk::new(talk, number(size)? as usize)?;
    let limit = Duration::from_secs_f64(number(seconds)?);
    let mut streams = Vec::new();
    for _ in 0..number(connections)? as usize {
        streams.push(connect(address)?);
    }

    let mut buffer = vec![0; talk.question().len().max(64 * 1024)];
    let mut count = 0;
    for stream in &mut streams {
        stream.write_all(talk.question())?;
    }
    let began = Instant::now();
    loop {
        for stream in &mut streams {
            talk.take_answer(stream, &mut buffer)?;
            stream.write_all(talk.question())?;
        }
        count += streams.len() as u64;
        let spent = began.elapsed();
        if spent >= limit {
            // The answers still under way are taken as well: closing on unread bytes would reset the connections.
            for stream in &mut streams {
                talk.take_answer(stream, &mut buffer)?;
            }
            return Ok((count, spent.as_secs_f64()));
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok((count, seconds)) => println!("{{\"count\":{count},\"seconds\":{seconds}}}"),
        Err(error) => {
            eprintln!("load: {error}");
            std::process::exit(1);
        }
    }
}
