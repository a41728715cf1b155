//! An X server without a monitor, for one program.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::HostError;

/// An X server of this program's own, never the user's desktop. It ends when it is dropped.
pub struct Xvfb {
    server: Child,
    display: String,
}

impl Xvfb {
    /// Starts a server and waits until it can be connected to.
    ///
    /// # Errors
    /// [`HostError::Screen`] if `Xvfb` is not installed or does not start.
    pub fn start() -> Result<Self, HostError> {
        let failed = |reason: String| {
            HostError::Screen(format!(
                "Xvfb did not start (Debian: apt install xvfb libgl1-mesa-dri): {reason}"
            ))
        };
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let mut number = String::new();
        if let Some(stdout) = server.stdout.take() {
            BufReader::new(stdout).read_line(&mut number).map_err(|error| failed(error.to_string()))?;
        }
        let mut complaints = server.stderr.take();
        if number.trim().is_empty() {
            let mut text = String::new();
            if let Some(complaints) = &mut complaints {
                let _ = complaints.read_to_string(&mut text);
            }
            let _ = server.wait();
            return Err(failed(text));
        }
        if let Some(mut complaints) = complaints {
            // They go where nobody reads them, or the server would stop when the pipe is full.
            std::thread::spawn(move || std::io::copy(&mut complaints, &mut std::io::sink()));
        }
        Ok(Self { server, display: format!(":{}", number.trim()) })
    }

    /// What programs find it by, such as `:99`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Its process.
    pub fn process_id(&self) -> u32 {
        self.server.id()
    }

    /// Lets `program` open its windows on this server.
    pub fn show<'a>(&self, program: &'a mut Command) -> &'a mut Command {
        program.env("DISPLAY", &self.display).env_remove("XAUTHORITY").env_remove("WAYLAND_DISPLAY")
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        // If it has ended already, nothing is left to end.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
