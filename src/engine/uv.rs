//! The engine's seat on libuv's loop: when turns run, and what keeps the process alive.
//!
//! - a *poll* handle on the watched descriptor runs turns when sockets are ready, or an *async*
//!   handle when the driver's thread sends for one;
//! - a *check* handle runs what a turn has left and libuv will not hear of again;
//! - a *prepare* handle runs one before libuv sleeps, when JavaScript asked for something;
//! - an *idle* handle keeps libuv from sleeping while work is left;
//! - a *closer*, closed again and again, brings the engine into libuv's closing phase, where
//!   Node emits `'close'`.
//!
//! libuv's functions are found in the running program by name and its handles are sized by
//! `uv_handle_size`, so nothing here depends on libuv's struct layouts, and a runtime without
//! libuv gets an error instead of a crash.

use super::Engine;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int, c_void};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

type Handle = *mut c_void;
type CloseCallback = unsafe extern "C" fn(Handle);
type PollCallback = unsafe extern "C" fn(Handle, c_int, c_int);

const UV_ASYNC: c_int = 1;
const UV_CHECK: c_int = 2;
const UV_IDLE: c_int = 6;
const UV_POLL: c_int = 8;
const UV_PREPARE: c_int = 9;
const UV_READABLE: c_int = 1;

macro_rules! libuv_functions {
    ($($name:ident: fn($($arg:ty),*) $(-> $ret:ty)?;)*) => {
        /// libuv's functions, as the running program exports them.
        struct Functions { $($name: unsafe extern "C" fn($($arg),*) $(-> $ret)?,)* }

        impl Functions {
            fn find() -> Option<Self> {
                Some(Self { $($name: {
                    let symbol = find_symbol(concat!(stringify!($name), "\0"))?;
                    // SAFETY: libuv declares the function of this name with this signature,
                    // stable since its version 1.
                    unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($arg),*) $(-> $ret)?>(symbol.as_ptr()) }
                },)* })
            }
        }
    };
}

libuv_functions! {
    uv_handle_size: fn(c_int) -> usize;
    uv_handle_set_data: fn(Handle, *mut c_void);
    uv_handle_get_data: fn(Handle) -> *mut c_void;
    uv_async_init: fn(*mut c_void, Handle, CloseCallback) -> c_int;
    uv_async_send: fn(Handle) -> c_int;
    uv_poll_init: fn(*mut c_void, Handle, c_int) -> c_int;
    uv_poll_start: fn(Handle, c_int, PollCallback) -> c_int;
    uv_prepare_init: fn(*mut c_void, Handle) -> c_int;
    uv_prepare_start: fn(Handle, CloseCallback) -> c_int;
    uv_check_init: fn(*mut c_void, Handle) -> c_int;
    uv_check_start: fn(Handle, CloseCallback) -> c_int;
    uv_idle_init: fn(*mut c_void, Handle) -> c_int;
    uv_idle_start: fn(Handle, CloseCallback) -> c_int;
    uv_idle_stop: fn(Handle) -> c_int;
    uv_ref: fn(Handle);
    uv_unref: fn(Handle);
    uv_close: fn(Handle, CloseCallback);
}

fn find_symbol(name: &str) -> Option<NonNull<c_void>> {
    crate::sys::program_symbol(CStr::from_bytes_with_nul(name.as_bytes()).ok()?)
}

/// The table of functions: a constant of the running program, shared by all environments.
fn functions() -> Option<&'static Functions> {
    static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();
    FUNCTIONS.get_or_init(Functions::find).as_ref()
}

/// Memory of one libuv handle.
struct Block {
    memory: NonNull<c_void>,
    layout: Layout,
}

impl Block {
    fn new(size: usize) -> io::Result<Self> {
        let layout = Layout::from_size_align(size.max(1), 16).map_err(io::Error::other)?;
        // SAFETY: the layout's size is at least one.
        let memory = unsafe { alloc_zeroed(layout) };
        match NonNull::new(memory.cast()) {
            Some(memory) => Ok(Self { memory, layout }),
            None => handle_alloc_error(layout),
        }
    }

    fn handle(&self) -> Handle {
        self.memory.as_ptr()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout; the engine drops only after libuv closed the handle.
        unsafe { dealloc(self.memory.as_ptr().cast(), self.layout) };
    }
}

/// Sends for a turn, from any thread.
#[derive(Clone)]
pub struct Sender(Arc<Mutex<Target>>);

/// The async handle, until it is closed.
struct Target(Option<(unsafe extern "C" fn(Handle) -> c_int, Handle)>);

// SAFETY: `uv_async_send` may be called from any thread while the handle is open, and the lock
// keeps it so during a call.
unsafe impl Send for Target {}

