//! Takes that `lose` and `repair` make of others: `x.lossy.sac` and `x.repaired.sac`, of `x.sac` or `x.sac.part`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What `lose` makes.
pub const LOSSY: &str = "lossy.sac";
/// What `repair` makes.
pub const REPAIRED: &str = "repaired.sac";
/// What a take is called, finished or not.
const TAKES: [&str; 2] = ["sac", "sac.part"];

/// Whether `path` is a copy of one of these `kinds`, and the take that it was made of is beside it.
pub fn is_beside_its_original(path: &Path, kinds: &[&str]) -> bool {
    original(path, kinds).is_some()
}

/// The take that is called `wanted`; where there is none, its original or its copy, if only one of these is there.
pub fn partner(wanted: &Path) -> PathBuf {
    let own = stem(wanted, &TAKES);
    let copies = own.into_iter().flat_map(|stem| [LOSSY, REPAIRED].map(|kind| named(wanted, &stem, kind)));
    let copies = copies.filter(|copy| copy.is_file());
    let relatives: Vec<_> = original(wanted, &[LOSSY, REPAIRED]).into_iter().chain(copies).collect();
    match &relatives[..] {
        [only] if !wanted.exists() => only.clone(),
        _ => wanted.into(),
    }
}

/// The take beside `path` that it was made of, if it is a copy of one of these `kinds`.
fn original(path: &Path, kinds: &[&str]) -> Option<PathBuf> {
    let stem = stem(path, kinds)?;
    TAKES.map(|take| named(path, &stem, take)).into_iter().find(|take| take.is_file())
}

/// The name of `path` without the one of these `kinds` that it ends in.
fn stem(path: &Path, kinds: &[&str]) -> Option<OsString> {
    kinds.iter().find_map(|kind| {
        let levels = kind.split('.').count();
        let short = (0..levels).fold(path.to_owned(), |path, _| path.with_extension(""));
        let stem = short.file_name()?.to_owned();
        (*named(path, &stem, kind) == *path).then_some(stem)
    })
}

fn named(beside: &Path, stem: &OsString, kind: &str) -> PathBuf {
    let mut name = stem.clone();
    name.push(format!(".{kind}"));
    beside.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), "").unwrap());
        folder
    }

    #[test]
    fn a_copy_is_told_by_the_take_beside_it() {
        let folder = folder(&["a.sac", "b.sac.part", "c.x.sac"]);
        let is_beside = |name: &str| is_beside_its_original(&folder.path().join(name), &[LOSSY]);
        assert!(is_beside("a.lossy.sac") && is_beside("b.lossy.sac") && is_beside("c.x.lossy.sac"));
        for lone in ["d.lossy.sac", "a.sac", "a.repaired.sac", "c.lossy.sac", "lossy.sac", "a.lossy.sac.part"]
        {
            assert!(!is_beside(lone), "{lone}");
        }
    }

    #[test]
    fn the_partner_of_a_take_is_its_only_relative() {
        let folder = folder(&[
            "a.lossy.sac",
            "b.sac.part",
            "c.lossy.sac",
            "c.repaired.sac",
            "d.sac",
            "d.sac.part",
            "d.lossy.sac",
        ]);
        let partner = |name: &str| {
            let found = partner(&folder.path().join(name));
            found.file_name().unwrap().to_str().unwrap().to_owned()
        };
        let cases = [
            ("a.sac", "a.lossy.sac"),
            ("a.sac.part", "a.lossy.sac"),
            ("b.lossy.sac", "b.sac.part"),
            ("d.repaired.sac", "d.sac"),
            // Which one is not known.
            ("c.sac", "c.sac"),
            // It is there itself.
            ("d.sac", "d.sac"),
            ("e.sac", "e.sac"),
        ];
        for (wanted, expected) in cases {
            assert_eq!(partner(wanted), expected, "of {wanted}");
        }
    }
}
