//! Lends the outbox's memory to a turn and enters JavaScript after it.
//!
//! The pointers are taken anew for each turn (25 ns), because user code may detach any
//! ArrayBuffer that it can reach, and dropped at its end. Those of buffers that no user has seen
//! are kept.

use crate::engine::host::{BUFFER_MAX, BUFFERS, FreshBuffers, Handed, Host, Memory};
use crate::sys::memory;
use napi::sys;
use std::cell::Cell;
use std::ptr;

/// Who makes so many buffers for large reads goes on doing so.
const MANY: u32 = 1024;

pub struct JsHost {
    env: sys::napi_env,
    dispatch: sys::napi_ref,
    events: sys::napi_ref,
    slab: sys::napi_ref,
    chunks: sys::napi_ref,
    /// Buffers that the last turn left empty.
    spare: Cell<[Option<Fresh>; BUFFERS]>,
    /// How many were made, up to `MANY`.
    made: Cell<u32>,
    /// Exceptions that escaped the dispatch loop itself; none in a healthy environment.
    broken: Cell<bool>,
}

/// Bytes that JavaScript keeps in one place for as long as the environment lives, and lets nobody else see.
#[derive(Clone, Copy)]
pub struct Fixed {
    data: *const u8,
    len: usize,
}

impl Fixed {
    pub fn keep(env: sys::napi_env, value: sys::napi_value) -> Option<Self> {
        let (mut data, mut len, mut reference) = (ptr::null_mut(), 0, ptr::null_mut());
        // SAFETY: a live environment and value, and places for the results.
        let status = unsafe {
            match sys::napi_create_reference(env, value, 1, &mut reference) {
                sys::Status::napi_ok => sys::napi_get_buffer_info(env, value, &mut data, &mut len),
                status => status,
            }
        };
        (status == sys::Status::napi_ok && !data.is_null()).then_some(Self {
            data: data.cast_const().cast(),
            len,
        })
    }

    /// The first `len` bytes.
    pub fn get(&self, len: usize) -> Option<&[u8]> {
        // SAFETY: the reference keeps them where they are, and no JavaScript runs meanwhile.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }.get(..len)
    }
}

/// A handle scope that closes itself.
pub struct Scope(sys::napi_env, sys::napi_handle_scope);

impl Scope {
    pub fn open(env: sys::napi_env) -> Option<Self> {
        let mut scope = ptr::null_mut();
        // SAFETY: a live environment and a place for the result.
        let status = unsafe { sys::napi_open_handle_scope(env, &mut scope) };
        (status == sys::Status::napi_ok).then_some(Self(env, scope))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // SAFETY: opened by `open` in this environment, and scopes are closed in order.
        unsafe { sys::napi_close_handle_scope(self.0, self.1) };
    }
}

impl JsHost {
    /// Keeps references to `[dispatch, events, slab, chunks]`.
    pub fn new(env: sys::napi_env, values: [sys::napi_value; 4]) -> napi::Result<Self> {
        let reference = |value| {
            let mut reference = ptr::null_mut();
            // SAFETY: a live environment and value, and a place for the result.
            match unsafe { sys::napi_create_reference(env, value, 1, &mut reference) } {
                sys::Status::napi_ok => Ok(reference),
                _ => Err(napi::Error::from_reason("cannot keep a reference")),
            }
        };
        Ok(Self {
            env,
            dispatch: reference(values[0])?,
            events: reference(values[1])?,
            slab: reference(values[2])?,
            chunks: reference(values[3])?,
            spare: Cell::default(),
            made: Cell::new(0),
            broken: Cell::new(false),
        })
    }

    fn value(&self, reference: sys::napi_ref) -> sys::napi_value {
        let mut value = ptr::null_mut();
        // SAFETY: a reference of this environment that is never deleted before it ends.
        unsafe { sys::napi_get_reference_value(self.env, reference, &mut value) };
        value
    }

