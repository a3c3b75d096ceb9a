//! The chunked coding (RFC 9112, 7.1), resumable at every byte.
//!
//! Sizes and extensions are read here, data is handed on as sub-slices of the input; the trailer
//! section is a matter of `scan`. Extensions are checked, counted and dropped, as Node does.

use super::config::Lenient;
use super::error::{ErrorKind, ParseError};
use super::url::{self, QUOTED, TOKEN, VALUE};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FirstDigit,
    Digits,
    SizeEnd,
    SizeLf,
    Extension,
    Name,
    Value,
    Quoted,
    Pair,
    QuotedEnd,
    Data,
    DataEnd,
    DataLf,
}

/// What `Chunked::run` came to.
pub(super) enum Decoded<'a> {
    /// All input is used up.
    More,
    /// A piece of the body, and where it ends.
    Data(&'a [u8], usize),
    /// The last chunk was read; trailers start here.
    Last(usize),
}

#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    /// The size being read, then what is left of the chunk.
    left: u64,
    max_extensions: usize,
    /// Bytes of extension names and values in this chunk's line.
    counted: usize,
}

impl Chunked {
    pub(super) fn new(max_extensions: usize) -> Self {
        Self {
            state: State::FirstDigit,
            left: 0,
            max_extensions,
            counted: 0,
        }
    }

    pub(super) fn begin(&mut self) {
        self.state = State::FirstDigit;
        self.left = 0;
        self.counted = 0;
    }

    /// How many of the next bytes are data for certain.
    pub(super) fn ahead(&self) -> u64 {
        match self.state {
            State::Data => self.left,
            _ => 0,
        }
    }

    /// So many of them were taken elsewhere.
    pub(super) fn pass(&mut self, len: u64) {
        self.left -= len;
        if self.left == 0 {
            self.state = State::DataEnd;
        }
    }

    fn count(&mut self, bytes: usize, at: usize) -> Result<(), ParseError> {
        self.counted += bytes;
        if self.counted > self.max_extensions {
            return Err(ParseError::new(ErrorKind::ExtensionOverflow, at));
        }
        Ok(())
    }

