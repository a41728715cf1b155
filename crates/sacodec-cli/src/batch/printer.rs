//! Reports in the order of the tasks, whichever is ready first.

use std::collections::BTreeMap;

use indicatif::ProgressBar;
use serde_json::json;

use super::names::name;
use super::report::FileReport;
use super::task::Task;
use crate::console::{ReportsTo, complain};
use crate::error::CliError;
use crate::outcome::Outcome;

/// Prints reports in the order of the tasks, whichever is ready first.
pub struct Printer {
    json: bool,
    reports: ReportsTo,
    bar: ProgressBar,
    next: usize,
    waiting: BTreeMap<usize, (String, bool)>,
    failed: usize,
    skipped: usize,
    findings: usize,
    /// Why a report could not be written.
    unwritten: Option<CliError>,
}

impl Printer {
    /// For reports in words or in JSON.
    pub fn new(json: bool, reports: ReportsTo, bar: ProgressBar) -> Self {
        Self {
            json,
            reports,
            bar,
            next: 0,
            waiting: BTreeMap::new(),
            failed: 0,
            skipped: 0,
            findings: 0,
            unwritten: None,
        }
    }

    /// The result of a task.
    pub fn add(&mut self, at: usize, task: &Task, result: Result<FileReport, CliError>) {
        let (line, is_error) = match result {
            Ok(report) => {
                self.skipped += usize::from(report.outcome == Outcome::Skipped);
                self.findings += usize::from(report.outcome == Outcome::Finding);
                self.failed += usize::from(report.outcome == Outcome::Failed);
                let mut value = report.json;
                if self.json && !value.is_null() {
                    value["input"] = name(&task.input);
                    (value.to_string(), false)
                } else {
                    (if self.json { String::new() } else { report.text }, false)
                }
            }
            Err(error) => {
                self.failed += 1;
                let value = json!({ "input": name(&task.input), "error": error.to_string() });
                if self.json { (value.to_string(), false) } else { (format!("sacodec: {error}"), true) }
            }
        };
        self.waiting.insert(at, (line, is_error));
        while let Some((line, is_error)) = self.waiting.remove(&self.next) {
            self.next += 1;
            if line.is_empty() {
                continue;
            }
            let written = self.bar.suspend(|| {
                if is_error {
                    complain(line);
                    Ok(())
                } else {
                    self.reports.print(line)
                }
            });
            // Said once: what has no room does not get any.
            if let (Err(error), None) = (written, &self.unwritten) {
                complain(format_args!("sacodec: the report is not complete: {error}"));
                self.unwritten = Some(error);
            }
        }
    }

    /// How all of them ended.
    pub fn finish(&self, tasks: usize) -> Outcome {
        if self.skipped > 0 {
            complain(format_args!("sacodec: {} of {tasks} results were there already", self.skipped));
        }
        if tasks > 1 && self.failed > 0 {
            complain(format_args!("sacodec: {} of {tasks} files failed", self.failed));
        }
        match (self.failed + usize::from(self.unwritten.is_some()), self.findings) {
            (0, 0) => Outcome::Done,
            (0, _) => Outcome::Finding,
            _ => Outcome::Failed,
        }
    }
}
