//! `sacodec compare`: how many tokens of two takes are equal, second by second.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::alignment::{Align, Pairs};
use super::batch::{BatchArgs, Report, RunArgs, Task, name};
use super::comparison::{Comparison, parse_percent};
use super::console::print;
use super::result_file::is_standard;
use super::{CliError, Outcome, losses, open_take};
use sacodec_take::Take;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A take, or a folder of takes.
    first: PathBuf,
    /// What to compare it with: a take, or a folder that has takes of the same names in the same subfolders.
    second: PathBuf,
    /// What frames are paired by.
    #[arg(long, value_enum, default_value_t = Align::Auto)]
    align: Align,
    /// Longest lag that is looked for, in seconds and in both directions.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds)]
    max_lag: f64,
    /// Percentage of equal tokens, of each stream, that is enough.
    #[arg(long, value_name = "PERCENT", default_value_t = 100.0, value_parser = parse_percent)]
    min_percent: f64,
    /// Also give the figures of each second of the first take.
    #[arg(long)]
    by_second: bool,
    #[command(flatten)]
    run: RunArgs,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let tasks = tasks(args)?;
    let total = Mutex::new((0_u64, Comparison::default()));
    let outcome = args.run.run(&tasks, |task, _| {
        let (a, b) = (open_take(&task.input)?, open_take(&task.output)?);
        let (report, compared) = compare(args, task, &a, &b)?;
        let mut total = total.lock();
        total.0 += 1;
        total.1.sum(&compared);
        Ok(report)
    });
    if args.first.is_dir() {
        let (takes, compared) = total.into_inner();
        print(summary(args, takes, &compared))?;
    }
    Ok(outcome)
}

/// Pairs by their names: what only one folder has is a task whose other take cannot be opened.
fn tasks(args: &Args) -> Result<Vec<Task>, CliError> {
    if is_standard(&args.second) {
        return Err(CliError::NoInput { what: "give standard input as the first of the two takes".into() });
    }
    let of = |from: &Path, to: &Path| {
        let batch = BatchArgs::of(vec![from.into()]).with_output(to.is_dir().then(|| to.into()));
        batch.tasks_that_write_nothing(&["sac"], "sac")
    };
    if !args.first.is_dir() || !args.second.is_dir() {
        let inside = |folder: &Path, other: &Path| folder.join(other.file_name().unwrap_or_default());
        let [mut input, mut output] = [args.first.clone(), args.second.clone()];
        if input.is_dir() {
            input = inside(&input, &output);
        } else if output.is_dir() {
            output = inside(&output, &input);
        }
        return Ok(vec![Task { input, output, rival: None, waits: false }]);
    }
    let mut tasks = of(&args.first, &args.second)?;
    let others = of(&args.second, &args.first)?.into_iter().filter(|other| !other.output.exists());
    tasks.extend(others.map(|task| Task { input: task.output, output: task.input, ..task }));
    Ok(tasks)
}

