//! What an event shows of a message: its start line, its fields, how its body is delimited.
//!
//! Nothing here owns bytes. A head borrows from the caller's input (whole head) or from the
//! parser's own buffer (split head), and is valid during the event only.

/// Methods by name, in the order of `http.METHODS` in Node 24.
pub const METHODS: [&str; 35] = {
    let mut names = [""; 35];
    let mut i = 0;
    while i < names.len() {
        names[i] = ALL_METHODS[i];
        i += 1;
    }
    names
};

/// What `Head::code` of a request indexes: [`METHODS`], then what llhttp takes with `RTSP/x.x`.
/// `PRI` opens HTTP/2 and is always refused.
pub const ALL_METHODS: [&str; 47] = [
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
    "PRI",
    "DESCRIBE",
    "ANNOUNCE",
    "SETUP",
    "PLAY",
    "PAUSE",
    "TEARDOWN",
    "GET_PARAMETER",
    "SET_PARAMETER",
    "REDIRECT",
    "RECORD",
    "FLUSH",
];

pub(super) const CONNECT: u16 = 3;
pub(super) const GET: u16 = 6;
pub(super) const OPTIONS: u16 = 17;
pub(super) const POST: u16 = 19;
pub(super) const SOURCE: u16 = 28;
pub(super) const PRI: u16 = 35;

/// How the end of a body is known (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// No body follows.
    None,
    Length(u64),
    Chunked,
    /// The body is all that comes until the peer closes.
    UntilClose,
}

/// A parsed start line and its fields.
#[derive(Clone)]
pub struct Head<'a> {
    /// Index into [`ALL_METHODS`] of a request, status of a response.
    pub code: u16,
    /// Request target, or reason phrase.
    pub target: &'a [u8],
    pub major: u8,
    pub minor: u8,
    /// Whether another message may follow, as llhttp sees it when the head ends. For a response
    /// to HEAD without a length this is false, in Node as well.
    pub keep_alive: bool,
    /// The connection leaves HTTP after this message.
    pub upgrade: bool,
    pub framing: Framing,
    /// Empty when they repeat those of the head before.
    pub fields: Fields<'a>,
    pub repeats: Repeats,
}

/// How much of a head is the same as of the one before it on the connection; told to an owner who has asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    #[default]
    Nothing,
    /// The fields.
    Fields,
    /// All of it.
    All,
}

/// Where a field of a stored head lies in the text buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub start: u32,
    pub value: u32,
    pub end: u32,
}

/// Names and values in the order they came; values without surrounding blanks.
#[derive(Clone)]
pub struct Fields<'a>(Source<'a>);

#[derive(Clone)]
enum Source<'a> {
    Parsed(std::slice::Iter<'a, httparse::Header<'a>>),
    Stored(&'a [u8], std::slice::Iter<'a, Span>),
}

impl<'a> Fields<'a> {
    pub(super) fn parsed(headers: &'a [httparse::Header<'a>]) -> Self {
        Self(Source::Parsed(headers.iter()))
    }

    pub(super) fn stored(text: &'a [u8], spans: &'a [Span]) -> Self {
        Self(Source::Stored(text, spans.iter()))
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Source::Parsed(headers) => headers.next().map(|h| (h.name.as_bytes(), h.value)),
            Source::Stored(text, spans) => spans.next().map(|span| {
                let (start, value, end) =
                    (span.start as usize, span.value as usize, span.end as usize);
                (&text[start..value], &text[value..end])
            }),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Source::Parsed(headers) => headers.size_hint(),
            Source::Stored(_, spans) => spans.size_hint(),
        }
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// The index of a method that came whole.
pub(super) fn method_code(name: &[u8]) -> Option<u16> {
    match name {
        b"GET" => Some(GET),
        b"POST" => Some(POST),
        _ => METHODS
            .iter()
            .position(|known| known.as_bytes() == name)
            .map(|index| index as u16),
    }
}
