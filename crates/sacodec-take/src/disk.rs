//! What takes need of a file system, so that tests can have one that is full, slow or gone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::atomic_file::rename_new;

/// A file system.
pub trait Disk: Send + Sync {
    /// Makes a folder and those above it.
    ///
    /// # Errors
    /// As the system.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes a file that was not there.
    ///
    /// # Errors
    /// `AlreadyExists`, or as the system.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Renames a file, never onto another one.
    ///
    /// # Errors
    /// `AlreadyExists`, or as the system.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Whether something has this name.
    fn exists(&self, path: &Path) -> bool;
    /// The first bytes of a file.
    ///
    /// # Errors
    /// As the system.
    fn read(&self, path: &Path, bytes: u64) -> io::Result<Vec<u8>>;
    /// Removes a file.
    ///
    /// # Errors
    /// As the system.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// A file that is written.
pub trait DiskFile: Send {
    /// Writes all of `bytes` at `offset`. After an error some of them may be there.
    ///
    /// # Errors
    /// As the system.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// As the system.
    fn sync(&mut self) -> io::Result<()>;
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SystemFile(OpenOptions::new().write(true).create_new(true).open(path)?)))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        rename_new(from, to)
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn read(&self, path: &Path, bytes: u64) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        File::open(path)?.take(bytes).read_to_end(&mut content)?;
        Ok(content)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

struct SystemFile(File);

impl DiskFile for SystemFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset))?;
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
