//! Memory is asked for before it is needed: a request that the inference library makes and the system refuses would
//! end the process, and with it the host.

use super::graph_error::GraphError;

/// Asks the system for as many bytes as loading `file` takes, and gives them back.
///
/// This finds what a limit of the process or its address space refuses. It cannot find what the system promises and
/// does not keep (Linux may end a process that writes to memory it was given), nor what other threads take meanwhile.
pub fn check_memory(file: &str, bytes: usize) -> Result<(), GraphError> {
    let mut room = Vec::<u8>::new();
    let given = room.try_reserve_exact(bytes);
    // Looked at by nobody, it would not be asked for at all.
    std::hint::black_box(&room);
    given.map_err(|_| GraphError::Memory { file: file.into(), megabytes: bytes / 1_000_000 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_system_gives_is_an_error_that_says_how_much() {
        assert!(check_memory("encoder.onnx", 1 << 20).is_ok());
        let error = check_memory("encoder.onnx", isize::MAX as usize).unwrap_err().to_string();
        assert!(error.starts_with("encoder.onnx takes some 92233720368"), "{error}");
    }
}
