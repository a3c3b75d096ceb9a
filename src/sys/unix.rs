//! Unix: the calls that neither std, tokio nor socket2 offers in the form the engine needs.

use super::Kind;
use std::ffi::{CStr, CString, c_void};
use std::fs::{self, File};
use std::io::{self, IoSlice, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::ptr::NonNull;
use tokio::io::{Interest, unix::AsyncFd};

/// What a connection is to the operating system.
pub type Descriptor<'a> = BorrowedFd<'a>;
pub type OwnedDescriptor = OwnedFd;

/// The descriptor of a socket.
pub fn descriptor_of(socket: &impl AsFd) -> Descriptor<'_> {
    socket.as_fd()
}

/// The number under which JavaScript knows a descriptor.
pub fn number(descriptor: Descriptor<'_>) -> i32 {
    descriptor.as_raw_fd()
}

/// Takes a descriptor for that of a socket.
pub fn into_socket(descriptor: OwnedDescriptor) -> socket2::Socket {
    descriptor.into()
}

/// Gives a descriptor away to JavaScript.
pub fn into_number(descriptor: OwnedDescriptor) -> i32 {
    descriptor.into_raw_fd()
}

/// Another descriptor of the same thing.
pub fn duplicate(descriptor: Descriptor<'_>) -> io::Result<OwnedDescriptor> {
    descriptor.try_clone_to_owned()
}

/// A symbol that the running program exports.
pub fn program_symbol(name: &CStr) -> Option<NonNull<c_void>> {
    // SAFETY: a NUL-terminated name, looked up among the symbols of the running program.
    NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
}

/// What the kernel says to a connect that it goes on with.
pub const CONNECT_UNDER_WAY: i32 = libc::EINPROGRESS;

/// Lets a socket have an address that connections of an earlier one still linger on, or share one with others.
pub fn set_reuse(socket: &socket2::Socket, port: bool) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    if port {
        socket.set_reuse_port(true)?;
    }
    Ok(())
}

/// Longest name of a local socket in bytes (`sun_path`), as libuv applies it.
pub const LOCAL_NAME_MAX: usize = {
    // SAFETY: `sockaddr_un` is plain data, for which all zeroes is a valid value.
    let address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_path.len()
};

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;
// Node ignores SIGPIPE for the whole process, so elsewhere no flag is needed.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) const SEND_FLAGS: libc::c_int = 0;

fn check(rc: isize) -> io::Result<usize> {
    if rc < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(rc as usize)
    }
}

pub(super) fn retry(mut call: impl FnMut() -> isize) -> io::Result<usize> {
    loop {
        match check(call()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// Sends without blocking and without SIGPIPE; gives the bytes that the kernel took.
pub fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: pointer and length are those of one live slice.
    retry(|| unsafe {
        libc::send(
            fd.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            SEND_FLAGS,
        )
    })
}

/// As `send`, for several slices in one call (at most 1024, the rest is left to the caller). Of nothing but empty ones the
/// socket hears nothing, not even when its peer is gone: so it is with `writev`, by which libuv sends them.
pub fn send_vectored(fd: BorrowedFd<'_>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    if slices.iter().all(|slice| slice.is_empty()) {
        return Ok(0);
    }
    // SAFETY: `msghdr` is plain data, for which all zeroes is a valid value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = slices.as_ptr().cast_mut().cast();
    message.msg_iovlen = slices.len().min(1024) as _;
    // SAFETY: `IoSlice` has the layout of `iovec`; the slices live through the call.
    retry(|| unsafe { libc::sendmsg(fd.as_raw_fd(), &message, SEND_FLAGS) })
}

/// Writes to a pipe; gives the bytes that the kernel took.
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: pointer and length are those of one live slice.
    retry(|| unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) })
}

