//! Moments as files that audio programs and spreadsheets read.

use std::io::{self, Write};
use std::str::FromStr;

use serde::Serialize;

/// A moment with its place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Marker {
    /// 1 for the worst.
    pub rank: usize,
    /// How far coded and original are apart, see [`Moment::score`](super::Moment::score).
    pub score: f32,
    /// Its place in seconds. A host's timeline may begin before 0.
    pub seconds: f64,
    /// The same in samples.
    pub sample: i64,
}

/// What moments can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerFormat {
    /// A table: rank, score, time, seconds, sample. The worst first.
    Csv,
    /// A label track of Audacity: Import, Labels.
    Audacity,
    /// Markers of REAPER: Region/Marker Manager, Import.
    Reaper,
    /// Markers of Adobe Audition: Markers panel, Import.
    Audition,
    /// A list of objects with the columns of the table. The worst first.
    Json,
}

impl MarkerFormat {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Csv, Self::Audacity, Self::Reaper, Self::Audition, Self::Json];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Audacity => "audacity",
            Self::Reaper => "reaper",
            Self::Audition => "audition",
            Self::Json => "json",
        }
    }

    /// The end of a file's name, which tells the formats of one recording apart.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "moments.csv",
            Self::Audacity => "audacity.txt",
            Self::Reaper => "reaper.csv",
            Self::Audition => "audition.csv",
            Self::Json => "moments.json",
        }
    }

    /// Writes the markers, which are given the worst first. Programs get them in the order of time.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(self, markers: &[Marker], out: &mut impl Write) -> io::Result<()> {
        let mut in_time = markers.to_vec();
        in_time.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        match self {
            Self::Csv => {
                writeln!(out, "rank,score,time,seconds,sample")?;
                markers.iter().try_for_each(|marker| {
                    let Marker { rank, score, seconds, sample } = marker;
                    writeln!(out, "{rank},{score:.3},{},{seconds:.6},{sample}", time_code(*seconds))
                })
            }
            Self::Audacity => in_time.iter().try_for_each(|marker| {
                let seconds = marker.seconds;
                writeln!(out, "{seconds:.6}\t{seconds:.6}\t{}", label(marker))
            }),
            Self::Reaper => {
                writeln!(out, "#,Name,Start,End,Length")?;
                (1..).zip(&in_time).try_for_each(|(number, marker)| {
                    writeln!(out, "M{number},{},{},,", label(marker), time_code(marker.seconds))
                })
            }
            Self::Audition => {
                writeln!(out, "Name\tStart\tDuration\tTime Format\tType\tDescription")?;
                in_time.iter().try_for_each(|marker| {
                    let start = minutes(marker.seconds);
                    writeln!(out, "{}\t{start}\t0:00.000\tdecimal\tCue\t", label(marker))
                })
            }
            Self::Json => {
                serde_json::to_writer_pretty(&mut *out, markers)?;
                writeln!(out)
            }
        }
    }
}

impl FromStr for MarkerFormat {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.name() == name.trim());
        known.ok_or_else(|| format!("{name:?} is not a format: use csv, audacity, reaper, audition or json"))
    }
}

/// What a marker is called: without anything that a table would have to quote.
fn label(marker: &Marker) -> String {
    format!("coded {} ({:.2})", marker.rank, marker.score)
}

/// Hours, minutes, seconds and milliseconds: `0:01:02.345`.
pub fn time_code(seconds: f64) -> String {
    let (sign, hours, minutes, seconds) = parts(seconds);
    format!("{sign}{hours}:{minutes:02}:{seconds:06.3}")
}

/// Minutes, seconds and milliseconds, and hours from one on, as Audition has them.
fn minutes(seconds: f64) -> String {
    match parts(seconds) {
        (sign, 0, minutes, seconds) => format!("{sign}{minutes}:{seconds:06.3}"),
        _ => time_code(seconds),
    }
}

