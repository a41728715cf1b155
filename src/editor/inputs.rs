//! What a page is drawn from.

use nice_plug::prelude::ParamSetter;

use crate::params::SacodecParams;
use crate::status::Facts;

/// What a page is drawn from, besides the sound in the window's [`Scope`](sacodec_scope::Scope).
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// What the window is told.
    pub facts: &'a Facts,
    /// The parameters.
    pub params: &'a SacodecParams,
    /// Sets parameters.
    pub setter: &'a ParamSetter<'a>,
}
