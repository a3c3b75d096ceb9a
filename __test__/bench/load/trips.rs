//! How long one message of one connection takes there and back, beside others that say a byte a second each.

use std::io::{self, ErrorKind, Write};
use std::time::{Duration, Instant};

use crate::stream::{Stream, connect};
use crate::{Job, pattern, ready, wrong};

const SLOW_PERIOD: Duration = Duration::from_secs(1);
/// Before that, compilation and a cold cache are what is measured.
const WARMUP: usize = 1000;

/// The slow connections and whose turn is next.
struct Slow {
    streams: Vec<Box<dyn Stream>>,
    /// Whether its byte is under way.
    waits: Vec<bool>,
    next: usize,
    due: Instant,
}

impl Slow {
    fn new(address: &str, count: usize) -> io::Result<Self> {
        let mut streams = Vec::with_capacity(count);
        for i in 0..count {
            let mut stream = connect(address)?;
            // Accepted before the next ones come: a full backlog would cost a second.
            stream.write_all(&[byte_of(i)])?;
            take(&mut *stream, i)?;
            stream.set_nonblocking(true)?;
            streams.push(stream);
        }
        Ok(Self {
            waits: vec![false; count],
            streams,
            next: 0,
            due: Instant::now(),
        })
    }

    /// Whoever is due says its byte; the echo of its last one must have come since.
    fn step(&mut self) -> io::Result<()> {
        let count = self.streams.len();
        let now = Instant::now();
        if count == 0 || now < self.due {
            return Ok(());
        }
        let (i, stream) = (self.next, &mut *self.streams[self.next]);
        if self.waits[i] {
            take(stream, i).map_err(|error| match error.kind() {
                ErrorKind::WouldBlock => wrong("a slow connection got no answer for a second"),
                _ => error,
            })?;
        }
        stream.write_all(&[byte_of(i)])?;
        self.waits[i] = true;
        self.next = (i + 1) % count;
        // What was missed while the processor had other work is not made up for in a burst.
        self.due = now.max(self.due + SLOW_PERIOD / count as u32);
        Ok(())
    }
}

fn byte_of(i: usize) -> u8 {
    (i * 31 % 251) as u8
}

fn take(stream: &mut dyn Stream, i: usize) -> io::Result<()> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    if byte[0] != byte_of(i) {
        return Err(wrong("a slow connection got a wrong byte"));
    }
    Ok(())
}

fn trip(stream: &mut dyn Stream, message: &[u8], buffer: &mut [u8]) -> io::Result<Duration> {
    let began = Instant::now();
    stream.write_all(message)?;
    stream.read_exact(buffer)?;
    let spent = began.elapsed();
    if buffer != message {
        return Err(wrong("the echo is not what was sent"));
    }
    Ok(spent)
}

/// All connections but one are slow. Prints microseconds.
pub fn run(job: &Job) -> io::Result<String> {
    let message = pattern(job.size);
    let mut buffer = vec![0; job.size];
    let mut slow = Slow::new(&job.address, job.connections.saturating_sub(1))?;
    let mut stream = connect(&job.address)?;
    for _ in 0..WARMUP {
        trip(&mut *stream, &message, &mut buffer)?;
    }
    ready()?;
    slow.due = Instant::now();
    let mut trips = Vec::new();
    let began = Instant::now();
    while began.elapsed() < job.time || trips.is_empty() {
        slow.step()?;
        trips.push(trip(&mut *stream, &message, &mut buffer)?);
    }
    trips.sort_unstable();
    let micros = |share: usize| trips[trips.len() * share / 100].as_secs_f64() * 1e6;
    Ok(format!(
        "{{\"count\":{},\"p50\":{},\"p99\":{}}}",
        trips.len(),
        micros(50),
        micros(99)
    ))
}
