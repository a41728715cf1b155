//! One take on disk: its name, which no other take has, and its bytes as they grow.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFile};
use super::export::ExportFormat;

/// Of a track's name, this many bytes at most come into a file name.
const TRACK_BYTES: usize = 96;
/// Where the system refuses that, this many do.
const SHORT_TRACK_BYTES: usize = 24;
/// A date and a track have this many takes at most.
const MAX_TAKES: u32 = 9999;
/// Added while a take is not finished.
const PART: &str = "part";

/// A take that is being written.
pub struct TakeFile {
    /// Name without extension.
    stem: PathBuf,
    file: Box<dyn DiskFile>,
    written_bytes: u64,
}

impl TakeFile {
    /// Makes `<track>_<date>_<number>.sac.part` in `folder`, with the first number that neither a
    /// take nor an export of one has.
    ///
    /// # Errors
    /// As the system.
    pub fn create(disk: &dyn Disk, folder: &Path, track: &str, date: &str) -> io::Result<Self> {
        disk.create_folder(folder)?;
        match Self::create_as(disk, folder, &take_file_name(track), date) {
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => {
                Self::create_as(disk, folder, &plain_name(track, SHORT_TRACK_BYTES), date)
            }
            result => result,
        }
    }

    fn create_as(disk: &dyn Disk, folder: &Path, track: &str, date: &str) -> io::Result<Self> {
        for number in 1..=MAX_TAKES {
            let stem = folder.join(format!("{track}_{date}_{number:03}"));
            if is_taken(disk, &stem) {
                continue;
            }
            match disk.create_new(&part_path(&stem)) {
                // Another instance may have finished a take of this name since we looked: its part
                // became a take, or we would not have got the part.
                Ok(_) if is_taken(disk, &stem) => disk.remove(&part_path(&stem))?,
                Ok(file) => return Ok(Self { stem, file, written_bytes: 0 }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("there are {MAX_TAKES} takes of this track and day: move some away"),
        ))
    }

    /// Where it is until it is finished.
    pub fn part_path(&self) -> PathBuf {
        part_path(&self.stem)
    }

    /// Name without extension.
    pub fn stem(&self) -> &Path {
        &self.stem
    }

    /// Bytes that are safely written.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Appends `bytes`; after an error the next call writes over what came through of them.
    ///
    /// # Errors
    /// As the system.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(self.written_bytes, bytes)?;
        self.written_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Gives the finished take its name.
    ///
    /// # Errors
    /// As the system; the part stays where it is.
    pub fn finish(&mut self, disk: &dyn Disk) -> io::Result<PathBuf> {
        self.file.sync()?;
        let path = with_extension(&self.stem, "sac");
        disk.rename_new(&self.part_path(), &path)?;
        Ok(path)
    }
}

/// The name of a file beside the take.
pub fn with_extension(stem: &Path, extension: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn part_path(stem: &Path) -> PathBuf {
    with_extension(stem, &format!("sac.{PART}"))
}

fn is_taken(disk: &dyn Disk, stem: &Path) -> bool {
    let extensions = ExportFormat::ALL.map(ExportFormat::extension);
    ["sac"].iter().chain(&extensions).any(|extension| disk.exists(&with_extension(stem, extension)))
}

/// The name that the files of a take begin with, for what it is called: a track's name or one that the
/// user typed. Not empty: where nothing of `name` can be used, it is `SACodec`. Date and number follow
/// it, and a system that refuses long names gets a shorter one.
pub fn take_file_name(name: &str) -> String {
    plain_name(name, TRACK_BYTES)
}

/// A track's name as every file system takes it.
fn plain_name(track: &str, max_bytes: usize) -> String {
    let is_plain = |c: char| !c.is_control() && !r#"<>:"/\|?*"#.contains(c);
    let mut name: String = track.trim().chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    if let Some(cut) = (0..=max_bytes).rev().find(|&cut| name.is_char_boundary(cut.min(name.len()))) {
        name.truncate(cut);
    }
    // A leading dot hides a file; Windows drops trailing dots and spaces.
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if name.is_empty() { "SACodec".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SystemDisk;

    #[test]
    fn names_are_what_every_file_system_takes() {
        let cases = [
            ("Vocals", "Vocals"),
            ("", "SACodec"),
            ("  ", "SACodec"),
            ("..", "SACodec"),
            ("a/b\\c:d", "a-b-c-d"),
            ("../../etc/passwd", "-..-etc-passwd"),
            ("Stimme ä 😀", "Stimme ä 😀"),
            ("tab\tname\0", "tab-name-"),
            (".hidden. ", "hidden"),
        ];
        for (track, name) in cases {
            assert_eq!(plain_name(track, TRACK_BYTES), name, "{track:?}");
        }
        let long = "ä".repeat(1000);
        assert_eq!(plain_name(&long, 96).len(), 96);
        assert_eq!(plain_name(&long, 95).len(), 94, "cut between characters");
    }

    #[test]
    fn takes_of_one_name_get_numbers_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Vox_2026-11-23_001.wav"), "mine").unwrap();
        let create = || TakeFile::create(&SystemDisk, folder.path(), "Vox", "2026-11-23").unwrap();
        let mut takes = [create(), create(), create()];
        let mut paths = Vec::new();
        for take in &mut takes {
            take.append(b"take").unwrap();
            paths.push(take.finish(&SystemDisk).unwrap());
        }
        let names: Vec<_> = paths.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["Vox_2026-11-23_002.sac", "Vox_2026-11-23_003.sac", "Vox_2026-11-23_004.sac"]);
        assert_eq!(create().stem(), folder.path().join("Vox_2026-11-23_005"));
    }

    #[test]
    fn a_file_begins_with_the_name_that_is_shown_for_it() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "  ", "Vox", "a/b", ".hidden."] {
            let take = TakeFile::create(&SystemDisk, folder.path(), name, "2026-11-23").unwrap();
            let stem = take.stem().file_name().unwrap().to_str().unwrap();
            assert_eq!(stem.split_once("_2026-11-23_").unwrap().0, take_file_name(name), "{name:?}");
        }
    }

    #[test]
    fn a_finished_take_never_replaces_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut take = TakeFile::create(&SystemDisk, folder.path(), "Vox", "2026-11-23").unwrap();
        let name = with_extension(take.stem(), "sac");
        std::fs::write(&name, "not ours").unwrap();
        assert_eq!(take.finish(&SystemDisk).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(name).unwrap(), b"not ours");
        assert!(take.part_path().exists(), "the take is still there");
    }

    #[test]
    fn many_threads_never_share_a_name() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let mut take = TakeFile::create(&SystemDisk, folder.path(), "Vox", "d").unwrap();
                        take.append(b"x").unwrap();
                        take.finish(&SystemDisk).unwrap();
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 200);
    }
}
