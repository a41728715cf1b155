//! `sacodec encode`: audio files to token takes.

use std::io::{self, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use serde_json::json;
use tempfile::SpooledTempFile;

use crate::audio::{AUDIO_EXTENSIONS, AudioReader, Salvage, SourceDigest};
use crate::batch::{BatchArgs, FileReport, Made, Task, name};
use crate::choices::ChannelsArg;
use crate::error::CliError;
use crate::existing::{source_of, take_of};
use crate::file_encoder::FileEncoder;
use crate::outcome::Outcome;
use crate::pack::model;
use crate::result_file::{is_there, write_result};
use crate::standard::input_name;
use crate::take::losses;
use sacodec_codec::CodecModel;
use sacodec_take::{Anchor, ChannelMode, Header, Take, TakeSerializer};

const BLOCK_SAMPLES: usize = 1 << 14;
/// So much of a take stays in memory until its header is known, as of five hours of one channel. The rest waits in
/// a file without a name.
const SPOOL_BYTES: usize = 4 << 20;

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
    let wanted = args.channels.into();
    args.batch.run("encode", &tasks, |task, bar| {
        let done = || Ok(take_of(task, &model, wanted, args.salvage)?.map(|take| skipped(task, &take)));
        args.batch.unless_done(task, done, || encode(args, wanted, &model, task, bar))
    })
}

/// A take that was there.
fn skipped(task: &Task, take: &Take) -> FileReport {
    let source = take.header.source.clone();
    let source = source.map(|source| SourceDigest { bytes: source.bytes, sha256: source.sha256 });
    // Whatever the reason: it is to be all of the audio.
    FileReport::skipped(Made { source, losses: losses(take), ..Made::of(take, [&task.output]) })
}

fn encode(
    args: &Args,
    wanted: ChannelMode,
    model: &Arc<CodecModel>,
    task: &Task,
    bar: &ProgressBar,
) -> Result<FileReport, CliError> {
    if !args.batch.overwrite && is_there(&task.output) {
        return Err(CliError::Exists { path: task.output.clone() });
    }
    let mut audio = AudioReader::open(&task.input, Salvage::new(args.salvage))?;
    let mode = if audio.channels == 1 { ChannelMode::Mono } else { wanted };
    let rate_hz = f64::from(audio.rate_hz);
    let mut coder = FileEncoder::new(model, mode, audio.channels, rate_hz, &input_name(&task.input))?;
    let header = Header {
        channel_mode: Some(mode.into()),
        stream_frame: Some(0),
        first_sample: Some(coder.first_samples()),
        ..Header::new(model, coder.encoders.len(), rate_hz)
    };
    bar.set_length(audio.length_samples.unwrap_or(1));
    let coded = write_result(&task.input, &task.output, args.batch.overwrite, |file| {
        let mut coded = code(&mut audio, &mut coder, header, task, bar)?;
        let copied = file.write_all(&coded.head).and_then(|()| io::copy(&mut coded.records, file));
        copied.map_err(|e| CliError::write(&task.output, e)).map(|_| coded)
    })?;
    Ok(report(model, task, coder.nonfinite_samples(), coded))
}

/// A take as it was written.
struct Coded {
    /// All before its first record.
    head: Vec<u8>,
    /// At its first record.
    records: SpooledTempFile,
    records_bytes: u64,
    header: Header,
    frames: u32,
    missing_frames: u64,
    notes: Vec<String>,
    /// Of the audio.
    length_samples: u64,
    peak_db: Option<f64>,
    source: SourceDigest,
}

/// Codes all of `audio` into a take that begins with `header`.
fn code(
    audio: &mut AudioReader,
    coder: &mut FileEncoder,
    mut header: Header,
    task: &Task,
    bar: &ProgressBar,
) -> Result<Coded, CliError> {
    let unwritable = |source| CliError::write(&task.output, source);
    let mut writer = TakeSerializer::new(header.clone()).map_err(unwritable)?;
    // Only at the end the header is known: it has the digest of all that was read.
    drop(writer.take_bytes());
    let mut records = SpooledTempFile::new(SPOOL_BYTES);
    let spooled = |error| CliError::write(&std::env::temp_dir(), error);
    writer.anchor(beginning(coder));
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
        records.write_all(&writer.take_bytes()).map_err(spooled)?;
    }
    if length_samples == 0 {
        return Err(CliError::Empty { path: task.input.clone() });
    }
    coder.finish()?;
    coder.give(&mut writer, audio.missing()).map_err(unwritable)?;
    let notes = notes(audio, coder);
    let (frames, counts) = (writer.next_index(), writer.counts());
    let missing_frames = counts.lost_frames + counts.failed_frames;
    writer.finish("end of file", Some(length_samples), notes.clone());
    records.write_all(&writer.take_bytes()).map_err(spooled)?;
    let records_bytes = records.stream_position().map_err(spooled)?;
    records.rewind().map_err(spooled)?;
    let source = audio.digest();
    header.source = Some(source_of(&task.input, source.clone()));
    let head = TakeSerializer::new(header.clone()).map_err(unwritable)?.take_bytes();
    let peak_db = coder.levels().peak_db();
    Ok(Coded {
        head,
        records,
        records_bytes,
        header,
        frames,
        missing_frames,
        notes,
        length_samples,
        peak_db,
        source,
    })
}

/// The place of a file's first frame.
fn beginning(coder: &FileEncoder) -> Anchor {
    Anchor {
        playing: true,
        new_segment: true,
        codec_reset: true,
        stream_samples: coder.first_samples(),
        position_samples: Some(coder.first_samples()),
        ..Anchor::default()
    }
}

/// What was wrong with the audio.
fn notes(audio: &AudioReader, coder: &FileEncoder) -> Vec<String> {
    let mut notes = match coder.nonfinite_samples() {
        0 => Vec::new(),
        count => vec![format!("{count} samples were not numbers and were taken as silence")],
    };
    // Of what is missing no level is known.
    if coder.levels().peak_db().is_some() || audio.missing().is_empty() {
        notes.extend(coder.levels().notes());
    }
    notes.extend(audio.missing().iter().map(|missing| {
        let from = missing.start as f64 / f64::from(audio.rate_hz);
        format!("{} samples are missing in the source from {from:.3} s on", missing.end - missing.start)
    }));
    notes
}

fn report(model: &CodecModel, task: &Task, nonfinite_samples: u64, coded: Coded) -> FileReport {
    let Coded { header, frames, missing_frames, source, .. } = coded;
    let info = model.info();
    let losses = (missing_frames > 0).then(|| format!("{missing_frames} frames are missing"));
    let rate_hz = header.host_rate_hz;
    let seconds = coded.length_samples as f64 / rate_hz;
    let mut text = format!("{}: {} frames, {seconds:.1} s", task.output.display(), frames);
    for note in losses.iter().chain(&coded.notes) {
        text += &format!("; {note}");
    }
    let json = json!({
        "output": name(&task.output), "frames": frames, "channels": header.channels,
        "seconds": seconds, "sample_rate_hz": rate_hz, "bytes": coded.head.len() as u64 + coded.records_bytes,
        "failed_frames": missing_frames,
        "nonfinite_samples": nonfinite_samples, "peak_db": coded.peak_db, "pack": format!("{} {}", info.name, info.version),
    });
    let outcome = if losses.is_some() { Outcome::Finding } else { Outcome::Done };
    let made = Made {
        source: Some(source),
        frames: Some(frames),
        seconds: Some(seconds),
        losses,
        ..Made::files([&task.output])
    };
    FileReport::new(text, json, outcome).with(made)
}
