//! Notices of the licences of everything that a bundle contains: SACodec, its model, its fonts and every
//! crate that plugin or command is built with. Made from the crates' own files, so no list is kept by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::bundles::Bundles;
use crate::project::{self, Project};

/// The packages that are given to users.
const SHIPPED: [&str; 2] = ["sacodec", "sacodec-cli"];
/// The file inside a bundle.
const INSIDE: &str = "THIRD-PARTY.txt";
/// How the names of files with licences begin.
const BEGINNINGS: [&str; 6] = ["licen", "copying", "copyright", "notice", "unlicense", "authors"];
/// Smaller files have one line, as "MIT OR Apache-2.0". Larger ones are not licences.
const SIZES_BYTES: std::ops::Range<u64> = 50..256 << 10;
/// Shorter texts only say which licences there are.
const MIN_BYTES: usize = 500;

/// For crates that have no file with it.
const ISC: &str = include_str!("../licences/ISC.txt");
const BOOST: &str = include_str!("../licences/BSL-1.0.txt");

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

/// `None` is a normal dependency, others are for builds and tests.
#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    #[serde(default)]
    authors: Vec<String>,
    license: Option<String>,
    source: Option<String>,
    manifest_path: PathBuf,
}

/// The texts of licences, each once, by number.
#[derive(Default)]
struct Texts {
    numbers: BTreeMap<String, usize>,
    in_order: Vec<String>,
}

impl Texts {
    /// The number of a text, from 1 on. Texts that differ only in spaces and ends of lines are one.
    fn number(&mut self, text: &str) -> usize {
        let key = text.split_whitespace().collect::<Vec<_>>().join(" ");
        *self.numbers.entry(key).or_insert_with(|| {
            let lines: Vec<_> =
                text.trim_matches(['\u{feff}', '\n', '\r']).lines().map(str::trim_end).collect();
            self.in_order.push(lines.join("\n"));
            self.in_order.len()
        })
    }
}

/// Writes the notices into both bundles. A bundle that is a single file gets them beside it.
pub fn put(project: &Project, bundles: &Bundles) -> Result<()> {
    let text = text(project)?;
    for bundle in [&bundles.clap, &bundles.vst3] {
        let file = place(bundle);
        let write = || {
            fs::create_dir_all(file.parent().unwrap_or(bundle))?;
            fs::write(&file, &text)
        };
        write().with_context(|| format!("could not write {}: check its permissions", file.display()))?;
        // A bundle's signature covers what is in it, and the bundler has signed it without this file.
        if cfg!(target_os = "macos") && bundle.is_dir() {
            project::run(Command::new("codesign").args(["--force", "--sign", "-"]).arg(bundle))?;
        }
    }
    Ok(())
}

/// Where the notices of a bundle are.
pub fn place(bundle: &Path) -> PathBuf {
    if bundle.is_dir() {
        bundle.join("Contents").join("Resources").join(INSIDE)
    } else {
        let name = bundle.file_stem().unwrap_or_default().to_string_lossy();
        bundle.with_file_name(format!("{name}-{INSIDE}"))
    }
}

