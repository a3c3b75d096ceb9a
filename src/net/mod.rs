//! The sockets that the engine drives: tokio streams and listeners for TCP and local pipes.
//!
//! `stream` and `listener` hide which of the two a connection is, `address` and `options` speak of endpoints and socket
//! options in JavaScript's terms, `local` wraps what a system has for local pipes, `readiness` says who may change what
//! tokio knows. Nothing here knows the engine, JavaScript or libuv.

#![forbid(unsafe_code)]

pub mod address;
pub mod listener;
pub mod local;
pub mod options;
mod readiness;
pub mod stream;

pub use address::Address;
pub use listener::Listener;
pub use readiness::{readiness_is_shared, share_readiness};
pub use stream::Stream;
