//! The pack that a command works with.

use std::path::Path;
use std::sync::Arc;

use crate::error::CliError;
use sacodec_codec::{CodecModel, LoadError, ModelPack};

/// The model of the pack in `folder`, or the one the command carries.
pub fn model(folder: Option<&Path>) -> Result<Arc<CodecModel>, CliError> {
    Ok(match folder {
        None => CodecModel::embedded()?,
        Some(folder) => CodecModel::load(&ModelPack::from_folder(folder).map_err(LoadError::from)?)?,
    })
}
