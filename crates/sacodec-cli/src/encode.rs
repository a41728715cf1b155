//! `sacodec encode`: audio files to token takes.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use serde_json::json;

use super::audio::{AudioReader, Salvage};
use super::batch::{BatchArgs, Report, Task, name};
use super::existing::{is_take_of, source_of};
use super::result_file::{is_there, write_result};
use super::roundtrip::ChannelsArg;
use super::{CliError, Outcome, losses, model};
use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_engine::{ChannelMixer, Channels, EngineError, TokenEncoder};
use sacodec_take::{Anchor, ChannelMode, GapReason, Header, MAX_CHANNELS, Take, TakeError, TakeWriter};

/// What audio files are found by in folders.
pub const AUDIO_EXTENSIONS: [&str; 2] = ["wav", "flac"];
const BLOCK_SAMPLES: usize = 1 << 14;

#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    batch: BatchArgs,
    /// Which channels are coded.
    #[arg(long, value_enum, default_value_t = ChannelsArg::Each)]
    channels: ChannelsArg,
    /// Code what is left of damaged or cut audio: what is missing is a gap of its true length in the take,
    /// and the exit code is 3. Without it such audio is an error.
    #[arg(long)]
    salvage: bool,
    /// Folder of a model pack; without it the one the command carries.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let tasks = args.batch.tasks(&AUDIO_EXTENSIONS, "sac")?;
    let model = model(args.pack.as_deref())?;
    let wanted = match args.channels {
        ChannelsArg::Each => ChannelMode::Each,
        ChannelsArg::Sum => ChannelMode::Sum,
        ChannelsArg::Left => ChannelMode::Left,
        ChannelsArg::Right => ChannelMode::Right,
    };
    Ok(args.batch.run.run(&tasks, |task, bar| {
        let is_done = || is_take_of(task, &model, wanted, args.salvage);
        args.batch.unless_done(task, is_done, || encode(args, wanted, &model, task, bar))
    }))
}

fn encode(
    args: &Args,
    wanted: ChannelMode,
    model: &Arc<CodecModel>,
    task: &Task,
    bar: &ProgressBar,
) -> Result<Report, CliError> {
    if !args.batch.overwrite && is_there(&task.output) {
        return Err(CliError::Exists { path: task.output.clone() });
    }
    let mut audio = AudioReader::open(&task.input, salvage(args.salvage))?;
    let mode = if audio.channels == 1 { ChannelMode::Mono } else { wanted };
    let rate_hz = f64::from(audio.rate_hz);
    let mut coder = FileEncoder::new(model, mode, audio.channels, rate_hz, &task.input)?;
    let unwritable =
        |source: TakeError| CliError::Write { path: task.output.clone(), reason: source.to_string() };
    let first_samples = coder.encoders[0].timing().first_frame_samples;
    let mut header = Header {
        channel_mode: Some(mode.into()),
        stream_frame: Some(0),
        first_sample: Some(first_samples),
        ..Header::new(model, coder.encoders.len(), rate_hz)
    };
    let mut writer = TakeWriter::new(header.clone()).map_err(unwritable)?;
    // Only at the end the header is known: it has the digest of all that was read.
    drop(writer.take_bytes());
    writer.anchor(Anchor {
        playing: true,
        new_segment: true,
        codec_reset: true,
        stream_samples: first_samples,
        position_samples: Some(first_samples),
        ..Anchor::default()
    });
    bar.set_length(audio.length_samples.unwrap_or(1));
    let (bytes, length_samples, notes) =
        write_result(&task.input, &task.output, args.batch.overwrite, |file| {
            let mut length_samples = 0_u64;
            let mut block = vec![Vec::new(); audio.channels];
            let mut more = true;
            while more {
                while more && block[0].len() < BLOCK_SAMPLES {
                    more = audio.read(&mut block)?;
                }
                length_samples += block[0].len() as u64;
                bar.inc(block[0].len() as u64);
                coder.push(&mut block)?;
                block.iter_mut().for_each(Vec::clear);
                coder.give(&mut writer, audio.missing()).map_err(unwritable)?;
            }
            if length_samples == 0 {
                return Err(CliError::Empty { path: task.input.clone() });
            }
            coder.finish()?;
            coder.give(&mut writer, audio.missing()).map_err(unwritable)?;
            let mut notes = match coder.nonfinite_samples() {
                0 => Vec::new(),
                count => vec![format!("{count} samples were not numbers and were taken as silence")],
            };
            notes.extend(audio.missing().iter().map(|missing| {
                let (count, from) = (missing.end - missing.start, missing.start as f64 / rate_hz);
                format!("{count} samples are missing in the source from {from:.3} s on")
            }));
            writer.finish("end of file", Some(length_samples), notes.clone());
            header.source = Some(source_of(&task.input, audio.digest()));
            let mut bytes = TakeWriter::new(header).map_err(unwritable)?.take_bytes();
            bytes.append(&mut writer.take_bytes());
            file.write_all(&bytes).map_err(|e| CliError::write(&task.output, e))?;
            Ok((bytes, length_samples, notes))
        })?;
    let take = Take::parse(&bytes).map_err(unwritable)?;
    let info = model.info();
    let loss = losses(&take);
    let seconds = length_samples as f64 / rate_hz;
    let mut text = format!("{}: {} frames, {seconds:.1} s", task.output.display(), take.frames());
    for note in loss.iter().chain(&notes) {
        text += &format!("; {note}");
    }
    Ok(Report {
        text,
        json: json!({
            "output": name(&task.output), "frames": take.frames(), "channels": take.header.channels,
            "seconds": seconds, "sample_rate_hz": rate_hz, "bytes": bytes.len(),
            "failed_frames": take.frames() - take.present_frames(),
            "nonfinite_samples": coder.nonfinite_samples(),
            "pack": format!("{} {}", info.name, info.version),
        }),
        outcome: if loss.is_some() { Outcome::Finding } else { Outcome::Done },
    })
}

