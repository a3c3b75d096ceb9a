//! The head, byte by byte: one resumable state machine for start line, fields and trailers.
//!
//! It takes over when httparse did not take a head whole: the head is split, unusual, or wrong. It
//! keeps what the message says (target, names, values) in one reused buffer, never the bytes
//! between, so its memory is bounded by the head limit, and it looks at each byte once however the
//! input is cut. States, errors and error positions are those of llhttp 9.4.3: where a state
//! "peeks", the offending byte is not counted as consumed. One state machine, hence the length.

use super::config::{Lenient, Role};
use super::error::{ErrorKind, ParseError};
use super::head::{ALL_METHODS, CONNECT, Fields, GET, METHODS, OPTIONS, POST, PRI, SOURCE, Span};
use super::meaning::{Fed, Meaning, Refusal, Special};
use super::url::{self, Step, TOKEN, Target, VALUE};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Candidates left (a bit per method) and bytes seen.
    Method(u64, u8),
    MethodSpace,
    TargetSpaces,
    Target(Target),
    /// After the CR of a request line without a version.
    TargetLf,
    /// Right after the target, where llhttp still applies the target's rules to a blank.
    TargetEnd(bool),
    ProtocolSpaces,
    /// Index into `PROTOCOLS` and bytes seen.
    Protocol(u8, u8),
    Slash,
    Major,
    Dot,
    Minor,
    RequestEnd,
    RequestLf,
    Preface(u8),
    StatusSpace,
    Status(u8),
    StatusEnd,
    Reason,
    ReasonLf,
    FirstField,
    Field,
    Name,
    /// After a known name, blanks before the colon (lenient).
    NameSpaces,
    Blanks,
    BlanksLf,
    BlanksFold,
    Special,
    Value,
    LenientValue,
    ValueLf,
    ValueFold,
    HeadLf,
}

const PROTOCOLS: [&[u8]; 3] = [b"HTTP", b"RTSP", b"ICE"];
/// What follows `PRI * HTTP/2.0`.
const PREFACE: &[u8] = b"\r\n\r\nSM\r\n\r\n";

/// Text kept beyond this is given back once the message is over.
const KEEP_TEXT: usize = 64 * 1024;

pub(super) struct Scan {
    state: State,
    role: Role,
    max: usize,
    /// Limit for the fields of one section.
    max_fields: usize,
    /// Bytes of target, names and values so far: what Node counts against `maxHeaderSize`.
    counted: usize,
    /// Target or reason, then names and values.
    text: Vec<u8>,
    line: usize,
    spans: Vec<Span>,
    /// Start of the field being read, and of its value.
    open: Span,
    pub code: u16,
    pub major: u8,
    pub minor: u8,
}

type Failed<T> = Result<T, ParseError>;

fn fail<T>(kind: ErrorKind, at: usize) -> Failed<T> {
    Err(ParseError::new(kind, at))
}

impl Scan {
    pub(super) fn new(role: Role, max: usize, max_fields: usize) -> Self {
        Self {
            state: State::FirstField,
            role,
            // Positions in `text` are u32, and a limit of 0 would refuse the empty head.
            max: max.clamp(1, u32::MAX as usize / 2),
            max_fields,
            counted: 0,
            text: Vec::new(),
            line: 0,
            spans: Vec::new(),
            open: Span {
                start: 0,
                value: 0,
                end: 0,
            },
            code: 0,
            major: 0,
            minor: 0,
        }
    }

    /// At the start of a message.
    pub(super) fn begin(&mut self) {
        self.clear();
        self.state = match self.role {
            Role::Request => State::Method((1 << ALL_METHODS.len()) - 1, 0),
            Role::Response => State::Protocol(u8::MAX, 0),
        };
    }

    /// Behind the last chunk.
    pub(super) fn begin_trailers(&mut self) {
        self.clear();
        self.state = State::Field;
    }

    fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
        self.text.shrink_to(KEEP_TEXT);
        self.spans.shrink_to(KEEP_TEXT / size_of::<Span>());
        self.line = 0;
        self.counted = 0;
    }

    /// Target of a request, reason of a response.
    pub(super) fn target(&self) -> &[u8] {
        &self.text[..self.line]
    }

    pub(super) fn fields(&self) -> Fields<'_> {
        Fields::stored(&self.text, &self.spans)
    }

    /// Moves a piece of target, name or value into the buffer. `at` is where llhttp would be if
    /// that makes the head too long.
    fn keep(&mut self, piece: &[u8], at: usize) -> Failed<()> {
        self.text.extend_from_slice(piece);
        self.count(piece.len(), at)
    }

    fn count(&mut self, bytes: usize, at: usize) -> Failed<()> {
        self.counted += bytes;
        if self.counted >= self.max {
            return fail(ErrorKind::HeadOverflow, at);
        }
        Ok(())
    }

    /// As `keep`, for a piece of a name. Node refuses one field too many where it sees its name.
    fn keep_name(&mut self, piece: &[u8], at: usize) -> Failed<()> {
        self.keep(piece, at)?;
        if self.spans.len() >= self.max_fields {
            return fail(ErrorKind::HeadOverflow, at);
        }
        Ok(())
    }

    fn open_value(&mut self) {
        self.open.value = self.text.len() as u32;
    }

    /// A field is complete; blanks at its end are not part of it.
    fn close_field(&mut self) {
        let value = &self.text[self.open.value as usize..];
        let blanks = value.iter().rev().take_while(|c| matches!(c, b' ' | b'\t'));
        self.open.end = (self.text.len() - blanks.count()) as u32;
        self.spans.push(self.open);
    }

    fn refused(&mut self, refusal: Refusal, mark: usize) -> ParseError {
        if let Some(end) = refusal.value_end
            && let Err(overflow) = self.count(end - mark, refusal.at)
        {
            return overflow;
        }
        ParseError::new(refusal.kind, refusal.at)
    }

    fn version_is_known(&self, lenient: Lenient) -> bool {
        lenient.has(Lenient::VERSION)
            || matches!((self.major, self.minor), (0, 9) | (1, 0 | 1) | (2, 0))
    }

    /// Reads on from `p`. Some(position behind the head) when it is complete, None when all
    /// input is used up.
    pub(super) fn run(
        &mut self,
        input: &[u8],
        mut p: usize,
        meaning: &mut Meaning,
    ) -> Failed<Option<usize>> {
        let lenient = meaning.lenient;
        // Start of the piece of text (target, reason, name or value) that is being read.
        let mut mark = p;
        while p < input.len() {
            let c = input[p];
            match self.state {
                State::Method(candidates, seen) => {
                    let (left, whole) = narrow(candidates, seen, c);
                    if left == 0 {
                        let Some(code) = whole else {
                            return fail(ErrorKind::MethodUnknown, p);
                        };
                        self.code = code;
                        self.state = State::MethodSpace;
                        continue;
                    }
                    self.state = State::Method(left, seen + 1);
                }
                State::MethodSpace if c == b' ' => self.state = State::TargetSpaces,
                State::MethodSpace => return fail(ErrorKind::MethodSpace, p),
                State::TargetSpaces if c == b' ' => {}
                State::TargetSpaces => {
                    mark = p;
                    self.state = State::Target(Target::first(self.code == CONNECT));
                    continue;
                }
                State::Target(target) => {
                    let next = target.run(input, p);
                    if next > p {
                        p = next;
                        continue;
                    }
                    match target.step(c) {
                        Step::To(next) => self.state = State::Target(next),
                        Step::Refuse(kind, consumed) => {
                            return fail(kind, p + usize::from(consumed));
                        }
                        Step::End => {
                            self.keep(&input[mark..p], p)?;
                            self.line = self.text.len();
                            (self.major, self.minor) = (0, 9);
                            self.state = match c {
                                b' ' => State::TargetEnd(true),
                                b'\r' => State::TargetLf,
                                _ => State::TargetEnd(false),
                            };
                        }
                    }
                }
                State::TargetLf if c == b'\n' => self.state = State::TargetEnd(false),
                State::TargetLf => return fail(ErrorKind::UrlCrlf, p),
                State::TargetEnd(_) if matches!(c, b'\t' | b'\x0c') => {
                    return fail(ErrorKind::UrlCharacters, p + 1);
                }
                State::TargetEnd(versioned) => {
                    self.state = if versioned {
                        State::ProtocolSpaces
                    } else {
                        State::FirstField
                    };
                    continue;
                }
                State::ProtocolSpaces if c == b' ' => {}
                State::ProtocolSpaces => {
                    self.state = State::Protocol(u8::MAX, 0);
                    continue;
                }
                State::Protocol(_, 0) => {
                    let known = PROTOCOLS.iter().position(|name| name[0] == c);
                    match known {
                        Some(known) => self.state = State::Protocol(known as u8, 1),
                        None => return fail(ErrorKind::Protocol, p),
                    }
                }
                State::Protocol(known, seen) => {
                    let name = PROTOCOLS[usize::from(known)];
                    if name[usize::from(seen)] != c {
                        return fail(ErrorKind::Protocol, p);
                    }
                    if usize::from(seen) + 1 < name.len() {
                        self.state = State::Protocol(known, seen + 1);
                    } else {
                        self.method_fits(known, p + 1)?;
                        self.state = State::Slash;
                    }
                }
                State::Slash if c == b'/' => self.state = State::Major,
                State::Slash => return fail(ErrorKind::Protocol, p),
                State::Major if c.is_ascii_digit() => {
                    self.major = c - b'0';
                    self.state = State::Dot;
                }
                State::Major => return fail(ErrorKind::VersionMajor, p),
                State::Dot if c == b'.' => self.state = State::Minor,
                State::Dot => return fail(ErrorKind::VersionDot, p),
                State::Minor if c.is_ascii_digit() => {
                    self.minor = c - b'0';
                    if !self.version_is_known(lenient) {
                        return fail(ErrorKind::Version, p + 1);
                    }
                    self.state = match self.role {
                        Role::Response => State::StatusSpace,
                        Role::Request if self.code == PRI => State::Preface(0),
                        Role::Request => State::RequestEnd,
                    };
                }
                State::Minor => return fail(ErrorKind::VersionMinor, p),
                State::RequestEnd => match c {
                    b'\r' => self.state = State::RequestLf,
                    b'\n' if lenient.has(Lenient::OPTIONAL_CR_BEFORE_LF) => {
                        self.state = State::RequestLf;
                    }
                    b'\n' => return fail(ErrorKind::VersionCrlf, p + 1),
                    _ => return fail(ErrorKind::VersionCrlf, p),
                },
                State::RequestLf if c == b'\n' => self.state = State::FirstField,
                State::RequestLf if lenient.has(Lenient::OPTIONAL_LF_AFTER_CR) => {
                    self.state = State::FirstField;
                    continue;
                }
                State::RequestLf => return fail(ErrorKind::VersionLf, p),
                State::Preface(seen) => {
                    if PREFACE[usize::from(seen)] != c {
                        return fail(ErrorKind::Preface, p);
                    }
                    if usize::from(seen) + 1 == PREFACE.len() {
                        return fail(ErrorKind::Http2, p + 1);
                    }
                    self.state = State::Preface(seen + 1);
                }
                State::StatusSpace if c == b' ' => {
                    self.code = 0;
                    self.state = State::Status(0);
                }
                State::StatusSpace => return fail(ErrorKind::VersionSpace, p),
                State::Status(seen) if c.is_ascii_digit() => {
                    self.code = self.code * 10 + u16::from(c - b'0');
                    self.state = match seen {
                        2 => State::StatusEnd,
                        _ => State::Status(seen + 1),
                    };
                }
                State::Status(_) => return fail(ErrorKind::StatusCode, p),
                State::StatusEnd => match c {
                    b' ' => {
                        mark = p + 1;
                        self.state = State::Reason;
                    }
                    b'\r' => self.state = State::ReasonLf,
                    b'\n' if lenient.has(Lenient::OPTIONAL_CR_BEFORE_LF) => {
                        self.state = State::FirstField;
                    }
                    b'\n' => return fail(ErrorKind::StatusEnd, p + 1),
                    _ => return fail(ErrorKind::StatusEnd, p),
                },
                State::Reason => match memchr::memchr2(b'\r', b'\n', &input[p..]) {
                    None => p = input.len() - 1,
                    Some(offset) => {
                        p += offset;
                        self.keep(&input[mark..p], p + 1)?;
                        self.line = self.text.len();
                        if input[p] == b'\r' {
                            self.state = State::ReasonLf;
                        } else if lenient.has(Lenient::OPTIONAL_CR_BEFORE_LF) {
                            self.state = State::FirstField;
                        } else {
                            return fail(ErrorKind::StatusCr, p + 1);
                        }
                    }
                },
                State::ReasonLf if c == b'\n' => self.state = State::FirstField,
                State::ReasonLf if lenient.has(Lenient::OPTIONAL_LF_AFTER_CR) => {
                    self.state = State::FirstField;
                    continue;
                }
                State::ReasonLf => return fail(ErrorKind::LineLf, p),
                State::FirstField => {
                    self.state = State::Field;
                    if c != b' ' {
                        continue;
                    }
                    if !lenient.has(Lenient::HEADERS) {
                        return fail(ErrorKind::LeadingSpace, p + 1);
                    }
                }
                State::Field => match c {
                    b'\r' => self.state = State::HeadLf,
                    b'\n' if lenient.has(Lenient::OPTIONAL_CR_BEFORE_LF) => return Ok(Some(p + 1)),
                    b'\n' => return fail(ErrorKind::FieldCharacter, p + 1),
                    b':' => return fail(ErrorKind::FieldToken, p),
                    _ => {
                        mark = p;
                        self.open.start = self.text.len() as u32;
                        self.state = State::Name;
                        continue;
                    }
                },
                State::Name => {
                    let next = url::skip(input, p, TOKEN);
                    if next > p {
                        p = next;
                        continue;
                    }
                    if c == b':' {
                        self.keep_name(&input[mark..p], p + 1)?;
                        self.end_name(meaning, p + 1)?;
                    } else if c == b' ' && self.name_is_special(&input[mark..p]) {
                        if !lenient.has(Lenient::HEADERS) {
                            self.keep_name(&input[mark..p], p + 1)?;
                            return fail(ErrorKind::FieldCharacter, p + 1);
                        }
                        self.state = State::NameSpaces;
                    } else {
                        return fail(ErrorKind::FieldToken, p);
                    }
                }
                State::NameSpaces if c == b' ' => {}
                State::NameSpaces if c == b':' => {
                    self.keep_name(&input[mark..p], p + 1)?;
                    self.end_name(meaning, p + 1)?;
                }
                State::NameSpaces => {
                    self.state = State::Name;
                    continue;
                }
                State::Blanks => match c {
                    b' ' | b'\t' => {}
                    b'\r' => self.state = State::BlanksLf,
                    b'\n' if lenient.has(Lenient::OPTIONAL_CR_BEFORE_LF) => {
                        self.state = State::BlanksFold;
                    }
                    b'\n' => return fail(ErrorKind::ValueCharacter, p + 1),
                    _ => {
                        mark = p;
                        self.begin_value(meaning, p)?;
                        continue;
                    }
                },
                State::BlanksLf if c == b'\n' => self.state = State::BlanksFold,
                State::BlanksLf if lenient.has(Lenient::HEADERS) => {
                    self.state = State::BlanksFold;
                    continue;
                }
                State::BlanksLf => return fail(ErrorKind::LineLf, p),
                State::BlanksFold if matches!(c, b' ' | b'\t') => {
                    if !lenient.has(Lenient::HEADERS) {
                        return fail(ErrorKind::ValueCharacter, p + 1);
                    }
                    self.state = State::Blanks;
                }
                State::BlanksFold => {
                    meaning.empty().or_else(|kind| fail(kind, p))?;
                    self.close_field();
                    self.state = State::Field;
                    continue;
                }
                State::Special => match meaning.feed(input, p) {
                    Ok(Fed::More) => p = input.len() - 1,
                    Ok(Fed::Plain(next)) => {
                        p = next;
                        self.state = State::Value;
                        continue;
                    }
                    Ok(Fed::End(next)) => {
                        // `Value` ends at this byte too: none that stops `feed` is of its class.
                        p = next;
                        self.state = State::Value;
                        continue;
                    }
                    Err(refusal) => return Err(self.refused(refusal, mark)),
                },
                State::Value => {
                    let next = url::skip(input, p, VALUE);
                    if next > p {
                        p = next;
                        continue;
                    }
                    self.end_value(input, mark, p, lenient)?;
                }
                State::LenientValue => match memchr::memchr2(b'\r', b'\n', &input[p..]) {
                    None => p = input.len() - 1,
                    Some(offset) => {
                        p += offset;
                        let cr = input[p] == b'\r';
                        self.keep(&input[mark..p], p + usize::from(cr))?;
                        self.state = State::ValueLf;
                        if !cr {
                            continue;
                        }
                    }
                },
                State::ValueLf if c == b'\n' => self.state = State::ValueFold,
                State::ValueLf => return fail(ErrorKind::ValueLf, p),
                State::ValueFold if matches!(c, b' ' | b'\t') => {
                    if !lenient.has(Lenient::HEADERS) {
                        return fail(ErrorKind::Fold, p);
                    }
                    meaning.fold();
                    mark = p;
                    self.begin_value(meaning, p)?;
                    continue;
                }
                State::ValueFold => {
                    meaning.end();
                    self.close_field();
                    self.state = State::Field;
                    continue;
                }
                State::HeadLf if c == b'\n' => return Ok(Some(p + 1)),
                State::HeadLf if lenient.has(Lenient::OPTIONAL_LF_AFTER_CR) => return Ok(Some(p)),
                State::HeadLf => return fail(ErrorKind::HeadLf, p),
            }
            p += 1;
        }
        if matches!(self.state, State::Name | State::NameSpaces) {
            self.keep_name(&input[mark..], input.len())?;
        } else if self.is_in_text() {
            self.keep(&input[mark..], input.len())?;
        }
        Ok(None)
    }

    fn is_in_text(&self) -> bool {
        matches!(
            self.state,
            State::Target(_) | State::Reason | State::Special | State::Value | State::LenientValue
        )
    }

    fn method_fits(&self, protocol: u8, at: usize) -> Failed<()> {
        if self.role == Role::Response {
            return Ok(());
        }
        let (fits, kind) = match protocol {
            0 => (
                usize::from(self.code) <= METHODS.len(),
                ErrorKind::MethodNotHttp,
            ),
            1 => (
                self.code > PRI || matches!(self.code, GET | POST | OPTIONS),
                ErrorKind::MethodNotRtsp,
            ),
            _ => (self.code == SOURCE, ErrorKind::MethodNotIce),
        };
        if fits { Ok(()) } else { fail(kind, at) }
    }

    /// Whether the name read so far, of which `piece` is the last part, has a meaning of its own.
    fn name_is_special(&self, piece: &[u8]) -> bool {
        let kept = &self.text[self.open.start as usize..];
        if kept.is_empty() {
            return Special::of(piece).is_some();
        }
        Special::of(&[kept, piece].concat()).is_some()
    }

    fn end_name(&mut self, meaning: &mut Meaning, at: usize) -> Failed<()> {
        let name = self.text[self.open.start as usize..].trim_ascii_end();
        meaning
            .name(Special::of(name))
            .or_else(|kind| fail(kind, at))?;
        self.open_value();
        self.state = State::Blanks;
        Ok(())
    }

    fn begin_value(&mut self, meaning: &mut Meaning, p: usize) -> Failed<()> {
        if let Err(refusal) = meaning.value(p) {
            return Err(self.refused(refusal, p));
        }
        self.state = State::Special;
        Ok(())
    }

    /// A byte that no value may hold is at `p`.
    fn end_value(&mut self, input: &[u8], mark: usize, p: usize, lenient: Lenient) -> Failed<()> {
        match input[p] {
            b'\r' => {
                self.keep(&input[mark..p], p + 1)?;
                self.state = State::ValueLf;
            }
            b'\n' => {
                self.keep(&input[mark..p], p)?;
                if !lenient.has(Lenient::OPTIONAL_CR_BEFORE_LF) {
                    return fail(ErrorKind::ValueCr, p);
                }
                self.state = State::ValueFold;
            }
            _ if lenient.has(Lenient::HEADERS) => self.state = State::LenientValue,
            // llhttp 9.4.3 never returns from a NUL in this mode; refusing it is our choice.
            c if lenient.has(Lenient::HEADER_VALUE_RELAXED) && c != 0 => {}
            _ => {
                self.keep(&input[mark..p], p)?;
                return fail(ErrorKind::ValueCharacter, p);
            }
        }
        Ok(())
    }
}

/// The methods that still fit when `c` follows `seen` bytes, and the one that ended before it.
fn narrow(candidates: u64, seen: u8, c: u8) -> (u64, Option<u16>) {
    let (mut left, mut whole) = (0, None);
    let mut rest = candidates;
    while rest != 0 {
        let code = rest.trailing_zeros();
        rest &= rest - 1;
        match ALL_METHODS[code as usize].as_bytes().get(usize::from(seen)) {
            None => whole = Some(code as u16),
            Some(&expected) if expected == c => left |= 1 << code,
            Some(_) => {}
        }
    }
    (left, whole)
}
