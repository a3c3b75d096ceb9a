//! Descriptors that travel over a local socket beside the bytes (`SCM_RIGHTS`).
//!
//! A stream gives them to the read that takes the first of the bytes they were sent with, and ends
//! that read there. Every received descriptor is closed on exec and owned from the start, so none
//! leaks, whatever becomes of the message.

use super::unix::{SEND_FLAGS, retry};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// Most descriptors of one read, as many as libuv takes. The kernel closes what finds no room.
const RECEIVE_MAX: usize = 64;
const fn space(descriptors: usize) -> usize {
    // SAFETY: computes a length, touches no memory.
    unsafe { libc::CMSG_SPACE((descriptors * size_of::<RawFd>()) as u32) as usize }
}

/// Room for ancillary data, aligned as its headers want it.
#[repr(C)]
union Control<const N: usize> {
    bytes: MaybeUninit<[u8; N]>,
    _align: [libc::cmsghdr; 0],
}

impl<const N: usize> Control<N> {
    fn new() -> Self {
        Self {
            bytes: MaybeUninit::zeroed(),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const RECEIVE_FLAGS: libc::c_int = libc::MSG_CMSG_CLOEXEC;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const RECEIVE_FLAGS: libc::c_int = 0;

fn message(buffer: &mut libc::iovec, control: *mut libc::c_void, len: usize) -> libc::msghdr {
    // SAFETY: `msghdr` is plain data, for which all zeroes is a valid value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = buffer;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = len as _;
    message
}

/// Sends bytes and, with the first of them, a duplicate of `descriptor`. Gives the bytes that the
/// kernel took; the descriptor is gone as soon as that is one.
pub fn send_with_descriptor(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptor: BorrowedFd<'_>,
) -> io::Result<usize> {
    let mut control = Control::<{ space(1) }>::new();
    let mut buffer = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let message = message(&mut buffer, (&raw mut control).cast(), space(1));
    // SAFETY: the control buffer has room for one header with one descriptor, which is what is
    // written; its address is aligned for the header, the descriptor's may not be.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        ptr::write_unaligned(libc::CMSG_DATA(header).cast(), descriptor.as_raw_fd());
    }
    // SAFETY: everything `message` points to lives through the call.
    retry(|| unsafe { libc::sendmsg(socket.as_raw_fd(), &message, SEND_FLAGS) })
}

/// Reads without blocking, and appends the descriptors that came with the bytes.
pub fn receive(
    socket: BorrowedFd<'_>,
    into: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut control = Control::<{ space(RECEIVE_MAX) }> {
        bytes: MaybeUninit::uninit(),
    };
    let mut buffer = libc::iovec {
        iov_base: into.as_mut_ptr().cast(),
        iov_len: into.len(),
    };
    let mut message = message(&mut buffer, (&raw mut control).cast(), space(RECEIVE_MAX));
    // SAFETY: everything `message` points to lives through the call.
    let len = retry(|| unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, RECEIVE_FLAGS) })?;
    if message.msg_controllen == 0 {
        return Ok(len);
    }
    // SAFETY: the kernel wrote `msg_controllen` bytes of well-formed headers; each descriptor in
    // them was made for this call and belongs to nobody else.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let bytes = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                let data: *const RawFd = libc::CMSG_DATA(header).cast();
                for index in 0..bytes / size_of::<RawFd>() {
                    let fd = OwnedFd::from_raw_fd(ptr::read_unaligned(data.add(index)));
                    #[cfg(not(any(target_os = "linux", target_os = "android")))]
                    libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC);
                    descriptors.push(fd);
                }
            }
            header = libc::CMSG_NXTHDR(&message, header);
        }
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    /// A pipe's reading end, and the writing one to tell it by.
    fn pipe(text: &str) -> OwnedFd {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        reader.into()
    }

    fn content(fd: OwnedFd) -> String {
        let mut text = String::new();
        File::from(fd).read_to_string(&mut text).unwrap();
        text
    }

    fn read(from: &UnixStream, len: usize) -> (Vec<u8>, Vec<OwnedFd>) {
        let (mut bytes, mut fds) = (vec![0; len], Vec::new());
        let len = receive(from.as_fd(), &mut bytes, &mut fds).unwrap();
        bytes.truncate(len);
        (bytes, fds)
    }

    #[test]
    fn a_descriptor_comes_with_the_read_of_its_first_byte() {
        let (mut one, other) = UnixStream::pair().unwrap();
        one.write_all(b"before ").unwrap();
        for text in ["first", "second"] {
            let fd = pipe(text);
            let sent = send_with_descriptor(one.as_fd(), text.as_bytes(), fd.as_fd());
            assert_eq!(sent.unwrap(), text.len());
        }
        let (bytes, mut fds) = read(&other, 8);
        assert_eq!((bytes.as_slice(), fds.len()), (&b"before f"[..], 1));
        assert_eq!(content(fds.remove(0)), "first");
        let (bytes, mut fds) = read(&other, 100);
        assert_eq!((bytes.as_slice(), fds.len()), (&b"irstsecond"[..], 1));
        assert_eq!(content(fds.remove(0)), "second");
        drop(one);
        let (bytes, fds) = read(&other, 100);
        assert!(bytes.is_empty() && fds.is_empty());
    }

    #[test]
    fn a_received_descriptor_is_closed_on_exec() {
        let (one, other) = UnixStream::pair().unwrap();
        let fd = pipe("x");
        send_with_descriptor(one.as_fd(), b"x", fd.as_fd()).unwrap();
        let (_, fds) = read(&other, 10);
        // SAFETY: asks for the flags of an open descriptor.
        let flags = unsafe { libc::fcntl(fds[0].as_raw_fd(), libc::F_GETFD) };
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
    }

    #[test]
    fn an_empty_socket_would_block() {
        let (_one, other) = UnixStream::pair().unwrap();
        other.set_nonblocking(true).unwrap();
        let mut fds = Vec::new();
        let error = receive(other.as_fd(), &mut [0; 10], &mut fds).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
