//! `sacodec verify`: whether audio gives the tokens of a take again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as ClapArgs;
use serde_json::json;

use crate::audio::{AUDIO_EXTENSIONS, AudioReader, Salvage, SourceDigest};
use crate::batch::{BatchArgs, FileReport, LoggedRunArgs, Made, Second, extension, name};
use crate::comparison::{Comparison, parse_percent};
use crate::error::CliError;
use crate::file_encoder::FileEncoder;
use crate::outcome::Outcome;
use crate::pack::model;
use crate::standard::{input_name, is_standard};
use crate::take::{losses, open_take_with_digest};
use sacodec_codec::{CodecModel, TokenFrame};
use sacodec_take::decode::check_pack;
use sacodec_take::{ChannelMode, ChannelModeText, Source, Take};

const BLOCK_SAMPLES: usize = 1 << 14;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Takes, or one take and the audio that it was coded from.
    #[arg(required_unless_present = "files_from")]
    inputs: Vec<PathBuf>,
    /// The audio of a take, or the folder where audio is that is named like the takes, in the same folders
    /// or in none; `-` is standard input. Without it, beside each take.
    #[arg(long, value_name = "PATH")]
    audio: Option<PathBuf>,
    /// Samples of the audio before the take begins.
    #[arg(long, value_name = "SAMPLES", default_value_t = 0)]
    offset: u64,
    /// Percentage of equal tokens, of each stream, that is enough.
    #[arg(long, value_name = "PERCENT", default_value_t = 100.0, value_parser = parse_percent)]
    min_percent: f64,
    /// Read audio as `encode --salvage` does.
    #[arg(long)]
    salvage: bool,
    /// Folder of the model pack that the takes were coded with; without it the one the command carries.
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,
    /// Read further takes from a file, one on each line; `-` is standard input.
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    #[command(flatten)]
    run: LoggedRunArgs,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let mut inputs = args.inputs.clone();
    let mut audio = args.audio.clone();
    let is_audio = |path: &Path| is_standard(path) || AUDIO_EXTENSIONS.contains(&extension(path).as_str());
    if audio.is_none() && inputs.len() == 2 && is_audio(&inputs[1]) {
        audio = inputs.pop();
    }
    // A folder is read as `encode --output` has named its results, the other way round.
    let batch = BatchArgs::of(inputs)
        .with_output(audio.clone().filter(|audio| audio.is_dir()))
        .with_list(args.files_from.clone());
    let tasks = batch.tasks_that_write_nothing(&["sac"], "wav")?;
    check_given(audio.as_deref(), tasks.len())?;
    let model = model(args.pack.as_deref())?;
    args.run.run("verify", &tasks, Second::Nothing, |task, _| {
        let (take, digest) = open_take_with_digest(&task.input)?;
        let audio = find_audio(&task.input, &task.output, audio.as_deref(), take.header.source.as_ref())?;
        let mut report = verify(args, &model, &take, &task.input, &audio)?;
        report.made.source = Some(digest);
        Ok(report)
    })
}

/// Whether there can be audio where it was said to be: told once, and not for each take.
fn check_given(audio: Option<&Path>, takes: usize) -> Result<(), CliError> {
    match audio {
        Some(audio) if is_standard(audio) && takes > 1 => {
            let what = format!("standard input is the audio of one take, and {takes} were given");
            Err(CliError::Line { what })
        }
        Some(audio) if !is_standard(audio) && takes > 0 => match audio.metadata() {
            Ok(_) => Ok(()),
            Err(source) => Err(CliError::Open { path: audio.into(), source }),
        },
        _ => Ok(()),
    }
}

/// The audio of a take whose WAV would be `beside`, or straight in the folder that was given. It may have
/// the name that the take tells.
///
/// # Errors
/// [`CliError::NoAudio`].
fn find_audio(
    take: &Path,
    beside: &Path,
    given: Option<&Path>,
    source: Option<&Source>,
) -> Result<PathBuf, CliError> {
    let mut places = vec![beside.to_owned()];
    match given {
        Some(folder) if folder.is_dir() => places.push(folder.join(beside.file_name().unwrap_or_default())),
        Some(file) => return Ok(file.into()),
        None => {}
    }
    // A take is not to be trusted: a name with folders in it is none.
    let is_name = |name: &&Path| name.file_name() == Some(name.as_os_str());
    let name = source.map(|source| Path::new(&source.name)).filter(is_name);
    let name = name.filter(|name| AUDIO_EXTENSIONS.contains(&extension(name).as_str()));
    let told = name
        .and_then(|name| places.iter().map(|place| place.with_file_name(name)).find(|path| path.exists()));
    let exact = places.iter().flat_map(|place| [place.clone(), place.with_extension("flac")]);
    let found = told.or_else(|| exact.into_iter().find(|place| place.exists()));
    found.or_else(|| places.iter().find_map(|place| like(place))).ok_or_else(|| {
        let audio = name.map_or(beside.into(), |name| beside.with_file_name(name));
        CliError::NoAudio { audio, take: take.into() }
    })
}

