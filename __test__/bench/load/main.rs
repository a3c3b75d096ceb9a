//! The load of the benchmark and the demo: what clients say to the server that is measured.
//!
//! Compiled on its own by `rustc`, with nothing but std, so that it is there wherever the addon was built. Not JavaScript:
//! a generator on Node's `net` costs as much as the server under test and would hide most of a difference (measured: 155 k
//! messages/s against a C echo loop which gives 205 k to this one).
//!
//! usage: load TALK ADDRESS CONNECTIONS BYTES SECONDS      ADDRESS: a port of 127.0.0.1, or a path
//!
//! It connects, prints `ready` and waits for a line, so that what connecting costs the server can be told apart. Then it prints
//! one JSON object; a wrong answer ends it with status 1. After `hold` it keeps its connections until stdin ends.

mod exchange;
mod flow;
mod http;
mod stream;
mod trips;

use std::io::{self, BufRead, Write};
use std::time::Duration;

/// Not one letter over and over: bytes in the wrong place must show.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 31 % 251) as u8).collect()
}

fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

struct Job {
    talk: String,
    address: String,
    connections: usize,
    size: usize,
    time: Duration,
}

impl Job {
    fn new(arguments: &[String]) -> io::Result<Self> {
        let [talk, address, connections, size, seconds] = arguments else {
            return Err(wrong("usage: load TALK ADDRESS CONNECTIONS BYTES SECONDS"));
        };
        let number = |text: &String| {
            text.parse::<f64>()
                .map_err(|_| wrong(format!("not a number: {text}")))
        };
        Ok(Self {
            talk: talk.clone(),
            address: address.clone(),
            connections: number(connections)? as usize,
            size: number(size)? as usize,
            time: Duration::from_secs_f64(number(seconds)?),
        })
    }
}

/// Everything is connected: the measuring begins when whoever started this says so.
fn ready() -> io::Result<()> {
    println!("ready");
    io::stdout().flush()?;
    wait_for_line()
}

fn wait_for_line() -> io::Result<()> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map(|_| ())
}

/// What was measured, as JSON.
fn run(job: &Job) -> io::Result<String> {
    match job.talk.as_str() {
        "hold" => exchange::hold(job),
        "churn" => exchange::churn(job),
        "in" => flow::send(job),
        "out" => flow::receive(job),
        "trips" => trips::run(job),
        _ => exchange::run(job),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match Job::new(&arguments).and_then(|job| run(&job)) {
        Ok(result) => println!("{result}"),
        Err(error) => {
            eprintln!("load: {error}");
            std::process::exit(1);
        }
    }
}
