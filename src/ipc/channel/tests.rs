//! Both ends here, and a child that is Node.

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
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
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
