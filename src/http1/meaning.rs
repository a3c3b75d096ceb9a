//! The fields that frame a message: Connection, Transfer-Encoding, Content-Length, Upgrade.
//!
//! One reader for both ways a head comes in: `scan` feeds it pieces, `parse` whole values of a
//! head that httparse took. It follows llhttp's states, oddities included (a tab after `chunked`
//! hides it; a trailer may still close the connection), so that both sides of a proxy chain made
//! of Node and of this crate see the same message boundaries. One state machine, hence the length.

use super::config::{Lenient, Role};
use super::error::ErrorKind;
use super::url::{VALUE, is};

/// A field name that means something to the framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    Connection,
    ContentLength,
    TransferEncoding,
    Upgrade,
}

impl Special {
    #[inline]
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        let (known, special) = match name.len() {
            7 => (&b"upgrade"[..], Special::Upgrade),
            10 => (&b"connection"[..], Special::Connection),
            14 => (&b"content-length"[..], Special::ContentLength),
            16 => (&b"proxy-connection"[..], Special::Connection),
            17 => (&b"transfer-encoding"[..], Special::TransferEncoding),
            _ => return None,
        };
        name.eq_ignore_ascii_case(known).then_some(special)
    }
}

/// What the value read last amounts to, as far as is known; llhttp's `header_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    General,
    Field(Special),
    KeepAlive,
    Close,
    Upgrade,
    Chunked,
}

/// Where in a special value the next byte falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing more to find; any allowed byte goes.
    Plain,
    Length,
    LengthBlank,
    /// At the start of a Connection option.
    Option,
    /// In a known option (index into `OPTIONS`), with the number of bytes seen.
    Known(u8, u8),
    OptionBlank,
    OptionToken,
    /// In `chunked`, with the number of bytes seen.
    Coding(u8),
    CodingLast,
    CodingToken,
    CodingBlank,
}

const OPTIONS: [(&[u8], Finding); 3] = [
    (b"close", Finding::Close),
    (b"upgrade", Finding::Upgrade),
    (b"keep-alive", Finding::KeepAlive),
];
const CHUNKED: &[u8] = b"chunked";

/// How far a special value was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// To the end of the input.
    More,
    /// To here, and the rest of it means nothing.
    Plain(usize),
    /// To the byte here, which is not part of the value.
    End(usize),
}

/// A value that must be refused.
pub(super) struct Refusal {
    pub kind: ErrorKind,
    pub at: usize,
    /// The value up to here still counts towards the head's size, and that error comes first.
    pub value_end: Option<usize>,
}

/// The framing of one message, gathered while its head (and its trailers) go by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning {
    role: Role,
    pub lenient: Lenient,
    pub close: bool,
    pub keep_alive: bool,
    pub connection_upgrade: bool,
    pub upgrade: bool,
    pub chunked: bool,
    pub coding: bool,
    pub length: Option<u64>,
    digits: u64,
    finding: Finding,
    place: Place,
}

impl Meaning {
    pub(super) fn new(role: Role, lenient: Lenient) -> Self {
        Self {
            role,
            lenient,
            close: false,
            keep_alive: false,
            connection_upgrade: false,
            upgrade: false,
            chunked: false,
            coding: false,
            length: None,
            digits: 0,
            finding: Finding::General,
            place: Place::Plain,
        }
    }

