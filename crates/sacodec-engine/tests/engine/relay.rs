//! One engine hands over to another while sound runs.

use std::sync::Arc;

use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_engine::{
    Controls, Engine, EngineConfig, EngineRelay, FramePlace, Listen, Playback, Scheduling, Stretch,
    TokenSource, TokenTrack,
};
use sacodec_testing::{assert_same, speech_48k};

/// Before this block the next engine comes.
const AT: usize = 150;

fn config(rate_hz: f64, scheduling: Scheduling) -> EngineConfig {
    EngineConfig { rate_hz, channels: 1, scheduling }
}

fn engine(scheduling: Scheduling) -> Engine {
    Engine::new(&CodecModel::embedded().unwrap(), config(48_000.0, scheduling)).unwrap()
}

/// What comes out of `input` in blocks of `block` samples while Spread hands over to Burst before sample `at`; the
/// first sample of the first block that is Burst's alone; places of its frames.
fn render(input: &[f32], listen: Listen, at: usize, block: usize) -> (Vec<f32>, usize, Vec<FramePlace>) {
    let mut relay = EngineRelay::new(engine(Scheduling::Spread));
    let (mut out, mut complete, mut places) = (input.to_vec(), None, Vec::new());
    let controls = Controls { listen, ..Controls::default() };
    let (mut start, mut came) = (0, false);
    while start < out.len() {
        // The next engine comes at the same sample whatever the blocks are.
        let end = (start + block).min(out.len());
        let end = if start < at { end.min(at) } else { end };
        if start >= at && !came {
            assert!(relay.hand_over(Box::new(engine(Scheduling::Burst)), None).is_ok());
            came = true;
        }
        if relay.complete() {
            complete = Some(start);
            assert_eq!(relay.engine().config().scheduling, Scheduling::Burst);
            let old = relay.take_retired().expect("the engine before");
            assert_eq!(old.config().scheduling, Scheduling::Spread);
        }
        let mut frame = |place| {
            if complete.is_some() {
                places.push(place)
            }
        };
        relay.process_observed(&mut [&mut out[start..end]], &controls, &mut Frames(&mut frame));
        start = end;
    }
    (out, complete.expect("a hand-over ends"), places)
}

struct Frames<'a>(&'a mut dyn FnMut(FramePlace));

impl sacodec_engine::Observer for Frames<'_> {
    fn frame(&mut self, frame: sacodec_engine::CodedFrame) {
        (self.0)(frame.place);
    }
}

fn alone(input: &[f32], scheduling: Scheduling, listen: Listen) -> Vec<f32> {
    let mut out = input.to_vec();
    let controls = Controls { listen, ..Controls::default() };
    engine(scheduling).process(&mut [&mut out], &controls, |_| ());
    out
}

#[test]
fn each_engine_is_as_late_as_it_says_before_and_after() {
    let speech = speech_48k();
    let (spread, burst) = (engine(Scheduling::Spread), engine(Scheduling::Burst));
    let (late, early) = (spread.latency_samples(), burst.latency_samples());
    assert!(early < late);
    let (out, complete, _) = render(&speech, Listen::Original, AT * 256, 256);
    let fade = out.len().min(complete).saturating_sub(2 * 256 + 480);
    assert_same(&out[late..fade - 480], &speech[..fade - 480 - late], 0.0, "the original before");
    assert_same(&out[complete..], &speech[complete - early..speech.len() - early], 0.0, "the original after");
}

#[test]
fn what_was_heard_before_is_untouched_and_what_follows_is_the_same_voice() {
    let speech = speech_48k();
    let at = AT * 256;
    let (out, complete, _) = render(&speech, Listen::Coded, at, 256);
    let (spread, burst) =
        (alone(&speech, Scheduling::Spread, Listen::Coded), alone(&speech, Scheduling::Burst, Listen::Coded));
    let warm_up = engine(Scheduling::Burst).warm_up_samples();
    assert_same(&out[..at + warm_up], &spread[..at + warm_up], 0.0, "while the next engine is unheard");
    let level_db =
        |s: &[f32]| 10.0 * (s.iter().map(|s| s * s).sum::<f32>() / s.len() as f32).max(1e-12).log10();
    let mut loud = 0;
    for start in (complete - 2560..out.len() - 2560).step_by(640) {
        let [found, old, new] = [&out, &spread, &burst].map(|s| level_db(&s[start..start + 2560]));
        // It is the same voice with a phase of its own, which tells at its onsets; until the fade is over also the old one.
        let (low, high) = if start < complete { (old.min(new), old.max(new)) } else { (new, new) };
        if low > -40.0 {
            loud += 1;
            assert!(
                (low - 3.0..high + 3.0).contains(&found),
                "at {start}: {found:.1} dB, {low:.1} to {high:.1} without"
            );
        }
    }
    assert!(loud > 50, "{loud} places were loud enough to tell");
}

