//! The newest value that other threads have made for the audio thread, and the old ones back to be dropped elsewhere.

use std::sync::Arc;

use crossbeam::atomic::AtomicCell;
use parking_lot::Mutex;
use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// Old values on their way to be dropped.
const RETIRED: usize = 8;
/// The most that may come back for one value that is taken. Of codecs: themselves, ones that waited, and ones that played.
const RETIRED_BY_ONE: usize = 3;

/// One value or none. Taking and putting are single exchanges, so that neither side waits for the other.
type Slot<T> = AtomicCell<Option<Box<T>>>;

/// The end of the threads that make values.
pub struct Offers<T> {
    slot: Arc<Slot<T>>,
    retired: Mutex<HeapCons<Box<T>>>,
}

/// The audio thread's end.
pub struct OfferLink<T> {
    slot: Arc<Slot<T>>,
    retired: HeapProd<Box<T>>,
}

/// Both ends, with nothing between them.
pub fn offers<T>() -> (Offers<T>, OfferLink<T>) {
    const { assert!(Slot::<T>::is_lock_free()) };
    let slot = Arc::<Slot<T>>::default();
    let (retired, old) = HeapRb::new(RETIRED).split();
    (Offers { slot: slot.clone(), retired: Mutex::new(old) }, OfferLink { slot, retired })
}

impl<T> Offers<T> {
    /// Offers a value in place of the one before, if that was not taken. Drops what has come back.
    pub fn offer(&self, value: Box<T>) {
        self.drop_retired();
        drop(self.slot.swap(Some(value)));
    }

    /// Takes back what is offered and was not taken.
    pub fn withdraw(&self) {
        drop(self.slot.take());
    }

    /// Drops what the audio thread has handed back.
    pub fn drop_retired(&self) {
        let mut retired = self.retired.lock();
        while retired.try_pop().is_some() {}
    }
}

impl<T> OfferLink<T> {
    /// What is offered, as long as there is room for all that may come back for it.
    ///
    /// # Real-time
    /// Wait-free; never allocates or frees.
    pub fn take_offered(&self) -> Option<Box<T>> {
        if self.retired.vacant_len() < RETIRED_BY_ONE { None } else { self.slot.take() }
    }

    /// Hands a value back to be dropped elsewhere.
    ///
    /// # Real-time
    /// Wait-free; never allocates. Frees nothing: [`OfferLink::take_offered`] has seen to the room.
    pub fn retire(&mut self, value: Box<T>) {
        let _ = self.retired.try_push(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_is_taken_once_and_one_that_was_withdrawn_never() {
        let (offers, link) = offers();
        offers.offer(Box::new(1));
        offers.offer(Box::new(2));
        assert_eq!((link.take_offered(), link.take_offered()), (Some(Box::new(2)), None));
        offers.offer(Box::new(3));
        offers.withdraw();
        assert_eq!(link.take_offered(), None);
    }

    #[test]
    fn a_value_is_taken_only_while_there_is_room_for_what_comes_back() {
        let (offers, mut link) = offers();
        let value = Arc::new(());
        // The threads that offer have not looked at what came back.
        for _ in 0..=RETIRED - RETIRED_BY_ONE {
            offers.slot.store(Some(Box::new(value.clone())));
            link.retire(link.take_offered().expect("there is room"));
        }
        offers.slot.store(Some(Box::new(value.clone())));
        assert!(link.take_offered().is_none(), "what comes back would be freed on the audio thread");
        offers.drop_retired();
        assert_eq!(Arc::strong_count(&value), 2, "what came back is dropped, what is offered waits");
        assert!(link.take_offered().is_some(), "it waits until there is room");
    }
}
