//! Local pipes: byte streams between processes of one machine, that meet by a name.
//!
//! There are two mechanisms, with the same names for what they offer. On Unix these are unix domain sockets (`unix_socket`
//! makes them, `unix_stream` carries the bytes), beside which stand pipes and FIFOs that somebody else opened (`fifo`); on
//! Windows they are named pipes (`named_pipe` and `named_stream`).

#[cfg(unix)]
mod fifo;
#[cfg(unix)]
mod unix_socket;
#[cfg(unix)]
mod unix_stream;
#[cfg(unix)]
pub use unix_socket::*;
#[cfg(unix)]
pub use unix_stream::LocalStream;

#[cfg(windows)]
mod named_pipe;
#[cfg(windows)]
mod named_stream;
#[cfg(windows)]
pub use named_pipe::*;
#[cfg(windows)]
pub use named_stream::LocalStream;
