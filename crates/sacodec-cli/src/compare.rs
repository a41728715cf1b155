//! `sacodec compare`: how many tokens of two takes are equal, second by second.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::alignment::{Align, Pairs};
use crate::batch::{
    BatchArgs, FileReport, LOSSY, LoggedRunArgs, Made, REPAIRED, Second, Task, is_beside_its_original, name,
    partner,
};
use crate::comparison::{Comparison, parse_percent};
use crate::console::print;
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::standard::is_standard;
use crate::take::{losses, open_take_with_digest};
use sacodec_take::{Header, Take};

/// Longest table: what a damaged header claims is not believed. The longest takes have 124 hours.
const MAX_SECONDS: f64 = 5e5;
/// If less is equal, the sound may be late.
const LATE_PERCENT: f64 = 30.0;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Takes and folders of takes. The last one is what the others are compared with: a take, or a folder that
    /// has takes of the same names in the same subfolders, or takes that `lose` or `repair` made of those.
    #[arg(required = true)]
    takes: Vec<PathBuf>,
    /// Read further takes from a file, one on each line; `-` is standard input.
    #[arg(long, value_name = "LIST")]
    files_from: Option<PathBuf>,
    /// The folder that names are told from in a list of absolute ones; without it, as with `encode --output`.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
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
    run: LoggedRunArgs,
}

pub fn run(args: &Args) -> Result<Outcome, CliError> {
    let tasks = tasks(args)?;
    let total = Mutex::new(Total::default());
    let outcome = args.run.run("compare", &tasks, Second::Partner, |task, _| {
        let (a, digest) = open_take_with_digest(&task.input)?;
        let (b, other) = open_take_with_digest(&task.output)?;
        let found = compare(args, task, &a, &b)?;
        total.lock().add(&found);
        let mut report = report(args, task, [&a, &b], &found);
        report.made.source = Some(digest);
        report.made.partner = Some((task.output.clone(), Some(other)));
        Ok(report)
    })?;
    let is_one = args.takes.len() == 2 && args.files_from.is_none() && !args.takes[0].is_dir();
    if !is_one {
        print(summary(args, &total.into_inner()))?;
    }
    Ok(outcome)
}

/// Pairs by their names. Of two folders, what only one has is a task whose other take cannot be opened.
fn tasks(args: &Args) -> Result<Vec<Task>, CliError> {
    let wrong = |what: &str| Err(CliError::Line { what: what.into() });
    let Some((second, firsts)) = args.takes.split_last() else { return Ok(Vec::new()) };
    if is_standard(second) {
        return wrong("give standard input as the first of the two takes");
    }
    let of = |from: &[PathBuf], to: &Path| -> Result<Vec<Task>, CliError> {
        let batch = BatchArgs::of(from.to_vec()).with_output(to.is_dir().then(|| to.into()));
        let batch = batch.with_list(args.files_from.clone()).with_root(args.root.clone());
        let tasks = batch.tasks_that_write_nothing(&["sac"], "sac")?;
        // One beside the take that it was made of has no partner but of its own name.
        let is_lone = |task: &Task| !is_beside_its_original(&task.input, &[LOSSY, REPAIRED]);
        let paired = |task: Task| match is_lone(&task) {
            true => Task { output: partner(&task.output), ..task },
            false => task,
        };
        Ok(tasks.into_iter().map(paired).collect())
    };
    match firsts {
        [] if args.files_from.is_none() => {
            wrong("give two takes, two folders, or a list with --files-from and a folder")
        }
        [first] if args.files_from.is_none() && first.is_dir() && second.is_dir() => {
            let mut tasks = of(firsts, second)?;
            let others = of(std::slice::from_ref(second), first)?;
            let compared: HashSet<_> = tasks.iter().map(|task| task.output.clone()).collect();
            let others = others.into_iter().filter(|other| !compared.contains(&other.input));
            tasks.extend(others.map(|task| Task { input: task.output, output: task.input, ..task }));
            Ok(tasks)
        }
        [first] if args.files_from.is_none() => Ok(vec![one(first, second)]),
        _ if !second.is_dir() => {
            second.metadata().map_err(|source| CliError::Open { path: second.clone(), source })?;
            let what = format!(
                "{} is not a folder, and many takes are compared with those in one",
                second.display()
            );
            wrong(&what)
        }
        _ => of(firsts, second),
    }
}

/// Two takes, of which one may be told by its folder alone.
fn one(first: &Path, second: &Path) -> Task {
    let inside = |folder: &Path, other: &Path| partner(&folder.join(other.file_name().unwrap_or_default()));
    let (mut input, mut output) = (first.to_owned(), second.to_owned());
    if input.is_dir() {
        input = inside(&input, &output);
    } else if output.is_dir() {
        output = inside(&output, &input);
    }
    Task { input, output, rival: None, waits: false }
}

