//! `sacodec encode`: audio files to token takes.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use serde_json::json;

use super::audio::{AudioReader, Salvage, SourceDigest};
use super::batch::{BatchArgs, Made, Report, Task, name};
use super::existing::{source_of, take_of};
use super::file_encoder::FileEncoder;
use super::result_file::{is_there, write_result};
use super::roundtrip::ChannelsArg;
use super::{CliError, Outcome, losses, model};
use sacodec_codec::CodecModel;
use sacodec_take::{Anchor, ChannelMode, Header, Take, TakeError, TakeSerializer};

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
    args.batch.run(&tasks, |task, bar| {
        let done = || Ok(take_of(task, &model, wanted, args.salvage)?.map(|take| skipped(task, &take)));
        args.batch.unless_done(task, done, || encode(args, wanted, &model, task, bar))
    })
}

/// A take that was there.
fn skipped(task: &Task, take: &Take) -> Report {
    let source = take.header.source.clone();
    let source = source.map(|source| SourceDigest { bytes: source.bytes, sha256: source.sha256 });
    Report::skipped(Made { source, ..Made::of(take, [&task.output]) })
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
    let header = Header {
        channel_mode: Some(mode.into()),
        stream_frame: Some(0),
        first_sample: Some(coder.first_samples()),
        ..Header::new(model, coder.encoders.len(), rate_hz)
    };
    bar.set_length(audio.length_samples.unwrap_or(1));
    let coded = write_result(&task.input, &task.output, args.batch.overwrite, |file| {
        let coded = code(&mut audio, &mut coder, header, task, bar)?;
        file.write_all(&coded.bytes).map_err(|e| CliError::write(&task.output, e))?;
        Ok(coded)
    })?;
    report(model, task, coder.nonfinite_samples(), coded)
}

/// A take as it was written.
struct Coded {
    bytes: Vec<u8>,
    /// Of the audio.
    length_samples: u64,
    source: SourceDigest,
    notes: Vec<String>,
}

/// Codes all of `audio` into a take that begins with `header`.
fn code(
    audio: &mut AudioReader,
    coder: &mut FileEncoder,
    mut header: Header,
    task: &Task,
    bar: &ProgressBar,
) -> Result<Coded, CliError> {
    let unwritable = |source| unwritable(task, source);
    let mut writer = TakeSerializer::new(header.clone()).map_err(unwritable)?;
    // Only at the end the header is known: it has the digest of all that was read.
    drop(writer.take_bytes());
    writer.anchor(Anchor {
        playing: true,
        new_segment: true,
        codec_reset: true,
        stream_samples: coder.first_samples(),
        position_samples: Some(coder.first_samples()),
        ..Anchor::default()
    });
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
    let notes = notes(audio, coder);
    writer.finish("end of file", Some(length_samples), notes.clone());
    let source = audio.digest();
    header.source = Some(source_of(&task.input, source.clone()));
    let mut bytes = TakeSerializer::new(header).map_err(unwritable)?.take_bytes();
    bytes.append(&mut writer.take_bytes());
    Ok(Coded { bytes, length_samples, source, notes })
}

fn unwritable(task: &Task, source: TakeError) -> CliError {
    CliError::write(&task.output, source)
}

/// What was wrong with the audio.
fn notes(audio: &AudioReader, coder: &FileEncoder) -> Vec<String> {
    let mut notes = match coder.nonfinite_samples() {
        0 => Vec::new(),
        count => vec![format!("{count} samples were not numbers and were taken as silence")],
    };
    notes.extend(audio.missing().iter().map(|missing| {
        let from = missing.start as f64 / f64::from(audio.rate_hz);
        format!("{} samples are missing in the source from {from:.3} s on", missing.end - missing.start)
    }));
    notes
}

fn report(model: &CodecModel, task: &Task, nonfinite_samples: u64, coded: Coded) -> Result<Report, CliError> {
    let take = Take::parse(&coded.bytes).map_err(|source| unwritable(task, source))?;
    let info = model.info();
    let loss = losses(&take);
    let rate_hz = take.header.host_rate_hz;
    let seconds = coded.length_samples as f64 / rate_hz;
    let mut text = format!("{}: {} frames, {seconds:.1} s", task.output.display(), take.frames());
    for note in loss.iter().chain(&coded.notes) {
        text += &format!("; {note}");
    }
    let json = json!({
        "output": name(&task.output), "frames": take.frames(), "channels": take.header.channels,
        "seconds": seconds, "sample_rate_hz": rate_hz, "bytes": coded.bytes.len(),
        "failed_frames": take.frames() - take.present_frames(),
        "nonfinite_samples": nonfinite_samples, "pack": format!("{} {}", info.name, info.version),
    });
    let outcome = if loss.is_some() { Outcome::Finding } else { Outcome::Done };
    let made = Made { source: Some(coded.source), ..Made::of(&take, [&task.output]) };
    Ok(Report::new(text, json, outcome).with(made))
}

/// What becomes of damaged audio.
pub fn salvage(is_on: bool) -> Salvage {
    if is_on { Salvage::on() } else { Salvage::default() }
}