impl Sender {
    fn target(&self) -> MutexGuard<'_, Target> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn send(&self) {
        if let Some((send, handle)) = self.target().0 {
            // SAFETY: the handle is initialised and not closing, see `Loop::close`.
            unsafe { send(handle) };
        }
    }

    fn set(&self, target: Option<(unsafe extern "C" fn(Handle) -> c_int, Handle)>) {
        self.target().0 = target;
    }
}

pub struct Loop {
    functions: &'static Functions,
    raw: *mut c_void,
    /// Of type poll or async.
    poll: Block,
    sender: Sender,
    prepare: Block,
    check: Block,
    idle: Block,
    closer: Block,
    /// The closer is on its way to the closing phase.
    closer_due: Cell<bool>,
    awake: Cell<bool>,
    referenced: Cell<bool>,
    /// Handles still to be closed before the engine may go; 0 while it lives.
    closing: Cell<usize>,
    after_close: RefCell<Option<Box<dyn FnOnce()>>>,
}

fn status(code: c_int) -> io::Result<()> {
    if code < 0 {
        return Err(io::Error::from_raw_os_error(-code));
    }
    Ok(())
}

impl Loop {
    /// Prepares handles for `raw`, the libuv loop of this thread.
    ///
    /// # Safety
    /// `raw` must be this thread's `uv_loop_t` and outlive the engine.
    pub unsafe fn new(raw: *mut c_void) -> io::Result<Self> {
        let functions = functions().ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::Unsupported,
                "ferrowire needs Node.js: this runtime does not export libuv",
            )
        })?;
        let block = |kind| {
            // SAFETY: a pure function of a known handle type.
            Block::new(unsafe { (functions.uv_handle_size)(kind) })
        };
        let prepare = block(UV_PREPARE)?;
        let sizes = [UV_POLL, UV_ASYNC].map(|kind| {
            // SAFETY: a pure function of a known handle type.
            unsafe { (functions.uv_handle_size)(kind) }
        });
        let poll = Block::new(sizes[0].max(sizes[1]))?;
        let check = block(UV_CHECK)?;
        let (idle, closer) = (block(UV_IDLE)?, block(UV_IDLE)?);
        Ok(Self {
            functions,
            raw,
            poll,
            sender: Sender(Arc::new(Mutex::new(Target(None)))),
            prepare,
            check,
            idle,
            closer,
            closer_due: Cell::new(false),
            awake: Cell::new(false),
            referenced: Cell::new(false),
            closing: Cell::new(0),
            after_close: RefCell::new(None),
        })
    }

    /// Sends for turns, once the loop has started without a descriptor.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Starts watching `descriptor` on behalf of `engine`, or waiting to be sent for.
    pub fn start(&self, engine: &Engine, descriptor: Option<c_int>) -> io::Result<()> {
        let f = self.functions;
        let data = std::ptr::from_ref(engine).cast_mut().cast();
        // SAFETY: the blocks have libuv's own sizes and live until their handles are closed; the
        // engine is boxed, so the data pointer stays good as long; the loop is this thread's.
        unsafe {
            status(match descriptor {
                Some(descriptor) => (f.uv_poll_init)(self.raw, self.poll.handle(), descriptor),
                None => (f.uv_async_init)(self.raw, self.poll.handle(), on_sent),
            })?;
            status((f.uv_prepare_init)(self.raw, self.prepare.handle()))?;
            status((f.uv_check_init)(self.raw, self.check.handle()))?;
            status((f.uv_idle_init)(self.raw, self.idle.handle()))?;
            for block in [
                &self.poll,
                &self.prepare,
                &self.check,
                &self.idle,
                &self.closer,
            ] {
                (f.uv_handle_set_data)(block.handle(), data);
            }
            (f.uv_unref)(self.poll.handle());
            (f.uv_unref)(self.prepare.handle());
            (f.uv_unref)(self.check.handle());
            (f.uv_unref)(self.idle.handle());
            status((f.uv_prepare_start)(self.prepare.handle(), on_prepare))?;
            status((f.uv_check_start)(self.check.handle(), on_check))?;
            if descriptor.is_some() {
                return status((f.uv_poll_start)(self.poll.handle(), UV_READABLE, on_poll));
            }
        }
        self.sender.set(Some((f.uv_async_send, self.poll.handle())));
        Ok(())
    }

    /// Whether the process stays alive for the engine's sake.
    pub fn set_referenced(&self, referenced: bool) {
        if self.is_closing() || self.referenced.replace(referenced) == referenced {
            return;
        }
        // SAFETY: the handle is initialised and not closing.
        unsafe {
            if referenced {
                (self.functions.uv_ref)(self.poll.handle());
            } else {
                (self.functions.uv_unref)(self.poll.handle());
            }
        }
    }

    /// Whether libuv goes on without sleeping.
    pub fn keep_awake(&self, awake: bool) {
        if self.is_closing() || self.awake.replace(awake) == awake {
            return;
        }
        // SAFETY: the handle is initialised and not closing.
        unsafe {
            if awake {
                (self.functions.uv_idle_start)(self.idle.handle(), on_idle);
            } else {
                (self.functions.uv_idle_stop)(self.idle.handle());
            }
        }
    }

    /// Brings the engine into the closing phase of this loop iteration, once.
    pub fn request_closing_phase(&self) {
        if self.is_closing() || self.closer_due.replace(true) {
            return;
        }
        let f = self.functions;
        // SAFETY: the closer is not in use (it was not due), so its block may be initialised
        // again; a closing handle keeps the loop alive by itself.
        unsafe {
            let data = (f.uv_handle_get_data)(self.poll.handle());
            (f.uv_idle_init)(self.raw, self.closer.handle());
            (f.uv_handle_set_data)(self.closer.handle(), data);
            (f.uv_close)(self.closer.handle(), on_closer_closed);
        }
    }

    pub fn is_closing(&self) -> bool {
        self.closing.get() > 0
    }

    /// Closes every handle; the engine is dropped in the last close callback, then `after` runs.
    ///
    /// # Safety
    /// `engine` came from `Box::into_raw`, holds this loop, and is not used after this call.
    pub unsafe fn close(engine: *mut Engine, after: Box<dyn FnOnce()>) {
        // SAFETY: by the caller's promise the pointer is good until the last close callback.
        let uv = unsafe { &(*engine).uv };
        if uv.is_closing() {
            return;
        }
        uv.sender.set(None);
        uv.closing.set(4 + usize::from(uv.closer_due.get()));
        *uv.after_close.borrow_mut() = Some(after);
        for block in [&uv.poll, &uv.prepare, &uv.check, &uv.idle] {
            // SAFETY: initialised by `start` and closed only here.
            unsafe { (uv.functions.uv_close)(block.handle(), on_handle_closed) };
        }
    }
}