#[test]
fn a_hand_over_does_not_depend_on_the_blocks() {
    let speech = speech_48k()[..200_000].to_vec();
    let at = 38_400;
    for listen in [Listen::Original, Listen::Coded] {
        let (expected, _, _) = render(&speech, listen, at, 256);
        for block in [1, 31, 480, 4096] {
            let (out, _, _) = render(&speech, listen, at, block);
            assert_same(&out, &expected, 0.0, &format!("{listen:?}, blocks of {block}"));
        }
    }
}

#[test]
fn frames_are_counted_from_where_the_next_engine_is_heard_alone() {
    let (_, _, places) = render(&speech_48k(), Listen::Coded, AT * 256, 256);
    let (first, last) = (places[0], places[places.len() - 1]);
    assert!(
        (0.0..640.0).contains(&first.start_samples),
        "the first frame that began with the stream: {first:?}"
    );
    assert_eq!(last.start_samples - first.start_samples, (places.len() - 1) as f64 * 640.0);
}

#[test]
fn a_start_of_the_transport_binds_both_engines_and_none_is_coded_to_an_end_that_nobody_hears() {
    let speech = speech_48k();
    let begin = |at: usize| {
        let mut relay = EngineRelay::new(engine(Scheduling::Spread));
        let mut out = speech.clone();
        for (n, block) in out.chunks_mut(256).enumerate() {
            if n == AT {
                assert!(relay.hand_over(Box::new(engine(Scheduling::Burst)), None).is_ok());
            }
            if n == at {
                relay.begin_at(1000.0);
            }
            relay.complete();
            let _ = relay.take_retired();
            relay.process_observed(&mut [block], &Controls::default(), &mut Frames(&mut |_| ()));
        }
        assert!(!relay.is_handing_over());
        (out, relay.engine().stats().errors, relay.engine().stats().underruns)
    };
    // Before it, unheard, in the fade, after it: what is heard in the end is the same.
    let unheard = engine(Scheduling::Burst).warm_up_samples() / 256;
    for at in [AT, AT + unheard / 2, AT + unheard + 1, AT + unheard + 9] {
        let (out, errors, underruns) = begin(at);
        assert_eq!((errors, underruns), (0, 0), "start in block {at}");
        let mut burst = engine(Scheduling::Burst);
        burst.begin_at(1000.0);
        let mut expected = speech[at * 256..].to_vec();
        burst.process(&mut [&mut expected], &Controls::default(), |_| ());
        let late = 256 * (at.max(AT) + unheard + 20);
        assert_same(&out[late..], &expected[late - at * 256..], 0.0, &format!("start in block {at}"));
    }
}

#[test]
fn an_engine_that_comes_while_the_transport_runs_stands_on_its_grid() {
    let mut relay = EngineRelay::new(engine(Scheduling::Spread));
    let (mut out, mut complete, mut places) = (speech_48k(), None, Vec::new());
    for (n, block) in out.chunks_mut(256).enumerate() {
        if n == AT {
            assert!(relay.hand_over(Box::new(engine(Scheduling::Burst)), Some(1000.0)).is_ok());
        }
        if relay.complete() {
            complete = Some(1000 + (n - AT) * 256);
        }
        let mut frame = |place| {
            if complete.is_some() {
                places.push(place)
            }
        };
        relay.process_observed(&mut [block], &Controls::default(), &mut Frames(&mut frame));
    }
    let position = complete.expect("a hand-over ends") as f64;
    assert!(places.len() > 50);
    for FramePlace { start_samples, .. } in places {
        assert_eq!((position + start_samples) % 640.0, 0.0, "a frame at {start_samples} after {position}");
    }
}

#[test]
fn a_reset_gives_the_next_engine_back_as_new() {
    let mut relay = EngineRelay::new(engine(Scheduling::Spread));
    let mut block = [0.1; 256];
    assert!(relay.hand_over(Box::new(engine(Scheduling::Burst)), None).is_ok());
    relay.process_observed(&mut [&mut block], &Controls::default(), &mut Frames(&mut |_| ()));
    let mut burst = relay.reset().expect("it was on its way in");
    assert!(!relay.is_handing_over() && !relay.complete());
    let speech = speech_48k()[..48_000].to_vec();
    let mut out = speech.clone();
    relay.process_observed(&mut [&mut out], &Controls::default(), &mut Frames(&mut |_| ()));
    assert_same(&out, &alone(&speech, Scheduling::Spread, Listen::Coded), 0.0, "the engine that stays");
    let mut out = speech.clone();
    burst.process(&mut [&mut out], &Controls::default(), |_| ());
    assert_same(&out, &alone(&speech, Scheduling::Burst, Listen::Coded), 0.0, "the engine that came back");
}

