//! A fork channel for Rust programs: one end in the child of a Node parent, or the parent's end of a
//! Node child. `json` only; values are serde's. Needs a tokio runtime with I/O, and no N-API.
//!
//! Handles go one at a time, as Node wants it: what is sent while one is under way waits until
//! `recv` has seen the peer's answer.

use super::{Frames, Serialization};
use crate::sys;
use memchr::memmem;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::io::Interest;
use tokio::net::UnixStream;

const READ_SIZE: usize = 64 * 1024;
const RETRIES: u8 = 3;

/// What a descriptor is to become in the other process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleKind {
    /// A connected socket: `net.Socket`.
    Socket,
    /// A listening one: `net.Server`.
    Server,
}

impl HandleKind {
    fn name(self) -> &'static str {
        match self {
            Self::Socket => "net.Socket",
            Self::Server => "net.Server",
        }
    }
}

/// What the peer sent.
#[derive(Debug)]
pub struct Message<T> {
    pub value: T,
    /// The socket or server that came with it.
    pub handle: Option<OwnedFd>,
}

/// Bytes on their way, and the descriptor that leaves with the first of them.
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    handle: Option<OwnedFd>,
}

/// One end of a fork channel.
pub struct Channel {
    stream: UnixStream,
    frames: Frames,
    received: VecDeque<Vec<u8>>,
    descriptors: Vec<OwnedFd>,
    buffer: Vec<u8>,
    outgoing: VecDeque<Outgoing>,
    /// Sent and not answered: the frame, its handle, how often it was sent again.
    pending: Option<(Vec<u8>, OwnedFd, u8)>,
    /// Behind that one.
    queue: VecDeque<(Vec<u8>, Option<OwnedFd>)>,
    /// A message that is given away once its acknowledgement has left.
    claimed: Option<(Value, Option<OwnedFd>)>,
}