/// The notices: those of every system, whichever one is built for.
pub fn text(project: &Project) -> Result<String> {
    let mut metadata = project.cargo();
    metadata.args(["metadata", "--locked", "--format-version", "1"]);
    let metadata = project::output(&mut metadata).context("the dependencies could not be listed")?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("`cargo metadata` is not understood: update cargo")?;

    let read = |name: &str| -> Result<String> {
        fs::read_to_string(project.file(name)?).with_context(|| format!("could not read {name}"))
    };
    let (mit, apache) = (read("LICENSE-MIT")?, read("LICENSE-APACHE")?);
    let mut texts = Texts::default();
    let own = [texts.number(&mit), texts.number(&apache)];
    let mut out = String::from(
        "SACodec contains the works that are listed here. The texts of their licences follow.\n",
    );
    let mut entry =
        |name: &str, licence: &str, authors: &str, source: &str, numbers: &[usize]| -> Result<()> {
            write!(out, "\n{name}\n  licence: {licence}\n")?;
            if !authors.is_empty() {
                writeln!(out, "  authors: {authors}")?;
            }
            if !source.is_empty() {
                writeln!(out, "  source: {source}")?;
            }
            let numbers: Vec<_> = numbers.iter().map(usize::to_string).collect();
            if !numbers.is_empty() {
                writeln!(out, "  texts: {}", numbers.join(", "))?;
            }
            Ok(())
        };

    entry("SACodec", "MIT OR Apache-2.0", "", "", &own)?;
    let manifest: Manifest = serde_json::from_str(&read("models/live/manifest.json")?)
        .context("models/live/manifest.json is not understood")?;
    let model = format!("model pack {} {}", manifest.name, manifest.version);
    entry(&model, &manifest.licence, "", "https://creativecommons.org/publicdomain/zero/1.0/legalcode", &[])?;
    entry("Rust standard library", "MIT OR Apache-2.0", "", "https://github.com/rust-lang/rust", &own[1..])?;
    for package in shipped(&metadata)? {
        let Package { name, version, .. } = package;
        let licence = package.license.as_deref().unwrap_or_default();
        let found = texts_of(package, &mit, &apache)?;
        let mut numbers: Vec<_> = found.iter().map(|text| texts.number(text)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let source = format!("https://crates.io/crates/{name}/{version}");
        entry(&format!("{name} {version}"), licence, &package.authors.join(", "), &source, &numbers)?;
    }
    for (text, number) in texts.in_order.iter().zip(1..) {
        write!(out, "\n======== text {number} ========\n\n{text}\n")?;
    }
    Ok(out)
}

#[derive(Deserialize)]
struct Manifest {
    name: String,
    version: String,
    licence: String,
}

/// The crates of others that the shipped packages are built with, by name and version.
fn shipped(metadata: &Metadata) -> Result<Vec<&Package>> {
    let packages: BTreeMap<_, _> = metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let nodes: BTreeMap<_, _> = metadata.resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let is_root = |package: &&Package| package.source.is_none() && SHIPPED.contains(&package.name.as_str());
    let mut waiting: Vec<_> = metadata.packages.iter().filter(is_root).map(|package| &package.id).collect();
    if waiting.len() != SHIPPED.len() {
        bail!("`cargo metadata` lists {} of the packages {SHIPPED:?}, expected both", waiting.len());
    }
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            let node = nodes.get(id).with_context(|| format!("`cargo metadata` does not resolve {id}"))?;
            let is_normal = |dep: &&Dependency| dep.dep_kinds.iter().any(|kind| kind.kind.is_none());
            waiting.extend(node.deps.iter().filter(is_normal).map(|dep| &dep.pkg));
        }
    }
    let mut found: Vec<_> = seen.iter().filter_map(|id| packages.get(*id).copied()).collect();
    found.retain(|package| package.source.is_some());
    found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(found)
}

