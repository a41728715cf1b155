//! Parameter changes on their way to the plugin.

use clack_host::events::Pckn;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;

/// A block may carry this many changes without allocation.
const CHANGES_PER_BLOCK: usize = 256;

#[derive(Debug, Clone, Copy)]
struct Change {
    id: ClapId,
    value: f64,
    /// Samples from the start of the next block.
    offset_samples: u32,
}

/// Changes in the order of their time, and the event list of the block in hand.
pub(crate) struct Changes {
    waiting: Vec<Change>,
    events: EventBuffer,
}

impl Changes {
    pub fn new() -> Self {
        Self {
            waiting: Vec::with_capacity(CHANGES_PER_BLOCK),
            events: EventBuffer::with_capacity(CHANGES_PER_BLOCK),
        }
    }

    /// Queues a change, after others of the same time.
    pub fn push(&mut self, id: ClapId, value: f64, offset_samples: u32) {
        let place = self.waiting.partition_point(|change| change.offset_samples <= offset_samples);
        self.waiting.insert(place, Change { id, value, offset_samples });
    }

    /// The events of the next `length` samples; they are gone from the queue.
    pub fn of_block(&mut self, length: usize) -> &EventBuffer {
        let due = self.waiting.partition_point(|change| (change.offset_samples as usize) < length);
        self.take(due, u32::try_from(length).unwrap_or(u32::MAX))
    }

    /// All events, whatever their time.
    pub fn all(&mut self) -> &EventBuffer {
        self.take(self.waiting.len(), 0)
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn take(&mut self, due: usize, passed_samples: u32) -> &EventBuffer {
        self.events.clear();
        for change in self.waiting.drain(..due) {
            let time = if passed_samples == 0 { 0 } else { change.offset_samples };
            self.events.push(&ParamValueEvent::new(time, change.id, Pckn::match_all(), change.value));
        }
        for change in &mut self.waiting {
            change.offset_samples -= passed_samples;
        }
        &self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(events: &EventBuffer) -> Vec<u32> {
        events.iter().map(|event| event.header().time()).collect()
    }

    #[test]
    fn changes_come_in_the_block_of_their_time_and_in_order() {
        let mut changes = Changes::new();
        for offset in [70, 0, 63, 64, 200] {
            changes.push(ClapId::new(1), f64::from(offset), offset);
        }
        assert!(times(changes.of_block(0)).is_empty());
        assert_eq!(times(changes.of_block(64)), [0, 63]);
        assert_eq!(times(changes.of_block(64)), [0, 6]);
        assert!(times(changes.of_block(72)).is_empty());
        assert_eq!(times(changes.of_block(1)), [0]);
        assert!(changes.is_empty());
    }

    #[test]
    fn a_flush_takes_everything_at_time_zero() {
        let mut changes = Changes::new();
        changes.push(ClapId::new(1), 1.0, 5);
        changes.push(ClapId::new(1), 2.0, 0);
        assert_eq!(times(changes.all()), [0, 0]);
        assert!(changes.is_empty());
    }
}
