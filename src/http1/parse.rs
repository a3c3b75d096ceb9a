//! The driver: cuts a byte stream into messages and reports them.
//!
//! Heads that lie whole in the input take the short way through httparse and are checked against
//! llhttp's stricter rules; whatever fails there is read again by `scan`, which alone decides what
//! is wrong and where. Bodies are passed on as sub-slices. What Node's JavaScript answers from its
//! parser's callbacks (no body after HEAD, a CONNECT response switches) is decided in `plan`, from
//! what the owner announced with `expect` and `allow_upgrade`.

use std::mem::MaybeUninit;

use super::chunked::{Chunked, Decoded};
use super::error::{ErrorKind, ParseError};
use super::head::{CONNECT, Fields, Framing, Head, method_code};
use super::meaning::{Fed, Lenient, Meaning, Role, Special};
use super::plan::{Body, Expect, Plan, Policy, Reuse, Upgrades};
use super::scan::Scan;
use super::url;

/// Fields that the short way takes; heads with more go through `scan`. Browsers send about 15.
const SHORT_FIELDS: usize = 64;

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
    /// Node's `insecureHTTPParser`, the same as `lenient_flags: Lenient::ALL`.
    pub lenient: bool,
    /// Finer than `lenient`: the flags that Node's JavaScript gives to its parser.
    pub lenient_flags: Lenient,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_head: 16 * 1024,
            max_fields: 1000,
            max_chunk_extensions: 16 * 1024,
            lenient: false,
            lenient_flags: Lenient::NONE,
        }
    }
}

