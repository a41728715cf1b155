//! What the plugin sends back with a block or a flush: changes that the user made in its editor.

use clack_host::events::io::OutputEvents;
use clack_host::events::spaces::CoreEventSpace;
use clack_host::prelude::*;

/// Answers of the plugin in one block that need no allocation.
const ANSWERS_PER_BLOCK: usize = 256;
/// Answers not taken yet that need no allocation.
const ANSWERS_KEPT: usize = 4096;

/// What the plugin told its host of a parameter, as the user's hand did it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParamEvent {
    /// The user took hold of it: hosts stop their own automation here.
    GestureBegin(ClapId),
    /// Its value now, in the parameter's own range.
    Value(ClapId, f64),
    /// The user let go of it.
    GestureEnd(ClapId),
}

impl ParamEvent {
    /// The parameter.
    pub fn id(&self) -> ClapId {
        match *self {
            Self::GestureBegin(id) | Self::Value(id, _) | Self::GestureEnd(id) => id,
        }
    }

    fn of(event: &UnknownEvent) -> Option<Self> {
        match event.as_core_event()? {
            CoreEventSpace::ParamGestureBegin(event) => event.param_id().map(Self::GestureBegin),
            CoreEventSpace::ParamValue(event) => event.param_id().map(|id| Self::Value(id, event.value())),
            CoreEventSpace::ParamGestureEnd(event) => event.param_id().map(Self::GestureEnd),
            _ => None,
        }
    }
}

/// The plugin's answers to the block in hand, and those of the blocks before, until they are taken.
pub(crate) struct Answers {
    events: EventBuffer,
    params: Vec<ParamEvent>,
}

impl Answers {
    pub fn new() -> Self {
        Self {
            events: EventBuffer::with_capacity(ANSWERS_PER_BLOCK),
            params: Vec::with_capacity(ANSWERS_KEPT),
        }
    }

    /// Where the plugin writes; [`Answers::keep`] reads it.
    pub fn as_output(&mut self) -> OutputEvents<'_> {
        self.events.as_output()
    }

    /// Keeps what the plugin wrote of parameters.
    ///
    /// # Real-time
    /// Allocates only when more than 4096 events wait to be taken. Locks, waits: never.
    pub fn keep(&mut self) {
        self.params.extend(self.events.iter().filter_map(ParamEvent::of));
        self.events.clear();
    }

    /// Everything kept, oldest first.
    pub fn take(&mut self) -> Vec<ParamEvent> {
        self.params.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use clack_host::events::Pckn;
    use clack_host::events::event_types::*;

    use super::*;

    #[test]
    fn gestures_and_values_are_kept_in_order_until_they_are_taken_and_the_rest_is_not() {
        let (id, mut answers) = (ClapId::new(7), Answers::new());
        for value in [0.25, 0.5] {
            let mut output = answers.as_output();
            let sent = [
                output.try_push(ParamGestureBeginEvent::new(0, id)),
                output.try_push(MidiEvent::new(0, 0, [0x90, 60, 100])),
                output.try_push(ParamValueEvent::new(3, id, Pckn::match_all(), value)),
                output.try_push(ParamGestureEndEvent::new(5, id)),
            ];
            assert!(sent.iter().all(Result::is_ok));
            answers.keep();
        }
        let gesture =
            |value| [ParamEvent::GestureBegin(id), ParamEvent::Value(id, value), ParamEvent::GestureEnd(id)];
        assert_eq!(answers.take(), [gesture(0.25), gesture(0.5)].concat());
        assert_eq!(answers.take(), []);
    }
}