    pub(super) fn run<'a>(
        &mut self,
        input: &'a [u8],
        mut p: usize,
        lenient: Lenient,
    ) -> Result<Decoded<'a>, ParseError> {
        let fail = |kind, at| Err(ParseError::new(kind, at));
        let lf_alone = lenient.has(Lenient::OPTIONAL_CR_BEFORE_LF);
        // Start of the extension name or value being read.
        let mut mark = p;
        while p < input.len() {
            let c = input[p];
            match self.state {
                State::FirstDigit | State::Digits => match (hex(c), self.state) {
                    (Some(digit), _) => {
                        if self.left >> 60 != 0 {
                            return fail(ErrorKind::ChunkOverflow, p + 1);
                        }
                        self.left = self.left << 4 | u64::from(digit);
                        self.state = State::Digits;
                    }
                    (None, State::FirstDigit) => return fail(ErrorKind::ChunkSize, p),
                    (None, _) => {
                        self.state = State::SizeEnd;
                        continue;
                    }
                },
                State::SizeEnd => match c {
                    b'\r' => self.state = State::SizeLf,
                    b';' => self.state = State::Extension,
                    b' ' | b'\t' if lenient.has(Lenient::SPACES_AFTER_CHUNK_SIZE) => {}
                    b' ' | b'\t' => return fail(ErrorKind::ChunkSize, p + 1),
                    b'\n' if lf_alone => self.state = State::SizeLf,
                    b'\n' => return fail(ErrorKind::ChunkSizeCr, p + 1),
                    _ => return fail(ErrorKind::ChunkSize, p),
                },
                State::SizeLf => {
                    let lf = c == b'\n';
                    if !lf && !lenient.has(Lenient::OPTIONAL_LF_AFTER_CR) {
                        return fail(ErrorKind::ChunkSizeLf, p);
                    }
                    p += usize::from(lf);
                    self.counted = 0;
                    if self.left == 0 {
                        return Ok(Decoded::Last(p));
                    }
                    self.state = State::Data;
                    continue;
                }
                State::Extension => {
                    if matches!(c, b' ' | b'\r') {
                        return fail(ErrorKind::ExtensionStart, p + 1);
                    }
                    mark = p;
                    self.state = State::Name;
                    continue;
                }
                State::Name => {
                    p = url::skip(input, p, TOKEN);
                    let Some(&c) = input.get(p) else { continue };
                    let cr_missing = c == b'\n';
                    self.count(p - mark, p + usize::from(!cr_missing))?;
                    match c {
                        b'=' => {
                            mark = p + 1;
                            self.state = State::Value;
                        }
                        b';' => self.state = State::Extension,
                        b'\r' => self.state = State::SizeLf,
                        b'\n' if lf_alone => {
                            self.state = State::SizeLf;
                            continue;
                        }
                        b'\n' => return fail(ErrorKind::ExtensionNameCr, p),
                        _ => return fail(ErrorKind::ExtensionName, p + 1),
                    }
                }
                State::Value => {
                    p = url::skip(input, p, TOKEN);
                    let Some(&c) = input.get(p) else { continue };
                    if c == b'"' {
                        self.state = State::Quoted;
                    } else {
                        let cr_missing = c == b'\n';
                        self.count(p - mark, p + usize::from(!cr_missing))?;
                        match c {
                            b';' => self.state = State::Extension,
                            b'\r' => self.state = State::SizeLf,
                            b'\n' if lf_alone => {
                                self.state = State::SizeLf;
                                continue;
                            }
                            b'\n' => return fail(ErrorKind::ExtensionValueCr, p),
                            _ => return fail(ErrorKind::ExtensionValue, p + 1),
                        }
                    }
                }
                State::Quoted => {
                    p = url::skip(input, p, QUOTED);
                    match input.get(p) {
                        None => continue,
                        Some(b'"') => {
                            self.count(p + 1 - mark, p + 1)?;
                            self.state = State::QuotedEnd;
                        }
                        Some(b'\\') => self.state = State::Pair,
                        Some(_) => {
                            self.count(p - mark, p + 1)?;
                            return fail(ErrorKind::ExtensionQuoted, p + 1);
                        }
                    }
                }
                State::Pair if url::is(c, VALUE) => self.state = State::Quoted,
                State::Pair => {
                    self.count(p - mark, p + 1)?;
                    return fail(ErrorKind::ExtensionPair, p + 1);
                }
                State::QuotedEnd => match c {
                    b';' => self.state = State::Extension,
                    b'\r' => self.state = State::SizeLf,
                    b'\n' if lf_alone => {
                        self.state = State::SizeLf;
                        continue;
                    }
                    b'\n' => return fail(ErrorKind::ExtensionValueCr, p),
                    _ => return fail(ErrorKind::ExtensionQuote, p),
                },
                State::Data => {
                    let rest = &input[p..];
                    // A chunk larger than the input is a chunk that fills the rest of it.
                    let take = usize::try_from(self.left).map_or(rest.len(), |n| n.min(rest.len()));
                    self.left -= take as u64;
                    if self.left == 0 {
                        self.state = State::DataEnd;
                    }
                    return Ok(Decoded::Data(&rest[..take], p + take));
                }
                State::DataEnd => match c {
                    b'\r' => self.state = State::DataLf,
                    b'\n' if lf_alone => self.begin(),
                    b'\n' => return fail(ErrorKind::ChunkCr, p + 1),
                    _ if lenient.has(Lenient::OPTIONAL_CRLF_AFTER_CHUNK) => {
                        self.begin();
                        continue;
                    }
                    _ => return fail(ErrorKind::ChunkLf, p),
                },
                State::DataLf if c == b'\n' => self.begin(),
                State::DataLf if lenient.has(Lenient::OPTIONAL_CRLF_AFTER_CHUNK) => {
                    self.begin();
                    continue;
                }
                State::DataLf => return fail(ErrorKind::ChunkLf, p),
            }
            p += 1;
        }
        if matches!(
            self.state,
            State::Name | State::Value | State::Quoted | State::Pair
        ) {
            self.count(input.len() - mark, input.len())?;
        }
        Ok(Decoded::More)
    }
}

fn hex(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}
