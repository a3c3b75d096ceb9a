//! Ferrowire: TCP, HTTP/1.1, the fork channel and local pipes for Node.js, in Rust.
//!
//! `engine` drives tokio on Node's loop thread, `net` holds its sockets, `http1` and `ipc` are
//! codecs that know no sockets, `sys` speaks to the operating system, and `binding` is the only
//! part that speaks to JavaScript. The classes that users hold live in `js/`.
//!
//! Rust programs use `ipc::Channel` and the codecs, with `default-features = false`.

#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc)]
// napi-derive registers nothing in test builds, so there nobody calls what JavaScript calls.
#![cfg_attr(any(test, not(feature = "addon")), allow(dead_code, unused_imports))]

#[cfg(feature = "addon")]
mod binding;
#[cfg(feature = "addon")]
mod engine;
pub mod http1;
pub mod ipc;
#[cfg(feature = "addon")]
mod net;
#[cfg(any(unix, feature = "addon"))]
mod sys;
