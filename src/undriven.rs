//! Systems for which the engine has no driver yet: loading succeeds, opening explains.
//!
//! libuv cannot watch readiness where there is none (Windows), so a driver there runs the codecs
//! on a thread of its own and fills the same outbox. Until it exists the addon says so at once,
//! instead of falling back to the built-in transports.

use napi_derive::napi;

/// Starts the engine of this environment; always fails here.
#[napi]
pub fn open() -> napi::Result<()> {
    Err(napi::Error::from_reason(format!(
        "ferrowire has no driver for {} yet; it runs on Linux",
        std::env::consts::OS
    )))
}
