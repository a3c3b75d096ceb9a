//! The calls of the hot path: raw N-API functions that take and give small ints.
//!
//! Each gets the environment's `Instance` as its data pointer, so a call is one crossing without
//! lookup, allocation or exception. Errors are negative libuv numbers.

use super::Instance;
use super::host::Scope;
use super::respond;
use super::text::{Encoding, with_scratch};
use crate::engine::Engine;
use crate::sys::errno;
use napi::bindgen_prelude::Object;
use napi::{Env, JsValue, sys};
use std::ffi::{CStr, c_void};
use std::io::IoSlice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// Most slices of one vectored write.
const SLICES_MAX: usize = 1024;

/// The arguments of one raw call.
pub struct Call<'a, const N: usize> {
    pub env: sys::napi_env,
    pub instance: &'a Instance,
    pub args: [sys::napi_value; N],
}

impl<const N: usize> Call<'_, N> {
    pub fn int(&self, index: usize) -> i32 {
        let mut value = 0;
        // SAFETY: a live environment and argument; not a number leaves the zero, which no
        // connection has as its id.
        unsafe { sys::napi_get_value_int32(self.env, self.args[index], &mut value) };
        value
    }

    /// `None` for anything but a number.
    pub fn number(&self, index: usize) -> Option<i32> {
        let mut value = 0;
        // SAFETY: as in `int`.
        let status = unsafe { sys::napi_get_value_int32(self.env, self.args[index], &mut value) };
        (status == sys::Status::napi_ok).then_some(value)
    }

    fn bool(&self, index: usize) -> bool {
        let mut value = false;
        // SAFETY: as in `int`.
        unsafe { sys::napi_get_value_bool(self.env, self.args[index], &mut value) };
        value
    }

    pub fn bytes(&self, index: usize) -> Option<&[u8]> {
        view(self.env, self.args[index])
    }
}

/// The bytes of a Buffer or Uint8Array; `None` for anything else.
fn view<'a>(env: sys::napi_env, value: sys::napi_value) -> Option<&'a [u8]> {
    let (mut data, mut len) = (ptr::null_mut(), 0);
    // SAFETY: a live environment and value, and places for the results.
    let status = unsafe { sys::napi_get_buffer_info(env, value, &mut data, &mut len) };
    if status != sys::Status::napi_ok {
        return None;
    }
    if len == 0 || data.is_null() {
        return Some(&[]);
    }
    // SAFETY: the argument keeps the buffer alive for this call, in which no JavaScript runs.
    Some(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// Runs one call. A panic becomes EIO rather than an unwind through C.
unsafe fn run<const N: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    act: impl FnOnce(&Engine, &Call<'_, N>) -> i32,
) -> sys::napi_value {
    let (mut argc, mut data) = (N, ptr::null_mut());
    let mut args = [ptr::null_mut(); N];
    // SAFETY: `args` has room for `argc` values; missing ones are filled with undefined.
    unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &mut argc,
            args.as_mut_ptr(),
            ptr::null_mut(),
            &mut data,
        )
    };
    // SAFETY: `register` gave every function the leaked instance as its data.
    let instance = unsafe { &*data.cast::<Instance>() };
    let call = Call {
        env,
        instance,
        args,
    };
    let answer = match instance.engine() {
        None => -errno::EBADF,
        Some(engine) => {
            catch_unwind(AssertUnwindSafe(|| act(engine, &call))).unwrap_or(-errno::EIO)
        }
    };
    let mut result = ptr::null_mut();
    // SAFETY: a live environment and a place for the result.
    unsafe { sys::napi_create_int32(env, answer, &mut result) };
    result
}

macro_rules! calls {
    ($($name:ident as $js:literal ($count:literal) = $act:expr;)*) => {
        $(unsafe extern "C" fn $name(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
            // SAFETY: called by Node with a live environment and its callback info.
            unsafe { run::<$count>(env, info, $act) }
        })*

        /// Adds the raw functions to the module's exports.
        pub fn register(env: &Env, exports: &mut Object, data: *mut c_void) -> napi::Result<()> {
            $(add(env, exports, $js, $name, data)?;)*
            Ok(())
        }
    };
}