/// As `write`, for several slices in one call (at most 1024, the rest is left to the caller).
pub fn write_vectored(fd: BorrowedFd<'_>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let count = slices.len().min(1024) as libc::c_int;
    // SAFETY: `IoSlice` has the layout of `iovec`; the slices live through the call.
    retry(|| unsafe { libc::writev(fd.as_raw_fd(), slices.as_ptr().cast(), count) })
}

/// Tells the kind of an open descriptor, or the error if it is not open.
pub fn kind(fd: BorrowedFd<'_>) -> io::Result<Kind> {
    // SAFETY: `stat` is plain data, for which all zeroes is a valid value.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` is a live local of the right type.
    check(unsafe { libc::fstat(fd.as_raw_fd(), &mut stat) } as isize)?;
    match stat.st_mode & libc::S_IFMT {
        libc::S_IFIFO => Ok(Kind::Pipe),
        libc::S_IFREG => Ok(Kind::File),
        libc::S_IFCHR if fd.is_terminal() => Ok(Kind::Terminal),
        libc::S_IFCHR => Ok(Kind::File),
        libc::S_IFSOCK => {
            let socket = socket2::SockRef::from(&fd);
            let streams = socket.r#type()? == socket2::Type::STREAM;
            match socket.local_addr()?.family() as i32 {
                libc::AF_INET | libc::AF_INET6 if streams => Ok(Kind::Tcp),
                libc::AF_INET | libc::AF_INET6 => Ok(Kind::Datagrams),
                libc::AF_UNIX if streams => Ok(Kind::Local),
                _ => Ok(Kind::Other),
            }
        }
        _ => Ok(Kind::Other),
    }
}

/// Whether a descriptor was opened for reading, and for writing.
pub fn access(fd: BorrowedFd<'_>) -> io::Result<(bool, bool)> {
    // SAFETY: only reads the descriptor's flags.
    let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) } as isize)?;
    let mode = flags as i32 & libc::O_ACCMODE;
    Ok((mode != libc::O_WRONLY, mode != libc::O_RDONLY))
}

/// Blocks until a socket takes bytes (or is broken); false when the time is over.
pub fn wait_writable(fd: BorrowedFd<'_>, milliseconds: i32) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one live entry, as the count says.
    retry(|| unsafe { libc::poll(&mut poll, 1, milliseconds.max(0)) as isize }).map(|n| n > 0)
}

/// Whether a read, or a write, would not have to wait: there is something, the end or an error.
pub fn is_ready(fd: BorrowedFd<'_>, to_write: bool) -> bool {
    let mut poll = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: if to_write {
            libc::POLLOUT
        } else {
            libc::POLLIN
        },
        revents: 0,
    };
    // SAFETY: one live entry, as the count says.
    retry(|| unsafe { libc::poll(&mut poll, 1, 0) as isize }).is_ok_and(|n| n > 0)
}

/// The number of a network interface.
pub fn interface_index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

/// The name of a network interface.
pub fn interface_name(index: u32) -> Option<String> {
    let mut name = [0u8; libc::IF_NAMESIZE];
    // SAFETY: room for the longest name and its NUL.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    if found.is_null() {
        return None;
    }
    let name = CStr::from_bytes_until_nul(&name).ok()?;
    name.to_str().ok().map(str::to_owned)
}

/// The first interface, but for the loopback, that has a link-local IPv6 address.
pub fn link_local_interface() -> Option<u32> {
    let mut list = std::ptr::null_mut();
    // SAFETY: a place for the list, which is freed below.
    if unsafe { libc::getifaddrs(&mut list) } != 0 {
        return None;
    }
    let mut found = None;
    let mut next = list;
    // SAFETY: entries of the list live until it is freed; null ends it.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: an address, if there is one, of the length that its family has.
        let Some(address) = (unsafe { entry.ifa_addr.as_ref() }) else {
            continue;
        };
        let is_loopback = entry.ifa_flags & libc::IFF_LOOPBACK as u32 != 0;
        if i32::from(address.sa_family) != libc::AF_INET6 || is_loopback {
            continue;
        }
        // SAFETY: the family says that this is an IPv6 address; they are aligned for any.
        let v6 = unsafe { &*entry.ifa_addr.cast::<libc::sockaddr_in6>() };
        let octets = v6.sin6_addr.s6_addr;
        if octets[0] == 0xfe && octets[1] & 0xc0 == 0x80 {
            found = Some(v6.sin6_scope_id);
            break;
        }
    }
    // SAFETY: the list that `getifaddrs` made, once.
    unsafe { libc::freeifaddrs(list) };
    found
}

