//! The start line, byte by byte: a request line or a status line.
//!
//! The first half of `scan`, with its rules: resumable at every byte, errors and error positions of
//! llhttp 9.4.3. One state machine, whose target has another one (`url`).

use super::config::{Lenient, Role};
use super::error::{ErrorKind, ParseError};
use super::head::{ALL_METHODS, CONNECT, GET, METHODS, OPTIONS, POST, PRI, SOURCE};
use super::kept::{Kept, fail};
use super::url::{Step, Target};

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
}

const PROTOCOLS: [&[u8]; 3] = [b"HTTP", b"RTSP", b"ICE"];
/// What follows `PRI * HTTP/2.0`.
const PREFACE: &[u8] = b"\r\n\r\nSM\r\n\r\n";

pub(super) struct StartLine {
    state: State,
    role: Role,
    /// Index of a request's method, status of a response.
    pub code: u16,
    pub major: u8,
    pub minor: u8,
}

impl StartLine {
    pub(super) fn new(role: Role) -> Self {
        Self {
            state: Self::first(role),
            role,
            code: 0,
            major: 0,
            minor: 0,
        }
    }

    fn first(role: Role) -> State {
        match role {
            Role::Request => State::Method((1 << ALL_METHODS.len()) - 1, 0),
            Role::Response => State::Protocol(u8::MAX, 0),
        }
    }

    /// At the start of a message.
    pub(super) fn begin(&mut self) {
        self.state = Self::first(self.role);
    }

    /// Reads on from `p`. Some(position behind the line) when it is complete, None when all input
    /// is used up.
    pub(super) fn run(
        &mut self,
        input: &[u8],
        mut p: usize,
        kept: &mut Kept,
        lenient: Lenient,
    ) -> Result<Option<usize>, ParseError> {
        // Start of the piece of target or reason that is being read.
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
                            kept.keep_line(&input[mark..p], p)?;
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
                    if !versioned {
                        return Ok(Some(p));
                    }
                    self.state = State::ProtocolSpaces;
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
                State::RequestLf if c == b'\n' => return Ok(Some(p + 1)),
                State::RequestLf if lenient.has(Lenient::OPTIONAL_LF_AFTER_CR) => {
                    return Ok(Some(p));
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
                    b'\n' if lenient.has(Lenient::OPTIONAL_CR_BEFORE_LF) => return Ok(Some(p + 1)),
                    b'\n' => return fail(ErrorKind::StatusEnd, p + 1),
                    _ => return fail(ErrorKind::StatusEnd, p),
                },
                State::Reason => match memchr::memchr2(b'\r', b'\n', &input[p..]) {
                    None => p = input.len() - 1,
                    Some(offset) => {
                        p += offset;
                        kept.keep_line(&input[mark..p], p + 1)?;
                        if input[p] == b'\r' {
                            self.state = State::ReasonLf;
                        } else if lenient.has(Lenient::OPTIONAL_CR_BEFORE_LF) {
                            return Ok(Some(p + 1));
                        } else {
                            return fail(ErrorKind::StatusCr, p + 1);
                        }
                    }
                },
                State::ReasonLf if c == b'\n' => return Ok(Some(p + 1)),
                State::ReasonLf if lenient.has(Lenient::OPTIONAL_LF_AFTER_CR) => {
                    return Ok(Some(p));
                }
                State::ReasonLf => return fail(ErrorKind::LineLf, p),
            }
            p += 1;
        }
        if matches!(self.state, State::Target(_) | State::Reason) {
            kept.keep(&input[mark..], input.len())?;
        }
        Ok(None)
    }

    fn version_is_known(&self, lenient: Lenient) -> bool {
        lenient.has(Lenient::VERSION)
            || matches!((self.major, self.minor), (0, 9) | (1, 0 | 1) | (2, 0))
    }

    fn method_fits(&self, protocol: u8, at: usize) -> Result<(), ParseError> {
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
