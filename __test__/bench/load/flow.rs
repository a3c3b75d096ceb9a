//! One connection, bytes in one direction: sent to the server (`in`), or by it (`out`).

use std::io::{self, Read, Write};
use std::time::Instant;

use crate::stream::{connect, expect_end, read};
use crate::{Job, pattern, ready, wrong};

/// Also what the server writes at once.
const BLOCK: usize = 64 * 1024;
/// Comparing every byte would slow this side down; these are looked at around each seam of two reads.
const PROBE: usize = 64;

fn result(job: &Job, began: Instant) -> String {
    let seconds = began.elapsed().as_secs_f64();
    format!("{{\"count\":{},\"seconds\":{seconds}}}", job.size / BLOCK)
}

/// The server answers the end with the number of bytes it got.
pub fn send(job: &Job) -> io::Result<String> {
    let block = pattern(BLOCK);
    let mut stream = connect(&job.address)?;
    ready()?;
    let began = Instant::now();
    for _ in 0..job.size / BLOCK {
        stream.write_all(&block)?;
    }
    stream.finish()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let sent = job.size / BLOCK * BLOCK;
    if answer != sent.to_string() {
        return Err(wrong(format!("{sent} bytes were sent, answer: {answer}")));
    }
    Ok(result(job, began))
}

/// The server is told how many bytes to send.
pub fn receive(job: &Job) -> io::Result<String> {
    // Twice, so that a probe never wraps.
    let block = pattern(BLOCK).repeat(2);
    let sent = job.size / BLOCK * BLOCK;
    let mut buffer = vec![0; 256 * 1024];
    let mut stream = connect(&job.address)?;
    ready()?;
    let began = Instant::now();
    stream.write_all(format!("{sent}\n").as_bytes())?;
    let mut have = 0;
    while have < sent {
        let count = read(&mut *stream, &mut buffer)?;
        if count == 0 {
            return Err(wrong(format!("{sent} bytes were asked for, {have} came")));
        }
        let len = count.min(PROBE);
        probe(&block, have, &buffer[..len])?;
        probe(&block, have + count - len, &buffer[count - len..count])?;
        have += count;
    }
    let result = result(job, began);
    expect_end(&mut *stream)?;
    Ok(result)
}

fn probe(block: &[u8], at: usize, bytes: &[u8]) -> io::Result<()> {
    let start = at % BLOCK;
    if block[start..start + bytes.len()] != *bytes {
        return Err(wrong(format!("wrong bytes around {at}")));
    }
    Ok(())
}
