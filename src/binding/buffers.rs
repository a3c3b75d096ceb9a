//! Buffers for large reads. JavaScript's `chunks` array keeps them; those that no user has seen are used again.

use crate::engine::host::{BUFFER_MAX, BUFFERS, FreshBuffers, Handed};
use napi::sys;
use std::ptr;

/// A buffer that JavaScript's `chunks` array holds under `number`, where nobody but the engine looks
/// before it is handed over.
#[derive(Clone, Copy)]
pub struct Fresh {
    number: u32,
    data: *mut u8,
    len: usize,
}

/// The buffers of one turn: those that the turns before it left, and those that it makes.
pub struct Buffers {
    env: sys::napi_env,
    chunks: sys::napi_value,
    /// Afterwards, what the turn has left.
    pub fresh: [Option<Fresh>; BUFFERS],
    /// Those that were there when the turn began. Their numbers are taken until JavaScript has seen this turn, which they may
    /// be handed over in; all others are free, for it has seen the one before.
    spare: [Option<Fresh>; BUFFERS],
    next: u32,
    pub made: u32,
}

impl Buffers {
    /// `chunks` is a live array of the open scope of `env`.
    pub fn new(
        env: sys::napi_env,
        chunks: sys::napi_value,
        spare: [Option<Fresh>; BUFFERS],
    ) -> Self {
        Self {
            env,
            chunks,
            fresh: spare,
            spare,
            next: 0,
            made: 0,
        }
    }

    /// The buffer that JavaScript has left under `number`: it makes one of the same length when it takes one, in less time than
    /// it takes from here.
    fn left(&self, number: u32, len: usize) -> Option<Fresh> {
        let (mut data, mut found, mut value) = (ptr::null_mut(), 0, ptr::null_mut());
        // SAFETY: a live environment with an open scope, an array of it, places for the results.
        let status = unsafe {
            match sys::napi_get_element(self.env, self.chunks, number, &mut value) {
                sys::Status::napi_ok => {
                    sys::napi_get_buffer_info(self.env, value, &mut data, &mut found)
                }
                status => status,
            }
        };
        let fits = status == sys::Status::napi_ok && found == len && !data.is_null();
        fits.then_some(Fresh {
            number,
            data: data.cast(),
            len,
        })
    }

    fn make(&self, number: u32, len: usize) -> Option<Fresh> {
        let (mut data, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: a live environment with an open scope, an array of it, places for the results.
        let status = unsafe {
            match sys::napi_create_buffer(self.env, len, &mut data, &mut value) {
                sys::Status::napi_ok => sys::napi_set_element(self.env, self.chunks, number, value),
                status => status,
            }
        };
        (status == sys::Status::napi_ok && !data.is_null()).then_some(Fresh {
            number,
            data: data.cast(),
            len,
        })
    }

    fn free_number(&mut self) -> u32 {
        while self
            .spare
            .iter()
            .flatten()
            .any(|spare| spare.number == self.next)
        {
            self.next += 1;
        }
        self.next += 1;
        self.next - 1
    }

    /// Has a buffer of `len` bytes at place `at`, one made earlier if there is such a one.
    fn place(&mut self, at: usize, len: usize) -> Option<()> {
        let has = |fresh: &Option<Fresh>| fresh.is_some_and(|fresh| fresh.len == len);
        let rest = &mut self.fresh[at..];
        let found = rest.iter().position(has);
        // Without room one of another length is replaced.
        let room = found.or_else(|| rest.iter().position(Option::is_none));
        rest.swap(0, room.unwrap_or(0));
        if found.is_none() {
            let number = match self.fresh[at] {
                Some(replaced) => replaced.number,
                None => self.free_number(),
            };
            let left = self.left(number, len);
            self.fresh[at] = Some(left.or_else(|| self.make(number, len))?);
            self.made += 1;
        }
        Some(())
    }
}

impl FreshBuffers for Buffers {
    fn fresh(&mut self, len: usize) -> Option<[&mut [u8]; BUFFERS]> {
        let mut slices: [&mut [u8]; BUFFERS] = Default::default();
        let mut left = len;
        for (at, slice) in slices.iter_mut().enumerate() {
            let part = left.min(BUFFER_MAX);
            if part == 0 {
                break;
            }
            self.place(at, part)?;
            let Fresh { data, len, .. } = self.fresh[at]?;
            // SAFETY: made with this length, and one of its own for each place; `chunks` keeps it
            // alive, and nobody else knows it before it is handed over.
            *slice = unsafe { std::slice::from_raw_parts_mut(data, len) };
            left -= part;
        }
        Some(slices)
    }

    fn hand_over(&mut self, len: usize) -> Handed<'_> {
        match self.fresh[0] {
            Some(fresh) if len >= fresh.len / 2 => {
                self.fresh[0] = None;
                self.fresh.rotate_left(1);
                Handed::Buffer(fresh.number as i32)
            }
            Some(Fresh {
                data, len: size, ..
            }) => {
                // SAFETY: as in `fresh`; the borrow ends before the next read.
                Handed::Bytes(unsafe { std::slice::from_raw_parts(data, len.min(size)) })
            }
            None => Handed::Bytes(&[]),
        }
    }
}
