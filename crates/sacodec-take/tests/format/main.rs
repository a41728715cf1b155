//! The `.sac` format: what is written is read, whatever happens to the bytes in between.

mod damage;
mod decoded;
mod fields;
mod hostile;
mod lost;
mod played;
mod written;

use sacodec_take::{Anchor, CodebookSizes, GapReason, Header, PackId, Take, TakeSerializer};
use sacodec_token::TokenFrame;
use serde_json::Map;

fn header(channels: usize) -> Header {
    Header {
        pack: PackId { name: "test".into(), version: "1".into(), sha256: "0123456789abcdef".repeat(4) },
        codec_rate_hz: 24_000,
        hop_samples: 320,
        codebooks: CodebookSizes { semantic: 1000, acoustic: 1024 },
        channels,
        host_rate_hz: 48_000.0,
        channel_mode: None,
        latency_samples: None,
        stream_frame: Some(0),
        first_sample: None,
        tempo_bpm: None,
        track: None,
        source: None,
        created: None,
        software: None,
        inference: None,
        cpu: None,
        further: Map::new(),
    }
}

fn anchor(position: f64) -> Anchor {
    Anchor { playing: true, new_segment: true, position_samples: Some(position), ..Anchor::default() }
}

/// A take of so many frames with a gap and a jump in it, and its tokens.
fn small_take(frames: u32, channels: usize) -> (Vec<u8>, Vec<Option<Vec<TokenFrame>>>) {
    let mut random = fastrand::Rng::with_seed(3);
    let mut writer = TakeSerializer::new(header(channels)).unwrap();
    writer.anchor(Anchor { codec_reset: true, ..anchor(-63.0) });
    let mut expected = Vec::new();
    for frame in 0..frames {
        if frame == frames / 3 {
            writer.gap(2, GapReason::RingFull).unwrap();
            expected.extend([None, None]);
        }
        if frame == frames / 2 {
            writer.anchor(anchor(0.0));
        }
        let tokens: Vec<_> = (0..channels)
            .map(|_| TokenFrame {
                semantic: random.usize(..1000) as u16,
                acoustic: random.usize(..1024) as u16,
            })
            .collect();
        writer.frame(&tokens).unwrap();
        expected.push(Some(tokens));
    }
    writer.finish("test", Some(640 * u64::from(frames)), vec!["a note".into()]);
    (writer.take_bytes(), expected)
}

fn tokens_of(take: &Take) -> Vec<Option<Vec<TokenFrame>>> {
    take.iter().map(|frame| frame.map(<[_]>::to_vec)).collect()
}

/// Every frame that is there is the one that was written.
#[track_caller]
fn assert_nothing_is_made_up(take: &Take, written: &[Option<Vec<TokenFrame>>], what: &str) {
    for (index, frame) in tokens_of(take).into_iter().enumerate() {
        if frame.is_some() {
            assert_eq!(frame, written[index], "{what}: frame {index} is not what was written");
        }
    }
}