    /// Forgets the last message.
    #[inline]
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.role, self.lenient);
    }

    /// A field name ended. Refuses Content-Length beside Transfer-Encoding, in either order.
    #[inline]
    pub(super) fn name(&mut self, special: Option<Special>) -> Result<(), ErrorKind> {
        self.finding = special.map_or(Finding::General, Finding::Field);
        if self.lenient.has(Lenient::CHUNKED_LENGTH) {
            return Ok(());
        }
        match special {
            Some(Special::TransferEncoding) if self.length.is_some() => {
                Err(ErrorKind::CodingWithLength)
            }
            Some(Special::ContentLength) if self.coding => Err(ErrorKind::LengthWithCoding),
            _ => Ok(()),
        }
    }

    /// The first byte of a value is at `p`.
    #[inline]
    pub(super) fn value(&mut self, p: usize) -> Result<(), Refusal> {
        self.place = Place::Plain;
        match self.finding {
            Finding::Field(Special::Upgrade) => {
                self.upgrade = true;
                self.finding = Finding::General;
            }
            Finding::Field(Special::TransferEncoding) => {
                if self.chunked && self.forbids_more() {
                    return Err(Refusal {
                        kind: ErrorKind::CodingValue,
                        at: p + 1,
                        value_end: Some(p),
                    });
                }
                self.coding = true;
                self.chunked = false;
                self.place = Place::Coding(0);
            }
            Finding::Field(Special::ContentLength) => {
                if self.length.is_some() {
                    return Err(Refusal {
                        kind: ErrorKind::LengthTwice,
                        at: p,
                        value_end: None,
                    });
                }
                self.digits = 0;
                self.place = Place::Length;
            }
            Finding::Field(Special::Connection) => self.place = Place::Option,
            _ => {}
        }
        Ok(())
    }

    /// In a request nothing may be applied after `chunked` (RFC 9112, 6.1).
    fn forbids_more(&self) -> bool {
        self.role == Role::Request && !self.lenient.has(Lenient::TRANSFER_ENCODING)
    }

    /// The value was empty: no byte of it, not even a blank one, reached `value`.
    pub(super) fn empty(&mut self) -> Result<(), ErrorKind> {
        match self.finding {
            Finding::Field(Special::ContentLength) => Err(ErrorKind::LengthEmpty),
            Finding::Field(Special::TransferEncoding) => Err(ErrorKind::CodingEmpty),
            _ => Ok(()),
        }
    }

    /// The line of the value ended: what was found takes effect.
    #[inline]
    pub(super) fn end(&mut self) {
        match self.finding {
            Finding::General | Finding::Field(_) => return,
            Finding::KeepAlive => self.keep_alive = true,
            Finding::Close => self.close = true,
            Finding::Upgrade => self.connection_upgrade = true,
            Finding::Chunked => {
                self.chunked = true;
                return;
            }
        }
        self.finding = Finding::Field(Special::Connection);
    }

    /// The value goes on in the next line (lenient only): its coding is not the last one.
    pub(super) fn fold(&mut self) {
        if self.finding == Finding::Chunked {
            self.finding = Finding::General;
        }
    }

    /// Reads a special value from `p` on.
    pub(super) fn feed(&mut self, input: &[u8], mut p: usize) -> Result<Fed, Refusal> {
        while p < input.len() {
            let c = input[p];
            let blank = matches!(c, b' ' | b'\t');
            // Each arm either consumes the byte (falls through to `p += 1`) or only moves on.
            match self.place {
                Place::Plain => return Ok(Fed::Plain(p)),
                Place::Length => match c {
                    b'0'..=b'9' => {
                        self.digits = (self.digits.checked_mul(10))
                            .and_then(|n| n.checked_add(u64::from(c - b'0')))
                            .ok_or(Refusal {
                                kind: ErrorKind::LengthOverflow,
                                at: p + 1,
                                value_end: Some(p + 1),
                            })?;
                    }
                    _ => {
                        self.place = Place::LengthBlank;
                        continue;
                    }
                },
                Place::LengthBlank => match c {
                    b' ' | b'\t' => {}
                    b'\r' | b'\n' => {
                        self.length = Some(self.digits);
                        return Ok(Fed::End(p));
                    }
                    _ => {
                        return Err(Refusal {
                            kind: ErrorKind::LengthCharacter,
                            at: p,
                            value_end: Some(p),
                        });
                    }
                },
                Place::Option if blank => {}
                Place::Option => {
                    let lower = c.to_ascii_lowercase();
                    match OPTIONS.iter().position(|(word, _)| word[0] == lower) {
                        Some(option) => self.place = Place::Known(option as u8, 1),
                        None => {
                            self.place = Place::OptionToken;
                            continue;
                        }
                    }
                }
                Place::Known(option, seen) => {
                    let (word, finding) = OPTIONS[usize::from(option)];
                    if word[usize::from(seen)] != c.to_ascii_lowercase() {
                        self.place = Place::OptionToken;
                        continue;
                    }
                    if usize::from(seen) + 1 == word.len() {
                        self.finding = finding;
                        self.place = Place::OptionBlank;
                    } else {
                        self.place = Place::Known(option, seen + 1);
                    }
                }
                Place::OptionBlank => match c {
                    b',' => {
                        self.end();
                        self.place = Place::Option;
                    }
                    b' ' | b'\t' => {}
                    b'\r' | b'\n' => return Ok(Fed::End(p)),
                    _ => {
                        self.finding = Finding::General;
                        self.place = Place::OptionToken;
                        continue;
                    }
                },
                Place::OptionToken if c == b',' => self.place = Place::Option,
                Place::OptionToken if is(c, VALUE) => {}
                Place::OptionToken => return Ok(Fed::End(p)),
                Place::Coding(seen) => {
                    if CHUNKED[usize::from(seen)] != c.to_ascii_lowercase() {
                        self.place = Place::CodingToken;
                        continue;
                    }
                    self.place = if usize::from(seen) + 1 == CHUNKED.len() {
                        Place::CodingLast
                    } else {
                        Place::Coding(seen + 1)
                    };
                }
                Place::CodingLast => match c {
                    b' ' => {}
                    b'\r' | b'\n' => {
                        self.finding = Finding::Chunked;
                        return Ok(Fed::End(p));
                    }
                    b',' if self.forbids_more() => {
                        return Err(Refusal {
                            kind: ErrorKind::CodingValue,
                            at: p + 1,
                            value_end: Some(p),
                        });
                    }
                    _ => {
                        self.place = Place::CodingToken;
                        continue;
                    }
                },
                Place::CodingToken if c == b',' => self.place = Place::CodingBlank,
                Place::CodingToken if is(c, VALUE) => {}
                Place::CodingToken => {
                    self.finding = Finding::General;
                    self.place = Place::Plain;
                    return Ok(Fed::Plain(p));
                }
                Place::CodingBlank if blank => {}
                Place::CodingBlank => {
                    self.place = Place::Coding(0);
                    continue;
                }
            }
            p += 1;
        }
        Ok(Fed::More)
    }
}
