//! Lends the outbox's memory to a turn and enters JavaScript after it.
//!
//! The pointers are taken anew for each turn (25 ns), because user code may detach any
//! ArrayBuffer that it can reach, and dropped at its end. Those of buffers that no user has seen
//! are kept.

use super::buffers::{Buffers, Fresh};
use crate::engine::host::{BUFFERS, Host, Memory};
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
        let mut buffers = Buffers::new(self.env, self.value(self.chunks), spare);
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