/// The texts of a crate's licences: its own files, or what its `Cargo.toml` names.
fn texts_of(package: &Package, mit: &str, apache: &str) -> Result<Vec<String>> {
    let folder = package.manifest_path.parent().unwrap_or(Path::new("."));
    let mut files = Vec::new();
    licence_files(folder, &mut files)
        .with_context(|| format!("could not list {}: fetch it again", folder.display()))?;
    let mut texts = Vec::new();
    for file in &files {
        let bytes = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    // Below the root are licences of parts.
    let is_whole =
        |(file, text): (&PathBuf, &String)| file.parent() == Some(folder) && text.len() >= MIN_BYTES;
    if !files.iter().zip(&texts).any(is_whole) {
        let (name, version) = (&package.name, &package.version);
        let licence = package.license.as_deref().unwrap_or_default();
        texts.push(standard_text(licence, &package.authors, mit, apache).with_context(|| {
            format!("{name} {version} has no file with its licence ({licence:?}), and xtask/licences has no text for it: add one, and name it in xtask/src/notices.rs")
        })?);
    }
    Ok(texts)
}

/// The text of a licence that a crate only names. Where it can be chosen, that of Apache: it is the same
/// for everybody.
fn standard_text(licence: &str, authors: &[String], mit: &str, apache: &str) -> Option<String> {
    let names: Vec<_> = licence.split(|c: char| c.is_whitespace() || "()/".contains(c)).collect();
    let by = |text: &str| {
        let authors = if authors.is_empty() { "its authors".to_owned() } else { authors.join(", ") };
        format!("Copyright (c) {authors}\n\n{}", text.trim_start())
    };
    if names.contains(&"Apache-2.0") {
        Some(apache.to_owned())
    } else if names.contains(&"MIT") {
        mit.find("Permission is hereby granted").map(|start| by(&mit[start..]))
    } else if names.contains(&"ISC") {
        Some(by(ISC))
    } else if names.contains(&"BSL-1.0") {
        Some(BOOST.to_owned())
    } else {
        None
    }
}

/// Files with licences in a crate's folder, in the order of their names. Beside a font every text is one.
fn licence_files(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let extension_of =
        |path: &Path| path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let has_fonts =
        entries.iter().any(|entry| ["ttf", "otf"].contains(&extension_of(&entry.path()).as_str()));
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if kind.is_dir() {
            licence_files(&path, files)?;
            continue;
        }
        let extension = extension_of(&path);
        // A crate that can be had under the GPL can be had under another licence too, or is refused by `deny.toml`.
        let is_licence = BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
            && !name.contains("gpl")
            && !["rs", "toml", "json", "py", "tmpl"].contains(&extension.as_str());
        let bytes = entry.metadata()?.len();
        if (is_licence || has_fonts && extension == "txt") && SIZES_BYTES.contains(&bytes) {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows a crate's name in the notices, up to the next one.
    fn entry<'a>(notices: &'a str, name: &str) -> Option<&'a str> {
        let start = notices.find(&format!("\n\n{name}\n"))?;
        notices[start + 2..].split("\n\n").next()
    }

    #[test]
    fn every_crate_of_plugin_and_command_is_there_with_a_text() -> Result<()> {
        let project = Project::find()?;
        let notices = text(&project)?;
        let mut tree = project.cargo();
        tree.args(["tree", "--locked", "--target", "all", "--edges", "normal", "--prefix", "none"]);
        tree.args(["--format", "{p}"]);
        for package in SHIPPED {
            tree.args(["--package", package]);
        }
        let mut count = 0;
        for line in project::output(&mut tree)?.lines() {
            // The path of our own packages follows in brackets.
            let [name, version, ..] = line.split(' ').collect::<Vec<_>>()[..] else { continue };
            if line.contains(&*project.root.to_string_lossy()) {
                continue;
            }
            let name = format!("{name} {}", version.trim_start_matches('v'));
            let entry = entry(&notices, &name).with_context(|| format!("{name} is missing"))?;
            let numbers = entry.lines().find_map(|line| line.strip_prefix("  texts: "));
            let numbers = numbers.with_context(|| format!("{name} has no text"))?;
            let is_whole = |number: &str| {
                let (_, text) = notices.split_once(&format!("\n======== text {number} ========\n\n"))?;
                Some(text.split("\n======== text ").next()?.len() >= MIN_BYTES)
            };
            assert!(
                numbers.split(", ").any(|number| is_whole(number) == Some(true)),
                "{name}: texts {numbers}"
            );
            count += 1;
        }
        assert!(count > 200, "{count} crates");
        Ok(())
    }

    #[test]
    fn code_model_and_fonts_are_there() -> Result<()> {
        let notices = text(&Project::find()?)?;
        assert!(entry(&notices, "SACodec").is_some_and(|entry| entry.contains("texts: 1, 2")));
        let model = notices.lines().find(|line| line.starts_with("model pack live ")).context("no model")?;
        assert!(entry(&notices, model).is_some_and(|entry| entry.contains("CC0-1.0")));
        for words in [
            "Permission is hereby granted, free of charge",
            "Apache License",
            "SIL OPEN FONT LICENSE",
            "UBUNTU FONT LICENCE",
            "Mozilla Public License",
        ] {
            assert!(notices.contains(words), "{words} is missing");
        }
        Ok(())
    }

    #[test]
    fn a_text_is_there_once() {
        let mut texts = Texts::default();
        let numbers = ["a  b\r\nc", "a b\nc\n", "d"].map(|text| texts.number(text));
        assert_eq!((numbers, texts.in_order), ([1, 1, 2], vec!["a  b\nc".to_owned(), "d".to_owned()]));
    }

    #[test]
    fn a_crate_without_a_file_gets_the_text_that_it_names() {
        let authors = ["A".to_owned(), "B".to_owned()];
        let (mit, apache) = ("MIT\n\nCopyright us\n\nPermission is hereby granted, ...", "Apache");
        let table = [
            ("MIT OR Apache-2.0", Some("Apache")),
            ("MIT/Apache-2.0", Some("Apache")),
            ("(MIT OR Apache-2.0) AND OFL-1.1", Some("Apache")),
            ("MIT", Some("Copyright (c) A, B\n\nPermission is hereby granted")),
            ("ISC", Some("Copyright (c) A, B\n\nPermission to use")),
            ("BSL-1.0", Some("Boost Software License")),
            ("WTFPL", None),
            ("", None),
        ];
        for (licence, expected) in table {
            let text = standard_text(licence, &authors, mit, apache);
            assert_eq!(text.is_some(), expected.is_some(), "{licence}");
            assert!(text.unwrap_or_default().starts_with(expected.unwrap_or_default()), "{licence}");
        }
    }

    #[test]
    fn a_folder_has_the_notices_inside_and_a_file_beside_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let project = Project { target: folder.path().into(), ..Project::find()? };
        let bundles = Bundles::of(&project);
        fs::create_dir_all(bundles.vst3.join("Contents"))?;
        fs::write(&bundles.clap, "library")?;
        put(&project, &bundles)?;
        for path in
            ["bundled/SACodec-THIRD-PARTY.txt", "bundled/SACodec.vst3/Contents/Resources/THIRD-PARTY.txt"]
        {
            assert!(fs::read_to_string(folder.path().join(path))?.contains("Apache License"), "{path}");
        }
        Ok(())
    }
}
