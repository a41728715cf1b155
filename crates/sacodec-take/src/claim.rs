//! One of many at work on a result: processes that share a folder, and threads.
//!
//! A claim is a locked file beside the result. The system ends the lock with the process, however that ends,
//! so a claim never outlives who made it. The file is removed while it is locked.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use same_file::Handle;

use super::atomic_file::{parent, unfinished_files};

/// The right to make a result. Dropping it lets the next one in.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// Locked as long as it is open.
    _file: File,
}

impl Claim {
    /// The claim on `target`; `None` while somebody else has it.
    ///
    /// # Errors
    /// As the system: also where the file system has no locks.
    pub fn try_new(target: &Path) -> io::Result<Option<Self>> {
        let path = lock_path(target);
        // From before it is there until it is noted: a process that is about to end leaves none.
        let mut unfinished = unfinished_files();
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Whoever had it may just have removed it: then this is a file that nobody else finds.
            let named = Handle::from_path(&path);
            if named.is_ok() && named.ok() == Handle::from_file(file.try_clone()?).ok() {
                unfinished.insert(path.clone());
                return Ok(Some(Self { path, _file: file }));
            }
        }
    }

    /// The claim on `target`, when whoever has it is done.
    ///
    /// # Errors
    /// As [`Claim::try_new`].
    pub fn wait(target: &Path) -> io::Result<Self> {
        loop {
            if let Some(claim) = Self::try_new(target)? {
                return Ok(claim);
            }
            match OpenOptions::new().write(true).open(lock_path(target)) {
                Ok(file) => file.lock()?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut unfinished = unfinished_files();
        // If it stays, it is unlocked: the next one takes it.
        let _ = fs::remove_file(&self.path);
        unfinished.remove(&self.path);
    }
}

fn lock_path(target: &Path) -> PathBuf {
    parent(target).join(lock_name(target))
}

/// The name of the locked file: short, however long the result's name is. Two results may share one; then
/// they are made one after the other.
fn lock_name(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default();
    format!(".sacodec-{:08x}.lock", crc32fast::hash(name.as_encoded_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_held_by_one_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("n".repeat(255));
        let claim = Claim::try_new(&target).unwrap().unwrap();
        assert!(Claim::try_new(&target).unwrap().is_none());
        assert!(Claim::try_new(&folder.path().join("other")).unwrap().is_some());
        drop(claim);
        drop(Claim::wait(&target).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // What a killed process has left.
        fs::write(folder.path().join(lock_name(&target)), "").unwrap();
        drop(Claim::try_new(&target).unwrap().unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(Claim::try_new(Path::new("no/such/folder/x")).is_err());
    }

    #[test]
    fn of_many_that_wait_one_works_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let (target, inside) = (folder.path().join("result"), std::sync::atomic::AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _claim = Claim::wait(&target).unwrap();
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