/// Receives a connection's messages: `head`, any number of `body`, `end`, then the next message.
pub trait Events {
    fn head(&mut self, head: &Head<'_>);
    /// A piece of the body; always a sub-slice of the input, never empty.
    fn body(&mut self, chunk: &[u8]);
    fn end(&mut self, trailers: Fields<'_>);
}

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was taken.
    More,
    /// The connection left HTTP: input from here on belongs to another protocol.
    Upgraded { consumed: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between messages.
    Idle,
    /// In a head that did not come whole.
    Head,
    Length(u64),
    UntilClose,
    Chunked,
    Trailers,
    /// The last message was the last one.
    Closed,
    Upgraded,
    /// Behind a head, until the owner decides whether HTTP goes on and with which body.
    Asked(Body),
    Failed(ErrorKind),
}

/// Reads one direction of one connection.
pub struct Parser {
    state: State,
    policy: Policy,
    max_head: usize,
    max_fields: usize,
    /// Whether another message may follow the one being read.
    reuse: Reuse,
    meaning: Meaning,
    scan: Scan,
    chunked: Chunked,
}

/// How a head came out.
enum Taken {
    /// The message goes on (or ended) here.
    Next(usize),
    Upgraded(usize),
}

impl Parser {
    pub fn new(role: Role, config: Config) -> Self {
        let lenient = if config.lenient {
            Lenient::ALL
        } else {
            config.lenient_flags
        };
        Self {
            state: State::Idle,
            policy: Policy {
                role,
                lenient,
                expect: Expect::Normal,
                upgrades: Upgrades::Ignore,
            },
            max_head: config.max_head,
            max_fields: config.max_fields,
            reuse: Reuse {
                persistent: true,
                bodiless: false,
            },
            meaning: Meaning::new(role, lenient),
            scan: Scan::new(role, config.max_head, config.max_fields),
            chunked: Chunked::new(config.max_chunk_extensions),
        }
    }

    /// Client: what the next final response answers. Holds for one final response; interim ones
    /// (1xx) do not use it up.
    pub fn expect(&mut self, expect: Expect) {
        self.policy.expect = expect;
    }

    /// Server: whether a request with an `Upgrade` field may leave HTTP. If not, it is a plain
    /// request. CONNECT always leaves, as in Node.
    pub fn allow_upgrade(&mut self, allow: bool) {
        self.policy.upgrades = if allow {
            Upgrades::Accept
        } else {
            Upgrades::Ignore
        };
    }

    /// Server: let the owner decide about each request with an `Upgrade` field. `execute` then
    /// returns `Upgraded` behind its head, without an `end`, and takes nothing more until
    /// `accept_upgrade` or `decline_upgrade` was called.
    pub fn ask_upgrade(&mut self) {
        self.policy.upgrades = Upgrades::Ask;
    }

    /// The answer yes: reports the end of the request, and the connection is raw.
    pub fn accept_upgrade(&mut self, events: &mut impl Events) {
        if let State::Asked(_) = self.state {
            self.follow(Plan::Switch, events);
        }
    }

    /// The answer no: the request is a plain one, whose body or successor may be fed next.
    pub fn decline_upgrade(&mut self, events: &mut impl Events) -> Result<(), ParseError> {
        if let State::Asked(body) = self.state {
            if body == Body::Endless {
                self.state = State::Failed(ErrorKind::CodingNotChunked);
                return Err(ParseError::new(ErrorKind::CodingNotChunked, 0));
            }
            self.follow(Plan::Go(body), events);
        }
        Ok(())
    }

    /// A head has begun and is not complete: the slow peer's clock runs.
    pub fn head_started(&self) -> bool {
        self.state == State::Head
    }

    /// Whether what it reads are requests.
    pub fn is_server(&self) -> bool {
        self.policy.role == Role::Request
    }

    /// Between two messages.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle | State::Closed)
    }

    /// How many of the next bytes belong to a body for certain. They need not be shown to
    /// `execute`: an owner who reads them to where they are wanted says so with `pass_body`.
    pub fn body_ahead(&self) -> u64 {
        match self.state {
            State::Length(left) => left,
            State::UntilClose => u64::MAX,
            State::Chunked => self.chunked.ahead(),
            _ => 0,
        }
    }

    /// `len` bytes of the body, no more than `body_ahead`, have gone past the parser. Reports the
    /// end of the message if they were its last.
    pub fn pass_body(&mut self, len: u64, events: &mut impl Events) {
        debug_assert!(len > 0 && len <= self.body_ahead());
        match self.state {
            State::Length(left) if left > len => self.state = State::Length(left - len),
            State::Length(_) => self.complete(events),
            State::Chunked => self.chunked.pass(len),
            _ => {}
        }
    }

    /// Takes the next bytes of the stream. After an error the same error comes again.
    pub fn execute(
        &mut self,
        input: &[u8],
        events: &mut impl Events,
    ) -> Result<Outcome, ParseError> {
        self.run(input, events).inspect_err(|error| {
            self.state = State::Failed(error.kind);
        })
    }

    fn run(&mut self, input: &[u8], events: &mut impl Events) -> Result<Outcome, ParseError> {
        let mut p = 0;
        while p < input.len() {
            match self.state {
                State::Idle => {
                    if matches!(input[p], b'\r' | b'\n') {
                        p += 1;
                        continue;
                    }
                    self.meaning.reset();
                    let taken = match self.take_whole(&input[p..], events) {
                        Some(taken) => taken,
                        None => {
                            self.scan.begin();
                            self.state = State::Head;
                            continue;
                        }
                    };
                    match taken {
                        Taken::Next(used) => p += used,
                        Taken::Upgraded(used) => {
                            return Ok(Outcome::Upgraded { consumed: p + used });
                        }
                    }
                }
                State::Head => {
                    let Some(next) = self.scan.run(input, p, &mut self.meaning)? else {
                        break;
                    };
                    if self.take_scanned(next, events)? {
                        return Ok(Outcome::Upgraded { consumed: next });
                    }
                    p = next;
                }
                State::Length(left) => {
                    let rest = &input[p..];
                    let take = usize::try_from(left).map_or(rest.len(), |n| n.min(rest.len()));
                    events.body(&rest[..take]);
                    p += take;
                    self.state = State::Length(left - take as u64);
                    if left == take as u64 {
                        self.complete(events);
                    }
                }
                State::UntilClose => {
                    events.body(&input[p..]);
                    break;
                }
                State::Chunked => match self.chunked.run(input, p, self.policy.lenient)? {
                    Decoded::More => break,
                    Decoded::Data(data, next) => {
                        events.body(data);
                        p = next;
                    }
                    Decoded::Last(next) => {
                        self.scan.begin_trailers();
                        self.state = State::Trailers;
                        p = next;
                    }
                },
                State::Trailers => {
                    let Some(next) = self.scan.run(input, p, &mut self.meaning)? else {
                        break;
                    };
                    events.end(self.scan.fields());
                    self.next_message();
                    p = next;
                }
                State::Closed => {
                    if self.policy.lenient.has(Lenient::DATA_AFTER_CLOSE) {
                        break;
                    }
                    if !matches!(input[p], b'\r' | b'\n') {
                        return Err(ParseError::new(ErrorKind::AfterClose, p + 1));
                    }
                    p += 1;
                }
                State::Upgraded | State::Asked(_) => {
                    return Ok(Outcome::Upgraded { consumed: p });
                }
                State::Failed(kind) => return Err(ParseError::new(kind, 0)),
            }
        }
        Ok(Outcome::More)
    }

    /// The peer sends no more. An error if a message is cut off by that; the end of a body that
    /// lasts until the peer closes is reported.
    pub fn finish(&mut self, events: &mut impl Events) -> Result<(), ParseError> {
        match self.state {
            State::Idle | State::Closed | State::Upgraded | State::Asked(_) | State::Failed(_) => {
                Ok(())
            }
            State::UntilClose => {
                events.end(Fields::parsed(&[]));
                self.state = State::Closed;
                Ok(())
            }
            _ => {
                self.state = State::Failed(ErrorKind::EndOfInput);
                Err(ParseError::new(ErrorKind::EndOfInput, 0))
            }
        }
    }

    /// A head that lies whole at the start of `input` and that nothing can be said against.
    /// None sends it the long way.
    #[inline]
    fn take_whole(&mut self, input: &[u8], events: &mut impl Events) -> Option<Taken> {
        if self.policy.lenient != Lenient::NONE {
            return None;
        }
        // Not zeroed: httparse fills in as many as there are.
        let mut headers = [const { MaybeUninit::uninit() }; SHORT_FIELDS];
        let parser = httparse::ParserConfig::default();
        let (used, code, minor, target, fields) = match self.policy.role {
            Role::Request => {
                let mut request = httparse::Request::new(&mut []);
                let used = whole(parser.parse_request_with_uninit_headers(
                    &mut request,
                    input,
                    &mut headers,
                ))?;
                let code = method_code(request.method?.as_bytes())?;
                let target = request.path?.as_bytes();
                if !url::accepts(code == CONNECT, target) {
                    return None;
                }
                (used, code, request.version?, target, &*request.headers)
            }
            Role::Response => {
                let mut response = httparse::Response::new(&mut []);
                let used = whole(parser.parse_response_with_uninit_headers(
                    &mut response,
                    input,
                    &mut headers,
                ))?;
                // From the bytes: httparse hides a reason with obs-text, llhttp shows it.
                let line_end = match response.headers.first() {
                    Some(first) => offset(input, first.name.as_bytes()),
                    None => used.checked_sub(2)?,
                };
                let reason = input.get(13..line_end.checked_sub(2)?).unwrap_or(&[]);
                let (code, minor) = (response.code?, response.version?);
                (used, code, minor, reason, &*response.headers)
            }
        };
        if used >= self.max_head || fields.len() > self.max_fields {
            return None;
        }
        if !lines_end_in_crlf(&input[..used], fields) {
            return None;
        }
        if self.read_meaning(input, fields).is_none() {
            self.meaning.reset();
            return None;
        }
        let mut head = Head {
            code,
            target,
            major: 1,
            minor,
            keep_alive: false,
            upgrade: false,
            framing: Framing::None,
            fields: Fields::parsed(fields),
        };
        let (plan, reuse) = self.policy.plan(&self.meaning, &mut head);
        if plan == Plan::Go(Body::Endless) {
            self.meaning.reset();
            return None;
        }
        self.reuse = reuse;
        events.head(&head);
        Some(match self.follow(plan, events) {
            true => Taken::Upgraded(used),
            false => Taken::Next(used),
        })
    }

    /// Finds the framing fields of a head that httparse took.
    #[inline]
    fn read_meaning(&mut self, input: &[u8], fields: &[httparse::Header<'_>]) -> Option<()> {
        for field in fields {
            let Some(special) = Special::of(field.name.as_bytes()) else {
                continue;
            };
            self.meaning.name(Some(special)).ok()?;
            if field.value.is_empty() {
                self.meaning.empty().ok()?;
                continue;
            }
            // Up to the end of the input and not of the value: blanks after a value count in
            // llhttp, and the CR ends it.
            let start = offset(input, field.value);
            self.meaning.value(start).ok()?;
            match self.meaning.feed(input, start).ok()? {
                Fed::More => return None,
                Fed::Plain(_) | Fed::End(_) => self.meaning.end(),
            }
        }
        Some(())
    }

    /// A head that `scan` has completed, `at` being the position behind it. True if the
    /// connection leaves HTTP.
    fn take_scanned(&mut self, at: usize, events: &mut impl Events) -> Result<bool, ParseError> {
        let mut head = Head {
            code: self.scan.code,
            target: &[],
            major: self.scan.major,
            minor: self.scan.minor,
            keep_alive: false,
            upgrade: false,
            framing: Framing::None,
            fields: Fields::parsed(&[]),
        };
        let (plan, reuse) = self.policy.plan(&self.meaning, &mut head);
        self.reuse = reuse;
        events.head(&Head {
            target: self.scan.target(),
            fields: self.scan.fields(),
            ..head
        });
        if plan == Plan::Go(Body::Endless) {
            // Node has told the request by then, so it is told here too.
            return Err(ParseError::new(ErrorKind::CodingNotChunked, at));
        }
        Ok(self.follow(plan, events))
    }

    /// Goes on after a head.
    #[inline]
    fn follow(&mut self, plan: Plan, events: &mut impl Events) -> bool {
        let body = match plan {
            Plan::Switch => {
                events.end(Fields::parsed(&[]));
                self.state = State::Upgraded;
                return true;
            }
            Plan::Ask(body) => {
                self.state = State::Asked(body);
                return true;
            }
            Plan::Go(body) => body,
        };
        match body {
            Body::Framed(Framing::None) => self.complete(events),
            Body::Framed(Framing::Length(length)) => self.state = State::Length(length),
            Body::Framed(Framing::Chunked) => {
                self.chunked.begin();
                self.state = State::Chunked;
            }
            // An endless request was refused by the caller.
            Body::Framed(Framing::UntilClose) | Body::Endless => self.state = State::UntilClose,
        }
        false
    }

    #[inline]
    fn complete(&mut self, events: &mut impl Events) {
        events.end(Fields::parsed(&[]));
        self.next_message();
    }

    #[inline]
    fn next_message(&mut self) {
        let again = self.reuse.keep_alive(self.policy.role, &self.meaning)
            || self.policy.lenient.has(Lenient::KEEP_ALIVE);
        self.state = if again { State::Idle } else { State::Closed };
    }
}

/// A partial head and a refused one are alike here: both are for `scan`.
fn whole(result: httparse::Result<usize>) -> Option<usize> {
    match result {
        Ok(httparse::Status::Complete(used)) => Some(used),
        _ => None,
    }
}

/// Where a sub-slice of the input starts.
fn offset(input: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - input.as_ptr().addr()
}

/// httparse takes a bare LF for a line end, llhttp does not. Only the two bytes before each name
/// and the last four of the head need a look: CR and LF occur nowhere else in what it took.
#[inline]
fn lines_end_in_crlf(head: &[u8], fields: &[httparse::Header<'_>]) -> bool {
    head.ends_with(b"\r\n\r\n")
        && fields.iter().all(|field| {
            let start = offset(head, field.name.as_bytes());
            start >= 2 && head[start - 2] == b'\r'
        })
}
