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
    /// of a message is an error of kind `UnexpectedEof`. One of kind `Other` tells that a message which was sent with a
    /// handle, four times, did not arrive with it; the channel goes on.
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
                    return Err(io::Error::other(TEXT));
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
mod tests {
    use super::*;
    use std::future::Future;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    fn run<T>(test: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_io().build().unwrap().block_on(test)
    }

    fn pair() -> (Channel, Channel) {
        let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        (
            Channel::from_fd(one.into()).unwrap(),
            Channel::from_fd(other.into()).unwrap(),
        )
    }

    #[test]
    fn values_and_handles_arrive_in_order() {
        run(async {
            let (mut one, mut other) = pair();
            let server = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = server.local_addr().unwrap();
            let socket = HandleKind::Socket;
            for text in ["first", "second"] {
                let client = TcpStream::connect(address).unwrap();
                one.send_handle(text, client.as_fd(), socket).await.unwrap();
                one.send(&json!({ "after": text })).await.unwrap();
            }
            let asked = async {
                let mut seen = Vec::new();
                for _ in 0..4 {
                    let message = other.recv::<Value>().await.unwrap().unwrap();
                    seen.push((message.value, message.handle.is_some()));
                }
                other.send("done").await.unwrap();
                seen
            };
            // The sender goes on when it reads the answers.
            let answers = async { one.recv::<String>().await.unwrap().unwrap().value };
            let (seen, done) = both(asked, answers).await;
            assert_eq!(done, "done");
            let expected = [
                (json!("first"), true),
                (json!({ "after": "first" }), false),
                (json!("second"), true),
                (json!({ "after": "second" }), false),
            ];
            assert_eq!(seen, expected);
            drop(other);
            assert!(one.recv::<Value>().await.unwrap().is_none());
        });
    }

    async fn polled_once<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = Box::pin(future);
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match future.as_mut().poll(cx) {
                std::task::Poll::Ready(value) => Some(value),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }

    #[test]
    fn a_cancelled_recv_loses_neither_message_nor_handle() {
        run(async {
            let (mut one, mut other) = pair();
            let server = TcpListener::bind("127.0.0.1:0").unwrap();
            let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
            let sent = one.send_handle("it", client.as_fd(), HandleKind::Socket);
            sent.await.unwrap();
            // More than the kernel takes: the acknowledgement waits behind it.
            let large = "x".repeat(4 << 20);
            assert!(polled_once(other.send(&large)).await.is_none());
            for _ in 0..3 {
                assert!(polled_once(other.recv::<String>()).await.is_none());
            }
            let asked = async { other.recv::<String>().await.unwrap().unwrap() };
            let answers = async { one.recv::<String>().await.unwrap().unwrap() };
            let (message, echo) = both(asked, answers).await;
            assert_eq!(
                (message.value.as_str(), echo.value.len()),
                ("it", large.len())
            );
            assert!(message.handle.is_some());
        });
    }

    #[test]
    fn a_message_that_is_cut_off_is_an_error() {
        run(async {
            let (one, mut peer) = std::os::unix::net::UnixStream::pair().unwrap();
            let mut channel = Channel::from_fd(one.into()).unwrap();
            peer.write_all(b"1\n[2, ").unwrap();
            drop(peer);
            assert_eq!(channel.recv::<i32>().await.unwrap().unwrap().value, 1);
            let error = channel.recv::<Value>().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        });
    }

    fn lines(mut peer: &std::os::unix::net::UnixStream, count: usize) -> Vec<String> {
        let mut text = String::new();
        while text.lines().count() < count {
            let mut bytes = [0; 512];
            let len = peer.read(&mut bytes).unwrap();
            text.push_str(std::str::from_utf8(&bytes[..len]).unwrap());
        }
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_handle_that_never_arrives_is_an_error_and_the_channel_goes_on() {
        run(async {
            let (one, peer) = std::os::unix::net::UnixStream::pair().unwrap();
            let mut channel = Channel::from_fd(one.into()).unwrap();
            let server = TcpListener::bind("127.0.0.1:0").unwrap();
            let sent = channel.send_handle("lost", server.as_fd(), HandleKind::Server);
            sent.await.unwrap();
            channel.send("behind it").await.unwrap();
            let nack = "{\"cmd\":\"NODE_HANDLE_NACK\"}\n";
            (&peer).write_all(nack.repeat(4).as_bytes()).unwrap();
            let error = channel.recv::<Value>().await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Other);
            channel.flush().await.unwrap();
            let seen = lines(&peer, 5);
            assert!(seen[..4].iter().all(|line| line.contains("lost")));
            assert_eq!(seen[4..], ["\"behind it\""]);
            (&peer).write_all(b"1\n").unwrap();
            assert_eq!(channel.recv::<i32>().await.unwrap().unwrap().value, 1);
        });
    }

    #[test]
    fn descriptors_that_no_message_claims_are_closed() {
        run(async {
            let (one, peer) = std::os::unix::net::UnixStream::pair().unwrap();
            let mut channel = Channel::from_fd(one.into()).unwrap();
            for byte in b"[1, 2, 3]\n1\n" {
                sys::send_with_descriptor(peer.as_fd(), &[*byte], peer.as_fd()).unwrap();
            }
            channel.recv::<Value>().await.unwrap().unwrap();
            channel.recv::<Value>().await.unwrap().unwrap();
            assert!(channel.descriptors.len() <= 2);
        });
    }

    async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
        let (mut a, mut b) = (Box::pin(a), Box::pin(b));
        let (mut first, mut second) = (None, None);
        std::future::poll_fn(|cx| {
            if first.is_none()
                && let std::task::Poll::Ready(value) = a.as_mut().poll(cx)
            {
                first = Some(value);
            }
            if second.is_none()
                && let std::task::Poll::Ready(value) = b.as_mut().poll(cx)
            {
                second = Some(value);
            }
            if first.is_some() && second.is_some() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        (first.unwrap(), second.unwrap())
    }

    #[test]
    fn a_node_child_answers_and_takes_a_socket() {
        const SCRIPT: &str = "process.on('message', (message, socket) => {
            if (socket) socket.end('from the child')
            else process.send({ answer: message.question + 1 })
        })";
        let node = || Command::new("node");
        run(async {
            let (mut child, mut channel) = spawn(node().args(["-e", SCRIPT])).unwrap();
            channel.send(&json!({ "question": 41 })).await.unwrap();
            let message = channel.recv::<Value>().await.unwrap().unwrap();
            assert_eq!(message.value, json!({ "answer": 42 }));

            let server = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
            let (mut accepted, _) = server.accept().unwrap();
            accepted.write_all(b"and from here: ").unwrap();
            let sent = channel.send_handle("take it", accepted.as_fd(), HandleKind::Socket);
            sent.await.unwrap();
            drop(accepted);
            let mut text = String::new();
            // Until the child ends the connection; the copy kept for a retry goes with the channel.
            let reader = std::thread::spawn(move || {
                let mut byte = [0; 64];
                while !text.ends_with("child") {
                    let len = client.read(&mut byte).unwrap();
                    text.push_str(std::str::from_utf8(&byte[..len]).unwrap());
                }
                text
            });
            assert_eq!(reader.join().unwrap(), "and from here: from the child");
            drop(channel);
            assert!(child.wait().unwrap().success());
        });
    }
}
