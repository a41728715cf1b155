//! `--skip-existing`: what is there already is left alone if it is what would be made, and of processes that
//! share a folder one makes each result.

use std::path::Path;

use crate::audio::{SourceDigest, digest_of};
use crate::batch::{BatchArgs, FileReport, Task};
use crate::error::CliError;
use crate::result_file::is_there;
use crate::standard::is_standard;
use crate::take::open_take;
use sacodec_codec::CodecModel;
use sacodec_take::claim::Claim;
use sacodec_take::{ChannelMode, PackId, Source, Take};

impl BatchArgs {
    /// Makes what a task asks for by `make`, unless `done` says that it is there.
    ///
    /// # Errors
    /// Those of both, and [`CliError::Busy`] while another process makes it, if the task does not wait.
    pub fn unless_done(
        &self,
        task: &Task,
        done: impl Fn() -> Result<Option<FileReport>, CliError>,
        make: impl FnOnce() -> Result<FileReport, CliError>,
    ) -> Result<FileReport, CliError> {
        if !self.skip_existing || is_standard(&task.output) {
            return make();
        }
        if let Some(report) = done()? {
            return Ok(report);
        }
        let _claim = claim(task)?;
        // Another process may have been here meanwhile.
        if let Some(report) = done()? {
            return Ok(report);
        }
        match make() {
            // It may have come although nobody else had the claim: where the file system has no locks.
            Err(error @ CliError::Exists { .. }) => done()?.ok_or(error),
            result => result,
        }
    }
}

fn claim(task: &Task) -> Result<Option<Claim>, CliError> {
    if let Some(folder) = task.output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| CliError::write(&task.output, e))?;
    }
    let claim = if task.waits { Claim::wait(&task.output).map(Some) } else { Claim::try_new(&task.output) };
    match claim {
        Ok(Some(claim)) => Ok(Some(claim)),
        Ok(None) => Err(CliError::Busy { path: task.output.clone() }),
        // Without locks, or without the right to write: making the result tells which, and never replaces one.
        Err(_) => Ok(None),
    }
}

/// What a take tells of the file that it was coded from.
pub fn source_of(input: &Path, digest: SourceDigest) -> Source {
    let name = if is_standard(input) { input } else { Path::new(input.file_name().unwrap_or_default()) };
    Source { name: name.to_string_lossy().into(), bytes: digest.bytes, sha256: digest.sha256 }
}

/// The take of `task`, if it is there; it was coded from its input by `model`, and is whole.
///
/// # Errors
/// Where something else has its name.
pub fn take_of(
    task: &Task,
    model: &CodecModel,
    wanted: ChannelMode,
    salvage: bool,
) -> Result<Option<Take>, CliError> {
    if !is_there(&task.output) {
        return Ok(None);
    }
    let other = |reason: String| {
        let (path, input) = (task.output.clone(), task.input.clone());
        Err(CliError::OtherSource { path, input, reason })
    };
    let take = match open_take(&task.output) {
        Ok(take) => take,
        Err(error) => return other(error.to_string()),
    };
    if take.footer.is_none() || !take.damage.is_empty() {
        return other("it is unfinished or damaged".into());
    }
    let lost_frames = take.footer.as_ref().map_or(0, |footer| footer.lost_frames);
    if lost_frames > 0 && !salvage {
        return other(format!("it was coded from damaged audio and {lost_frames} frames are missing"));
    }
    let pack = PackId::of(model);
    if take.header.pack.sha256 != pack.sha256 {
        let found = &take.header.pack;
        return other(format!("it was coded with the pack {} {}", found.name, found.version));
    }
    let wanted_or_mono = [wanted, ChannelMode::Mono].map(|mode| Some(mode.into()));
    if !wanted_or_mono.contains(&take.header.channel_mode) {
        let channels = format!("{wanted:?}").to_lowercase();
        return other(format!("it was not coded with `--channels {channels}`"));
    }
    let Some(source) = &take.header.source else { return other("it does not tell its source".into()) };
    let unreadable = |source| CliError::Open { path: task.input.clone(), source };
    // A pipe has no length but what is read of it.
    let found = digest_of(&task.input).map_err(unreadable)?;
    if found.bytes != source.bytes {
        return other(format!(
            "it was coded from {} of {} bytes, and this has {}",
            source.name, source.bytes, found.bytes
        ));
    }
    if found.sha256 != source.sha256 {
        return other(format!("it was coded from {} with another content (SHA-256)", source.name));
    }
    Ok(Some(take))
}
