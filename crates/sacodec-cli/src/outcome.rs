//! How a command ended.

/// How a command that did not fail as a whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is as it should be.
    Done,
    /// It was done before.
    Skipped,
    /// Done, and something is not whole or not equal.
    Finding,
    /// Some files failed, and it was said which.
    Failed,
}
