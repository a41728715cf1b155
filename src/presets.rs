//! Settings by name: what the plugin offers, and files of the user's own. Parameters alone, without bypass, which is the
//! host's: packs and folders belong to a session and a machine.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use nice_plug::prelude::{Param, ParamSetter};
use serde::{Deserialize, Serialize};

use super::params::{SacodecParams, Visitor};
use sacodec_take::atomic_file::{AtomicFile, AtomicFileError};

const FORMAT: &str = "sacodec-settings";
const VERSION: u32 = 1;
/// Hundred times what a file needs.
const MAX_FILE_BYTES: u64 = 64 << 10;
/// Not part of any settings.
const BYPASS: &str = "bypass";

/// Settings that the plugin offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// What it is called.
    pub name: &'static str,
    /// What it is for.
    pub tip: &'static str,
    /// Ids of parameters and their values in words. What is not named stays.
    values: &'static [(&'static str, &'static str)],
}

/// What is offered, in the order of the page.
pub const FACTORY: [Preset; 6] = [
    Preset {
        name: "Audition",
        tip: "Hear what the codec does: coded, as loud as the original; press 1, 2 and 3 to compare",
        values: &[
            ("listen", "Coded"),
            ("streams", "Both"),
            ("match", "On"),
            ("gain", "0.0"),
            ("loss", "Off"),
            ("record", "Off"),
        ],
    },
    Preset {
        name: "Blind test",
        tip: "What a fair ABX test wants: both streams, equal loudness. Then press ABX",
        values: &[
            ("listen", "Coded"),
            ("streams", "Both"),
            ("match", "On"),
            ("gain", "0.0"),
            ("lock", "At start"),
            ("loss", "Off"),
            ("record", "Off"),
        ],
    },
    Preset {
        name: "Token capture",
        tip: "Hear the original and record tokens while the transport runs, in the same frames every time",
        values: &[
            ("listen", "Original"),
            ("match", "Off"),
            ("lock", "At start and jumps"),
            ("recwhile", "Playing"),
            ("source", "Input"),
            ("freeze", "Off"),
            ("record", "On"),
        ],
    },
    Preset {
        name: "Semantic only",
        tip: "What is left of a voice when only the linguistic stream is decoded",
        values: &[("listen", "Coded"), ("streams", "Semantic only"), ("match", "On"), ("record", "Off")],
    },
    Preset {
        name: "Safe bounce",
        tip: "Listen to the codec as you like: a bounce gets the original",
        values: &[("render", "Original")],
    },
    Preset {
        name: "Defaults",
        tip: "Everything as in a new instance",
        values: &[
            ("listen", "Coded"),
            ("chans", "Mono sum"),
            ("streams", "Both"),
            ("gain", "0.0"),
            ("match", "Off"),
            ("render", "Coded"),
            ("sched", "Spread"),
            ("lock", "At start"),
            ("record", "Off"),
            ("recwhile", "Armed"),
            ("loss", "Off"),
            ("lossrate", "10.0"),
            ("burst", "3.0 packets"),
            ("packet", "2 frames"),
            ("lossy", "Both"),
            ("lossseed", "1"),
            ("conceal", "Fade"),
            ("source", "Input"),
            ("shift", "0 frames"),
            ("freeze", "Off"),
        ],
    },
];

/// Why settings cannot be saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// The file.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Saving would replace a file.
    #[error("{} is there already: press Save again to replace it", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} holds no settings of SACodec: choose a file that Save has made", path.display())]
    Other {
        /// Which.
        path: PathBuf,
    },
    /// The file is of a plugin that came later.
    #[error("{} was made by a newer SACodec (settings {found}, this one reads {VERSION}): update the plugin", path.display())]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// A parameter that this plugin has not, or a value that it cannot take.
    #[error("{}: {id} = {text} is not a setting of this version: nothing was changed", path.display())]
    Value {
        /// Which file.
        path: PathBuf,
        /// Id of the parameter.
        id: String,
        /// Its value.
        text: String,
    },
}

/// A file of settings.
#[derive(Debug, Serialize, Deserialize)]
struct File {
    format: String,
    version: u32,
    parameters: BTreeMap<String, String>,
}

impl Preset {
    /// Sets the parameters that it names, each as a gesture of its own.
    pub fn apply(&self, params: &SacodecParams, setter: &ParamSetter) {
        let values = self.values.iter().map(|&(id, text)| (id.to_owned(), text.to_owned())).collect();
        params.visit(&mut Set { values: &values, setter });
    }
}

/// Writes all parameters to a new file; over an old one if `replace` says so.
///
/// # Errors
/// Where the file cannot be written, or is there and not to be replaced.
pub fn save(params: &SacodecParams, path: &Path, replace: bool) -> Result<(), PresetError> {
    let mut values = Values::default();
    params.visit(&mut values);
    let file = File { format: FORMAT.to_owned(), version: VERSION, parameters: values.0 };
    let failed = |error| PresetError::File { path: path.to_owned(), error };
    let mut text = serde_json::to_vec_pretty(&file).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    let written = AtomicFile::create(path, replace).and_then(|mut file| {
        file.write_all(&text)?;
        file.finish()
    });
    written.map_err(|error| match error {
        AtomicFileError::Exists => PresetError::Exists { path: path.to_owned() },
        AtomicFileError::Io(error) => failed(error),
        error => failed(std::io::Error::other(error)),
    })
}

