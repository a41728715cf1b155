//! Files that have their name only when they are complete: until then they are hidden beside it, and they
//! are gone where they are not completed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, MutexGuard};
use tempfile::TempPath;
use thiserror::Error;

/// What temporary names begin with: short, and hidden where a dot hides.
const PREFIX: &str = ".sacodec-";
/// What they end in.
const SUFFIX: &str = ".part";

/// The temporary files of this process.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Why a file could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AtomicFileError {
    /// Something has the name and is not to be replaced.
    #[error("it is there already: remove it or choose another name")]
    Exists,
    /// A folder or a device has the name.
    #[error("it is there and is not a plain file: choose another name")]
    NotAFile,
    /// A path without a file's name at its end.
    #[error("its last part is not a file's name: give one")]
    NoName,
    /// The system.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A file that is written under a temporary name beside its own, until [`AtomicFile::finish`].
/// Dropping it removes it.
#[derive(Debug)]
pub struct AtomicFile {
    out: BufWriter<File>,
    temporary: Unfinished,
    target: PathBuf,
    overwrite: bool,
}

impl AtomicFile {
    /// Begins a file that shall be called `path`. With `overwrite` it may replace a plain file.
    ///
    /// # Errors
    /// [`AtomicFileError`].
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, AtomicFileError> {
        if path.file_name().is_none() {
            return Err(AtomicFileError::NoName);
        }
        let target = match path.metadata() {
            Ok(found) if !found.is_file() => return Err(AtomicFileError::NotAFile),
            Ok(_) if !overwrite => return Err(AtomicFileError::Exists),
            // A link stays a link: what it leads to is replaced.
            Ok(_) => path.canonicalize()?,
            Err(_) => path.to_owned(),
        };
        let (file, temporary) = Unfinished::create(parent(&target))?;
        Ok(Self { out: BufWriter::new(file), temporary, target, overwrite })
    }

    /// Gives the file its name when all of it is on the disk.
    ///
    /// # Errors
    /// [`AtomicFileError`]; then it is removed, and what has its name stays.
    pub fn finish(mut self) -> Result<(), AtomicFileError> {
        self.out.flush()?;
        // A name that outlives a loss of power must not name a file that did not.
        self.out.get_ref().sync_data()?;
        self.temporary.persist(&self.target, self.overwrite)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.out.seek(position)
    }
}

/// A file's folder.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name of a file that is not complete.
#[derive(Debug)]
struct Unfinished {
    /// `None` when it has its own name.
    path: Option<TempPath>,
}

impl Unfinished {
    /// A new file in `folder` that nobody else writes.
    fn create(folder: &Path) -> io::Result<(File, Self)> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        // As any other new file: the user's mask decides.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        // From before it is there until it is noted: so that none escapes `remove_unfinished`.
        let mut unfinished = unfinished_files();
        let (file, path) = builder.tempfile_in(folder)?.into_parts();
        unfinished.insert(path.to_path_buf());
        Ok((file, Self { path: Some(path) }))
    }

    fn persist(mut self, target: &Path, overwrite: bool) -> Result<(), AtomicFileError> {
        let Some(path) = self.path.take() else { return Ok(()) };
        let noted = path.to_path_buf();
        // While it is renamed nothing is removed: a name that was claimed would stay.
        let mut unfinished = unfinished_files();
        let result = if overwrite {
            path.persist(target).map_err(|error| error.error)
        } else {
            persist_new(path, target)
        };
        // A path that was not persisted has been dropped, and the file with it.
        unfinished.remove(&noted);
        result.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => AtomicFileError::Exists,
            _ => error.into(),
        })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            let noted = path.to_path_buf();
            // Removes it. If that fails, nobody who gives the file up needs to know.
            drop(path);
            unfinished_files().remove(&noted);
        }
    }
}

/// Renames a file, never onto another one, which nobody can make in between either.
///
/// # Errors
/// `AlreadyExists`, or as the system; the file keeps its name then.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let mut path = TempPath::try_from_path(from)?;
    path.disable_cleanup(true);
    persist_new(path, to)
}

fn persist_new(path: TempPath, target: &Path) -> io::Result<()> {
    match path.persist_noclobber(target) {
        Ok(()) => Ok(()),
        Err(error)
            if matches!(error.error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) =>
        {
            Err(error.error)
        }
        // The file system may have neither a rename that spares what is there, nor links.
        Err(error) => claim(error.path, target),
    }
}

/// Takes a free name with an empty file, and replaces that.
fn claim(path: TempPath, target: &Path) -> io::Result<()> {
    File::create_new(target)?;
    path.persist(target).map_err(|error| {
        // Ours, and empty. The error is what the user needs to know.
        let _ = fs::remove_file(target);
        error.error
    })
}

