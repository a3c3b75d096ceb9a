//! Whole HTTP responses, sent by one call each.

use super::calls::Call;
use super::text::{Encoding, Scratch, with_scratch};
use crate::engine::Engine;
use crate::sys::errno;

/// How a response goes on behind the head that is given; 0 or more is the length of the body, which ends the head. The
/// others are for heads that say how long the body is, or that it comes in chunks: whole ones, and ones without their end.
const WHOLE: i32 = -1;
const WHOLE_CHUNKED: i32 = -2;
const OPEN: i32 = -3;
const OPEN_CHUNKED: i32 = -4;

/// Heads by the number that JavaScript gave them.
#[derive(Default)]
pub struct Heads(Vec<Vec<u8>>);

/// More than JavaScript numbers.
const HEADS_MAX: usize = 64;

impl Heads {
    fn get(&self, number: i32) -> Option<&[u8]> {
        let head = self.0.get(usize::try_from(number).ok()?)?;
        (!head.is_empty()).then_some(head)
    }

    fn keep(&mut self, number: i32, bytes: &[u8]) -> bool {
        let Ok(index) = usize::try_from(number) else {
            return false;
        };
        if index >= HEADS_MAX || !bytes.is_ascii() {
            return false;
        }
        if index >= self.0.len() {
            self.0.resize_with(index + 1, Vec::new);
        }
        self.0[index].clear();
        self.0[index].extend_from_slice(bytes);
        true
    }
}

/// `keepHead(number, text)`: keeps the head for `respond`; 1, or 0 when it is not ASCII.
pub fn keep_head(_: &Engine, call: &Call<'_, 2>) -> i32 {
    with_scratch(|out| {
        let text = out.push_text(call.env, call.args[1], Encoding::Utf8);
        let mut heads = call.instance.heads.borrow_mut();
        i32::from(text && heads.keep(call.int(0), out.bytes()))
    })
}

/// `respond(id, head, framing, body)`: sends a response at once; `head` is a text or the number of a kept one. Node sends
/// head and text in one `write`, so there the head is UTF-8 too.
pub fn write_response(engine: &Engine, call: &Call<'_, 4>) -> i32 {
    let [_, _, _, text] = call.args;
    let framing = call.int(2);
    let chunked = matches!(framing, WHOLE_CHUNKED | OPEN_CHUNKED);
    with_scratch(|out| {
        let bytes = call.bytes(3);
        let encoding = match bytes {
            None if !chunked => Encoding::Utf8,
            _ => Encoding::Latin1,
        };
        if !push_head(call, encoding, out) {
            return -errno::EINVAL;
        }
        match framing {
            OPEN => out.push(b"\r\n"),
            OPEN_CHUNKED => out.push(b"Transfer-Encoding: chunked\r\n\r\n"),
            WHOLE | WHOLE_CHUNKED => {}
            length => {
                out.push(b"Content-Length: ");
                out.push_number(usize::try_from(length).unwrap_or(0));
                out.push(b"\r\n\r\n");
            }
        }
        let start = out.bytes().len();
        match bytes {
            Some(bytes) => out.push(bytes),
            None if !out.push_text(call.env, text, Encoding::Utf8) => return -errno::EINVAL,
            None => {}
        }
        if chunked {
            out.enchunk(start);
        }
        engine.write(call.int(0), out.bytes())
    })
}

fn push_head(call: &Call<'_, 4>, encoding: Encoding, out: &mut Scratch) -> bool {
    let Some(number) = call.number(1) else {
        return out.push_text(call.env, call.args[1], encoding);
    };
    let heads = call.instance.heads.borrow();
    heads.get(number).map(|head| out.push(head)).is_some()
}
