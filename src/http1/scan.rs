//! The head, byte by byte: start line and fields, or the fields of a trailer section.
//!
//! It takes over when httparse did not take a head whole: the head is split, unusual, or wrong. It
//! looks at each byte once however the input is cut. States, errors and error positions are those of
//! llhttp 9.4.3: where a state "peeks", the offending byte is not counted as consumed.

use super::config::Role;
use super::error::ParseError;
use super::field_lines::FieldLines;
use super::head::Fields;
use super::kept::Kept;
use super::meaning::Meaning;
use super::start_line::StartLine;

pub(super) struct Scan {
    in_start_line: bool,
    pub start_line: StartLine,
    field_lines: FieldLines,
    kept: Kept,
}

impl Scan {
    pub(super) fn new(role: Role, max: usize, max_fields: usize) -> Self {
        Self {
            in_start_line: true,
            start_line: StartLine::new(role),
            field_lines: FieldLines::new(),
            kept: Kept::new(max, max_fields),
        }
    }

    /// At the start of a message.
    pub(super) fn begin(&mut self) {
        self.kept.clear();
        self.start_line.begin();
        self.field_lines.begin();
        self.in_start_line = true;
    }

    /// Behind the last chunk.
    pub(super) fn begin_trailers(&mut self) {
        self.kept.clear();
        self.field_lines.begin_trailers();
        self.in_start_line = false;
    }

    /// Target of a request, reason of a response.
    pub(super) fn target(&self) -> &[u8] {
        self.kept.target()
    }

    pub(super) fn fields(&self) -> Fields<'_> {
        self.kept.fields()
    }

    /// Reads on from `p`. Some(position behind the head) when it is complete, None when all
    /// input is used up.
    pub(super) fn run(
        &mut self,
        input: &[u8],
        mut p: usize,
        meaning: &mut Meaning,
    ) -> Result<Option<usize>, ParseError> {
        if self.in_start_line {
            let line = self
                .start_line
                .run(input, p, &mut self.kept, meaning.lenient)?;
            let Some(behind) = line else {
                return Ok(None);
            };
            self.in_start_line = false;
            p = behind;
        }
        self.field_lines.run(input, p, &mut self.kept, meaning)
    }
}
