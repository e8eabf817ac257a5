//! The common parts of the reports of jobs: the first line, and the reason of a stop.

use std::fmt::{self, Display};
use std::io::{self, Write};

use cancelable_core::cause::escaped;
use cancelable_core::{Cause, Reason};
use serde::Serialize;

use crate::console::{Stdout, text, unwritten};

/// The reason why a job was stopped, with the fields of its JSON object.
#[derive(Debug, Serialize)]
pub struct Why {
    reason: &'static str,
    text: String,
    signal: Option<&'static str>,
    /// The line of the program that set up this reason, for developers.
    decided_at: String,
}

impl Why {
    /// Returns the reason for `cause`.
    #[must_use]
    pub fn new(cause: &Cause) -> Self {
        let signal = match cause.reason() {
            Reason::Signal { name, .. } => Some(*name),
            _ => None,
        };
        let location = cause.location();
        Self {
            reason: cause.reason().as_str(),
            text: cause.without_location().to_string(),
            signal,
            decided_at: format!("{}:{}", direct(location.file()), location.line()),
        }
    }
}

/// Normalises the path of a source file: `examples/on-tokio/../src` is `examples/src`.
fn direct(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Writes the sentence.
impl Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The first line of a report: `checksum: cancelled after 3.2 s: SIGINT received`.
#[derive(Clone, Copy, Debug)]
pub struct Headline<'a> {
    /// The program.
    pub program: &'a str,
    /// The end of the job.
    pub status: &'a str,
    /// The duration in seconds.
    pub elapsed: f64,
    /// The error.
    pub error: Option<&'a str>,
    /// The reason of a requested stop. A job that completed was done before the stop.
    pub cause: Option<&'a Why>,
}

impl Display for Headline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            program,
            status,
            elapsed,
            error,
            cause,
        } = self;
        write!(f, "{program}: {status} after {elapsed:.1} s")?;
        match (error, cause) {
            (Some(error), _) => write!(f, ": {}", escaped(error)),
            (None, Some(why)) if *status == "completed" => write!(f, ", too early for: {why}"),
            (None, Some(why)) => write!(f, ": {why}"),
            (None, None) => Ok(()),
        }
    }
}

/// Prints a report: for machines as JSON on standard output, which is a result; for people on
/// standard error, which is a message.
///
/// # Errors
///
/// The result cannot be written.
pub fn print(report: &(impl Serialize + Display), json: bool) -> io::Result<()> {
    if !json {
        text(&report.to_string());
        return Ok(());
    }
    let mut lines = serde_json::to_vec_pretty(report)?;
    lines.push(b'\n');
    let written = Stdout::open().and_then(|mut to| to.write_all(&lines));
    written.map_err(|error| unwritten(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_how_and_why_it_ended() {
        let why = Why::new(&Cause::from("enough"));
        let line = |status, error, cause| {
            let headline = Headline {
                program: "job",
                status,
                elapsed: 3.21,
                error,
                cause,
            };
            headline.to_string()
        };
        let stopped = line("stopped", None, Some(&why));
        assert_eq!(
            stopped,
            "job: stopped after 3.2 s: cancel requested: enough"
        );
        let completed = line("completed", None, Some(&why));
        assert!(completed.starts_with("job: completed after 3.2 s, too early for: cancel"));
        let failed = line("failed", Some("disk full"), Some(&why));
        assert_eq!(failed, "job: failed after 3.2 s: disk full");
        assert_eq!(line("completed", None, None), "job: completed after 3.2 s");
        assert!(why.decided_at.contains("report.rs:"));
    }

    #[test]
    fn the_path_of_a_source_has_no_detours() {
        let path = "examples/on-tokio/../src/bin/checksum/stop.rs";
        assert_eq!(direct(path), "examples/src/bin/checksum/stop.rs");
        assert_eq!(direct("../../a"), "../../a");
        assert_eq!(direct("src/main.rs"), "src/main.rs");
    }
}
