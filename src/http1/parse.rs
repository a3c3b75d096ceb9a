//! The driver: cuts a byte stream into messages and reports them.
//!
//! Heads that lie whole in the input take the short way (`whole`); every other one is read by `scan`,
//! which alone decides what is wrong and where. Bodies are passed on as sub-slices. What Node's
//! JavaScript answers from its parser's callbacks (no body after HEAD, a CONNECT response switches)
//! is decided in `plan`, from what the owner announced with `expect` and `allow_upgrade`. One state
//! machine and what its owner may ask of it, hence the length.

use super::chunked::{Chunked, Decoded};
use super::config::{Config, Lenient, Role};
use super::error::{ErrorKind, ParseError};
use super::head::{Fields, Framing, Head, Repeats};
use super::meaning::Meaning;
use super::plan::{Body, Expect, Plan, Policy, Reuse, Upgrades};
use super::repeat::Repeat;
use super::scan::Scan;
use super::whole::Taken;

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
    pub(super) policy: Policy,
    pub(super) max_head: usize,
    pub(super) max_fields: usize,
    /// Whether another message may follow the one being read.
    pub(super) reuse: Reuse,
    pub(super) meaning: Meaning,
    pub(super) repeat: Repeat,
    scan: Scan,
    chunked: Chunked,
}

impl Parser {
    pub fn new(role: Role, config: Config) -> Self {
        let lenient = config.lenient_flags;
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
            repeat: Repeat::default(),
            scan: Scan::new(role, config.max_head, config.max_fields),
            chunked: Chunked::new(config.max_chunk_extensions),
        }
    }

    /// Tell of a head that repeats the one before instead of giving its fields again, or (false) give them always.
    pub fn tell_repeats(&mut self, tell: bool) {
        match tell {
            true => self.repeat.enable(),
            false => self.repeat.disable(),
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

    /// A head that `scan` has completed, `at` being the position behind it. True if the
    /// connection leaves HTTP.
    fn take_scanned(&mut self, at: usize, events: &mut impl Events) -> Result<bool, ParseError> {
        let mut head = Head {
            code: self.scan.start_line.code,
            target: &[],
            major: self.scan.start_line.major,
            minor: self.scan.start_line.minor,
            keep_alive: false,
            upgrade: false,
            framing: Framing::None,
            fields: Fields::parsed(&[]),
            repeats: Repeats::Nothing,
        };
        self.repeat.forget();
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

    /// Goes on after a head. True if the connection leaves HTTP.
    #[inline]
    pub(super) fn follow(&mut self, plan: Plan, events: &mut impl Events) -> bool {
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