    fn count(&self, made: u32) {
        let before = self.made.get();
        self.made.set(before.saturating_add(made).min(MANY));
        if before < MANY && self.made.get() == MANY {
            memory::keep_freed();
        }
    }

    /// Pointer and length (in elements) of a typed array; `None` when detached.
    fn memory<T>(&self, reference: sys::napi_ref) -> Option<(*mut T, usize)> {
        let (mut len, mut data) = (0, ptr::null_mut());
        // SAFETY: places for the results wanted, null for the others.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                self.value(reference),
                ptr::null_mut(),
                &mut len,
                &mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        (status == sys::Status::napi_ok && !data.is_null() && len > 0).then_some((data.cast(), len))
    }
}

impl Host for JsHost {
    fn lend(&self, turn: &mut dyn FnMut(Memory<'_>)) {
        let Some(_scope) = Scope::open(self.env) else {
            return;
        };
        let (Some((events, events_len)), Some((slab, slab_len))) = (
            self.memory::<i32>(self.events),
            self.memory::<u8>(self.slab),
        ) else {
            return;
        };
        let spare = self.spare.take();
        let mut buffers = Buffers {
            env: self.env,
            chunks: self.value(self.chunks),
            fresh: spare,
            spare,
            next: 0,
            made: 0,
        };
        turn(Memory {
            // SAFETY: JavaScript's own memory, which no JavaScript touches during the turn.
            events: unsafe { std::slice::from_raw_parts_mut(events, events_len) },
            // SAFETY: as above; a different array, so the two do not overlap.
            slab: unsafe { std::slice::from_raw_parts_mut(slab, slab_len) },
            buffers: &mut buffers,
        });
        self.spare.set(buffers.fresh);
        self.count(buffers.made);
    }

    fn dispatch(&self, events: usize) {
        if self.broken.get() {
            return;
        }
        let Some(_scope) = Scope::open(self.env) else {
            return;
        };
        let (mut count, mut result) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: a live environment, values made in the scope above, places for the results. A
        // null context enters without an async resource, so no user context leaks into events. The
        // receiver is an object of our own: where domains are in use Node asks it for its `domain`,
        // and the global object may have one (the module, in a REPL).
        let status = unsafe {
            sys::napi_create_uint32(self.env, events as u32, &mut count);
            sys::napi_make_callback(
                self.env,
                ptr::null_mut(),
                self.value(self.chunks),
                self.value(self.dispatch),
                1,
                &count,
                &mut result,
            )
        };
        if status == sys::Status::napi_pending_exception {
            self.report();
        } else if status != sys::Status::napi_ok {
            // The environment is being torn down and runs no more JavaScript.
            self.broken.set(true);
        }
    }
}

impl JsHost {
    /// Hands an exception that escaped to Node's uncaught-exception machinery.
    fn report(&self) {
        let mut error = ptr::null_mut();
        // SAFETY: a live environment; the exception is taken out before it is handed on.
        unsafe {
            if sys::napi_get_and_clear_last_exception(self.env, &mut error) == sys::Status::napi_ok
            {
                sys::napi_fatal_exception(self.env, error);
            }
        }
    }
}

/// A buffer that JavaScript's `chunks` array holds under `number`, where nobody but the engine looks
/// before it is handed over.
#[derive(Clone, Copy)]
struct Fresh {
    number: u32,
    data: *mut u8,
    len: usize,
}

/// The buffers of one turn: those that the turns before it left, and those that it makes.
struct Buffers {
    env: sys::napi_env,
    chunks: sys::napi_value,
    fresh: [Option<Fresh>; BUFFERS],
    /// Those that were there when the turn began. Their numbers are taken until JavaScript has seen this turn, which they may
    /// be handed over in; all others are free, for it has seen the one before.
    spare: [Option<Fresh>; BUFFERS],
    next: u32,
    made: u32,
}

impl Buffers {
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
