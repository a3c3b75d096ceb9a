//! Writing, and the end of it: what the kernel takes at once. The rest stays with JavaScript, which
//! an event tells when there is room.

use super::Engine;
use super::ops::{Answer, bad_descriptor};
use crate::net::stream::Stream;
use crate::sys::{self, errno};
use std::io;
use std::io::IoSlice;

/// Set in the answer to a write that the kernel did not take whole; the rest is the count.
const SHORT: i32 = 1 << 30;
/// So that a count and `SHORT` fit into one int.
const WRITE_MAX: usize = SHORT as usize - 1;

impl Engine {
    /// Sends at once; gives the bytes that the kernel took. When that is less than all, `SHORT`
    /// is set in the answer and an event tells when there is room.
    pub fn write(&self, id: i32, bytes: &[u8]) -> Answer {
        let part = &bytes[..bytes.len().min(WRITE_MAX)];
        self.write_with(id, bytes.len(), |stream| stream.send(part))
    }

    /// As `write`, for several slices.
    pub fn write_vectored(&self, id: i32, slices: &[IoSlice<'_>]) -> Answer {
        let len = slices.iter().map(|slice| slice.len()).sum();
        self.write_with(id, len, |stream| stream.send_vectored(slices))
    }

    /// As `write`, with a duplicate of a descriptor, which is gone as soon as a byte is.
    pub fn write_with_descriptor(&self, id: i32, bytes: &[u8], fd: i32) -> Answer {
        let part = &bytes[..bytes.len().min(WRITE_MAX)];
        match sys::borrow_raw(fd) {
            Ok(fd) => self.write_with(id, bytes.len(), |stream| {
                stream.send_with_descriptor(part, fd)
            }),
            Err(error) => errno::number(&error),
        }
    }

    /// Has an event tell when there is room, also where there is some now.
    pub fn await_room(&self, id: i32) -> Answer {
        self.kick_with(id, |conn| {
            conn.wait_for_room(false);
            Ok(())
        })
    }

    /// Blocks until a connection takes bytes: 1, or 0 when the time is over.
    pub fn wait_writable(&self, id: i32, milliseconds: i32) -> Answer {
        let mut core = self.core.borrow_mut();
        match core.conns.get(id).and_then(|conn| conn.descriptor()) {
            Some(fd) => sys::wait_writable(fd, milliseconds)
                .map_or_else(|error| errno::number(&error), i32::from),
            None => -errno::EBADF,
        }
    }

    fn write_with(
        &self,
        id: i32,
        len: usize,
        send: impl FnOnce(&Stream) -> io::Result<usize>,
    ) -> Answer {
        let mut core = self.core.borrow_mut();
        let sent = core
            .conns
            .get(id)
            .ok_or_else(bad_descriptor)
            .and_then(|conn| conn.stream().and_then(send));
        match sent {
            Ok(taken) if taken < len => {
                drop(core);
                self.kick_with(id, |conn| {
                    conn.wait_for_room(true);
                    Ok(())
                });
                taken.min(WRITE_MAX) as i32 | SHORT
            }
            Ok(taken) => taken as i32,
            Err(error) => errno::number(&error),
        }
    }

    pub fn shutdown(&self, id: i32) -> Answer {
        let mut core = self.core.borrow_mut();
        let status = core.with(id, |conn| {
            conn.stream()?.check_writable()?;
            conn.begin_shutdown();
            Ok(())
        });
        if status == 0 {
            core.kick_pending(id);
        }
        drop(core);
        self.uv.set_referenced(true);
        status
    }
}