/// Reads a file and sets the parameters that it names: all of them, or none where one cannot be.
///
/// # Errors
/// Where the file cannot be read, is something else, or names what this plugin does not know.
pub fn load(params: &SacodecParams, setter: &ParamSetter, path: &Path) -> Result<(), PresetError> {
    let values = read(params, path)?;
    params.visit(&mut Set { values: &values, setter });
    Ok(())
}

/// The values of a file, each known and possible.
fn read(params: &SacodecParams, path: &Path) -> Result<BTreeMap<String, String>, PresetError> {
    let failed = |error| PresetError::File { path: path.to_owned(), error };
    let mut text = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text))
        .map_err(failed)?;
    let other = || PresetError::Other { path: path.to_owned() };
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(other());
    }
    let file: File = serde_json::from_slice(&text).map_err(|_| other())?;
    if file.format != FORMAT {
        return Err(other());
    }
    if file.version > VERSION {
        return Err(PresetError::Newer { path: path.to_owned(), found: file.version });
    }
    let mut check = Check { left: file.parameters.clone() };
    params.visit(&mut check);
    match check.left.pop_first() {
        Some((id, text)) => Err(PresetError::Value { path: path.to_owned(), id, text }),
        None => Ok(file.parameters),
    }
}

/// All values in words.
#[derive(Default)]
struct Values(BTreeMap<String, String>);

impl Visitor for Values {
    fn visit<P: Param>(&mut self, id: &'static str, param: &P) {
        if id != BYPASS {
            let text = param.normalized_value_to_string(param.unmodulated_normalized_value(), false);
            self.0.insert(id.to_owned(), text);
        }
    }
}

/// Takes away what is known and possible.
struct Check {
    left: BTreeMap<String, String>,
}

impl Visitor for Check {
    fn visit<P: Param>(&mut self, id: &'static str, param: &P) {
        let is_known = |text: &String| param.string_to_normalized_value(text).is_some();
        if id != BYPASS && self.left.get(id).is_some_and(is_known) {
            self.left.remove(id);
        }
    }
}

/// Sets what it has values for.
struct Set<'a> {
    values: &'a BTreeMap<String, String>,
    setter: &'a ParamSetter<'a>,
}

impl Visitor for Set<'_> {
    fn visit<P: Param>(&mut self, id: &'static str, param: &P) {
        let wanted = self.values.get(id).and_then(|text| param.string_to_normalized_value(text));
        if let Some(value) = wanted.filter(|value| *value != param.unmodulated_normalized_value()) {
            self.setter.begin_set_parameter(param);
            self.setter.set_parameter_normalized(param, value);
            self.setter.end_set_parameter(param);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionState;
    use std::sync::Arc;

    fn params() -> SacodecParams {
        SacodecParams::new(SessionState::apart(&Arc::default()))
    }

    #[test]
    fn every_factory_setting_names_what_there_is() {
        let params = params();
        for preset in FACTORY {
            let left = preset.values.iter().map(|&(id, text)| (id.to_owned(), text.to_owned())).collect();
            let mut check = Check { left };
            params.visit(&mut check);
            assert!(check.left.is_empty(), "{}: {:?}", preset.name, check.left);
        }
    }

    #[test]
    fn defaults_are_those_of_a_new_instance_and_leave_nothing_out() {
        let mut values = Values::default();
        params().visit(&mut values);
        let defaults = FACTORY.iter().find(|preset| preset.name == "Defaults").unwrap();
        let named = defaults.values.iter().map(|&(id, text)| (id.to_owned(), text.to_owned())).collect();
        assert_eq!(values.0, named);
    }

    #[test]
    fn what_was_saved_is_read_again_and_replaces_a_file_only_when_asked() {
        let (params, folder) = (params(), tempfile::tempdir().unwrap());
        let path = folder.path().join("mine.json");
        save(&params, &path, false).unwrap();
        let mut values = Values::default();
        params.visit(&mut values);
        assert_eq!(read(&params, &path).unwrap(), values.0);
        let error = save(&params, &path, false).unwrap_err().to_string();
        assert!(error.contains("press Save again"), "{error}");
        save(&params, &path, true).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
        let error = save(&params, &folder.path().join("no/mine.json"), false).unwrap_err().to_string();
        assert!(error.contains("no/mine.json"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_settings_changes_nothing_and_says_why() {
        let (params, folder) = (params(), tempfile::tempdir().unwrap());
        let path = folder.path().join("other.json");
        let settings = |version: u32, id: &str, text: &str| {
            serde_json::json!({"format": FORMAT, "version": version, "parameters": {"listen": "Coded", id: text}}).to_string()
        };
        for (contents, message) in [
            ("{}".to_owned(), "no settings"),
            ("[".repeat(100_000), "no settings"),
            (settings(2, "streams", "Both"), "newer SACodec (settings 2"),
            (settings(1, "loss", "10 %"), "loss = 10 % is not a setting"),
            (settings(1, "streams", "Neither"), "streams = Neither is not a setting"),
            (settings(1, "bypass", "On"), "bypass = On is not a setting"),
        ] {
            std::fs::write(&path, contents).unwrap();
            let error = read(&params, &path).unwrap_err().to_string();
            assert!(error.contains(message) && error.contains("other.json"), "{error}");
        }
        let error = read(&params, &folder.path().join("none.json")).unwrap_err().to_string();
        assert!(error.contains("none.json"), "{error}");
    }
}
