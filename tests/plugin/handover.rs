//! One engine hands over to another, as VST3 hosts get it: nothing is asked of the system meanwhile. The in-process host is a
//! CLAP host, where engines never hand over, so this plays the audio thread's part itself.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::support::run_alone;
use crate::support::watch::Watch;
use sacodec_codec::CodecModel;
use sacodec_engine::{
    CodedFrame, Controls, Engine, EngineConfig, EngineRelay, Loss, LossModel, LossTrace, Network, Observer,
    Scheduling,
};
use sacodec_rt::counters;
use sacodec_testing::speech_48k;

const BLOCK_SAMPLES: usize = 256;
const ROUNDS: usize = 4;
/// Blocks of a round: 1.6 s.
const BLOCKS: usize = 300;

struct Nobody;

impl Observer for Nobody {
    fn frame(&mut self, _: CodedFrame) {}
}

/// Engines that hand over in turn. In the second round the timeline starts anew, in the third another trace comes, and
/// in the last one the host resets.
struct Rounds {
    relay: EngineRelay,
    coming: VecDeque<Box<Engine>>,
    traces: Vec<Arc<LossTrace>>,
    /// What is dropped elsewhere.
    old_engines: VecDeque<Box<Engine>>,
    old_traces: Vec<Arc<LossTrace>>,
    controls: Controls,
}

impl Rounds {
    fn new() -> Self {
        let model = CodecModel::embedded().unwrap();
        let engine = |round: usize| {
            let scheduling = [Scheduling::Burst, Scheduling::Spread][round % 2];
            Engine::new(&model, EngineConfig { rate_hz: 48_000.0, channels: 2, scheduling }).unwrap()
        };
        let trace = |text| Arc::new(LossTrace::parse(text).unwrap());
        let mut relay = EngineRelay::new(engine(1));
        relay.set_trace(Some(trace("0001")));
        let loss = Loss { model: LossModel::Trace, ..Loss::default() };
        Self {
            relay,
            coming: (0..ROUNDS).rev().map(|round| Box::new(engine(round))).collect(),
            traces: vec![trace("0110")],
            old_engines: VecDeque::with_capacity(ROUNDS),
            old_traces: Vec::with_capacity(1),
            controls: Controls { network: Network { loss, ..Network::default() }, ..Controls::default() },
        }
    }

    /// The audio thread's part of a block, the `number`-th of a round.
    fn play(&mut self, round: usize, number: usize, left: &mut [f32], right: &mut [f32]) {
        self.relay.complete();
        self.old_engines.extend(self.relay.take_retired());
        match (round, number) {
            (_, 0) => {
                let next = self.coming.pop_back().map(|engine| self.relay.hand_over(engine, None).is_ok());
                assert_eq!(next, Some(true));
            }
            (1, 50) => self.relay.begin_at(12_345.0),
            (2, 50) => self.old_traces.extend(self.relay.set_trace(self.traces.pop())),
            (3, 50) => self.old_engines.extend(self.relay.reset()),
            _ => {}
        }
        self.relay.process_observed(&mut [left, right], &self.controls, &mut Nobody);
    }
}

/// Plays all rounds; `around` is told round and block and runs the audio thread's part.
fn play_rounds(mut around: impl FnMut((usize, usize), &mut dyn FnMut())) {
    let (speech, mut rounds) = (speech_48k(), Rounds::new());
    for round in 0..ROUNDS {
        for (number, block) in speech.as_chunks::<BLOCK_SAMPLES>().0.iter().take(BLOCKS).enumerate() {
            let (mut left, mut right) = (*block, *block);
            around((round, number), &mut || rounds.play(round, number, &mut left, &mut right));
            assert!(left.iter().chain(&right).all(|sample| sample.is_finite()));
        }
        assert!(!rounds.relay.is_handing_over(), "round {round} ends");
        assert_eq!(rounds.old_engines.len(), round + 1, "round {round} gives an engine back");
    }
    assert_eq!(rounds.old_traces.len(), 1);
}

#[test]
fn a_hand_over_asks_the_system_for_no_memory() {
    // The counters are the process's.
    run_alone(a_hand_over_asks_the_system_for_no_memory, || {
        let (before, mut watch) = (counters(), Watch::new());
        play_rounds(|(round, _), work| {
            watch.over(work);
            if round == 0 {
                watch.forgive();
            }
        });
        watch.asked().was_nothing_since(before, 10_000);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_hand_over_makes_no_system_call() {
    use crate::support::full_name;
    use crate::support::tracer::{calls_between_marks, mark};
    const CHILD: &str = "SACODEC_TRACED_HAND_OVER";
    if std::env::var_os(CHILD).is_some() {
        // The first round is not watched: what a thread needs once is there after it.
        return play_rounds(|place, work| {
            if place == (1, 0) {
                mark();
            }
            work();
            if place == (ROUNDS - 1, BLOCKS - 1) {
                mark();
            }
        });
    }
    let name = full_name(module_path!(), "a_hand_over_makes_no_system_call");
    let calls = calls_between_marks(|mut strace| {
        strace.args([name.as_str(), "--exact", "--nocapture"]).env(CHILD, "1");
        strace
    });
    assert!(calls.is_empty(), "system calls on the audio thread: {calls:#?}");
}
