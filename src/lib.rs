//! Ferrowire: TCP, HTTP/1.1, the fork channel and local pipes for Node.js, in Rust.
//!
//! `engine` drives tokio on Node's loop thread, `net` holds its sockets, `http1` and `ipc` are
//! codecs that know no sockets, `sys` speaks to the operating system, and `binding` is the only
//! part that speaks to JavaScript. The classes that users hold live in `js/`.

#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc)]
// napi-derive registers nothing in test builds, so there nobody calls what JavaScript calls.
#![cfg_attr(test, allow(dead_code, unused_imports))]

#[cfg(unix)]
mod binding;
#[cfg(unix)]
mod engine;
pub mod http1;
pub mod ipc;
#[cfg(unix)]
mod net;
#[cfg(unix)]
mod sys;
#[cfg(not(unix))]
mod undriven;