/// Sign, hours, minutes, and seconds that are whole milliseconds, so that none of them is rounded up to 60.
fn parts(seconds: f64) -> (&'static str, u64, u64, f64) {
    let ms = (seconds.abs() * 1e3).round() as u64;
    let sign = if seconds < 0.0 && ms > 0 { "-" } else { "" };
    (sign, ms / 3_600_000, ms / 60_000 % 60, (ms % 60_000) as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKERS: [Marker; 3] = [
        Marker { rank: 1, score: 1.234, seconds: 59.9996, sample: 2_879_981 },
        Marker { rank: 2, score: 0.5, seconds: 3_723.045_678, sample: 178_706_193 },
        Marker { rank: 3, score: 0.25, seconds: 0.5, sample: 24_000 },
    ];

    fn lines(format: MarkerFormat) -> Vec<String> {
        let mut bytes = Vec::new();
        format.write(&MARKERS, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.ends_with('\n'));
        text.lines().map(str::to_owned).collect()
    }

    /// Seconds of `m:s` or `h:m:s`.
    fn seconds(time: &str) -> f64 {
        time.split(':').fold(0.0, |seconds, part| 60.0 * seconds + part.parse::<f64>().unwrap())
    }

    fn assert_near(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len());
        let near = found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 0.000_51);
        assert!(near, "{found:?} instead of {wanted:?}");
    }

    #[test]
    fn the_table_has_a_row_for_each_the_worst_first() {
        let lines = lines(MarkerFormat::Csv);
        assert_eq!(lines[0], "rank,score,time,seconds,sample");
        assert_eq!(lines[1], "1,1.234,0:01:00.000,59.999600,2879981");
        let found: Vec<f64> =
            lines[1..].iter().map(|line| line.split(',').nth(3).unwrap().parse().unwrap()).collect();
        assert_near(&found, &[59.9996, 3_723.045_678, 0.5]);
    }

    #[test]
    fn a_label_track_of_audacity_has_begin_end_and_label_between_tabs_in_the_order_of_time() {
        let lines = lines(MarkerFormat::Audacity);
        let fields: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
        assert!(fields.iter().all(|fields| fields.len() == 3 && fields[0] == fields[1]));
        assert_eq!(fields[1][2], "coded 1 (1.23)");
        let found: Vec<f64> = fields.iter().map(|fields| fields[0].parse().unwrap()).collect();
        assert_near(&found, &[0.5, 59.9996, 3_723.045_678]);
    }

    #[test]
    fn markers_of_reaper_have_a_number_a_name_and_a_start() {
        let lines = lines(MarkerFormat::Reaper);
        assert_eq!(lines[0], "#,Name,Start,End,Length");
        assert_eq!(lines[3], "M3,coded 2 (0.50),1:02:03.046,,");
        let found: Vec<f64> =
            lines[1..].iter().map(|line| seconds(line.split(',').nth(2).unwrap())).collect();
        assert_near(&found, &[0.5, 59.9996, 3_723.045_678]);
    }

    #[test]
    fn markers_of_audition_are_cues_with_a_decimal_start_between_tabs() {
        let lines = lines(MarkerFormat::Audition);
        assert_eq!(lines[0], "Name\tStart\tDuration\tTime Format\tType\tDescription");
        assert_eq!(lines[1], "coded 3 (0.25)\t0:00.500\t0:00.000\tdecimal\tCue\t");
        assert!(lines[1..].iter().all(|line| line.split('\t').count() == 6));
        let found: Vec<f64> =
            lines[1..].iter().map(|line| seconds(line.split('\t').nth(1).unwrap())).collect();
        assert_near(&found, &[0.5, 59.9996, 3_723.045_678]);
    }

    #[test]
    fn the_list_is_read_back_as_it_was() {
        let list: serde_json::Value = serde_json::from_str(&lines(MarkerFormat::Json).join("\n")).unwrap();
        for (found, marker) in list.as_array().unwrap().iter().zip(&MARKERS) {
            assert_eq!(found["rank"], marker.rank);
            assert_eq!(found["seconds"], marker.seconds);
            assert_eq!(found["sample"], marker.sample);
        }
        assert_eq!(list.as_array().unwrap().len(), MARKERS.len());
    }

    #[test]
    fn times_are_rounded_to_milliseconds_and_may_lie_before_the_beginning() {
        let cases = [
            (0.0, "0:00:00.000"),
            (-0.0001, "0:00:00.000"),
            (-1.5, "-0:00:01.500"),
            (3599.9999, "1:00:00.000"),
        ];
        for (seconds, text) in cases {
            assert_eq!(time_code(seconds), text);
        }
        assert_eq!((minutes(61.25), minutes(3599.9999)), ("1:01.250".to_owned(), "1:00:00.000".to_owned()));
    }

    #[test]
    fn a_format_is_known_by_its_name() {
        for format in MarkerFormat::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        let error = "mp3".parse::<MarkerFormat>().unwrap_err();
        assert!(error.contains("mp3") && error.contains("audacity"), "{error}");
    }
}
