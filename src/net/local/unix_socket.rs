//! Unix domain sockets: interprocess owns the names and the creation, tokio the bytes.
//!
//! A name is a file system path, or an abstract name when its first byte is NUL (Linux only).

use super::LocalStream;
use crate::net::stream::nonblocking_socket;
use crate::sys::{self, Descriptor, OwnedDescriptor, errno};
use interprocess::ConnectWaitMode;
use interprocess::local_socket::{
    ConnectOptions, GenericFilePath, ListenerOptions, Name, ToFsName,
};
use socket2::{Domain, SockAddr, SockRef, Socket};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::task::{Context, Poll};

/// Turns the bytes that JavaScript names a pipe by into interprocess's form.
fn name(path: &[u8]) -> io::Result<Name<'_>> {
    if path.is_empty() || path.len() > sys::LOCAL_NAME_MAX {
        return Err(errno::error(errno::EINVAL));
    }
    match path.strip_prefix(b"\0") {
        None => OsStr::from_bytes(path).to_fs_name::<GenericFilePath>(),
        Some(rest) => abstract_name(rest),
    }
}

/// Whether `path` can be a local socket's name at all.
pub fn check_name(path: &[u8]) -> io::Result<()> {
    name(path).map(drop)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name(name: &[u8]) -> io::Result<Name<'_>> {
    use interprocess::local_socket::ToNsName;
    use interprocess::os::unix::local_socket::AbstractNsUdSocket;
    OsStr::from_bytes(name).to_ns_name::<AbstractNsUdSocket>()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name(_name: &[u8]) -> io::Result<Name<'_>> {
    Err(errno::error(errno::EINVAL))
}

/// The file of a bound local socket. It goes with the socket, as libuv removes it at close.
pub struct OwnPath(PathBuf);

impl OwnPath {
    /// `None` for an abstract name, or one that the kernel has chosen: they have no file.
    pub fn new(path: &[u8]) -> Option<Self> {
        let has_file = path.first().is_some_and(|&first| first != 0);
        has_file.then(|| Self(OsStr::from_bytes(path).into()))
    }
}

impl Drop for OwnPath {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A bind's error as libuv tells it, the same on every system.
pub fn bind_error(error: io::Error) -> io::Error {
    if errno::is(&error, errno::ENOENT) {
        errno::error(errno::EACCES)
    } else {
        error
    }
}

/// Binds without listening, which interprocess has no call for. For an empty name Linux finds an
/// abstract one.
pub fn reserve(path: &[u8]) -> io::Result<(Socket, Option<OwnPath>)> {
    if !path.is_empty() {
        check_name(path)?;
    }
    let address = SockAddr::unix(OsStr::from_bytes(path))?;
    let socket = nonblocking_socket(Domain::UNIX, None)?;
    socket.bind(&address).map_err(bind_error)?;
    Ok((socket, OwnPath::new(path)))
}

/// As `connect`, from a socket that has a name itself.
pub fn connect_reserved(socket: Socket, path: &[u8]) -> io::Result<UnixStream> {
    socket.connect(&SockAddr::unix(OsStr::from_bytes(path))?)?;
    Ok(OwnedFd::from(socket).into())
}

/// Binds and listens. An existing file is an error (EADDRINUSE) and stays, as with libuv.
pub fn listen(path: &[u8], backlog: i32) -> io::Result<UnixListener> {
    let listener = ListenerOptions::new()
        .name(name(path)?)
        .reclaim_name(false)
        .create_sync()?;
    let interprocess::local_socket::Listener::UdSocket(listener) = listener;
    let listener = UnixListener::from(listener);
    listener.set_nonblocking(true)?;
    SockRef::from(&listener).listen(backlog)?;
    Ok(listener)
}

/// Connects without ever blocking; a full backlog is EAGAIN, as with libuv.
pub fn connect(path: &[u8]) -> io::Result<UnixStream> {
    let stream = ConnectOptions::new()
        .name(name(path)?)
        .wait_mode(ConnectWaitMode::Deferred)
        .nonblocking_stream(true)
        .connect_sync()?;
    let interprocess::local_socket::Stream::UdSocket(stream) = stream;
    let stream = UnixStream::from(OwnedFd::from(stream));
    // interprocess takes EAGAIN for a connection under way. There is none, and it would look open.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Err(error) = stream.peer_addr()
        && errno::is(&error, errno::ENOTCONN)
    {
        return Err(errno::error(errno::EAGAIN));
    }
    Ok(stream)
}

/// A connected pair: our end, and one for another process.
pub fn pair() -> io::Result<(LocalStream, OwnedDescriptor)> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((LocalStream::driven(ours)?, theirs.into()))
}

