//! `install`: the bundles into the user's plugin folders.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::bundle;
use crate::bundles::Bundles;
use crate::notices;
use crate::project::Project;

/// The folder of each format.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Folders {
    clap: PathBuf,
    vst3: PathBuf,
}

/// Copies both bundles to the user's plugin folders, or to `to`; builds them first unless `as_is`.
pub fn run(project: &Project, to: Option<&Path>, as_is: bool) -> Result<()> {
    let folders = match to {
        Some(folder) => {
            let folder = std::path::absolute(folder).context("--to: give a folder")?;
            Folders { clap: folder.clone(), vst3: folder }
        }
        None => {
            let (home, local) = (std::env::var_os("HOME"), std::env::var_os("LOCALAPPDATA"));
            folders(std::env::consts::OS, home.as_deref(), local.as_deref())?
        }
    };
    let mut bundles = Bundles::of(project);
    if !as_is {
        bundles = bundle::release(project)?.bundles;
    } else if !bundles.exist() {
        bail!("nothing is bundled yet: leave out --as-is, or run `cargo xtask bundle sacodec --release`");
    }
    for (bundle, folder) in [(&bundles.clap, &folders.clap), (&bundles.vst3, &folders.vst3)] {
        let (path, replaced) = put(bundle, folder).with_context(|| {
            format!("could not copy {} to {}: check its permissions and free space, close hosts that have it open", bundle.display(), folder.display())
        })?;
        println!("{} {}", if replaced { "Replaced " } else { "Installed" }, path.display());
    }
    // A bundle that is a folder has its notices inside.
    if !bundles.clap.is_dir() {
        let file = notices::place(&bundles.clap);
        put(&file, &folders.clap).with_context(|| {
            format!(
                "could not copy {} to {}: bundle again, check permissions",
                file.display(),
                folders.clap.display()
            )
        })?;
    }
    println!("Let your host scan its plugins again.");
    Ok(())
}

/// The user's plugin folders on a system, by its name in Rust.
fn folders(os: &str, home: Option<&OsStr>, local_app_data: Option<&OsStr>) -> Result<Folders> {
    let set = |value: Option<&OsStr>, name: &str| match value {
        Some(value) if !value.is_empty() => Ok(PathBuf::from(value)),
        _ => {
            bail!("{name} is not set, so your plugin folders are unknown: set it, or give a folder with --to")
        }
    };
    let (base, clap, vst3) = match os {
        "macos" => (set(home, "HOME")?.join("Library").join("Audio").join("Plug-Ins"), "CLAP", "VST3"),
        "windows" => (set(local_app_data, "LOCALAPPDATA")?.join("Programs").join("Common"), "CLAP", "VST3"),
        _ => (set(home, "HOME")?, ".clap", ".vst3"),
    };
    Ok(Folders { clap: base.join(clap), vst3: base.join(vst3) })
}

/// Puts a copy of `bundle` into `folder`; says where, and whether it replaced one.
///
/// The copy is complete before an older one goes, which is removed and not written over: a host that
/// has it open keeps it.
fn put(bundle: &Path, folder: &Path) -> io::Result<(PathBuf, bool)> {
    let name = bundle.file_name().ok_or_else(|| io::Error::other("the bundle has no name"))?;
    let target = folder.join(name);
    let mut staged = OsStr::new(".new-").to_owned();
    staged.push(name);
    let staged = folder.join(staged);
    fs::create_dir_all(folder)?;
    remove(&staged)?;
    copy(bundle, &staged)?;
    let replaced = remove(&target)?;
    fs::rename(&staged, &target)?;
    Ok((target, replaced))
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Removes a file, a link or a folder with all that is in it; false where there was none.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path)?,
        Ok(_) => fs::remove_file(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_folders() -> Result<()> {
        let table = [
            ("linux", "/home/a/.clap", "/home/a/.vst3"),
            ("freebsd", "/home/a/.clap", "/home/a/.vst3"),
            ("macos", "/home/a/Library/Audio/Plug-Ins/CLAP", "/home/a/Library/Audio/Plug-Ins/VST3"),
            ("windows", "C:/Local/Programs/Common/CLAP", "C:/Local/Programs/Common/VST3"),
        ];
        for (os, clap, vst3) in table {
            let found = folders(os, Some(OsStr::new("/home/a")), Some(OsStr::new("C:/Local")))?;
            assert_eq!(found, Folders { clap: clap.into(), vst3: vst3.into() }, "{os}");
        }
        Ok(())
    }

    #[test]
    fn an_unknown_home_says_what_to_set() {
        let home = Some(OsStr::new("/home/a"));
        for (os, home, local, name) in [
            ("linux", None, None, "HOME"),
            ("macos", Some(OsStr::new("")), None, "HOME"),
            ("windows", home, None, "LOCALAPPDATA"),
        ] {
            let message = folders(os, home, local).map_or_else(|e| e.to_string(), |f| format!("{f:?}"));
            assert!(message.contains(name) && message.contains("--to"), "{os}: {message}");
        }
    }

    #[test]
    fn an_older_copy_is_replaced_whole() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (bundle, to) = (folder.path().join("A.vst3"), folder.path().join("deep/plugins"));
        fs::create_dir_all(bundle.join("Contents/x"))?;
        fs::write(bundle.join("Contents/x/A.so"), "new")?;
        let (path, replaced) = put(&bundle, &to)?;
        assert_eq!((path.as_path(), replaced), (to.join("A.vst3").as_path(), false));
        fs::write(path.join("stale"), "from an older version")?;
        assert!(put(&bundle, &to)?.1);
        assert_eq!(fs::read_to_string(path.join("Contents/x/A.so"))?, "new");
        assert!(!path.join("stale").exists());
        assert_eq!(fs::read_dir(&to)?.count(), 1, "nothing staged is left");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_way_is_replaced_and_what_it_names_is_kept() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (bundle, to) = (folder.path().join("A.clap"), folder.path().join("plugins"));
        fs::create_dir(&to)?;
        fs::write(&bundle, "new")?;
        fs::write(folder.path().join("mine"), "kept")?;
        std::os::unix::fs::symlink(folder.path().join("mine"), to.join("A.clap"))?;
        assert!(put(&bundle, &to)?.1);
        assert_eq!(fs::read_to_string(to.join("A.clap"))?, "new");
        assert_eq!(fs::read_to_string(folder.path().join("mine"))?, "kept");
        Ok(())
    }
}