/// Whether a socket takes connections in.
pub fn is_listening(fd: BorrowedFd<'_>) -> bool {
    let (mut value, mut len) = (0, size_of::<libc::c_int>() as libc::socklen_t);
    // SAFETY: room for one int, as the length says.
    let rc = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ACCEPTCONN,
            (&raw mut value).cast(),
            &mut len,
        )
    };
    rc == 0 && value != 0
}

/// Borrows a descriptor number that JavaScript named, after checking that it is open.
pub fn borrow_raw<'a>(fd: RawFd) -> io::Result<BorrowedFd<'a>> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: only reads the descriptor's flags; fails with EBADF when it is not open.
    check(unsafe { libc::fcntl(fd, libc::F_GETFD) } as isize)?;
    // SAFETY: it is open now; JavaScript promises not to close it under us, as with `fs`.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Has programs that this process starts inherit a descriptor, or not.
pub fn set_inherited(fd: BorrowedFd<'_>, inherited: bool) -> io::Result<()> {
    let flags = if inherited { 0 } else { libc::FD_CLOEXEC };
    // SAFETY: sets the flags of an open descriptor.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, flags) } as isize).map(drop)
}

/// Takes over a descriptor number that JavaScript gives away.
pub fn own_raw(fd: RawFd) -> io::Result<OwnedFd> {
    borrow_raw(fd)?;
    // SAFETY: it is open, and the caller hands its ownership to us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether it is standard input, output or error, which libuv never closes.
pub fn is_standard(fd: BorrowedFd<'_>) -> bool {
    fd.as_raw_fd() <= libc::STDERR_FILENO
}

/// EEXIST for a descriptor that tokio's driver watches already, as libuv has it. To be asked before the descriptor has a new owner,
/// who would close it. In the context of a runtime.
pub fn check_unwatched(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the borrow lasts longer than what is registered, which is gone with this statement.
    let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    registered.map(drop).map_err(io::Error::from)
}

/// Gives a descriptor up without closing it.
pub fn leave_open(fd: impl Into<OwnedFd>) {
    let _ = fd.into().into_raw_fd();
}

/// Makes a bound socket listen, without blocking.
pub fn listen(fd: BorrowedFd<'_>, backlog: i32) -> io::Result<()> {
    let socket = socket2::SockRef::from(&fd);
    socket.set_nonblocking(true)?;
    socket.listen(backlog)
}

/// Gives everybody these permissions, and nobody others, to a local socket's file, as libuv does
/// since 1.51.
pub fn chmod_all(path: &Path, readable: bool, writable: bool) -> io::Result<()> {
    let mode = if readable { 0o444 } else { 0 } | if writable { 0o222 } else { 0 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// A descriptor held back for the day when there is no other.
///
/// At EMFILE a listener that cannot accept would stay readable for ever. Giving this one up
/// makes room to accept and close, so that the peer is told, as libuv does.
pub struct Reserve(Option<File>);

impl Reserve {
    pub fn new() -> Self {
        Self(File::open("/dev/null").ok())
    }

    /// Runs `accept_and_close` with one descriptor to spare.
    pub fn spend(&mut self, accept_and_close: impl FnOnce()) {
        self.0 = None;
        accept_and_close();
        self.0 = File::open("/dev/null").ok();
    }
}
