//! What `scan` keeps of a head: target or reason, names and values, in one buffer that is used again,
//! and never the bytes between. So its memory is bounded by the head's limits, which are held here.

use super::error::{ErrorKind, ParseError};
use super::head::{Fields, Span};

/// Text kept beyond this is given back once the message is over.
const KEEP_TEXT: usize = 64 * 1024;

pub(super) fn fail<T>(kind: ErrorKind, at: usize) -> Result<T, ParseError> {
    Err(ParseError::new(kind, at))
}

pub(super) struct Kept {
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
}

impl Kept {
    pub(super) fn new(max: usize, max_fields: usize) -> Self {
        Self {
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
        }
    }

    pub(super) fn clear(&mut self) {
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
    pub(super) fn keep(&mut self, piece: &[u8], at: usize) -> Result<(), ParseError> {
        self.text.extend_from_slice(piece);
        self.count(piece.len(), at)
    }

    pub(super) fn count(&mut self, bytes: usize, at: usize) -> Result<(), ParseError> {
        self.counted += bytes;
        if self.counted >= self.max {
            return fail(ErrorKind::HeadOverflow, at);
        }
        Ok(())
    }

    /// As `keep`, for the last piece of target or reason.
    pub(super) fn keep_line(&mut self, piece: &[u8], at: usize) -> Result<(), ParseError> {
        self.keep(piece, at)?;
        self.line = self.text.len();
        Ok(())
    }

    /// As `keep`, for a piece of a name. Node refuses one field too many where it sees its name.
    pub(super) fn keep_name(&mut self, piece: &[u8], at: usize) -> Result<(), ParseError> {
        self.keep(piece, at)?;
        if self.spans.len() >= self.max_fields {
            return fail(ErrorKind::HeadOverflow, at);
        }
        Ok(())
    }

    /// A field's name begins.
    pub(super) fn open_field(&mut self) {
        self.open.start = self.text.len() as u32;
    }

    /// What is kept of the name that is being read.
    pub(super) fn open_name(&self) -> &[u8] {
        &self.text[self.open.start as usize..]
    }

    /// The name is complete, its value comes.
    pub(super) fn open_value(&mut self) {
        self.open.value = self.text.len() as u32;
    }

    /// A field is complete; blanks at its end are not part of it.
    pub(super) fn close_field(&mut self) {
        let value = &self.text[self.open.value as usize..];
        let blanks = value.iter().rev().take_while(|c| matches!(c, b' ' | b'\t'));
        self.open.end = (self.text.len() - blanks.count()) as u32;
        self.spans.push(self.open);
    }
}
