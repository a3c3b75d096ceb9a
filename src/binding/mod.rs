//! The only Rust that speaks N-API.
//!
//! `host` lends the engine JavaScript's memory and enters its dispatch loop; `calls` holds the
//! calls of the hot path, as raw N-API functions over small ints; `net` holds and `codec` the rest, typed
//! by napi-rs. One `Instance` per environment (main thread, each worker, each load) owns the engine.

mod buffers;
mod calls;
mod codec;
mod host;
mod http;
mod net;
mod respond;
mod text;

use crate::engine::{Engine, uv};
use host::JsHost;
use napi::bindgen_prelude::Object;
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use respond::Heads;
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;

/// What one environment owns. Its address is the data pointer of every raw function.
pub struct Instance {
    engine: Cell<*mut Engine>,
    heads: RefCell<Heads>,
    /// Where JavaScript puts the bytes of `writeSmall`.
    small: Cell<Option<host::Fixed>>,
}

impl Instance {
    /// The engine, once JavaScript has opened it and until the environment ends.
    fn engine(&self) -> Option<&Engine> {
        // SAFETY: set from `Box::into_raw` and reset before the engine is dropped; both happen
        // on this thread.
        unsafe { self.engine.get().as_ref() }
    }
}

#[napi(module_exports)]
pub fn init(mut exports: Object, env: Env) -> napi::Result<()> {
    let instance: &'static Instance = Box::leak(Box::new(Instance {
        engine: Cell::new(ptr::null_mut()),
        heads: RefCell::default(),
        small: Cell::new(None),
    }));
    env.set_instance_data(instance, (), |_| {})?;
    calls::register_fatal_exception(&env, &mut exports)?;
    calls::register(
        &env,
        &mut exports,
        ptr::from_ref(instance).cast_mut().cast(),
    )
}

fn instance(env: &Env) -> napi::Result<&'static Instance> {
    let data = env.get_instance_data::<&'static Instance>()?;
    data.map(|instance| *instance)
        .ok_or_else(|| napi::Error::from_reason("ferrowire is not loaded in this environment"))
}

/// Starts the engine of this environment. `dispatch(count)` is called after each turn with
/// events; `events`, `slab` and `chunks` are the outbox, see engine/outbox.rs. `small` is where `writeSmall` finds its bytes,
/// `watch` a way of watching sockets that is forced on it, see engine/watch.rs.
#[napi(
    ts_args_type = "dispatch: (count: number) => void, events: Int32Array, slab: Uint8Array, chunks: unknown[], small: Uint8Array, watch?: string"
)]
pub fn open(
    env: Env,
    dispatch: napi::Unknown<'_>,
    events: napi::Unknown<'_>,
    slab: napi::Unknown<'_>,
    chunks: napi::Unknown<'_>,
    small: napi::Unknown<'_>,
    watch: Option<String>,
) -> napi::Result<()> {
    let instance = instance(&env)?;
    if instance.engine().is_some() {
        return Err(napi::Error::from_reason("the engine is open already"));
    }
    let host = JsHost::new(
        env.raw(),
        [dispatch.raw(), events.raw(), slab.raw(), chunks.raw()],
    )?;
    let small = host::Fixed::keep(env.raw(), small.raw())
        .ok_or_else(|| napi::Error::from_reason("cannot keep the place of small writes"))?;
    instance.small.set(Some(small));
    let mut raw_loop = ptr::null_mut();
    // SAFETY: a live environment and a place for the result.
    let status = unsafe { sys::napi_get_uv_event_loop(env.raw(), &mut raw_loop) };
    if status != sys::Status::napi_ok {
        return Err(napi::Error::from_reason("this runtime gives no event loop"));
    }
    // SAFETY: Node's loop of this environment, which outlives its cleanup hooks.
    let uv = unsafe { uv::Loop::new(raw_loop.cast()) };
    let engine = uv
        .and_then(|uv| Engine::new(Box::new(host), uv, watch.as_deref()))
        .map_err(|error| napi::Error::from_reason(error.to_string()))?;
    instance.engine.set(Box::into_raw(engine));
    // SAFETY: the instance is leaked, so it outlives the hook; the remove handle is not needed.
    unsafe {
        sys::napi_add_async_cleanup_hook(
            env.raw(),
            Some(close_engine),
            ptr::from_ref(instance).cast_mut().cast(),
            ptr::null_mut(),
        );
    }
    Ok(())
}

/// The environment ends: closes the libuv handles, then lets Node go on.
unsafe extern "C" fn close_engine(hook: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: registered with the leaked instance as its data.
    let instance = unsafe { &*data.cast::<Instance>() };
    let engine = instance.engine.replace(ptr::null_mut());
    instance.heads.take();
    let done = move || {
        // SAFETY: the handle that this hook was called with, removed once.
        unsafe { sys::napi_remove_async_cleanup_hook(hook) };
    };
    if engine.is_null() {
        done();
    } else {
        // SAFETY: made by `Box::into_raw` in `open`, and reset above, so nobody uses it any more.
        unsafe { uv::Loop::close(engine, Box::new(done)) };
    }
}
