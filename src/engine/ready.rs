//! The list of connections that can make progress, and the wakers that put them on it.
//!
//! tokio wants wakers that could be sent to other threads, so list and flag are safe to share;
//! in fact everything happens on the loop thread and the lock is never contended.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

#[derive(Default)]
pub struct ReadyList(Mutex<Vec<i32>>);

impl ReadyList {
    fn push(&self, id: i32) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(id);
    }

    pub fn is_empty(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// Moves everything behind what `queue` holds.
    pub fn append_to(&self, queue: &mut VecDeque<i32>) {
        queue.extend(
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .drain(..),
        );
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
        if !self.queued.swap(true, Relaxed) {
            self.list.push(self.id);
        }
    }

    /// Taken off the list: the next wake queues it again.
    pub fn taken(&self) {
        self.queued.store(false, Relaxed);
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
