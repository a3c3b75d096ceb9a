//! HTTP messages as records: what the parser tells of a connection.

use super::outbox::Writer;
use super::records::{
    ENDED, FLUSHED, HAS_BODY, HAS_EXPECT, HAS_HOST, IS_KEPT_ALIVE, IS_UPGRADE, Kind, REPEATS_ALL,
    REPEATS_FIELDS, UNTIL_CLOSE,
};
use crate::http1::{self, Repeats};

/// Where a head record has its `info`.
const INFO: usize = 4;
/// Node's parser hands this many fields to JavaScript before the head is complete.
const FLUSHED_AT: usize = 32;

pub struct HttpEvents<'a, 'w> {
    pub id: i32,
    /// They come from a client.
    pub requests: bool,
    /// The stream has ended, and with it the message.
    pub closing: bool,
    pub bytes: &'a [u8],
    pub offset: usize,
    pub writer: &'a mut Writer<'w>,
}

/// Writes `first\nname\nvalue\nname\nvalue`. No parser, however lenient, has an LF in one of them; a
/// lenient one lets a NUL through.
fn write_fields(
    writer: &mut Writer<'_>,
    first: Option<&[u8]>,
    fields: http1::Fields<'_>,
) -> (i32, i32) {
    const LF: &[u8] = b"\n";
    let pairs = fields.flat_map(|(name, value)| [LF, name, LF, value]);
    match first {
        Some(first) => writer.write(std::iter::once(first).chain(pairs)),
        // Without a first part the text begins with a name.
        None => writer.write(pairs.skip(1)),
    }
}

/// A head record's `info`.
pub fn info(head: &http1::Head<'_>) -> i32 {
    use http1::Framing;
    let has = |wanted: &[u8]| {
        let mut names = head.fields.clone().map(|(name, _)| name);
        names.any(|name| name.eq_ignore_ascii_case(wanted))
    };
    let has_body = !matches!(head.framing, Framing::None | Framing::Length(0));
    let mut info = i32::from(head.minor) | i32::from(head.major) << 8;
    for (bit, set) in [
        (IS_KEPT_ALIVE, head.keep_alive),
        (IS_UPGRADE, head.upgrade),
        (HAS_BODY, has_body),
        (UNTIL_CLOSE, matches!(head.framing, Framing::UntilClose)),
        (HAS_HOST, has(b"host")),
        (HAS_EXPECT, has(b"expect")),
        (FLUSHED, head.fields.len() >= FLUSHED_AT),
        (REPEATS_FIELDS, head.repeats != Repeats::Nothing),
        (REPEATS_ALL, head.repeats == Repeats::All),
    ] {
        info |= i32::from(set) * bit;
    }
    info
}

impl http1::Events for HttpEvents<'_, '_> {
    fn head(&mut self, head: &http1::Head<'_>) {
        let (at, len) = match head.repeats {
            Repeats::Nothing => write_fields(self.writer, Some(head.target), head.fields.clone()),
            Repeats::Fields => self.writer.place(self.bytes, self.offset, head.target),
            Repeats::All => (0, 0),
        };
        let record = [at, len, info(head), i32::from(head.code)];
        self.writer.push(Kind::Head, self.id, record);
    }

    fn body(&mut self, chunk: &[u8]) {
        let (at, len) = self.writer.place(self.bytes, self.offset, chunk);
        self.writer.push(Kind::Body, self.id, [at, len, 0, 0]);
    }

    fn end(&mut self, trailers: http1::Fields<'_>) {
        // A request that is only a head is told in one record.
        let whole = self.requests && trailers.is_empty() && !self.closing;
        if whole && self.writer.amend(Kind::Head, self.id, INFO, ENDED) {
            return;
        }
        let (at, len) = write_fields(self.writer, None, trailers);
        let closing = i32::from(self.closing);
        self.writer
            .push(Kind::MessageEnd, self.id, [at, len, closing, 0]);
    }
}
