//! `json`: a message is everything up to the next newline.
//!
//! JSON escapes a newline inside a string, so the byte 0x0A ends a message wherever it stands, and
//! UTF-8 never uses it inside a character: the search needs to know neither. What the line holds is
//! the reader's business, an empty or unreadable one included; the lines after it are unharmed.

use memchr::memchr;

use super::{TooLong, recycle};

pub(super) fn feed(
    partial: &mut Vec<u8>,
    max_frame: usize,
    input: &[u8],
    mut on_frame: impl FnMut(&[u8]),
) -> Result<(), TooLong> {
    let mut rest = input;
    // Only the new bytes are searched: what `partial` holds is known to be without a newline.
    if !partial.is_empty() {
        let end = memchr(b'\n', rest);
        let piece = &rest[..end.unwrap_or(rest.len())];
        if partial.len() + piece.len() > max_frame {
            return Err(TooLong);
        }
        partial.extend_from_slice(piece);
        let Some(end) = end else {
            return Ok(());
        };
        on_frame(partial);
        recycle(partial);
        rest = &rest[end + 1..];
    }
    while let Some(end) = memchr(b'\n', rest) {
        if end > max_frame {
            return Err(TooLong);
        }
        on_frame(&rest[..end]);
        rest = &rest[end + 1..];
    }
    if rest.len() > max_frame {
        return Err(TooLong);
    }
    partial.extend_from_slice(rest);
    Ok(())
}
