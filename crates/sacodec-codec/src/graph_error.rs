//! Why a graph of a pack is refused.

use thiserror::Error;

/// What is wrong with a graph of a pack. Each message names the graph's file and what is expected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The bytes are not an ONNX model.
    #[error("{file} is not an ONNX graph: {reason}")]
    Syntax {
        /// The graph's file.
        file: String,
        /// What the reader said.
        reason: String,
    },
    /// The graph is larger than a codec's can be.
    #[error("{file} has {found} {what}, at most {limit} are accepted: export a smaller graph")]
    Bound {
        /// The graph's file.
        file: String,
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// An operator that packs may not use.
    #[error("{file} uses the operator {operator} ({reason}): export with the operators of pack format 1")]
    Operator {
        /// The graph's file.
        file: String,
        /// ONNX name of the operator.
        operator: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// Weights outside the file or of impossible size.
    #[error("{file}: the weight {weight} {reason}")]
    Weight {
        /// The graph's file.
        file: String,
        /// Name of the initialiser.
        weight: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two values of one name.
    #[error("{file} has two values with the name {name}: each needs its own")]
    TwoOfOneName {
        /// The graph's file.
        file: String,
        /// The name.
        name: String,
    },
    /// The system does not give the memory that loading takes.
    #[error(
        "{file} takes some {megabytes} MB of memory while it is loaded, which the system does not give: close other \
         programs, or choose a smaller pack"
    )]
    Memory {
        /// The graph's file.
        file: String,
        /// Memory, in millions of bytes.
        megabytes: usize,
    },
    /// An input or output that format 1 asks for is missing or different.
    #[error("{file}: {port} is {found}, expected {expected}")]
    Port {
        /// The graph's file.
        file: String,
        /// Name of the input or output.
        port: String,
        /// What was found there.
        found: String,
        /// What format 1 asks for.
        expected: String,
    },
    /// A state without its other half.
    #[error(
        "{file}: state {state} has no matching {missing}: every state is an input `name` and an output `name_out`"
    )]
    StatePair {
        /// The graph's file.
        file: String,
        /// Name of the state.
        state: String,
        /// Which half is missing.
        missing: &'static str,
    },
    /// The inference library refused the graph.
    #[error("{file} cannot be run: {reason}")]
    Compile {
        /// The graph's file.
        file: String,
        /// What the library said.
        reason: String,
    },
    /// A trial run gave something a codec does not give.
    #[error("{file} failed its trial run: {reason}")]
    Trial {
        /// The graph's file.
        file: String,
        /// What went wrong.
        reason: String,
    },
}

/// Refuses more than `limit` of something.
pub fn bound(file: &str, what: &'static str, found: usize, limit: usize) -> Result<(), GraphError> {
    if found <= limit { Ok(()) } else { Err(GraphError::Bound { file: file.into(), what, found, limit }) }
}
