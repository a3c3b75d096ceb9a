//! The field lines of a head or of a trailer section, byte by byte.
//!
//! The second half of `scan`, with its rules: resumable at every byte, errors and error positions of
//! llhttp 9.4.3. One state machine; the values that frame a message go through `meaning` on the way.

use super::config::Lenient;
use super::error::{ErrorKind, ParseError};
use super::kept::{Kept, fail};
use super::meaning::{Fed, Meaning, Refusal, Special};
use super::url::{self, TOKEN, VALUE};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
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

pub(super) struct FieldLines {
    state: State,
}

impl FieldLines {
    pub(super) fn new() -> Self {
        Self {
            state: State::FirstField,
        }
    }

    /// Behind a start line, where llhttp has an error of its own for a blank.
    pub(super) fn begin(&mut self) {
        self.state = State::FirstField;
    }

    /// Behind the last chunk.
    pub(super) fn begin_trailers(&mut self) {
        self.state = State::Field;
    }

    /// Reads on from `p`. Some(position behind the empty line) when the section is complete, None
    /// when all input is used up.
    pub(super) fn run(
        &mut self,
        input: &[u8],
        mut p: usize,
        kept: &mut Kept,
        meaning: &mut Meaning,
    ) -> Result<Option<usize>, ParseError> {
        let lenient = meaning.lenient;
        // Start of the piece of name or value that is being read.
        let mut mark = p;
        while p < input.len() {
            let c = input[p];
            match self.state {
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
                        kept.open_field();
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
                        kept.keep_name(&input[mark..p], p + 1)?;
                        self.end_name(kept, meaning, p + 1)?;
                    } else if c == b' ' && name_is_special(kept.open_name(), &input[mark..p]) {
                        if !lenient.has(Lenient::HEADERS) {
                            kept.keep_name(&input[mark..p], p + 1)?;
                            return fail(ErrorKind::FieldCharacter, p + 1);
                        }
                        self.state = State::NameSpaces;
                    } else {
                        return fail(ErrorKind::FieldToken, p);
                    }
                }
                State::NameSpaces if c == b' ' => {}
                State::NameSpaces if c == b':' => {
                    kept.keep_name(&input[mark..p], p + 1)?;
                    self.end_name(kept, meaning, p + 1)?;
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
                        self.begin_value(kept, meaning, p)?;
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
                    kept.close_field();
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
                    Err(refusal) => return Err(refused(kept, refusal, mark)),
                },
                State::Value => {
                    let next = url::skip(input, p, VALUE);
                    if next > p {
                        p = next;
                        continue;
                    }
                    self.end_value(&input[mark..p], c, p, kept, lenient)?;
                }
                State::LenientValue => match memchr::memchr2(b'\r', b'\n', &input[p..]) {
                    None => p = input.len() - 1,
                    Some(offset) => {
                        p += offset;
                        let cr = input[p] == b'\r';
                        kept.keep(&input[mark..p], p + usize::from(cr))?;
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
                    self.begin_value(kept, meaning, p)?;
                    continue;
                }
                State::ValueFold => {
                    meaning.end();
                    kept.close_field();
                    self.state = State::Field;
                    continue;
                }
                State::HeadLf if c == b'\n' => return Ok(Some(p + 1)),
                State::HeadLf if lenient.has(Lenient::OPTIONAL_LF_AFTER_CR) => return Ok(Some(p)),
                State::HeadLf => return fail(ErrorKind::HeadLf, p),
            }
            p += 1;
        }
        match self.state {
            State::Name | State::NameSpaces => kept.keep_name(&input[mark..], input.len())?,
            State::Special | State::Value | State::LenientValue => {
                kept.keep(&input[mark..], input.len())?;
            }
            _ => {}
        }
        Ok(None)
    }

    fn end_name(
        &mut self,
        kept: &mut Kept,
        meaning: &mut Meaning,
        at: usize,
    ) -> Result<(), ParseError> {
        let name = kept.open_name().trim_ascii_end();
        meaning
            .name(Special::of(name))
            .or_else(|kind| fail(kind, at))?;
        kept.open_value();
        self.state = State::Blanks;
        Ok(())
    }

    fn begin_value(
        &mut self,
        kept: &mut Kept,
        meaning: &mut Meaning,
        p: usize,
    ) -> Result<(), ParseError> {
        if let Err(refusal) = meaning.value(p) {
            return Err(refused(kept, refusal, p));
        }
        self.state = State::Special;
        Ok(())
    }

    /// A byte that no value may hold is at `p`, behind `piece` of a value.
    fn end_value(
        &mut self,
        piece: &[u8],
        c: u8,
        p: usize,
        kept: &mut Kept,
        lenient: Lenient,
    ) -> Result<(), ParseError> {
        match c {
            b'\r' => {
                kept.keep(piece, p + 1)?;
                self.state = State::ValueLf;
            }
            b'\n' => {
                kept.keep(piece, p)?;
                if !lenient.has(Lenient::OPTIONAL_CR_BEFORE_LF) {
                    return fail(ErrorKind::ValueCr, p);
                }
                self.state = State::ValueFold;
            }
            _ if lenient.has(Lenient::HEADERS) => self.state = State::LenientValue,
            // llhttp 9.4.3 never returns from a NUL in this mode; refusing it is our choice.
            c if lenient.has(Lenient::HEADER_VALUE_RELAXED) && c != 0 => {}
            _ => {
                kept.keep(piece, p)?;
                return fail(ErrorKind::ValueCharacter, p);
            }
        }
        Ok(())
    }
}

/// Whether the name of which `kept` and then `piece` was read has a meaning of its own.
fn name_is_special(kept: &[u8], piece: &[u8]) -> bool {
    if kept.is_empty() {
        return Special::of(piece).is_some();
    }
    Special::of(&[kept, piece].concat()).is_some()
}

fn refused(kept: &mut Kept, refusal: Refusal, mark: usize) -> ParseError {
    if let Some(end) = refusal.value_end
        && let Err(overflow) = kept.count(end - mark, refusal.at)
    {
        return overflow;
    }
    ParseError::new(refusal.kind, refusal.at)
}
