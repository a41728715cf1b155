//! Looks at the bytes of an ONNX file before they are decoded: two bytes of it can become hundreds in memory, but for
//! the raw data of weights, which stay what they are.

/// Where raw data of weights is, by field numbers: `ModelProto.graph`, `GraphProto.initializer`,
/// `TensorProto.raw_data`.
const RAW_DATA: &[u32] = &[7, 5, 9];

/// Bytes of an ONNX file that are not raw data of weights; `None` where it is not a file of that kind.
pub fn structure_bytes(file: &[u8]) -> Option<usize> {
    Some(file.len() - bytes_at(file, RAW_DATA)?)
}

/// Bytes of all fields at the end of `path` inside `message`.
fn bytes_at(mut message: &[u8], path: &[u32]) -> Option<usize> {
    let Some((&wanted, path)) = path.split_first() else { return Some(message.len()) };
    let mut bytes = 0;
    while !message.is_empty() {
        let (number, body) = next_field(&mut message)?;
        if number == wanted {
            bytes += bytes_at(body, path)?;
        }
    }
    Some(bytes)
}

/// Takes the next field off a message: its number, and its bytes if it has a length of its own.
fn next_field<'a>(message: &mut &'a [u8]) -> Option<(u32, &'a [u8])> {
    let key = varint(message)?;
    let number = u32::try_from(key >> 3).ok()?;
    let (bytes, has_body) = match key & 7 {
        0 => (varint(message).map(|_| 0)?, false),
        1 => (8, false),
        2 => (varint(message)?, true),
        5 => (4, false),
        _ => return None,
    };
    let (body, rest) = message.split_at_checked(usize::try_from(bytes).ok()?)?;
    *message = rest;
    Some((number, if has_body { body } else { &[] }))
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_data_of_weights_alone_is_left_out() {
        // A graph with a node of three bytes and a weight of two dimensions and four raw bytes.
        let weight = [8, 2, 8, 3, 0x4A, 4, 1, 2, 3, 4];
        let graph = [&[0x0A, 3, 1, 2, 3, 0x2A, 10][..], &weight].concat();
        let model = [&[8, 9, 0x3A, 17][..], &graph].concat();
        assert_eq!(structure_bytes(&model), Some(model.len() - 4));
        assert_eq!(structure_bytes(&[]), Some(0));
    }

    #[test]
    fn what_has_lengths_that_cannot_be_is_told_from_a_model() {
        for bytes in [&[0x3A, 4, 1][..], &[0x3A], &[0x80; 11], &[0x3B], &[0x3A, 2, 0x2A, 9]] {
            assert_eq!(structure_bytes(bytes), None, "{bytes:?}");
        }
    }
}
