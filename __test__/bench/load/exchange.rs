//! Closed loops of questions and answers over many connections: each has one question under way.
//!
//! They are served in turn with blocking calls; while this waits for one answer, the server works on the others, so a readiness
//! API would only add system calls.

use std::io::{self, Write};
use std::time::Instant;

use crate::http::Http;
use crate::stream::{Stream, connect};
use crate::{Job, pattern, ready, wait_for_line, wrong};

/// So many may wait to be accepted; a full backlog would cost a connection a second.
const UNACCEPTED_MAX: usize = 100;

/// What is said on every connection, and how an answer is known to be right and whole.
pub enum Talk {
    Echo { message: Vec<u8> },
    Http(Http),
}

impl Talk {
    fn new(name: &str, size: usize) -> io::Result<Self> {
        match name {
            "echo" => Ok(Talk::Echo {
                message: pattern(size),
            }),
            _ => Http::new(name).map(Talk::Http),
        }
    }

    fn question(&self) -> &[u8] {
        match self {
            Talk::Echo { message } => message,
            Talk::Http(http) => &http.question,
        }
    }

    /// How many messages, or requests, a question is.
    fn len(&self) -> u64 {
        match self {
            Talk::Echo { .. } => 1,
            Talk::Http(http) => http.requests,
        }
    }

    fn take_answer(&self, stream: &mut dyn Stream, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Talk::Echo { message } => {
                stream.read_exact(&mut buffer[..message.len()])?;
                if buffer[..message.len()] != message[..] {
                    return Err(wrong("the echo is not what was sent"));
                }
                Ok(())
            }
            Talk::Http(http) => http.take_answers(stream, buffer),
        }
    }

    fn buffer(&self) -> Vec<u8> {
        vec![0; self.question().len().max(256 * 1024)]
    }

    /// One answer here and there shows that those before it have been accepted.
    fn connect_all(&self, job: &Job) -> io::Result<Vec<Box<dyn Stream>>> {
        let mut buffer = self.buffer();
        let mut streams = Vec::with_capacity(job.connections);
        for i in 0..job.connections {
            let mut stream = connect(&job.address)?;
            if i % UNACCEPTED_MAX == UNACCEPTED_MAX - 1 || i == job.connections - 1 {
                stream.write_all(self.question())?;
                self.take_answer(&mut *stream, &mut buffer)?;
            }
            streams.push(stream);
        }
        Ok(streams)
    }
}

pub fn run(job: &Job) -> io::Result<String> {
    let talk = Talk::new(&job.talk, job.size)?;
    let mut buffer = talk.buffer();
    let mut streams = talk.connect_all(job)?;
    ready()?;
    let mut count = 0;
    let began = Instant::now();
    for stream in &mut streams {
        stream.write_all(talk.question())?;
    }
    loop {
        for stream in &mut streams {
            talk.take_answer(&mut **stream, &mut buffer)?;
            stream.write_all(talk.question())?;
        }
        count += streams.len() as u64 * talk.len();
        let spent = began.elapsed();
        if spent >= job.time {
            // The answers still under way are taken as well: closing on unread bytes would reset the connections.
            for stream in &mut streams {
                talk.take_answer(&mut **stream, &mut buffer)?;
            }
            return Ok(result(count, spent.as_secs_f64()));
        }
    }
}

fn result(count: u64, seconds: f64) -> String {
    format!("{{\"count\":{count},\"seconds\":{seconds}}}")
}

/// A new connection for each echo.
pub fn churn(job: &Job) -> io::Result<String> {
    let talk = Talk::new("echo", job.size)?;
    let mut buffer = talk.buffer();
    let begin = || -> io::Result<Box<dyn Stream>> {
        let mut stream = connect(&job.address)?;
        stream.leave_nothing()?;
        stream.write_all(talk.question())?;
        Ok(stream)
    };
    ready()?;
    let mut count = 0;
    let began = Instant::now();
    let mut streams = (0..job.connections)
        .map(|_| begin())
        .collect::<io::Result<Vec<_>>>()?;
    loop {
        for stream in &mut streams {
            talk.take_answer(&mut **stream, &mut buffer)?;
            *stream = begin()?;
        }
        count += streams.len() as u64;
        let spent = began.elapsed();
        if spent >= job.time {
            return Ok(result(count, spent.as_secs_f64()));
        }
    }
}

/// Connections that have been used once and then do nothing.
pub fn hold(job: &Job) -> io::Result<String> {
    let talk = Talk::new("echo", job.size)?;
    let mut buffer = talk.buffer();
    let mut streams = talk.connect_all(job)?;
    for stream in &mut streams {
        stream.leave_nothing()?;
        stream.write_all(talk.question())?;
        talk.take_answer(&mut **stream, &mut buffer)?;
    }
    ready()?;
    println!("{}", result(streams.len() as u64, 0.0));
    wait_for_line()?;
    std::process::exit(0);
}