/// Removes every file of this process that is not finished, for a process that is about to end. While the
/// result lives no other can be begun.
#[must_use = "when it is dropped, other files can be begun"]
pub fn remove_unfinished() -> NoneUnfinished {
    let mut unfinished = unfinished_files();
    for path in std::mem::take(&mut *unfinished) {
        // What is gone or cannot be removed: nobody is left who could do something about it.
        let _ = fs::remove_file(path);
    }
    NoneUnfinished { _unfinished: unfinished }
}

/// See [`remove_unfinished`].
pub struct NoneUnfinished {
    _unfinished: MutexGuard<'static, BTreeSet<PathBuf>>,
}

/// The temporary files of this process. While the result lives none begins, and none gets its name.
pub(crate) fn unfinished_files() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_hidden_until_it_is_complete_and_gone_if_it_never_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        for is_finished in [false, true] {
            let mut file = AtomicFile::create(&path, false).unwrap();
            file.write_all(b"whole").unwrap();
            let [name] = &names(folder.path())[..] else { panic!("{:?}", names(folder.path())) };
            assert!(name.starts_with(PREFIX) && name.ends_with(SUFFIX) && name.len() < 32, "{name}");
            if is_finished {
                file.finish().unwrap();
            }
        }
        assert_eq!(names(folder.path()), ["result"]);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert!(
            !unfinished_files().iter().any(|path| path.starts_with(folder.path())),
            "a finished file is still noted"
        );
    }

    #[test]
    fn what_is_there_is_replaced_only_when_asked_even_if_it_came_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        let finish = |file: Result<AtomicFile, AtomicFileError>| file.and_then(AtomicFile::finish);
        let racing = AtomicFile::create(&path, false);
        let replacing = AtomicFile::create(&path, true);
        fs::write(&path, "mine").unwrap();
        for refused in [finish(racing), finish(AtomicFile::create(&path, false))] {
            assert!(matches!(refused, Err(AtomicFileError::Exists)), "{refused:?}");
            assert_eq!(fs::read(&path).unwrap(), b"mine");
        }
        finish(replacing).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(names(folder.path()), ["result"]);
    }

    /// As two processes would: an [`AtomicFile`] gets its name under a lock of this one.
    #[test]
    fn of_files_that_race_for_a_name_one_gets_it_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("result");
        let ready = std::sync::Barrier::new(8);
        let renamed: Vec<bool> = std::thread::scope(|scope| {
            let race = |number: u8| {
                let (from, target, ready) = (folder.path().join(number.to_string()), &target, &ready);
                move || {
                    fs::write(&from, [number]).unwrap();
                    ready.wait();
                    rename_new(&from, target).is_ok()
                }
            };
            let threads: Vec<_> = (0..8).map(|number| scope.spawn(race(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(renamed.iter().filter(|&&renamed| renamed).count(), 1, "{renamed:?}");
        let winner = fs::read(&target).unwrap()[0];
        assert!(renamed[usize::from(winner)]);
        let others = (0..8).filter(|&number| number != winner).map(|number| number.to_string());
        assert_eq!(names(folder.path()), others.chain(["result".into()]).collect::<Vec<_>>());
    }

    #[test]
    fn without_a_rename_that_spares_what_is_there_a_name_is_claimed_first() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        let claim = || {
            let mut path = TempPath::try_from_path(&from).unwrap();
            path.disable_cleanup(true);
            super::claim(path, &to)
        };
        assert_eq!(claim().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!to.exists(), "the claim stayed");
        fs::write(&from, "new").unwrap();
        fs::write(&to, "mine").unwrap();
        assert_eq!(claim().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&from).unwrap(), fs::read(&to).unwrap()), (b"new".into(), b"mine".into()));
        fs::remove_file(&to).unwrap();
        claim().unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["to"]);
    }

    #[test]
    fn only_plain_files_are_replaced_and_the_longest_name_is_no_trouble() {
        let folder = tempfile::tempdir().unwrap();
        let folder_path = folder.path().join("folder");
        fs::create_dir(&folder_path).unwrap();
        assert!(matches!(AtomicFile::create(&folder_path, true), Err(AtomicFileError::NotAFile)));
        assert!(matches!(AtomicFile::create(Path::new(".."), true), Err(AtomicFileError::NoName)));
        let missing = folder.path().join("missing/result");
        assert!(matches!(AtomicFile::create(&missing, false), Err(AtomicFileError::Io(_))));
        let longest = "n".repeat(255);
        AtomicFile::create(&folder.path().join(&longest), false).unwrap().finish().unwrap();
        assert_eq!(names(folder.path()), ["folder", &longest]);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_stays_a_link_and_rights_are_those_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [plain, link, file] = ["plain", "link", "file"].map(|name| folder.path().join(name));
        fs::write(&plain, "old").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        fs::write(&file, "old").unwrap();
        AtomicFile::create(&link, true).unwrap().finish().unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&file), mode(&plain));
    }
}
