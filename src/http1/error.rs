//! What can be wrong with bytes that claim to be HTTP/1.
//!
//! Each kind is one pair of code and reason. Users see both (`err.code`, `err.reason` in
//! `'clientError'`), so they are those of the parser inside Node 24.21, llhttp 9.4.3.

macro_rules! kinds {
    ($($name:ident = $code:literal, $reason:literal;)*) => {
        /// One reason to refuse a message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum ErrorKind { $($name),* }

        impl ErrorKind {
            /// Every kind, ordered by `index()`.
            pub const ALL: [ErrorKind; [$($reason),*].len()] = [$(ErrorKind::$name),*];

            /// The code Node puts on the error, `HPE_...`.
            pub fn code(self) -> &'static str {
                match self { $(ErrorKind::$name => concat!("HPE_", $code)),* }
            }

            /// The text that follows `Parse Error: ` in Node's message.
            pub fn reason(self) -> &'static str {
                match self { $(ErrorKind::$name => $reason),* }
            }
        }
    };
}

kinds! {
    MethodUnknown = "INVALID_METHOD", "Invalid method encountered";
    MethodSpace = "INVALID_METHOD", "Expected space after method";
    UrlCharacters = "INVALID_URL", "Invalid characters in url";
    UrlStart = "INVALID_URL", "Unexpected start char in url";
    UrlSchema = "INVALID_URL", "Unexpected char in url schema";
    UrlServer = "INVALID_URL", "Unexpected char in url server";
    UrlDoubleAt = "INVALID_URL", "Double @ in url";
    UrlPath = "INVALID_URL", "Invalid char in url path";
    UrlQuery = "INVALID_URL", "Invalid char in url query";
    UrlFragment = "INVALID_URL", "Invalid char in url fragment start";
    UrlCrlf = "INVALID_URL", "Expected CRLF";
    Protocol = "INVALID_CONSTANT", "Expected HTTP/, RTSP/ or ICE/";
    MethodNotHttp = "INVALID_CONSTANT", "Invalid method for HTTP/x.x request";
    MethodNotRtsp = "INVALID_CONSTANT", "Invalid method for RTSP/x.x request";
    MethodNotIce = "INVALID_CONSTANT", "Expected SOURCE method for ICE/x.x request";
    VersionMajor = "INVALID_VERSION", "Invalid major version";
    VersionDot = "INVALID_VERSION", "Expected dot";
    VersionMinor = "INVALID_VERSION", "Invalid minor version";
    Version = "INVALID_VERSION", "Invalid HTTP version";
    VersionCrlf = "INVALID_VERSION", "Expected CRLF after version";
    VersionSpace = "INVALID_VERSION", "Expected space after version";
    VersionLf = "STRICT", "Expected CRLF after version";
    Preface = "INVALID_VERSION", "Expected HTTP/2 Connection Preface";
    Http2 = "PAUSED_H2_UPGRADE", "Pause on PRI/Upgrade";
    StatusCode = "INVALID_STATUS", "Invalid status code";
    StatusEnd = "INVALID_STATUS", "Invalid response status";
    StatusCr = "CR_EXPECTED", "Missing expected CR after response line";
    LineLf = "STRICT", "Expected LF after CR";
    LeadingSpace = "UNEXPECTED_SPACE", "Unexpected space after start line";
    FieldCharacter = "INVALID_HEADER_TOKEN", "Invalid header field char";
    FieldToken = "INVALID_HEADER_TOKEN", "Invalid header token";
    ValueCharacter = "INVALID_HEADER_TOKEN", "Invalid header value char";
    Fold = "INVALID_HEADER_TOKEN", "Unexpected whitespace after header value";
    ValueCr = "CR_EXPECTED", "Missing expected CR after header value";
    ValueLf = "LF_EXPECTED", "Missing expected LF after header value";
    HeadLf = "STRICT", "Expected LF after headers";
    HeadOverflow = "HEADER_OVERFLOW", "Header overflow";
    LengthEmpty = "INVALID_CONTENT_LENGTH", "Empty Content-Length";
    LengthCharacter = "INVALID_CONTENT_LENGTH", "Invalid character in Content-Length";
    LengthOverflow = "INVALID_CONTENT_LENGTH", "Content-Length overflow";
    LengthWithCoding = "INVALID_CONTENT_LENGTH", "Content-Length can't be present with Transfer-Encoding";
    LengthTwice = "UNEXPECTED_CONTENT_LENGTH", "Duplicate Content-Length";
    CodingWithLength = "INVALID_TRANSFER_ENCODING", "Transfer-Encoding can't be present with Content-Length";
    CodingValue = "INVALID_TRANSFER_ENCODING", "Invalid `Transfer-Encoding` header value";
    CodingEmpty = "INVALID_TRANSFER_ENCODING", "Empty Transfer-Encoding";
    CodingNotChunked = "INVALID_TRANSFER_ENCODING", "Request has invalid `Transfer-Encoding`";
    ChunkSize = "INVALID_CHUNK_SIZE", "Invalid character in chunk size";
    ChunkOverflow = "INVALID_CHUNK_SIZE", "Chunk size overflow";
    ChunkSizeCr = "CR_EXPECTED", "Missing expected CR after chunk size";
    ChunkSizeLf = "STRICT", "Expected LF after chunk size";
    ExtensionStart = "STRICT", "Invalid character in chunk extensions";
    ExtensionName = "STRICT", "Invalid character in chunk extensions name";
    ExtensionNameCr = "CR_EXPECTED", "Missing expected CR after chunk extension name";
    ExtensionValue = "STRICT", "Invalid character in chunk extensions value";
    ExtensionValueCr = "CR_EXPECTED", "Missing expected CR after chunk extension value";
    ExtensionQuoted = "STRICT", "Invalid character in chunk extensions quoted value";
    ExtensionPair = "STRICT", "Invalid quoted-pair in chunk extensions quoted value";
    ExtensionQuote = "STRICT", "Invalid character in chunk extensions quote value";
    ExtensionOverflow = "CHUNK_EXTENSIONS_OVERFLOW", "Chunk extensions overflow";
    ChunkCr = "CR_EXPECTED", "Missing expected CR after chunk data";
    ChunkLf = "STRICT", "Expected LF after chunk data";
    AfterClose = "CLOSED_CONNECTION", "Data after `Connection: close`";
    EndOfInput = "INVALID_EOF_STATE", "Invalid EOF state";
}

impl ErrorKind {
    /// The position in [`ErrorKind::ALL`]; what crosses to JavaScript.
    pub fn index(self) -> u8 {
        self as u8
    }
}

/// A refused message. The parser stays refused: it can not know where the next message starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub kind: ErrorKind,
    /// Bytes of this call's input that were taken before the error, Node's `bytesParsed`.
    pub at: usize,
}

impl ParseError {
    pub(super) fn new(kind: ErrorKind, at: usize) -> Self {
        Self { kind, at }
    }
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.code(), self.kind.reason())
    }
}

impl std::error::Error for ParseError {}
