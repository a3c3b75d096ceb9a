//! Windows: the calls that neither std, tokio nor socket2 offers in the form the engine needs.
//!
//! A TCP socket is a socket and a local pipe is a handle, so a descriptor is one of two. Numbers of
//! JavaScript's name neither: no descriptor comes from there or goes there.

pub mod codes;

use super::{Kind, errno};
use socket2::SockRef;
use std::ffi::{CStr, OsStr, c_void};
use std::io::{self, IoSlice};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, AsRawSocket, AsSocket, BorrowedHandle, BorrowedSocket};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::time::Duration;
use windows_sys::Win32::Networking::WinSock::{
    POLLRDNORM, POLLWRNORM, SOCKET_ERROR, WSAPOLLFD, WSAPoll,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Pipes::{PeekNamedPipe, WaitNamedPipeW};

/// What a connection is to the operating system.
#[derive(Clone, Copy)]
pub enum Descriptor<'a> {
    Socket(BorrowedSocket<'a>),
    Pipe(BorrowedHandle<'a>),
    /// A pipe that is not open yet.
    Nothing,
}

/// The descriptor of a socket.
pub fn descriptor_of(socket: &impl AsSocket) -> Descriptor<'_> {
    Descriptor::Socket(socket.as_socket())
}

/// None is ever owned apart from its connection.
pub enum OwnedDescriptor {}

fn unsupported() -> io::Error {
    io::ErrorKind::Unsupported.into()
}

pub fn kind(_descriptor: Descriptor<'_>) -> io::Result<Kind> {
    Err(unsupported())
}

pub fn borrow_raw<'a>(_number: i32) -> io::Result<Descriptor<'a>> {
    Err(unsupported())
}

pub fn own_raw(_number: i32) -> io::Result<OwnedDescriptor> {
    Err(unsupported())
}

/// Standard streams are no sockets.
pub fn is_standard(_descriptor: Descriptor<'_>) -> bool {
    false
}

/// No descriptor is taken over here.
pub fn check_unwatched(_descriptor: Descriptor<'_>) -> io::Result<()> {
    Err(unsupported())
}

pub fn leave_open<T>(_socket: T) {}

pub fn listen(_descriptor: Descriptor<'_>, _backlog: i32) -> io::Result<()> {
    Err(unsupported())
}

pub fn duplicate(_descriptor: Descriptor<'_>) -> io::Result<OwnedDescriptor> {
    Err(unsupported())
}

pub fn into_socket(descriptor: OwnedDescriptor) -> socket2::Socket {
    match descriptor {}
}

pub fn into_number(descriptor: OwnedDescriptor) -> i32 {
    match descriptor {}
}

/// Users see -1, as of Node's own handles.
pub fn number(_descriptor: Descriptor<'_>) -> i32 {
    -1
}

/// What the system says to a connect that it goes on with.
pub const CONNECT_UNDER_WAY: i32 = errno::EAGAIN;

/// An address that lingers may be had anyway; the option of that name would let others take this one over, and nobody
/// share it.
pub fn set_reuse(_socket: &socket2::Socket, port: bool) -> io::Result<()> {
    if port {
        return Err(errno::error(errno::ENOTSUP));
    }
    Ok(())
}

/// Sends without blocking; gives the bytes that the system took.
pub fn send(descriptor: Descriptor<'_>, bytes: &[u8]) -> io::Result<usize> {
    SockRef::from(&socket_of(descriptor)?).send(bytes)
}

/// As `send`, for several slices in one call.
pub fn send_vectored(descriptor: Descriptor<'_>, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    SockRef::from(&socket_of(descriptor)?).send_vectored(slices)
}

fn socket_of(descriptor: Descriptor<'_>) -> io::Result<BorrowedSocket<'_>> {
    match descriptor {
        Descriptor::Socket(socket) => Ok(socket),
        _ => Err(unsupported()),
    }
}

pub fn send_with_descriptor(
    _socket: Descriptor<'_>,
    _bytes: &[u8],
    _descriptor: Descriptor<'_>,
) -> io::Result<usize> {
    Err(errno::error(errno::ENOTSUP))
}

pub fn receive(
    _socket: Descriptor<'_>,
    _space: &mut [u8],
    _descriptors: &mut Vec<OwnedDescriptor>,
) -> io::Result<usize> {
    Err(errno::error(errno::ENOTSUP))
}

pub fn is_listening(_descriptor: Descriptor<'_>) -> bool {
    false
}

/// Whether a read, or a write, would not have to wait: there is something, the end or an error. A pipe is always
/// said to take bytes.
pub fn is_ready(descriptor: Descriptor<'_>, to_write: bool) -> bool {
    match descriptor {
        Descriptor::Socket(socket) => poll(socket, to_write, 0).is_ok_and(|ready| ready),
        Descriptor::Pipe(_) if to_write => true,
        Descriptor::Nothing => false,
        Descriptor::Pipe(pipe) => has_bytes(pipe),
    }
}

fn poll(socket: BorrowedSocket<'_>, to_write: bool, milliseconds: i32) -> io::Result<bool> {
    let mut entry = WSAPOLLFD {
        fd: socket.as_raw_socket() as usize,
        events: if to_write { POLLWRNORM } else { POLLRDNORM } as i16,
        revents: 0,
    };
    // SAFETY: one live entry, as the count says.
    match unsafe { WSAPoll(&mut entry, 1, milliseconds) } {
        SOCKET_ERROR => Err(io::Error::last_os_error()),
        ready => Ok(ready > 0),
    }
}

fn has_bytes(pipe: BorrowedHandle<'_>) -> bool {
    let mut available = 0;
    // SAFETY: an open handle and a place for the one result that is wanted.
    let peeked = unsafe {
        PeekNamedPipe(
            pipe.as_raw_handle(),
            ptr::null_mut(),
            0,
            ptr::null_mut(),
            &mut available,
            ptr::null_mut(),
        )
    };
    // It fails when the other end is gone.
    peeked == 0 || available > 0
}

/// Blocks until a socket takes bytes (or is broken); false when the time is over.
pub fn wait_writable(descriptor: Descriptor<'_>, milliseconds: i32) -> io::Result<bool> {
    match descriptor {
        Descriptor::Socket(socket) => poll(socket, true, milliseconds.max(0)),
        Descriptor::Pipe(_) => Ok(true),
        Descriptor::Nothing => Ok(false),
    }
}

/// Blocks until an instance of a named pipe is free, the name is gone, or the time is over.
pub fn wait_for_pipe(name: &OsStr, patience: Duration) {
    let name: Vec<u16> = name.encode_wide().chain([0]).collect();
    let milliseconds = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX - 1);
    // 0 would be the system's own limit. What it was that ended the wait shows when the name is opened.
    // SAFETY: a NUL-terminated name that lives through the call.
    unsafe { WaitNamedPipeW(name.as_ptr(), milliseconds.max(1)) };
}

/// Scopes of addresses are numbers here, in Node too.
pub fn interface_index(_name: &str) -> Option<u32> {
    None
}

pub fn interface_name(_index: u32) -> Option<String> {
    None
}

pub fn link_local_interface() -> Option<u32> {
    None
}

/// Pipes have no file whose permissions could change.
pub fn chmod_all(_path: &Path, _readable: bool, _writable: bool) -> io::Result<()> {
    Err(unsupported())
}

/// A symbol that the running program exports.
pub fn program_symbol(name: &CStr) -> Option<NonNull<c_void>> {
    // SAFETY: the module of the program itself, which is never unloaded, and a NUL-terminated name.
    let symbol = unsafe { GetProcAddress(GetModuleHandleW(ptr::null()), name.as_ptr().cast()) };
    symbol.and_then(|function| NonNull::new(function as *mut c_void))
}

/// Nothing can be watched here.
pub enum Poller {}

impl Poller {
    pub fn new() -> io::Result<Self> {
        Err(unsupported())
    }

    pub fn descriptor(&self) -> i32 {
        match *self {}
    }

    pub fn watch(&self, _descriptor: Descriptor<'_>, _old: u8, _new: u8) -> io::Result<()> {
        match *self {}
    }
}

/// There is no small number of descriptors to run out of.
pub struct Reserve;

impl Reserve {
    pub fn new() -> Self {
        Self
    }

    pub fn spend(&mut self, accept_and_close: impl FnOnce()) {
        accept_and_close();
    }
}
