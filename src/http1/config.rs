//! What the owner of a parser chooses: which messages it reads, its limits, what it lets through.

/// Which kind of messages a connection receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Request,
    Response,
}

/// What is let through although the RFC forbids it; the bits of Node's `HTTPParser.kLenient*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lenient(u16);

impl Lenient {
    pub const NONE: Lenient = Lenient(0);
    pub const HEADERS: Lenient = Lenient(1);
    pub const CHUNKED_LENGTH: Lenient = Lenient(1 << 1);
    pub const KEEP_ALIVE: Lenient = Lenient(1 << 2);
    pub const TRANSFER_ENCODING: Lenient = Lenient(1 << 3);
    pub const VERSION: Lenient = Lenient(1 << 4);
    pub const DATA_AFTER_CLOSE: Lenient = Lenient(1 << 5);
    pub const OPTIONAL_LF_AFTER_CR: Lenient = Lenient(1 << 6);
    pub const OPTIONAL_CRLF_AFTER_CHUNK: Lenient = Lenient(1 << 7);
    pub const OPTIONAL_CR_BEFORE_LF: Lenient = Lenient(1 << 8);
    pub const SPACES_AFTER_CHUNK_SIZE: Lenient = Lenient(1 << 9);
    pub const HEADER_VALUE_RELAXED: Lenient = Lenient(1 << 10);
    /// Node's `insecureHTTPParser`.
    pub const ALL: Lenient = Lenient((1 << 10) - 1);

    /// From the number Node's JavaScript computes; bits it does not know are dropped.
    pub fn from_bits(bits: u32) -> Self {
        Self((bits & 0x7ff) as u16)
    }

    pub(super) fn has(self, flag: Lenient) -> bool {
        self.0 & flag.0 != 0
    }
}

/// Limits and leniency of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Limit for the bytes of target, names and values of one head or trailer section. Like
    /// Node's `maxHeaderSize` it does not count what is between them.
    pub max_head: usize,
    /// Limit for the fields of one head or trailer section, Node's `maxHeadersCount`.
    pub max_fields: usize,
    /// Limit for the bytes of extensions in one chunk's line.
    pub max_chunk_extensions: usize,
    /// The flags that Node's JavaScript gives to its parser; `Lenient::ALL` for its `insecureHTTPParser`.
    pub lenient_flags: Lenient,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_head: 16 * 1024,
            max_fields: 1000,
            max_chunk_extensions: 16 * 1024,
            lenient_flags: Lenient::NONE,
        }
    }
}
