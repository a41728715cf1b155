//! A take that is being recorded: its bytes on their way to a disk that may be full, slow or gone.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::disk::Disk;
use super::error::TakeError;
use super::export::{ExportError, ExportFormat, export_take};
use super::header::Header;
use super::reader::Take;
use super::recorder::{Begin, RecorderEvent};
use super::serializer::TakeSerializer;
use super::settings::Destination;
use super::take_file::{TakeFile, with_extension};
use sacodec_codec::CodecModel;

/// After a refusal the disk is tried again so much later.
const RETRY: Duration = Duration::from_secs(1);
/// A take that is closed waits so long for a disk that refuses it, then goes elsewhere.
const CLOSE_PATIENCE: Duration = Duration::from_secs(3);
const CLOSE_RETRY: Duration = Duration::from_millis(200);

/// A take that is being recorded.
pub struct UnfinishedTake {
    model: Arc<CodecModel>,
    writer: TakeSerializer,
    destination: Destination,
    /// What the file is called after.
    name: String,
    date: String,
    file: Option<TakeFile>,
    /// Which of the folders `file` is in.
    folder: usize,
    /// Bytes that the disk has not taken yet.
    pending: Vec<u8>,
    /// What is wrong for as long as the take lasts.
    lasting_problem: Option<String>,
    /// What is wrong with the disk now.
    problem: Option<String>,
    next_try: Option<Instant>,
    refused_since: Option<Instant>,
    notes: Vec<String>,
}

/// How it goes.
pub struct UnfinishedStatus {
    pub path: PathBuf,
    pub frames: u64,
    pub waiting_bytes: u64,
    pub problem: Option<String>,
}

/// What became of a take.
pub struct ClosedTake {
    /// Where it is.
    pub path: Option<PathBuf>,
    /// What went wrong.
    pub problem: Option<String>,
    /// Frames that did not reach the file for want of a disk.
    pub lost_frames: u64,
    /// What is to be exported.
    pub exports: Option<Exports>,
}

/// A closed take and what it is to be exported as.
pub struct Exports {
    take: PathBuf,
    stem: PathBuf,
    formats: Vec<ExportFormat>,
    model: Arc<CodecModel>,
}

impl UnfinishedTake {
    /// Begins a take; nothing is on a disk yet.
    pub fn new(begin: &Begin, destination: Destination, track: Option<String>) -> Result<Self, TakeError> {
        let now = jiff::Zoned::now();
        let header = Header {
            channel_mode: Some(begin.mode.into()),
            latency_samples: Some(begin.latency_samples.into()),
            stream_frame: Some(begin.stream_frame),
            first_sample: begin.first.position_samples,
            tempo_bpm: begin.first.tempo_bpm,
            track: track.clone(),
            created: Some(now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()),
            ..Header::new(&begin.model, begin.channels.into(), begin.rate_hz)
        };
        Ok(Self {
            model: begin.model.clone(),
            writer: TakeSerializer::new(header)?,
            lasting_problem: destination.warning.clone(),
            problem: None,
            notes: destination.warning.iter().cloned().collect(),
            name: destination.name.clone().or(track).unwrap_or_default(),
            destination,
            date: now.strftime("%Y-%m-%d").to_string(),
            file: None,
            folder: 0,
            pending: Vec::new(),
            next_try: None,
            refused_since: None,
        })
    }

    /// Adds what the recorder hands over.
    pub fn add(&mut self, event: &RecorderEvent) -> Result<(), TakeError> {
        match event {
            RecorderEvent::Anchor(anchor) => self.writer.anchor(*anchor),
            RecorderEvent::Frame(tokens) => self.writer.frame(&tokens[..self.writer.header().channels])?,
            RecorderEvent::Gap { count, reason } => self.writer.gap(*count, *reason)?,
            RecorderEvent::Begin(_) | RecorderEvent::End { .. } => {}
        }
        Ok(())
    }

    /// Gets to the disk what is complete, if it is time to try.
    pub fn write(&mut self, disk: &dyn Disk) {
        self.pending.append(&mut self.writer.take_bytes());
        let is_early = self.next_try.is_some_and(|next| Instant::now() < next);
        if self.pending.is_empty() || is_early {
            return;
        }
        if let Err(problem) = self.try_write(disk) {
            self.problem = Some(problem);
            self.refused_since.get_or_insert_with(Instant::now);
            self.next_try = Some(Instant::now() + RETRY);
        } else {
            self.next_try = None;
            if let Some(since) = self.refused_since.take() {
                let seconds = since.elapsed().as_secs_f64();
                self.notes.push(format!("the disk took nothing for {seconds:.1} s; nothing was lost"));
                self.problem = None;
            }
        }
    }

    /// What the take becomes besides a `.sac` when it is closed.
    pub fn export_as(&mut self, formats: Vec<ExportFormat>) {
        self.destination.formats = formats;
    }

    /// How it goes.
    pub fn status(&self) -> UnfinishedStatus {
        let first = self.destination.folders.first().cloned().unwrap_or_default();
        UnfinishedStatus {
            path: self.file.as_ref().map_or(first, TakeFile::part_path),
            frames: self.writer.next_index().into(),
            waiting_bytes: self.pending.len() as u64,
            problem: join(self.lasting_problem.clone(), self.problem.clone()),
        }
    }