fn compare(args: &Args, task: &Task, a: &Take, b: &Take) -> Result<Found, CliError> {
    let other =
        |reason: String| CliError::Compare { first: task.input.clone(), second: task.output.clone(), reason };
    check(a, b).map_err(other)?;
    let rate_hz = a.header.frame_rate_hz();
    let no_timeline = "not every frame of both has a place on a timeline; give --align lag";
    if args.by_second && f64::from(a.frames()) > MAX_SECONDS * rate_hz {
        return Err(other(format!("they last longer than {MAX_SECONDS} s; leave out --by-second")));
    }
    let max_lag_frames = (args.max_lag * rate_hz).ceil() as u32;
    let pairs = Pairs::find(a, b, args.align, max_lag_frames).ok_or_else(|| other(no_timeline.into()))?;
    let (mut whole, mut seconds) = (Comparison::default(), Vec::<Comparison>::new());
    let mut frames_a = (0..).zip(a.iter());
    for (i, j) in pairs.frames() {
        let frame = frames_a.find(|&(index, _)| index == i).and_then(|(_, frame)| frame);
        let (Some(frame), Some(other)) = (frame, b.frame(j)) else { continue };
        let other: Vec<_> = other.iter().copied().map(Some).collect();
        whole.add(i, frame, &other);
        if args.by_second {
            let second = (f64::from(i) / rate_hz) as usize;
            seconds.resize(seconds.len().max(second + 1), Comparison::default());
            seconds[second].add(i, frame, &other);
        }
    }
    let left_out = [a, b].map(|take| u64::from(take.present_frames()) - whole.frames);
    Ok(Found { lag_frames: pairs.lag_frames, whole, seconds, left_out })
}

/// What was found of two takes.
struct Found {
    lag_frames: Option<i64>,
    whole: Comparison,
    /// Of each second of the first take, where they are asked for.
    seconds: Vec<Comparison>,
    /// Frames that each take has and that were not compared.
    left_out: [u64; 2],
}

/// What was found of all pairs.
#[derive(Default)]
struct Total {
    pairs: u64,
    compared: Comparison,
    /// As in [`Found`].
    left_out: [u64; 2],
}

impl Total {
    fn add(&mut self, found: &Found) {
        self.pairs += 1;
        self.compared.sum(&found.whole);
        for (all, &frames) in self.left_out.iter_mut().zip(&found.left_out) {
            *all += frames;
        }
    }
}

impl Found {
    /// Whether so little is equal at the same places that they may be of the same sound at others.
    fn may_be_late(&self) -> bool {
        let few_pairs = self.left_out.iter().any(|&left_out| left_out > self.whole.frames);
        let mean_percent = (self.whole.semantic_percent() + self.whole.acoustic_percent()) / 2.0;
        self.lag_frames.is_none() && (few_pairs || mean_percent < LATE_PERCENT)
    }
}

/// Why two takes have no tokens that could be equal.
fn check(a: &Take, b: &Take) -> Result<(), String> {
    let (a, b) = (&a.header, &b.header);
    let rates = |header: &Header| (header.codec_rate_hz, header.hop_samples);
    if !a.pack.sha256.eq_ignore_ascii_case(&b.pack.sha256)
        || a.codebooks != b.codebooks
        || rates(a) != rates(b)
    {
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

fn report(args: &Args, task: &Task, takes: [&Take; 2], found: &Found) -> FileReport {
    let rate_hz = takes[0].header.frame_rate_hz();
    let losses = takes.map(losses);
    let enough = found.whole.is_enough(args.min_percent);
    // A lag leaves out so many at one end of each.
    let due = found.lag_frames.map_or(0, i64::unsigned_abs);
    let is_whole = losses.iter().all(Option::is_none) && found.left_out.iter().all(|&frames| frames <= due);
    let mut findings = vec![found.whole.text(rate_hz)];
    if let Some(lag) = found.lag_frames {
        findings.push(format!("at a lag of {lag} frames ({:.3} s)", lag as f64 / rate_hz));
    }
    findings.extend(alone(found.left_out));
    for (loss, path) in losses.iter().zip([&task.input, &task.output]) {
        findings.extend(loss.as_ref().map(|loss| format!("{}: {loss}", path.display())));
    }
    let findings = findings.join("; ");
    let mut text = format!("{} and {}: {findings}", task.input.display(), task.output.display());
    if found.may_be_late() {
        text += "; `--align lag` compares audio that is late";
    }
    let mut json = json!({
        "other": name(&task.output), "frames": found.whole.frames, "lag_frames": found.lag_frames,
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
    let outcome = if enough && is_whole { Outcome::Done } else { Outcome::Finding };
    let made = Made {
        losses: (outcome == Outcome::Finding).then_some(findings),
        ..Made::of(takes[0], [] as [&Path; 0])
    };
    FileReport::new(text, json, outcome).with(made)
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

/// Frames that were not compared, of the first takes and of the second, in words.
fn alone(left_out: [u64; 2]) -> impl Iterator<Item = String> {
    let some = left_out.into_iter().zip(["first", "second"]).filter(|&(frames, _)| frames > 0);
    some.map(|(frames, which)| format!("{frames} frames of the {which} have no partner"))
}

/// What all pairs gave.
fn summary(args: &Args, total: &Total) -> String {
    let Total { pairs, compared, left_out } = total;
    let (semantic, acoustic) = (compared.semantic_percent(), compared.acoustic_percent());
    if args.run.run.json {
        let all: Value = json!({
            "compared": pairs, "frames": compared.frames, "not_compared": left_out, "semantic_percent": semantic,
            "acoustic_percent": acoustic,
        });
        return all.to_string();
    }
    let equal = match compared.frames {
        0 => "no frame was compared".to_owned(),
        frames => format!("semantic {semantic:.2} %, acoustic {acoustic:.2} % equal in {frames} frames"),
    };
    let findings: Vec<_> = std::iter::once(equal).chain(alone(*left_out)).collect();
    format!("{pairs} pairs: {}", findings.join("; "))
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().map_err(|_| "give a number of seconds".to_owned())?;
    if (0.0..=60.0).contains(&seconds) { Ok(seconds) } else { Err("give 0 to 60 seconds".into()) }
}
