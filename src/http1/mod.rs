//! HTTP/1 as a sans-IO codec: bytes in, events out.
//!
//! `parse` is the driver that callers hold. `whole` takes a head that lies whole in the input by
//! `httparse`, and only when Node's stricter rules hold as well; every other head (split, unusual or
//! wrong) goes through `scan`, a resumable machine that follows llhttp 9.4.3 (Node 24.21) byte by
//! byte: `start_line`, then `field_lines`, which put what they read into `kept`. `config` is what the
//! owner chooses. `meaning` reads the fields that frame a message, `chunked` the chunked coding,
//! `url` the request target; `plan` decides what follows a head, `head` is what an event shows.
//!
//! Invariants: no sockets, no napi, no allocation for a message that arrives in one piece; the
//! events of a byte stream do not depend on how it was cut (body pieces and limits apart).
#![forbid(unsafe_code)]

#[cfg(test)]
mod cases;
mod chunked;
mod config;
mod error;
mod field_lines;
mod head;
mod kept;
mod meaning;
mod parse;
mod plan;
mod repeat;
mod scan;
mod start_line;
#[cfg(test)]
mod tests;
mod url;
mod whole;

pub use config::{Config, Lenient, Role};
pub use error::{ErrorKind, ParseError};
pub use head::{ALL_METHODS, Fields, Framing, Head, METHODS, Repeats};
pub use parse::{Events, Outcome, Parser};
pub use plan::Expect;
