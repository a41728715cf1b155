//! What the loader of packs does with graphs that are wrong, hostile or too heavy.

mod fuzz;
mod mutate;
mod refused;
mod tiny;
