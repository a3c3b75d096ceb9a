//! The request target, as llhttp reads it, and the character classes of HTTP/1.
//!
//! This is not a URL parser: it only refuses what llhttp refuses, at the same byte.

use super::error::ErrorKind;

/// RFC 9110 `tchar`.
pub(super) const TOKEN: u8 = 1;
/// HTAB, SP, VCHAR and obs-text: what a field value may hold.
pub(super) const VALUE: u8 = 1 << 1;
/// What goes on in a path, query or fragment (`?` and `#` depend on the place).
const URL: u8 = 1 << 2;
/// What goes on in the authority part.
const SERVER: u8 = 1 << 3;
/// RFC 9110 `qdtext`.
pub(super) const QUOTED: u8 = 1 << 4;

const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let c = i as u8;
        let word = c.is_ascii_alphanumeric();
        if word || holds(b"!#$%&'*+-.^_`|~", c) {
            table[i] |= TOKEN;
        }
        if c == b'\t' || (c >= b' ' && c != 0x7f) {
            table[i] |= VALUE;
            if c != b'"' && c != b'\\' {
                table[i] |= QUOTED;
            }
        }
        if c > b' ' && c < 0x7f && c != b'?' && c != b'#' {
            table[i] |= URL;
        }
        if word || holds(b"-_.!~*'()%;:&=+$,[]", c) {
            table[i] |= SERVER;
        }
        i += 1;
    }
    table
};

const fn holds(set: &[u8], c: u8) -> bool {
    let mut i = 0;
    while i < set.len() {
        if set[i] == c {
            return true;
        }
        i += 1;
    }
    false
}

#[inline]
pub(super) fn is(c: u8, class: u8) -> bool {
    CLASSES[usize::from(c)] & class != 0
}

/// The first position from `p` on whose byte is not of `class`.
#[inline]
pub(super) fn skip(input: &[u8], mut p: usize, class: u8) -> usize {
    while p < input.len() && is(input[p], class) {
        p += 1;
    }
    p
}

/// Where in a target the next byte falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Start,
    Schema,
    /// After `schema:`, with the number of slashes seen.
    Delimiter(u8),
    Server,
    ServerAt,
    Path,
    Query,
    Fragment,
}

/// What a byte does to a target.
pub(super) enum Step {
    To(Target),
    /// The byte (SP, CR or LF) ends the target.
    End,
    /// Refused; true when the byte counts as consumed.
    Refuse(ErrorKind, bool),
}

impl Target {
    /// A CONNECT request names an authority, all others a path or a URL.
    pub(super) fn first(connect: bool) -> Self {
        if connect {
            Target::Server
        } else {
            Target::Start
        }
    }

    pub(super) fn step(self, c: u8) -> Step {
        use Step::{End, Refuse, To};
        use Target::{Delimiter, Fragment, Path, Query, Schema, Server, ServerAt, Start};
        if matches!(c, b'\t' | b'\x0c') && !matches!(self, Delimiter(1)) {
            return Refuse(ErrorKind::UrlCharacters, true);
        }
        let blank = matches!(c, b' ' | b'\r' | b'\n');
        match self {
            Start | Schema | Delimiter(0) if blank => Refuse(ErrorKind::UrlCharacters, true),
            Start if matches!(c, b'/' | b'*') => To(Path),
            Start if c.is_ascii_alphabetic() => To(Schema),
            Start => Refuse(ErrorKind::UrlStart, false),
            Schema if c.is_ascii_alphabetic() => To(Schema),
            Schema if c == b':' => To(Delimiter(0)),
            Delimiter(0) if c == b'/' => To(Delimiter(1)),
            Delimiter(_) if c == b'/' => To(Server),
            Schema | Delimiter(_) => Refuse(ErrorKind::UrlSchema, false),
            _ if blank => End,
            Server | ServerAt => match c {
                b'/' => To(Path),
                b'?' => To(Query),
                b'@' if self == Server => To(ServerAt),
                b'@' => Refuse(ErrorKind::UrlDoubleAt, true),
                _ if is(c, SERVER) => To(Server),
                _ => Refuse(ErrorKind::UrlServer, false),
            },
            _ if is(c, URL) => To(self),
            Path if c == b'?' => To(Query),
            Path | Query if c == b'#' => To(Fragment),
            Query if c == b'?' => To(Query),
            Fragment if matches!(c, b'?' | b'#') => To(Fragment),
            Path => Refuse(ErrorKind::UrlPath, false),
            Query => Refuse(ErrorKind::UrlQuery, false),
            Fragment => Refuse(ErrorKind::UrlFragment, false),
        }
    }

    /// Skips over bytes that leave the state as it is.
    pub(super) fn run(self, input: &[u8], p: usize) -> usize {
        match self {
            Target::Path | Target::Query | Target::Fragment => skip(input, p, URL),
            _ => p,
        }
    }
}

/// Whether a target that came whole, already free of control bytes, is one that llhttp takes.
pub(super) fn accepts(connect: bool, target: &[u8]) -> bool {
    if !connect && matches!(target.first(), Some(b'/' | b'*')) {
        // After the first slash `?` and `#` only change the state, every other visible ASCII
        // character keeps it: all that can still be wrong is a byte above 0x7f.
        return target.is_ascii();
    }
    let mut state = Target::first(connect);
    for &c in target {
        match state.step(c) {
            Step::To(next) => state = next,
            _ => return false,
        }
    }
    !matches!(state, Target::Start | Target::Schema | Target::Delimiter(_))
}