calls! {
    read_start as c"readStart" (1) = |engine, call| engine.read_start(call.int(0));
    read_stop as c"readStop" (1) = |engine, call| engine.read_stop(call.int(0));
    has_pending_read as c"hasPendingRead" (1) = |engine, call| engine.has_pending_read(call.int(0));
    shutdown as c"shutdown" (1) = |engine, call| engine.shutdown(call.int(0));
    close as c"close" (2) = |engine, call| engine.close(call.int(0), call.bool(1));
    set_referenced as c"setReferenced" (2) = |engine, call| {
        engine.set_referenced(call.int(0), call.bool(1))
    };
    write_buffer as c"writeBuffer" (2) = |engine, call| match call.bytes(1) {
        Some(bytes) => engine.write(call.int(0), bytes),
        None => -errno::EINVAL,
    };
    write_part as c"writePart" (3) = |engine, call| {
        let len = usize::try_from(call.int(2)).unwrap_or(usize::MAX);
        match call.bytes(1).and_then(|bytes| bytes.get(..len)) {
            Some(bytes) => engine.write(call.int(0), bytes),
            None => -errno::EINVAL,
        }
    };
    write_small as c"writeSmall" (2) = |engine, call| {
        let len = usize::try_from(call.int(1)).unwrap_or(usize::MAX);
        match call.instance.small.get().as_ref().and_then(|small| small.get(len)) {
            Some(bytes) => engine.write(call.int(0), bytes),
            None => -errno::EINVAL,
        }
    };
    write_latin1 as c"writeLatin1" (2) = |engine, call| write_text(engine, call, Encoding::Latin1);
    write_utf8 as c"writeUtf8" (2) = |engine, call| write_text(engine, call, Encoding::Utf8);
    write_response as c"respond" (4) = respond::write_response;
    keep_head as c"keepHead" (2) = respond::keep_head;
    writev as c"writev" (3) = write_slices;
    await_room as c"awaitRoom" (1) = |engine, call| engine.await_room(call.int(0));
    write_with_descriptor as c"writeWithDescriptor" (3) = |engine, call| match call.bytes(1) {
        Some(bytes) => engine.write_with_descriptor(call.int(0), bytes, call.int(2)),
        None => -errno::EINVAL,
    };
    release as c"release" (1) = |engine, call| engine.release(call.int(0));
    claim_descriptor as c"claimDescriptor" (1) = |engine, call| engine.claim_descriptor(call.int(0));
    drop_unclaimed as c"dropUnclaimed" (2) = |engine, call| {
        engine.drop_unclaimed(call.int(0), usize::try_from(call.int(1)).unwrap_or(0))
    };
}

fn write_text(engine: &Engine, call: &Call<'_, 2>, encoding: Encoding) -> i32 {
    with_scratch(
        |out| match out.push_text(call.env, call.args[1], encoding) {
            true => engine.write(call.int(0), out.bytes()),
            false => -errno::EINVAL,
        },
    )
}

/// `writev(id, buffers, count)`: sends several buffers in one system call.
fn write_slices(engine: &Engine, call: &Call<'_, 3>) -> i32 {
    let Some(_scope) = Scope::open(call.env) else {
        return -errno::ENOMEM;
    };
    let count = usize::try_from(call.int(2)).unwrap_or(0).min(SLICES_MAX);
    let mut slices = Vec::with_capacity(count);
    for index in 0..count {
        let mut value = ptr::null_mut();
        // SAFETY: a live array and a place for the result; out of range gives undefined.
        unsafe { sys::napi_get_element(call.env, call.args[1], index as u32, &mut value) };
        match view(call.env, value) {
            Some(bytes) => slices.push(IoSlice::new(bytes)),
            None => return -errno::EINVAL,
        }
    }
    engine.write_vectored(call.int(0), &slices)
}

/// `fatalException(error)`: what Node does with an exception that nobody caught.
unsafe extern "C" fn fatal_exception(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let (mut argc, mut error) = (1, ptr::null_mut());
    // SAFETY: room for one argument; the exception goes straight back to Node.
    unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &mut argc,
            &mut error,
            ptr::null_mut(),
            ptr::null_mut(),
        );
        sys::napi_fatal_exception(env, error);
    }
    ptr::null_mut()
}

pub fn register_fatal_exception(env: &Env, exports: &mut Object) -> napi::Result<()> {
    add(
        env,
        exports,
        c"fatalException",
        fatal_exception,
        ptr::null_mut(),
    )
}

fn add(
    env: &Env,
    exports: &mut Object,
    name: &CStr,
    function: unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value,
    data: *mut c_void,
) -> napi::Result<()> {
    let mut value = ptr::null_mut();
    // SAFETY: a live environment, a static name and function, and a place for the result.
    let status = unsafe {
        let status = sys::napi_create_function(
            env.raw(),
            name.as_ptr(),
            name.count_bytes() as isize,
            Some(function),
            data,
            &mut value,
        );
        if status == sys::Status::napi_ok {
            sys::napi_set_named_property(env.raw(), exports.raw(), name.as_ptr(), value)
        } else {
            status
        }
    };
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(napi::Error::from_reason("cannot export a native function"))
    }
}
