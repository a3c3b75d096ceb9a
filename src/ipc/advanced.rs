//! `advanced`: four bytes of length, big endian, then a message of that many bytes.
//!
//! The reassembly buffer holds the length bytes too, so a frame may be cut inside them. Memory is
//! taken as bytes arrive and never on the word of the length: four bytes of garbage cost nothing.

use super::{TooLong, recycle};

/// Bytes in front of each message.
pub(super) const LENGTH_BYTES: usize = 4;

/// A frame's buffer is sized at once up to here; a longer one grows while its bytes come in.
const RESERVE_AT_ONCE: usize = 1024 * 1024;

pub(super) fn feed(
    partial: &mut Vec<u8>,
    max_frame: usize,
    input: &[u8],
    mut on_frame: impl FnMut(&[u8]),
) -> Result<(), TooLong> {
    let mut rest = input;
    if !partial.is_empty() {
        if partial.len() < LENGTH_BYTES {
            let missing = LENGTH_BYTES - partial.len();
            take(partial, &mut rest, missing);
        }
        let Some(length) = length(partial, max_frame)? else {
            return Ok(());
        };
        let missing = LENGTH_BYTES + length - partial.len();
        partial.reserve(missing.min(RESERVE_AT_ONCE));
        if take(partial, &mut rest, missing) < missing {
            return Ok(());
        }
        on_frame(&partial[LENGTH_BYTES..]);
        recycle(partial);
    }
    while let Some(length) = length(rest, max_frame)? {
        let Some(frame) = rest.get(LENGTH_BYTES..LENGTH_BYTES + length) else {
            break;
        };
        on_frame(frame);
        rest = &rest[LENGTH_BYTES + length..];
    }
    partial.extend_from_slice(rest);
    Ok(())
}

/// How many bytes the frame that `partial` begins with still lacks, once its length is known.
pub(super) fn missing(partial: &[u8]) -> Option<usize> {
    let length = length(partial, usize::MAX).ok()??;
    (LENGTH_BYTES + length).checked_sub(partial.len())
}

/// The length of the message that `bytes` begin with, once they hold all of it.
fn length(bytes: &[u8], max_frame: usize) -> Result<Option<usize>, TooLong> {
    let Some(&head) = bytes.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    match usize::try_from(u32::from_be_bytes(head)) {
        Ok(length) if length <= max_frame => Ok(Some(length)),
        _ => Err(TooLong),
    }
}

/// Moves up to `wanted` bytes from `rest` to `partial` and says how many there were.
fn take(partial: &mut Vec<u8>, rest: &mut &[u8], wanted: usize) -> usize {
    let (head, tail) = rest.split_at(wanted.min(rest.len()));
    partial.extend_from_slice(head);
    *rest = tail;
    head.len()
}
