//! Where takes go, and as what: from the environment, the session, a file, or by default.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::export::ExportFormat;

/// Names the folder for takes; stronger than what a session says.
pub const FOLDER_VARIABLE: &str = "SACODEC_TAKES";
/// Names the formats that takes are exported as, separated by commas; stronger than the session's.
pub const FORMATS_VARIABLE: &str = "SACODEC_FORMATS";
/// Names the configuration file.
pub const CONFIG_VARIABLE: &str = "SACODEC_CONFIG";

const MAX_CONFIG_BYTES: u64 = 1 << 16;

/// What a session says of takes; `None` where it leaves it to the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionChoice {
    /// The folder.
    pub folder: Option<PathBuf>,
    /// What takes are called instead of the track.
    pub name: Option<String>,
    /// The formats that a closed take is exported as.
    pub formats: Option<Vec<ExportFormat>>,
}

/// Where takes go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destination {
    /// What takes are called instead of the track.
    pub name: Option<String>,
    /// Folders to try, best first.
    pub folders: Vec<PathBuf>,
    /// The formats that a closed take is exported as.
    pub formats: Vec<ExportFormat>,
    /// The folder is that of [`FOLDER_VARIABLE`], whatever the session says.
    pub is_folder_fixed: bool,
    /// The formats are those of [`FORMATS_VARIABLE`], whatever the session says.
    pub are_formats_fixed: bool,
    /// What was wrong with variables or file, in words.
    pub warning: Option<String>,
}

/// `config.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    takes: Option<PathBuf>,
    formats: Option<Vec<ExportFormat>>,
}

/// The configuration file's path, if this system has a place for one.
pub fn config_path() -> Option<PathBuf> {
    match std::env::var_os(CONFIG_VARIABLE) {
        Some(path) => Some(path.into()),
        None => directories::ProjectDirs::from("", "", "SACodec").map(|d| d.config_dir().join("config.toml")),
    }
}

/// The folder where takes go if nobody says otherwise: `SACodec` in the user's documents.
pub fn default_folder() -> Option<PathBuf> {
    let user = directories::UserDirs::new()?;
    let documents = user.document_dir().map_or_else(|| user.home_dir().join("Documents"), Path::to_owned);
    Some(documents.join("SACodec"))
}

/// Resolves where takes go: environment, then session, then file, then the default. The system's
/// folder for temporary files is the last resort.
pub fn destination(session: &SessionChoice) -> Destination {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let formats = variable(FORMATS_VARIABLE).map(|list| list.to_string_lossy().into_owned());
    resolve(
        variable(FOLDER_VARIABLE).map(PathBuf::from),
        formats.as_deref(),
        session,
        config_path().as_deref(),
    )
}

fn resolve(
    folder: Option<PathBuf>,
    formats: Option<&str>,
    session: &SessionChoice,
    config_path: Option<&Path>,
) -> Destination {
    let mut warnings = Vec::new();
    let config = config_path.map_or_else(Config::default, |path| read_config(path, &mut warnings));
    let listed = formats.map(|list| {
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let parsed: Vec<_> = names.map(str::parse).collect();
        let (known, unknown): (Vec<_>, Vec<_>) = parsed.into_iter().partition(Result::is_ok);
        warnings
            .extend(unknown.into_iter().filter_map(Result::err).map(|e| format!("{FORMATS_VARIABLE}: {e}")));
        known.into_iter().flatten().collect::<Vec<ExportFormat>>()
    });
    let (is_folder_fixed, are_formats_fixed) = (folder.is_some(), listed.is_some());
    let wanted = folder.or_else(|| session.folder.clone()).or(config.takes);
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in [wanted, default_folder(), Some(std::env::temp_dir().join("SACodec"))].into_iter().flatten()
    {
        if folder.is_relative() {
            warnings.push(format!(
                "{} is not an absolute path: give the folder for takes as an absolute path",
                folder.display()
            ));
        } else if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let mut formats = listed.or_else(|| session.formats.clone()).or(config.formats).unwrap_or_default();
    formats.sort_by_key(|format| ExportFormat::ALL.iter().position(|known| known == format));
    formats.dedup();
    let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
    let name = session.name.clone();
    Destination { name, folders, formats, is_folder_fixed, are_formats_fixed, warning }
}

fn read_config(path: &Path, warnings: &mut Vec<String>) -> Config {
    use std::io::Read;
    let mut text = String::new();
    match std::fs::File::open(path).and_then(|file| file.take(MAX_CONFIG_BYTES).read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Config::default(),
        Err(error) => warnings.push(format!("{} could not be read: {error}", path.display())),
    }
    toml::from_str(&text).unwrap_or_else(|error| {
        warnings.push(format!("{} is not understood and not used: {}", path.display(), error.message()));
        Config::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn the_variable_wins_over_the_session_over_the_file_over_the_default() {
        let file = config("takes = \"/from/file\"\nformats = [\"csv\", \"npy\"]\n");
        let session = SessionChoice {
            folder: Some("/from/session".into()),
            name: None,
            formats: Some(vec![ExportFormat::Jsonl]),
        };
        let nobody = SessionChoice::default();
        let first = |folder: Option<&str>, session: &SessionChoice, config: Option<&Path>| {
            resolve(folder.map(PathBuf::from), None, session, config).folders[0].clone()
        };
        assert_eq!(first(Some("/from/env"), &session, Some(file.path())), Path::new("/from/env"));
        assert_eq!(first(None, &session, Some(file.path())), Path::new("/from/session"));
        assert_eq!(first(None, &nobody, Some(file.path())), Path::new("/from/file"));
        assert_eq!(
            Some(first(None, &nobody, None)),
            default_folder().or(Some(std::env::temp_dir().join("SACodec")))
        );
        let formats = |list, session| resolve(None, list, session, Some(file.path())).formats;
        assert_eq!(formats(Some("wav, npy"), &session), [ExportFormat::Npy, ExportFormat::Wav]);
        assert_eq!(formats(None, &session), [ExportFormat::Jsonl]);
        assert_eq!(formats(None, &nobody), [ExportFormat::Npy, ExportFormat::Csv]);
    }

    #[test]
    fn what_is_wrong_is_said_and_the_rest_is_used() {
        let nobody = SessionChoice::default();
        let wrong = resolve(Some("relative".into()), Some("npy,mp3"), &nobody, None);
        let warning = wrong.warning.unwrap();
        assert!(warning.contains("relative") && warning.contains("mp3"), "{warning}");
        assert_eq!(wrong.formats, [ExportFormat::Npy]);
        assert!(!wrong.folders.is_empty());
        for text in ["takes = 3", "folder = \"/x\"", "formats = [\"mp3\"]", "\u{0}"] {
            let file = config(text);
            let warning = resolve(None, None, &nobody, Some(file.path())).warning.unwrap();
            assert!(warning.contains(file.path().to_str().unwrap()), "{text}: {warning}");
        }
        assert_eq!(resolve(None, None, &nobody, Some(Path::new("/no/such/file"))).warning, None);
    }
}
