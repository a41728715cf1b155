//! The engine on signals: every rate and block, what is heard, levels, listening tests.

mod level_match;
mod listening_test;
mod loss;
mod relay;
mod settings_at_start;
mod stream;
mod swap;
mod timeline_lock;
