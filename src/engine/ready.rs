//! The list of connections that can make progress, and the wakers that put them on it.
//!
//! tokio wants wakers that could be sent to other threads, so list and flag are safe to share. Only a
//! driver on a thread of its own does so; else everything happens on the loop thread and the lock is never
//! contended.

use super::uv::Sender;
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

#[derive(Default)]
pub struct ReadyList {
    ids: Mutex<Vec<i32>>,
    /// Sends for a turn, where the driver is on another thread.
    sender: Option<Sender>,
}

impl ReadyList {
    /// One that another thread may add to.
    pub fn told(sender: Sender) -> Self {
        Self {
            ids: Mutex::default(),
            sender: Some(sender),
        }
    }

    fn ids(&self) -> MutexGuard<'_, Vec<i32>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, id: i32) {
        let mut ids = self.ids();
        ids.push(id);
        // Whoever was the first has sent already.
        let is_first = ids.len() == 1;
        drop(ids);
        if is_first && let Some(sender) = &self.sender {
            sender.send();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.ids().is_empty()
    }

    /// Moves everything behind what `queue` holds.
    pub fn append_to(&self, queue: &mut VecDeque<i32>) {
        queue.extend(self.ids().drain(..));
    }
}

/// Puts one connection on the ready list, at most once until it is polled.
pub struct ConnWaker {
    id: i32,
    queued: AtomicBool,
    list: Arc<ReadyList>,
}

impl ConnWaker {
    pub fn new(id: i32, list: &Arc<ReadyList>) -> Arc<Self> {
        Arc::new(Self {
            id,
            queued: AtomicBool::new(false),
            list: Arc::clone(list),
        })
    }

    /// Queues the connection for the next turn.
    pub fn queue(&self) {
        if self.claim() {
            self.list.push(self.id);
        }
    }

    /// Gets in line without the list. False: it is there, or on its way.
    pub fn claim(&self) -> bool {
        !self.queued.swap(true, SeqCst)
    }

    /// Taken off the list: the next wake queues it again.
    pub fn taken(&self) {
        // Whoever looks for readiness next must not miss what came before a wake that still found the flag set.
        if self.list.sender.is_some() {
            self.queued.store(false, SeqCst);
        } else {
            self.queued.store(false, Relaxed);
        }
    }

    pub fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }
}

impl Wake for ConnWaker {
    fn wake(self: Arc<Self>) {
        self.queue();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_listed_once_until_taken() {
        let list = Arc::new(ReadyList::default());
        let one = ConnWaker::new(7, &list);
        let other = ConnWaker::new(8, &list);
        let mut queue = VecDeque::new();
        one.waker().wake_by_ref();
        one.queue();
        list.append_to(&mut queue);
        assert_eq!(queue, [7]);
        one.queue();
        other.queue();
        list.append_to(&mut queue);
        assert_eq!(queue, [7, 8]);
        one.taken();
        one.queue();
        list.append_to(&mut queue);
        assert_eq!(queue, [7, 8, 7]);
        assert!(list.is_empty());
    }
}
