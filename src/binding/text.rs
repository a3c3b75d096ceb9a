//! JavaScript strings on their way out: encoded into memory that is kept from call to call.

use napi::sys;
use std::cell::RefCell;
use std::ptr;

/// What most writes fit in.
const USUAL: usize = 16 * 1024;

/// Beyond this the memory is given back after the call.
const KEPT: usize = 256 * 1024;

#[derive(Clone, Copy)]
pub enum Encoding {
    Latin1,
    Utf8,
}

/// The bytes of one write, put together.
pub struct Scratch {
    memory: Vec<u8>,
    used: usize,
}

thread_local! {
    /// Plain bytes, so nothing runs when the thread ends that could touch the engine.
    static SCRATCH: RefCell<Scratch> = const {
        RefCell::new(Scratch { memory: Vec::new(), used: 0 })
    };
}

/// Runs `act` with empty memory.
pub fn with_scratch(act: impl FnOnce(&mut Scratch) -> i32) -> i32 {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.used = 0;
        scratch.reserve(USUAL);
        let answer = act(scratch);
        if scratch.memory.len() > KEPT {
            scratch.memory.truncate(USUAL);
            scratch.memory.shrink_to_fit();
        }
        answer
    })
}

impl Scratch {
    pub fn bytes(&self) -> &[u8] {
        &self.memory[..self.used]
    }

    fn reserve(&mut self, more: usize) {
        let needed = self.used + more;
        if self.memory.len() < needed {
            self.memory.resize(needed, 0);
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.memory[self.used..][..bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }

    /// Appends a number in decimal.
    pub fn push_number(&mut self, value: usize) {
        let mut digits = Digits::default();
        self.push(digits.write(value, 10));
    }

    /// Makes what is there from `start` on the only chunk of a chunked body (RFC 9112 section 7.1).
    pub fn enchunk(&mut self, start: usize) {
        let len = self.used - start;
        if len > 0 {
            let mut digits = Digits::default();
            let size = digits.write(len, 16);
            let shift = size.len() + 2;
            self.push(&[0; 18][..shift]);
            self.memory.copy_within(start..start + len, start + shift);
            self.memory[start..][..size.len()].copy_from_slice(size);
            self.memory[start + size.len()..][..2].copy_from_slice(b"\r\n");
            self.push(b"\r\n");
        }
        self.push(b"0\r\n\r\n");
    }

    /// Appends a string; false when the value is none.
    pub fn push_text(
        &mut self,
        env: sys::napi_env,
        text: sys::napi_value,
        encoding: Encoding,
    ) -> bool {
        let Some(mut len) = self.fill(env, text, encoding) else {
            return false;
        };
        // A UTF-8 character that did not fit is left out whole, hence the margin of four.
        if len + 5 > self.memory.len() - self.used {
            len = length(env, text, encoding);
            // A terminating zero is written too.
            self.reserve(len + 1);
            if self.fill(env, text, encoding) != Some(len) {
                return false;
            }
        }
        self.used += len;
        true
    }

    /// Encodes as much as there is room for behind what is there.
    fn fill(
        &mut self,
        env: sys::napi_env,
        text: sys::napi_value,
        encoding: Encoding,
    ) -> Option<usize> {
        let room = &mut self.memory[self.used..];
        let mut len = 0;
        // SAFETY: the pointer has room for the length given, a terminating zero included.
        let status =
            unsafe { getter(encoding)(env, text, room.as_mut_ptr().cast(), room.len(), &mut len) };
        (status == sys::Status::napi_ok).then_some(len)
    }
}

/// Room for the digits of a number.
#[derive(Default)]
struct Digits([u8; 20]);

impl Digits {
    fn write(&mut self, mut value: usize, base: usize) -> &[u8] {
        let mut at = self.0.len();
        loop {
            at -= 1;
            self.0[at] = b"0123456789abcdef"[value % base];
            value /= base;
            if value == 0 {
                return &self.0[at..];
            }
        }
    }
}

type Getter = unsafe fn(
    sys::napi_env,
    sys::napi_value,
    *mut std::ffi::c_char,
    usize,
    *mut usize,
) -> sys::napi_status;

fn getter(encoding: Encoding) -> Getter {
    match encoding {
        Encoding::Latin1 => sys::napi_get_value_string_latin1,
        Encoding::Utf8 => sys::napi_get_value_string_utf8,
    }
}

/// Bytes that the whole string takes.
fn length(env: sys::napi_env, text: sys::napi_value, encoding: Encoding) -> usize {
    let mut len = 0;
    // SAFETY: a null pointer asks for the length only.
    unsafe { getter(encoding)(env, text, ptr::null_mut(), 0, &mut len) };
    len
}