/// The engine behind a handle that Ferrowire made.
///
/// # Safety
/// `handle` is one of the engine's own, not yet closed.
unsafe fn engine_of<'a>(handle: Handle) -> Option<&'a Engine> {
    let get = functions()?.uv_handle_get_data;
    // SAFETY: by the caller's promise the handle is live and its data points to the engine.
    unsafe { get(handle).cast::<Engine>().as_ref() }
}

/// Runs one callback; a panic must not unwind into libuv.
fn guarded(handle: Handle, act: impl FnOnce(&Engine)) {
    // SAFETY: libuv calls back with the handle that the engine gave it, while it is open.
    let Some(engine) = (unsafe { engine_of(handle) }) else {
        return;
    };
    if catch_unwind(AssertUnwindSafe(|| act(engine))).is_err() {
        engine.recover();
    }
}

unsafe extern "C" fn on_poll(handle: Handle, _status: c_int, _events: c_int) {
    guarded(handle, Engine::ready);
}

unsafe extern "C" fn on_sent(handle: Handle) {
    guarded(handle, Engine::ready);
}

unsafe extern "C" fn on_prepare(handle: Handle) {
    guarded(handle, Engine::prepare);
}

unsafe extern "C" fn on_check(handle: Handle) {
    guarded(handle, Engine::check);
}

/// Does nothing: that it is active keeps libuv from sleeping.
unsafe extern "C" fn on_idle(_handle: Handle) {}

unsafe extern "C" fn on_closer_closed(handle: Handle) {
    guarded(handle, |engine| {
        engine.uv.closer_due.set(false);
        if !engine.uv.is_closing() {
            engine.closing_phase();
        }
    });
    // SAFETY: the data pointer is the engine's, which drops no earlier than here.
    unsafe { on_handle_closed(handle) };
}

unsafe extern "C" fn on_handle_closed(handle: Handle) {
    // SAFETY: as in `guarded`; a closed handle keeps its data.
    let Some(engine) = (unsafe { engine_of(handle) }) else {
        return;
    };
    let left = engine.uv.closing.get();
    if left == 0 {
        return;
    }
    if left > 1 {
        engine.uv.closing.set(left - 1);
        return;
    }
    let after = engine.uv.after_close.borrow_mut().take();
    let engine = std::ptr::from_ref(engine).cast_mut();
    // SAFETY: `Loop::close` was given a pointer from `Box::into_raw`; every handle is closed, so
    // nobody will call back any more.
    drop(unsafe { Box::from_raw(engine) });
    if let Some(after) = after {
        after();
    }
}
