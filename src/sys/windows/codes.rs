//! libuv's numbers on Windows (`uv/errno.h`), less their sign, and the system's errors that they stand for
//! (`uv_translate_sys_error`).
//!
//! An error of our own making carries libuv's number as if it were the system's: the two do not overlap where it matters.

use windows_sys::Win32::Foundation as sys;
use windows_sys::Win32::Networking::WinSock as wsa;

macro_rules! codes {
    ($($name:ident = $number:literal <- $($os:path),* $(,)?;)*) => {
        $(pub const $name: i32 = $number;)*

        /// The number of an error of the system.
        pub fn code_of(os: i32) -> i32 {
            if (OURS_FROM..=OURS_TO).contains(&os) {
                return os;
            }
            $($(if os == $os as i32 { return $name; })*)*
            UNKNOWN
        }
    };
}

const OURS_FROM: i32 = 4028;
const OURS_TO: i32 = 4095;
const UNKNOWN: i32 = 4094;

codes! {
    EACCES = 4092 <- wsa::WSAEACCES, sys::ERROR_NOACCESS, sys::ERROR_ELEVATION_REQUIRED;
    EADDRINUSE = 4091 <- wsa::WSAEADDRINUSE, sys::ERROR_ADDRESS_ALREADY_ASSOCIATED;
    EADDRNOTAVAIL = 4090 <- wsa::WSAEADDRNOTAVAIL;
    EAFNOSUPPORT = 4089 <- wsa::WSAEAFNOSUPPORT;
    EAGAIN = 4088 <- wsa::WSAEWOULDBLOCK;
    EALREADY = 4084 <- wsa::WSAEALREADY;
    EBADF = 4083 <- sys::ERROR_INVALID_FLAGS, sys::ERROR_INVALID_HANDLE;
    EBUSY = 4082 <- sys::ERROR_LOCK_VIOLATION, sys::ERROR_PIPE_BUSY, sys::ERROR_SHARING_VIOLATION;
    ECANCELED = 4081 <- sys::ERROR_OPERATION_ABORTED, wsa::WSAEINTR;
    ECONNABORTED = 4079 <- sys::ERROR_CONNECTION_ABORTED, wsa::WSAECONNABORTED;
    ECONNREFUSED = 4078 <- sys::ERROR_CONNECTION_REFUSED, wsa::WSAECONNREFUSED;
    ECONNRESET = 4077 <- sys::ERROR_NETNAME_DELETED, wsa::WSAECONNRESET;
    EEXIST = 4075 <- sys::ERROR_ALREADY_EXISTS, sys::ERROR_FILE_EXISTS;
    EFAULT = 4074 <- wsa::WSAEFAULT;
    EHOSTUNREACH = 4073 <- sys::ERROR_HOST_UNREACHABLE, wsa::WSAEHOSTUNREACH;
    EINTR = 4072 <-;
    EINVAL = 4071 <- sys::ERROR_INSUFFICIENT_BUFFER, sys::ERROR_INVALID_DATA, sys::ERROR_INVALID_PARAMETER,
        wsa::WSAEINVAL, wsa::WSAEPFNOSUPPORT;
    EIO = 4070 <- sys::ERROR_CRC, sys::ERROR_GEN_FAILURE, sys::ERROR_IO_DEVICE;
    EISCONN = 4069 <- wsa::WSAEISCONN;
    EMFILE = 4066 <- wsa::WSAEMFILE, sys::ERROR_TOO_MANY_OPEN_FILES;
    EMSGSIZE = 4065 <- wsa::WSAEMSGSIZE;
    ENAMETOOLONG = 4064 <- sys::ERROR_FILENAME_EXCED_RANGE;
    ENETUNREACH = 4062 <- sys::ERROR_NETWORK_UNREACHABLE, wsa::WSAENETUNREACH;
    ENFILE = 4061 <-;
    ENOBUFS = 4060 <- wsa::WSAENOBUFS;
    ENOENT = 4058 <- sys::ERROR_BAD_PATHNAME, sys::ERROR_FILE_NOT_FOUND, sys::ERROR_INVALID_NAME,
        sys::ERROR_PATH_NOT_FOUND, sys::ERROR_INVALID_DRIVE;
    ENOMEM = 4057 <- sys::ERROR_NOT_ENOUGH_MEMORY, sys::ERROR_OUTOFMEMORY;
    ENOTCONN = 4053 <- sys::ERROR_NOT_CONNECTED, wsa::WSAENOTCONN;
    ENOTSOCK = 4050 <- wsa::WSAENOTSOCK;
    ENOTSUP = 4049 <- sys::ERROR_NOT_SUPPORTED, wsa::WSAEOPNOTSUPP;
    EPERM = 4048 <- sys::ERROR_ACCESS_DENIED, sys::ERROR_PRIVILEGE_NOT_HELD;
    EPIPE = 4047 <- sys::ERROR_BAD_PIPE, sys::ERROR_NO_DATA, sys::ERROR_PIPE_NOT_CONNECTED, sys::ERROR_BROKEN_PIPE,
        wsa::WSAESHUTDOWN;
    EPROTO = 4046 <-;
    EPROTONOSUPPORT = 4045 <- wsa::WSAEPROTONOSUPPORT;
    ETIMEDOUT = 4039 <- sys::ERROR_SEM_TIMEOUT, wsa::WSAETIMEDOUT;
}
