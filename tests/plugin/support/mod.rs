//! What the plugin's tests share.

pub mod instance;
pub mod raster;
pub mod studio;