    /// Ends the take. Where its folder does not take the rest, all of it moves to another one.
    pub fn close(mut self, disk: &dyn Disk, reason: &str, length_samples: Option<u64>) -> ClosedTake {
        self.write(disk);
        self.writer.finish(reason, length_samples, std::mem::take(&mut self.notes));
        let start = Instant::now();
        self.next_try = None;
        self.write(disk);
        while !self.pending.is_empty() && start.elapsed() < CLOSE_PATIENCE {
            std::thread::sleep(CLOSE_RETRY);
            self.next_try = None;
            self.write(disk);
        }
        if !self.pending.is_empty() {
            self.relocate(disk);
        }
        self.finish(disk)
    }

    fn try_write(&mut self, disk: &dyn Disk) -> Result<(), String> {
        if self.file.is_none() {
            self.create(disk)?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.append(&self.pending).map_err(|error| {
            format!(
                "{} takes no more ({error}): the take waits in memory, make room for it",
                file.part_path().display()
            )
        })?;
        self.pending.clear();
        Ok(())
    }

    /// Makes the file in the first folder where it can be made.
    fn create(&mut self, disk: &dyn Disk) -> Result<(), String> {
        let mut refused = Vec::new();
        for (i, folder) in self.destination.folders.iter().enumerate().skip(self.folder) {
            match TakeFile::create(disk, folder, &self.name, &self.date) {
                Ok(file) => {
                    if !refused.is_empty() {
                        let note =
                            format!("{}: the take is in {} instead", refused.join("; "), folder.display());
                        self.notes.push(note.clone());
                        self.lasting_problem = join(self.lasting_problem.take(), Some(note));
                    }
                    (self.file, self.folder) = (Some(file), i);
                    return Ok(());
                }
                Err(error) => refused.push(format!("{} cannot be used ({error})", folder.display())),
            }
        }
        Err(format!("{}: the take waits in memory, choose another folder", refused.join("; ")))
    }

    /// Writes all of the take to the next folder that takes it.
    fn relocate(&mut self, disk: &dyn Disk) {
        let written = match &self.file {
            Some(file) => disk.read(&file.part_path(), file.written_bytes()).ok(),
            None => Some(Vec::new()),
        };
        let Some(mut bytes) = written else { return };
        if self.file.as_ref().is_some_and(|file| file.written_bytes() != bytes.len() as u64) {
            return;
        }
        bytes.extend_from_slice(&self.pending);
        for folder in self.destination.folders.iter().skip(self.folder + 1) {
            let Ok(mut file) = TakeFile::create(disk, folder, &self.name, &self.date) else { continue };
            if file.append(&bytes).is_err() {
                // What could not be written whole is of no use beside the part that stays.
                let _ = disk.remove(&file.part_path());
                continue;
            }
            let moved = format!("the take is in {} instead", folder.display());
            self.problem = join(self.problem.take(), Some(moved));
            if let Some(old) = self.file.replace(file) {
                let _ = disk.remove(&old.part_path());
            }
            self.pending.clear();
            return;
        }
    }

    fn finish(mut self, disk: &dyn Disk) -> ClosedTake {
        self.problem = join(self.lasting_problem.take(), self.problem.take());
        let Some(file) = &mut self.file else {
            let lost_frames = self.writer.next_index().into();
            return ClosedTake { path: None, problem: self.problem, lost_frames, exports: None };
        };
        if !self.pending.is_empty() {
            let part = file.part_path();
            // Of a write that failed, some may have come through.
            let kept = disk.read(&part, u64::MAX).ok().and_then(|b| Take::parse(&b).ok());
            let lost = self.writer.next_index().saturating_sub(kept.map_or(0, |take| take.frames()));
            let problem = format!(
                "{lost} frames could not be written and are lost; what was written is in {}: \
                 run `sacodec repair` on it",
                part.display()
            );
            return ClosedTake {
                path: Some(part),
                problem: Some(problem),
                lost_frames: lost.into(),
                exports: None,
            };
        }
        let stem = file.stem().to_owned();
        match file.finish(disk) {
            Ok(path) => {
                let exports = (!self.destination.formats.is_empty()).then(|| Exports {
                    take: path.clone(),
                    stem,
                    formats: self.destination.formats.clone(),
                    model: self.model,
                });
                ClosedTake { path: Some(path), problem: self.problem, lost_frames: 0, exports }
            }
            Err(error) => ClosedTake {
                problem: Some(format!(
                    "{} is complete and could not be renamed ({error}): rename it to {}",
                    file.part_path().display(),
                    with_extension(&stem, "sac").display()
                )),
                path: Some(file.part_path()),
                lost_frames: 0,
                exports: None,
            },
        }
    }
}

impl Exports {
    /// Writes all of them, until they are `given_up`; what went wrong, in words.
    pub fn write(&self, disk: &dyn Disk, given_up: &AtomicBool) -> Vec<String> {
        let bytes = match disk.read(&self.take, u64::MAX) {
            Ok(bytes) => bytes,
            Err(error) => return vec![format!("{} could not be read again: {error}", self.take.display())],
        };
        let take = match Take::parse(&bytes) {
            Ok(take) => take,
            Err(error) => return vec![format!("{} could not be read again: {error}", self.take.display())],
        };
        let export = |&format: &ExportFormat| {
            let path = with_extension(&self.stem, format.extension());
            export_take(&take, format, &self.model, &path, given_up)
                .err()
                .map(|error| describe(&path, &error))
        };
        self.formats.iter().filter_map(export).collect()
    }
}

fn join(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(format!("{first}; {second}")),
        (first, second) => first.or(second),
    }
}

fn describe(path: &Path, error: &ExportError) -> String {
    format!("{} was not exported: {error}; the take itself is safe", path.display())
}