/// A file beside `place` with its stem and an extension of audio, in whatever case.
fn like(place: &Path) -> Option<PathBuf> {
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found: Vec<_> = folder.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.retain(|path| path.file_stem() == place.file_stem());
    found.retain(|path| AUDIO_EXTENSIONS.contains(&extension(path).as_str()));
    found.sort();
    found.into_iter().next()
}

fn verify(
    args: &Args,
    model: &Arc<CodecModel>,
    take: &Take,
    path: &Path,
    audio: &Path,
) -> Result<FileReport, CliError> {
    let other_pack = |source| CliError::Verify { path: path.into(), source };
    check_pack(take, model).map_err(other_pack)?;
    let (compared, heard_samples, digest) = compare_with_audio(args, model, take, path, audio)?;
    let skipped = u64::from(take.frames()) - compared.frames;
    // A recorded take may be of a part of the audio; one of a file is of all of it.
    let length_samples = take.footer.as_ref().and_then(|footer| footer.length_samples);
    let of_file = length_samples.filter(|_| take.header.source.is_some());
    let more_samples = of_file.map_or(0, |length| heard_samples.saturating_sub(length));
    let enough = compared.is_enough(args.min_percent);
    let loss = losses(take);
    let is_whole = skipped == 0 && more_samples == 0 && loss.is_none();
    let mut findings = vec![compared.text(take.header.frame_rate_hz())];
    if skipped > 0 {
        findings.push(format!(
            "{skipped} frames were not compared: missing in the take or after the audio's end"
        ));
    }
    if more_samples > 0 {
        findings.push(format!("the audio goes on for {more_samples} samples after the end of the take"));
    }
    findings.extend(loss.clone());
    let mut text = format!("{}: {}", path.display(), findings.join("; "));
    if take.header.stream_frame.unwrap_or(0) > 0 {
        text += "; the take began while the codec was running, so its first frames may differ";
    }
    let json = json!({
        "audio": name(audio), "frames": compared.frames, "not_compared": skipped, "samples_after_end": more_samples,
        "semantic_percent": compared.semantic_percent(), "acoustic_percent": compared.acoustic_percent(),
        "first_difference": compared.first_difference, "enough": enough, "losses": loss,
    });
    let outcome = if enough && is_whole { Outcome::Done } else { Outcome::Finding };
    let made = Made {
        losses: (outcome == Outcome::Finding).then(|| findings.join("; ")),
        partner: Some((audio.into(), Some(digest))),
        ..Made::of(take, [] as [&Path; 0])
    };
    Ok(FileReport::new(text, json, outcome).with(made))
}

/// Where the codec began anew, in samples of the audio.
struct Pass {
    /// Its first frame.
    index: u32,
    /// The first sample that the codec heard.
    heard_samples: i64,
    /// The same, counted from where its first frame begins.
    heard_in_frame_samples: f64,
}

/// The passes of a take, in order: of several that begin with one frame, the last.
fn passes(take: &Take, first_frame_samples: f64) -> Vec<Pass> {
    let mut passes: Vec<Pass> = Vec::new();
    for anchor in take.anchors.iter().filter(|anchor| anchor.codec_reset) {
        let start_samples = anchor.stream_samples - first_frame_samples;
        let heard_samples = anchor.pass_samples.unwrap_or(start_samples.round());
        let heard_in_frame_samples =
            anchor.pass_samples.map_or(0.0, |heard_samples| heard_samples - start_samples);
        passes.pop_if(|pass| pass.index == anchor.index);
        passes.push(Pass {
            index: anchor.index,
            heard_samples: heard_samples.round() as i64,
            heard_in_frame_samples,
        });
    }
    passes
}