/// An encoder for each coded channel of a file.
pub struct FileEncoder {
    pub encoders: Vec<TokenEncoder>,
    mixer: ChannelMixer,
    /// Tokens of each channel that are complete; `None` where the codec failed.
    pub ready: Vec<Vec<Option<TokenFrame>>>,
}

impl FileEncoder {
    /// Encoders for audio of so many channels.
    pub fn new(
        model: &Arc<CodecModel>,
        mode: ChannelMode,
        channels: usize,
        rate_hz: f64,
        path: &Path,
    ) -> Result<Self, CliError> {
        let mixer = ChannelMixer::new(match mode {
            ChannelMode::Each => Channels::DualMono,
            ChannelMode::Sum => Channels::MonoSum,
            ChannelMode::Mono | ChannelMode::Left => Channels::Left,
            ChannelMode::Right => Channels::Right,
        });
        let coded = mixer.coded_channels(channels);
        if coded > MAX_CHANNELS {
            return Err(CliError::Channels { path: path.into(), channels: coded });
        }
        let encoders = (0..coded).map(|_| TokenEncoder::new(model, rate_hz));
        Ok(Self { encoders: encoders.collect::<Result<_, _>>()?, mixer, ready: vec![Vec::new(); coded] })
    }

    /// Samples that were no numbers.
    pub fn nonfinite_samples(&self) -> u64 {
        self.mixer.nonfinite_samples()
    }

    /// Codes samples of every channel, which are cleaned in place.
    pub fn push(&mut self, block: &mut [Vec<f32>]) -> Result<(), EngineError> {
        let channels = self.mixer.mix(block);
        for ((encoder, samples), ready) in self.encoders.iter_mut().zip(&channels).zip(&mut self.ready) {
            encoder.push(samples, &mut |tokens| ready.push(tokens))?;
        }
        Ok(())
    }

    /// Completes every frame that has begun; what is pushed next begins anew.
    pub fn finish(&mut self) -> Result<(), EngineError> {
        for (encoder, ready) in self.encoders.iter_mut().zip(&mut self.ready) {
            encoder.finish(&mut |tokens| ready.push(tokens))?;
        }
        Ok(())
    }

    /// Moves what is complete on. Frames of samples that are missing are gaps.
    fn give(&mut self, writer: &mut TakeWriter, missing: &[Range<u64>]) -> Result<(), TakeError> {
        let frames = self.ready.iter().map(Vec::len).min().unwrap_or(0);
        let first_samples = self.encoders[0].timing().first_frame_samples;
        let frame_samples = writer.header().frame_samples();
        let mut lost = 0;
        for frame in 0..frames {
            let tokens: Option<Vec<TokenFrame>> = self.ready.iter().map(|r| r[frame]).collect();
            let begin = first_samples + f64::from(writer.next_index() + lost) * frame_samples;
            if missing.iter().any(|m| begin < m.end as f64 && begin + frame_samples > m.start as f64) {
                lost += 1;
                continue;
            }
            give_gap(writer, &mut lost)?;
            match tokens {
                Some(tokens) => writer.frame(&tokens)?,
                None => writer.gap(1, GapReason::CodecFailed)?,
            }
        }
        give_gap(writer, &mut lost)?;
        self.ready.iter_mut().for_each(|r| drop(r.drain(..frames)));
        Ok(())
    }
}

/// Frames that the source does not have.
fn give_gap(writer: &mut TakeWriter, lost: &mut u32) -> Result<(), TakeError> {
    match std::mem::take(lost) {
        0 => Ok(()),
        lost => writer.gap(lost, GapReason::Damage),
    }
}

/// What becomes of damaged audio.
pub fn salvage(is_on: bool) -> Salvage {
    if is_on { Salvage::on() } else { Salvage::default() }
}
