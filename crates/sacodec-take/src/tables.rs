//! The tokens of a take as other programs read them: `.npy`, `.jsonl`, `.csv`.

use std::io::{self, Write};

use serde_json::json;

use super::reader::Take;

/// Stands in `.npy` where a frame is missing: no codebook has this entry.
pub const MISSING_TOKEN: u16 = u16::MAX;

/// Writes the tokens as NumPy's format 1.0 (NEP 1).
///
/// # Errors
/// As the writer.
pub fn write_npy(take: &Take, out: &mut impl Write) -> io::Result<()> {
    const PREFIX_BYTES: usize = 10;
    let shape = format!("({}, {}, 2)", take.frames(), take.header.channels);
    let mut header = format!("{{'descr': '<u2', 'fortran_order': False, 'shape': {shape}, }}");
    // The data shall begin at a multiple of 64 bytes, and the header ends in a newline.
    let padding = 63 - (PREFIX_BYTES + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    for frame in take.iter() {
        for channel in 0..take.header.channels {
            let tokens = frame.map_or([MISSING_TOKEN; 2], |f| [f[channel].semantic, f[channel].acoustic]);
            out.write_all(&tokens[0].to_le_bytes())?;
            out.write_all(&tokens[1].to_le_bytes())?;
        }
    }
    Ok(())
}

/// Writes a JSON object a line for each frame. Tokens are lists over channels, null where missing.
///
/// # Errors
/// As the writer.
pub fn write_jsonl(take: &Take, out: &mut impl Write) -> io::Result<()> {
    let rate_hz = take.header.host_rate_hz;
    for (index, (frame, (place, segment))) in take.iter().zip(take.places()).enumerate() {
        let streams = frame.map(|f| {
            let semantic: Vec<u16> = f.iter().map(|t| t.semantic).collect();
            let acoustic: Vec<u16> = f.iter().map(|t| t.acoustic).collect();
            (semantic, acoustic)
        });
        let position_samples = place.and_then(|p| p.position_samples);
        let line = json!({
            "frame": index,
            "seconds": index as f64 / take.header.frame_rate_hz(),
            "semantic": streams.as_ref().map(|s| &s.0),
            "acoustic": streams.as_ref().map(|s| &s.1),
            "stream_samples": place.map(|p| p.stream_samples),
            "position_samples": position_samples,
            "position_seconds": position_samples.map(|p| p / rate_hz),
            "position_quarters": place.and_then(|p| p.position_quarters),
            "tempo_bpm": place.and_then(|p| p.tempo_bpm),
            "segment": segment,
            "playing": place.map(|p| p.playing),
            "recording": place.map(|p| p.recording),
        });
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Writes a table (RFC 4180, line ends as on Unix): a line for each frame and channel, empty cells
/// for what is missing or not known.
///
/// # Errors
/// As the writer.
pub fn write_csv(take: &Take, out: &mut impl Write) -> io::Result<()> {
    let cell = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    let flag = |value: Option<bool>| value.map(|v| u8::from(v).to_string()).unwrap_or_default();
    writeln!(
        out,
        "frame,channel,semantic,acoustic,seconds,stream_samples,position_samples,position_seconds,\
         position_quarters,tempo_bpm,segment,playing,recording"
    )?;
    for (index, (frame, (place, segment))) in take.iter().zip(take.places()).enumerate() {
        let position_samples = place.and_then(|p| p.position_samples);
        for channel in 0..take.header.channels {
            let tokens = frame.map(|f| f[channel]);
            let [semantic, acoustic] = [tokens.map(|t| t.semantic), tokens.map(|t| t.acoustic)]
                .map(|t| t.map(|t| t.to_string()).unwrap_or_default());
            writeln!(
                out,
                "{index},{channel},{semantic},{acoustic},{},{},{},{},{},{},{segment},{},{}",
                index as f64 / take.header.frame_rate_hz(),
                cell(place.map(|p| p.stream_samples)),
                cell(position_samples),
                cell(position_samples.map(|p| p / take.header.host_rate_hz)),
                cell(place.and_then(|p| p.position_quarters)),
                cell(place.and_then(|p| p.tempo_bpm)),
                flag(place.map(|p| p.playing)),
                flag(place.map(|p| p.recording)),
            )?;
        }
    }
    Ok(())
}