impl Channel {
    /// The channel that this process was started with. There is one: asked again, this is an error of kind `AlreadyExists`.
    pub fn from_env() -> io::Result<Self> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let refuse = |text: &str| io::Error::new(io::ErrorKind::Unsupported, text);
        let fd = std::env::var("NODE_CHANNEL_FD").ok();
        let fd = fd
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| refuse("this process was started without a channel"))?;
        if std::env::var("NODE_CHANNEL_SERIALIZATION_MODE").is_ok_and(|mode| mode != "json") {
            return Err(refuse("the channel is not of serialization json"));
        }
        // Its number must not get two owners.
        if TAKEN.swap(true, Relaxed) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let fd = sys::own_raw(fd)?;
        sys::set_inherited(fd.as_fd(), false)?;
        Self::from_fd(fd)
    }

    /// A channel over a connected local socket.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        let stream = std::os::unix::net::UnixStream::from(fd);
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: UnixStream::from_std(stream)?,
            frames: Frames::new(Serialization::Json),
            received: VecDeque::new(),
            descriptors: Vec::new(),
            buffer: vec![0; READ_SIZE],
            outgoing: VecDeque::new(),
            pending: None,
            queue: VecDeque::new(),
            claimed: None,
        })
    }

    /// Sends a message. Cancelled, it goes on with the next call of `send`, `flush` or `recv`.
    pub async fn send<T: Serialize + ?Sized>(&mut self, value: &T) -> io::Result<()> {
        let line = line(value)?;
        self.enqueue(line, None);
        self.flush().await
    }

    /// Sends a message and a duplicate of a socket with it.
    pub async fn send_handle<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
        handle: BorrowedFd<'_>,
        kind: HandleKind,
    ) -> io::Result<()> {
        let value = serde_json::to_value(value)?;
        let frame = json!({ "cmd": "NODE_HANDLE", "type": kind.name(), "msg": value });
        let handle = handle.try_clone_to_owned()?;
        self.enqueue(line(&frame)?, Some(handle));
        self.flush().await
    }

    /// The next message; `None` when the peer has disconnected. Cancelled, it loses nothing. A peer that is gone in the middle
    /// of a message is an error of kind `UnexpectedEof`. One of kind `ConnectionRefused` tells that a message
    /// which was sent with a handle, four times, did not arrive with it; the channel goes on.
    pub async fn recv<T: DeserializeOwned>(&mut self) -> io::Result<Option<Message<T>>> {
        loop {
            if self.claimed.is_some() {
                self.flush().await?;
            }
            if let Some((value, handle)) = self.claimed.take() {
                let value = serde_json::from_value(value)?;
                return Ok(Some(Message { value, handle }));
            }
            let Some(frame) = self.received.pop_front() else {
                if self.read().await? > 0 {
                    continue;
                }
                if self.frames.in_frame() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                return Ok(None);
            };
            // Only what names it can be one of the runtime's own messages.
            if memmem::find(&frame, b"\"NODE_").is_none() {
                let value = serde_json::from_slice(&frame)?;
                return Ok(Some(Message {
                    value,
                    handle: None,
                }));
            }
            self.claimed = self.internal(serde_json::from_slice(&frame)?)?;
            self.flush().await?;
        }
    }

    /// Waits until the kernel has everything that could be sent.
    pub async fn flush(&mut self) -> io::Result<()> {
        while let Some(next) = self.outgoing.front_mut() {
            let Outgoing {
                bytes,
                sent,
                handle,
            } = next;
            self.stream.writable().await?;
            let written = self.stream.try_io(Interest::WRITABLE, || {
                let rest = &bytes[*sent..];
                match handle {
                    Some(fd) => sys::send_with_descriptor(self.stream.as_fd(), rest, fd.as_fd()),
                    None => sys::send(self.stream.as_fd(), rest),
                }
            });
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(len) => {
                    *sent += len;
                    if len > 0 {
                        *handle = None;
                    }
                    if *sent == bytes.len() {
                        self.outgoing.pop_front();
                    }
                }
            }
        }
        Ok(())
    }

    fn enqueue(&mut self, bytes: Vec<u8>, handle: Option<OwnedFd>) {
        if self.pending.is_some() {
            self.queue.push_back((bytes, handle));
        } else {
            self.transmit(bytes, handle, 0);
        }
    }

    fn transmit(&mut self, bytes: Vec<u8>, handle: Option<OwnedFd>, tries: u8) {
        // Without a descriptor to spare the message goes alone, and is answered as not arrived.
        let copy = handle.as_ref().and_then(|fd| fd.try_clone().ok());
        if let Some(handle) = handle {
            self.pending = Some((bytes.clone(), handle, tries));
        }
        self.outgoing.push_back(Outgoing {
            bytes,
            sent: 0,
            handle: copy,
        });
    }

    async fn read(&mut self) -> io::Result<usize> {
        loop {
            self.stream.readable().await?;
            let Self {
                stream,
                buffer,
                descriptors,
                ..
            } = self;
            let read = stream.try_io(Interest::READABLE, || {
                sys::receive(stream.as_fd(), buffer, descriptors)
            });
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(len) => {
                    let received = &mut self.received;
                    self.frames
                        .feed(&self.buffer[..len], |frame| {
                            received.push_back(frame.into())
                        })
                        .map_err(io::Error::other)?;
                    // Each comes with the first byte of its message; a peer that sends more would have us run out of them.
                    let most = received.len() + 1;
                    descriptors.drain(..descriptors.len().saturating_sub(most));
                    return Ok(len);
                }
            }
        }
    }

    /// Acts on a message that may be the runtime's own; gives what is for the user.
    fn internal(&mut self, frame: Value) -> io::Result<Option<(Value, Option<OwnedFd>)>> {
        match frame.get("cmd").and_then(Value::as_str) {
            Some("NODE_HANDLE") => {
                let handle = (!self.descriptors.is_empty()).then(|| self.descriptors.remove(0));
                let arrived = handle.is_some();
                let cmd = if arrived {
                    "NODE_HANDLE_ACK"
                } else {
                    "NODE_HANDLE_NACK"
                };
                let bytes = line(&json!({ "cmd": cmd }))?;
                self.outgoing.push_back(Outgoing {
                    bytes,
                    sent: 0,
                    handle: None,
                });
                Ok(arrived.then(|| (frame["msg"].clone(), handle)))
            }
            Some(cmd @ ("NODE_HANDLE_ACK" | "NODE_HANDLE_NACK")) => {
                let sent = self.pending.take();
                let refused = sent.filter(|_| cmd == "NODE_HANDLE_NACK");
                let given_up = refused
                    .as_ref()
                    .is_some_and(|(.., tries)| *tries == RETRIES);
                if let Some((bytes, handle, tries)) = refused
                    && !given_up
                {
                    self.transmit(bytes, Some(handle), tries + 1);
                }
                while self.pending.is_none()
                    && let Some((bytes, handle)) = self.queue.pop_front()
                {
                    self.transmit(bytes, handle, 0);
                }
                if given_up {
                    const TEXT: &str =
                        "a handle did not reach the other process, nor did its message";
                    return Err(io::Error::new(io::ErrorKind::ConnectionRefused, TEXT));
                }
                Ok(None)
            }
            Some(cmd) if cmd.len() > 5 && cmd.starts_with("NODE_") => Ok(None),
            _ => Ok(Some((frame, None))),
        }
    }
}

fn line<T: Serialize + ?Sized>(value: &T) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Starts a program, usually Node with a script, with a channel to this process.
pub fn spawn(command: &mut Command) -> io::Result<(Child, Channel)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    let channel = Channel::from_fd(ours.into())?;
    sys::set_inherited(theirs.as_fd(), true)?;
    let child = command
        .env("NODE_CHANNEL_FD", theirs.as_raw_fd().to_string())
        .env("NODE_CHANNEL_SERIALIZATION_MODE", "json")
        .spawn();
    // Open here, the child's end would never look closed.
    drop(theirs);
    child.map(|child| (child, channel))
}

#[cfg(test)]
mod tests;