#[test]
fn a_hand_over_ends_in_a_loop_that_is_shorter_than_what_codecs_remember() {
    let mut relay = EngineRelay::new(engine(Scheduling::Spread));
    let loop_samples = engine(Scheduling::Burst).warm_up_samples() / 4;
    let mut sound = speech_48k()[..loop_samples].to_vec();
    assert!(relay.hand_over(Box::new(engine(Scheduling::Burst)), None).is_ok());
    for round in 0.. {
        assert!(round < 4, "the hand-over begins anew with each round");
        relay.begin_at(0.0);
        relay.process_observed(&mut [&mut sound], &Controls::default(), &mut Frames(&mut |_| ()));
        if relay.complete() {
            break;
        }
    }
}

#[test]
fn counts_go_on_with_the_next_engine() {
    let mut relay = EngineRelay::new(engine(Scheduling::Spread));
    assert!(relay.hand_over(Box::new(engine(Scheduling::Burst)), None).is_ok());
    let mut sound = speech_48k();
    let mut before = relay.engine().stats();
    for block in sound.chunks_mut(256) {
        relay.complete();
        let now = relay.engine().stats();
        assert!(now.frames - before.frames <= 1, "{before:?}, then {now:?}");
        before = now;
        relay.process_observed(&mut [block], &Controls::default(), &mut Frames(&mut |_| ()));
    }
    assert!(relay.take_retired().is_some() && before.frames as usize > sound.len() / 640 - 4);
}

#[test]
fn what_cannot_take_over_is_given_back() {
    let mut relay = EngineRelay::new(engine(Scheduling::Spread));
    let other = config(44_100.0, Scheduling::Burst);
    let other = Engine::new(&CodecModel::embedded().unwrap(), other).unwrap();
    let (_, error) = relay.hand_over(Box::new(other), None).unwrap_err();
    assert!(error.to_string().contains("sample rate"), "{error}");
    assert!(relay.hand_over(Box::new(engine(Scheduling::Burst)), None).is_ok());
    let (_, error) = relay.hand_over(Box::new(engine(Scheduling::Burst)), None).unwrap_err();
    assert!(error.to_string().contains("just taking over"), "{error}");
}

/// Frames of the timeline from 0 on, named by their numbers.
fn track() -> Arc<TokenTrack> {
    let tokens = (0..900).map(|n| Some(TokenFrame { semantic: n, acoustic: n })).collect();
    let stretch = Stretch { begin_frames: 0.0, fresh_frames: None, tokens };
    let sha256 = *CodecModel::embedded().unwrap().sha256_bytes();
    Arc::new(TokenTrack::new("live".into(), sha256, 1, [stretch]))
}

#[test]
fn the_next_engine_plays_the_same_take() {
    const BLOCK: usize = 480;
    let mut relay = EngineRelay::new(engine(Scheduling::Spread));
    relay.set_track(Some(track()));
    relay.set_playback(Playback { source: TokenSource::Take, ..Playback::default() });
    relay.begin_at(0.0);
    let (mut sent, mut came_samples) = (Vec::new(), None);
    for number in 0..600 {
        let position_samples = (number * BLOCK) as f64;
        if number == 200 {
            let next = Box::new(engine(Scheduling::Burst));
            assert!(relay.hand_over(next, Some(position_samples)).is_ok());
        }
        if relay.complete() {
            came_samples = Some(position_samples);
        }
        let mut out = [0.1; BLOCK];
        let origin_samples = came_samples.unwrap_or(0.0);
        relay.process_observed(
            &mut [&mut out],
            &Controls::default(),
            &mut Sent(&mut |place: FramePlace, tokens| {
                sent.push((origin_samples + place.start_samples, tokens))
            }),
        );
    }
    assert!(came_samples.is_some_and(|came| came < 500.0 * BLOCK as f64), "it takes over");
    assert!(sent.len() > 420, "{} frames", sent.len());
    for (at_samples, tokens) in sent {
        let number = (at_samples / 640.0).round();
        assert_eq!(f64::from(tokens.semantic), number, "the frame at {at_samples}");
    }
}

struct Sent<'a>(&'a mut dyn FnMut(FramePlace, TokenFrame));

impl sacodec_engine::Observer for Sent<'_> {
    fn frame(&mut self, frame: sacodec_engine::CodedFrame) {
        (self.0)(frame.place, frame.tokens()[0]);
    }
}

#[test]
fn an_engine_that_is_given_back_holds_no_take_that_would_be_freed_when_it_comes_again() {
    let mut relay = EngineRelay::new(engine(Scheduling::Spread));
    let (first, second) = (track(), track());
    relay.set_track(Some(first.clone()));
    assert!(relay.hand_over(Box::new(engine(Scheduling::Burst)), None).is_ok());
    assert_eq!(Arc::strong_count(&first), 3, "both engines have it");
    let next = relay.reset().unwrap();
    assert_eq!(Arc::strong_count(&first), 2, "the engine that is heard has it");
    drop(relay.set_track(Some(second)));
    assert_eq!(Arc::strong_count(&first), 1);
    assert!(relay.hand_over(next, None).is_ok());
}