fn compare(args: &Args, task: &Task, a: &Take, b: &Take) -> Result<(Report, Comparison), CliError> {
    let other =
        |reason: String| CliError::Compare { first: task.input.clone(), second: task.output.clone(), reason };
    check(a, b).map_err(other)?;
    let rate_hz = a.header.frame_rate_hz();
    let no_timeline = "not every frame of both has a place on a timeline; give --align lag";
    let max_lag_frames = (args.max_lag * rate_hz).ceil() as u32;
    let pairs = Pairs::find(a, b, args.align, max_lag_frames).ok_or_else(|| other(no_timeline.into()))?;
    let (mut whole, mut seconds) = (Comparison::default(), Vec::<Comparison>::new());
    let (frames_a, frames_b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
    for &(i, j) in &pairs.frames {
        let (Some(frame), Some(other)) = (frames_a[i as usize], frames_b[j as usize]) else { continue };
        let other: Vec<_> = other.iter().copied().map(Some).collect();
        let second = (f64::from(i) / rate_hz) as usize;
        seconds.resize(seconds.len().max(second + 1), Comparison::default());
        for compared in [&mut whole, &mut seconds[second]] {
            compared.add(i, frame, &other);
        }
    }
    let left_out = [a, b].map(|take| u64::from(take.frames()) - whole.frames);
    Ok((report(args, task, [a, b], &Found { pairs, whole: whole.clone(), seconds, left_out }), whole))
}

/// What was found of two takes.
struct Found {
    pairs: Pairs,
    whole: Comparison,
    /// Of each second of the first take.
    seconds: Vec<Comparison>,
    /// Frames of each take that were not compared.
    left_out: [u64; 2],
}

/// Why two takes have no tokens that could be equal.
fn check(a: &Take, b: &Take) -> Result<(), String> {
    let (a, b) = (&a.header, &b.header);
    if !a.pack.sha256.eq_ignore_ascii_case(&b.pack.sha256) || a.codebooks != b.codebooks {
        let [a, b] =
            [a, b].map(|h| format!("{} {} ({}…)", h.pack.name, h.pack.version, &h.pack.sha256[..12]));
        return Err(format!(
            "they were coded with different packs, {a} and {b}; code the audio again with one"
        ));
    }
    if a.channels != b.channels {
        return Err(format!(
            "they have {} and {} channels; code both with the same --channels",
            a.channels, b.channels
        ));
    }
    Ok(())
}

fn report(args: &Args, task: &Task, takes: [&Take; 2], found: &Found) -> Report {
    let rate_hz = takes[0].header.frame_rate_hz();
    let losses = takes.map(losses);
    let enough = found.whole.is_enough(args.min_percent);
    // A lag leaves out so many at one end of each.
    let due = found.pairs.lag_frames.map_or(0, i64::unsigned_abs);
    let is_whole = losses.iter().all(Option::is_none) && found.left_out.iter().all(|&frames| frames <= due);
    let mut text =
        format!("{} and {}: {}", task.input.display(), task.output.display(), found.whole.text(rate_hz));
    if let Some(lag) = found.pairs.lag_frames {
        text += &format!("; at a lag of {lag} frames ({:.3} s)", lag as f64 / rate_hz);
    }
    for (left_out, which) in found.left_out.iter().zip(["first", "second"]).filter(|&(&frames, _)| frames > 0)
    {
        text += &format!("; {left_out} frames of the {which} have no partner");
    }
    for (loss, path) in losses.iter().zip([&task.input, &task.output]) {
        if let Some(loss) = loss {
            text += &format!("; {}: {loss}", path.display());
        }
    }
    let mut json = json!({
        "other": name(&task.output), "frames": found.whole.frames, "lag_frames": found.pairs.lag_frames,
        "not_compared": found.left_out, "semantic_percent": found.whole.semantic_percent(),
        "acoustic_percent": found.whole.acoustic_percent(), "first_difference": found.whole.first_difference,
        "enough": enough, "losses": losses,
    });
    if args.by_second {
        text += &table(&found.seconds);
        let row = |(second, compared): (usize, &Comparison)| {
            json!({
                "second": second, "frames": compared.frames,
                "semantic_percent": compared.semantic_percent(), "acoustic_percent": compared.acoustic_percent(),
            })
        };
        json["by_second"] = found.seconds.iter().enumerate().map(row).collect::<Vec<_>>().into();
    }
    Report::new(text, json, if enough && is_whole { Outcome::Done } else { Outcome::Finding })
}

fn table(seconds: &[Comparison]) -> String {
    let row = |(second, compared): (usize, &Comparison)| match compared.frames {
        0 => format!("\n{second:8}  {:6}", 0),
        frames => {
            let (semantic, acoustic) = (compared.semantic_percent(), compared.acoustic_percent());
            format!("\n{second:8}  {frames:6}  {semantic:10.2}  {acoustic:10.2}")
        }
    };
    let head = "\n  second  frames  semantic %  acoustic %".to_owned();
    seconds.iter().enumerate().map(row).fold(head, |table, row| table + &row)
}

/// What all pairs gave.
fn summary(args: &Args, takes: u64, compared: &Comparison) -> String {
    let (semantic, acoustic) = (compared.semantic_percent(), compared.acoustic_percent());
    if args.run.json {
        let all: Value = json!({
            "compared": takes, "frames": compared.frames, "semantic_percent": semantic, "acoustic_percent": acoustic,
        });
        return all.to_string();
    }
    let frames = compared.frames;
    format!("{takes} pairs: semantic {semantic:.2} %, acoustic {acoustic:.2} % equal in {frames} frames")
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().map_err(|_| "give a number of seconds".to_owned())?;
    if (0.0..=60.0).contains(&seconds) { Ok(seconds) } else { Err("give 0 to 60 seconds".into()) }
}