/// Codes the audio again, and compares it frame by frame as it comes; also gives how many samples were heard, and what was
/// read.
fn compare_with_audio(
    args: &Args,
    model: &Arc<CodecModel>,
    take: &Take,
    path: &Path,
    audio_path: &Path,
) -> Result<(Comparison, u64, SourceDigest), CliError> {
    let mut audio = AudioReader::open(audio_path, Salvage::new(args.salvage))?;
    let mut coder = coder_for(model, take, path, &audio, audio_path)?;
    let mut found = Found { frames: take.iter(), index: 0, compared: Comparison::default() };
    // The codec began anew at these samples of the audio, which is heard from where the first pass is.
    let passes = passes(take, coder.first_samples());
    let audio_samples = passes.first().filter(|pass| pass.index == 0).map_or(0, |pass| pass.heard_samples);
    let mut passes = passes.into_iter().peekable();
    let mut offset = args.offset;
    let mut taken_samples = 0;
    let mut block = vec![Vec::new(); audio.channels];
    let mut more = true;
    while more {
        while more && block[0].len() < BLOCK_SAMPLES {
            more = audio.read(&mut block)?;
        }
        let skipped = offset.min(block[0].len() as u64);
        offset -= skipped;
        block.iter_mut().for_each(|c| drop(c.drain(..skipped as usize)));
        let end_samples = taken_samples + block[0].len() as u64;
        while let Some(pass) =
            passes.next_if(|pass| pass.heard_samples.saturating_sub(audio_samples) <= end_samples as i64)
        {
            // A damaged take may name one that lies before.
            let begin_samples = pass.heard_samples.saturating_sub(audio_samples).max(0) as u64;
            let before = begin_samples.saturating_sub(taken_samples) as usize;
            let mut first: Vec<Vec<f32>> = block.iter_mut().map(|c| c.drain(..before).collect()).collect();
            coder.push(&mut first)?;
            if pass.index > 0 {
                coder.finish()?;
                found.compare_to_pass(&mut coder, pass.index);
            }
            coder.begin_pass(pass.heard_in_frame_samples)?;
            taken_samples += before as u64;
        }
        coder.push(&mut block)?;
        found.compare(&mut coder, passes.peek().map_or(u32::MAX, |pass| pass.index));
        taken_samples += block[0].len() as u64;
        block.iter_mut().for_each(Vec::clear);
    }
    coder.finish()?;
    found.compare(&mut coder, u32::MAX);
    Ok((found.compared, taken_samples, audio.digest()))
}

/// A coder that codes audio as that of the take was.
fn coder_for(
    model: &Arc<CodecModel>,
    take: &Take,
    path: &Path,
    audio: &AudioReader,
    audio_path: &Path,
) -> Result<FileEncoder, CliError> {
    let header = &take.header;
    let other =
        |reason: String| Err(CliError::OtherAudio { audio: audio_path.into(), take: path.into(), reason });
    if f64::from(audio.rate_hz) != header.host_rate_hz {
        return other(format!("it has {} Hz, the take {} Hz", audio.rate_hz, header.host_rate_hz));
    }
    let mode = match &header.channel_mode {
        None => ChannelMode::Each,
        Some(ChannelModeText::Known(mode)) => *mode,
        Some(ChannelModeText::Other(text)) => {
            return other(format!(
                "the take's channel_mode is {text:?}, expected mono, sum, left, right or each; install a newer SACodec"
            ));
        }
    };
    if mode == ChannelMode::Mono && audio.channels != 1 {
        return other(format!("it has {} channels, the take was coded from one", audio.channels));
    }
    let coder = FileEncoder::new(model, mode, audio.channels, header.host_rate_hz, &input_name(audio_path))?;
    match coder.encoders.len() {
        channels if channels == header.channels => Ok(coder),
        _ => other(format!("it has {} channels, the take {}", audio.channels, header.channels)),
    }
}

/// The frames of a take that are still to be compared, and what was found of the others.
struct Found<I> {
    frames: I,
    /// Index of the next frame.
    index: u32,
    compared: Comparison,
}

impl<'a, I: Iterator<Item = Option<&'a [TokenFrame]>>> Found<I> {
    /// Compares all frames before `end` that the coder has completed.
    fn compare(&mut self, coder: &mut FileEncoder, end: u32) {
        let ready = coder.ready.iter().map(Vec::len).min().unwrap_or(0);
        let count = ready.min(end.saturating_sub(self.index) as usize);
        for frame in 0..count {
            let coded: Vec<_> = coder.ready.iter().map(|channel| channel[frame]).collect();
            self.add(&coded);
        }
        coder.ready.iter_mut().for_each(|channel| drop(channel.drain(..count)));
    }

    /// Compares all frames before `end`, where a pass begins: one that gave way before it was heard has fewer frames
    /// than the take, or more.
    fn compare_to_pass(&mut self, coder: &mut FileEncoder, end: u32) {
        self.compare(coder, end);
        let nothing = vec![None; coder.ready.len()];
        while self.index < end {
            self.add(&nothing);
        }
        coder.ready.iter_mut().for_each(Vec::clear);
    }

    fn add(&mut self, coded: &[Option<TokenFrame>]) {
        if let Some(Some(tokens)) = self.frames.next() {
            self.compared.add(self.index, tokens, coded);
        }
        self.index += 1;
    }
}