/// A socket that listens, known to the driver.
pub struct LocalListener(tokio::net::UnixListener);

impl LocalListener {
    /// Gives the descriptor up without closing it.
    pub fn leave_open(self) {
        let _ = self.0.into_std().map(sys::leave_open);
    }

    /// As the function `listen`.
    pub fn listen(path: &[u8], backlog: i32) -> io::Result<Self> {
        tokio::net::UnixListener::from_std(listen(path, backlog)?).map(Self)
    }

    /// Takes a socket that listens already; gives it back when it is not a local one.
    pub fn from_socket(socket: Socket) -> io::Result<Result<Self, Socket>> {
        if socket.local_addr()?.domain() != Domain::UNIX {
            return Ok(Err(socket));
        }
        let listener = OwnedFd::from(socket).into();
        tokio::net::UnixListener::from_std(listener).map(|listener| Ok(Self(listener)))
    }

    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<LocalStream>> {
        let accepted = self.0.poll_accept(cx);
        accepted.map_ok(|(stream, _)| LocalStream::Socket(stream))
    }

    pub fn socket(&self) -> io::Result<SockRef<'_>> {
        Ok(SockRef::from(&self.0))
    }

    pub fn descriptor(&self) -> Option<Descriptor<'_>> {
        Some(self.0.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_fit_into_a_socket_address() {
        let errno = |path: &[u8]| name(path).err().and_then(|e| e.raw_os_error());
        assert_eq!(errno(b""), Some(errno::EINVAL));
        assert_eq!(errno(&[b'x'; 300]), Some(errno::EINVAL));
        assert_eq!(errno(b"/tmp/x.sock"), None);
    }

    #[test]
    fn a_reserved_name_refuses_and_takes_its_file_along() {
        let file = std::env::temp_dir().join(format!("ferrowire-{}.reserved", std::process::id()));
        let path = file.as_os_str().as_bytes();
        let (socket, own_path) = reserve(path).unwrap();
        assert!(file.exists());
        let refused = connect(path).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(errno::ECONNREFUSED));
        let used = reserve(path).err().and_then(|e| e.raw_os_error());
        assert_eq!(used, Some(errno::EADDRINUSE));
        drop((socket, own_path));
        assert!(!file.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_empty_name_is_for_the_kernel_to_choose() {
        let (socket, own_path) = reserve(b"").unwrap();
        let address = socket.local_addr().unwrap();
        assert!(
            address
                .as_abstract_namespace()
                .is_some_and(|name| !name.is_empty())
        );
        assert!(own_path.is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_backlog_refuses() {
        let file = std::env::temp_dir().join(format!("ferrowire-{}.full", std::process::id()));
        let path = file.as_os_str().as_bytes();
        let listener = listen(path, 1).unwrap();
        let mut connected = Vec::new();
        let refused = loop {
            match connect(path) {
                Ok(stream) => connected.push(stream),
                Err(error) => break error,
            }
            assert!(connected.len() < 10);
        };
        assert_eq!(refused.raw_os_error(), Some(errno::EAGAIN));
        assert_eq!(connected.len(), 2);
        drop(listener);
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_missing_path_is_enoent() {
        let error = connect(b"/nonexistent/ferrowire.sock").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(errno::ENOENT));
    }
}
