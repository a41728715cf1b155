//! Why there is no connection or thread of our own beside a window.

use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};

/// The window works without, with what the framework lacks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum X11Error {
    /// The framework's window is of another system, or gone.
    #[error("the window has no X11 number")]
    NoNumber,
    /// No connection, such as from a server with too many.
    #[error("the X server refuses a second connection: {0}")]
    Connect(#[from] ConnectError),
    /// The connection broke.
    #[error("the connection to the X server broke: {0}")]
    Connection(#[from] ConnectionError),
    /// The server refused a request.
    #[error("the X server refused a request: {0}")]
    Reply(#[from] ReplyError),
    /// The server has no number for a window of ours.
    #[error("the X server refuses a number for a window: {0}")]
    Number(#[from] ReplyOrIdError),
    /// The system refuses a thread.
    #[error("the system refuses a thread: {0}")]
    Thread(#[from] std::io::Error),
}
