//! Storage of connections under small integer ids that are never confused.
//!
//! An id is `generation << 20 | index`, always positive. The index is reused, the generation
//! tells the old owner from the new one, so an event for a closed connection is dropped rather
//! than delivered to its successor.

const INDEX_BITS: u32 = 20;
const INDEX_MASK: i32 = (1 << INDEX_BITS) - 1;
const LAST_GENERATION: i32 = (1 << (31 - INDEX_BITS)) - 1;

struct Slot<T> {
    generation: i32,
    value: Option<T>,
}

pub struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<i32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    /// Stores what `make` gives for the id it will have; `None` when a million are stored.
    pub fn insert(&mut self, make: impl FnOnce(i32) -> T) -> Option<i32> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = i32::try_from(self.slots.len()).ok()?;
                if index > INDEX_MASK {
                    return None;
                }
                self.slots.push(Slot {
                    generation: 0,
                    value: None,
                });
                index
            }
        };
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation % LAST_GENERATION + 1;
        let id = slot.generation << INDEX_BITS | index;
        slot.value = Some(make(id));
        Some(id)
    }

    pub fn get(&mut self, id: i32) -> Option<&mut T> {
        let slot = self.slots.get_mut((id & INDEX_MASK) as usize)?;
        if slot.generation != id >> INDEX_BITS {
            return None;
        }
        slot.value.as_mut()
    }

    /// Takes the value out. Its index stays taken until `release`.
    pub fn take(&mut self, id: i32) -> Option<T> {
        self.get(id)?;
        self.slots[(id & INDEX_MASK) as usize].value.take()
    }

    /// Makes the index of a taken id free for the next one.
    pub fn release(&mut self, id: i32) {
        self.free.push(id & INDEX_MASK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_id_does_not_reach_the_next_owner() {
        let mut slots = Slots::default();
        let first = slots.insert(|_| 'a').unwrap();
        assert_eq!(slots.take(first), Some('a'));
        assert_eq!(slots.take(first), None);
        slots.release(first);
        let second = slots.insert(|_| 'b').unwrap();
        assert_ne!(first, second);
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.get(second), Some(&mut 'b'));
    }

    #[test]
    fn generations_wrap_and_stay_positive() {
        let mut slots = Slots::default();
        for _ in 0..=LAST_GENERATION + 5 {
            let id = slots.insert(|id| id).unwrap();
            assert!(id > 0);
            slots.take(id);
            slots.release(id);
        }
        assert_eq!(slots.slots.len(), 1);
    }

    #[test]
    fn a_taken_index_is_not_reused_before_its_release() {
        let mut slots = Slots::default();
        let first = slots.insert(|_| 1).unwrap();
        slots.take(first);
        let second = slots.insert(|_| 2).unwrap();
        assert_ne!(first & INDEX_MASK, second & INDEX_MASK);
    }
}
