//! How a plugin describes its parameters.

use clack_extensions::params::ParamInfoFlags;
use clack_host::prelude::*;

use crate::HostError;

/// A parameter, as the plugin describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamInfo {
    /// The plugin's number for it.
    pub id: ClapId,
    /// Name that the user sees.
    pub name: String,
    /// Group that it belongs to, slashes between the levels; empty for none.
    pub module: String,
    /// Lowest value. A choice counts from 0.
    pub min: f64,
    /// Highest value.
    pub max: f64,
    /// Value of a new instance.
    pub default: f64,
    /// Automatable, stepped, bypass and so on.
    pub flags: ParamInfoFlags,
}

/// Eight parameters for the eight knobs of a controller.
#[derive(Debug, Clone, PartialEq)]
pub struct RemotePage {
    /// Group of pages.
    pub section: String,
    /// Name of the page.
    pub name: String,
    /// Parameter of each knob.
    pub params: [Option<ClapId>; 8],
}

/// The parameter of this name among `params`.
pub(crate) fn find<'a>(params: &'a [ParamInfo], name: &str) -> Result<&'a ParamInfo, HostError> {
    params.iter().find(|param| param.name == name).ok_or_else(|| HostError::NoParameter {
        name: name.to_owned(),
        known: params.iter().map(|param| param.name.clone()).collect(),
    })
}
