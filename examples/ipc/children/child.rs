//! The other end of parent.js, in Rust with nothing but std: one JSON text per line, both ways.
//! `rustc child.rs`; the crate's `ipc::Channel` does the same with serde values and handles.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixStream;
use std::{process, thread, time::Duration};

fn listen(channel: UnixStream) {
    for line in BufReader::new(channel).lines().map_while(Result::ok) {
        // Enough for a string without escapes; a real program has a JSON parser here.
        println!("message from parent: {}", line.trim_matches('"'));
    }
    // The parent has disconnected, or is gone.
    process::exit(0);
}

fn main() -> std::io::Result<()> {
    let fd = env::var("NODE_CHANNEL_FD").expect("started with a channel");
    // SAFETY: the parent gave this descriptor to this process for nothing else.
    let mut channel = unsafe { UnixStream::from_raw_fd(fd.parse().expect("a number")) };
    let reader = channel.try_clone()?;
    thread::spawn(move || listen(reader));
    let interval = env::var("INTERVAL").map_or(3000, |text| text.parse().expect("a number"));
    loop {
        thread::sleep(Duration::from_millis(interval));
        if channel.write_all(b"\"hello\"\n").is_err() {
            // The parent has disconnected.
            return Ok(());
        }
    }
}
