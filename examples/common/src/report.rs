//! What the reports of the jobs have in common: how they begin, and why the job was stopped.

use std::fmt::{self, Display};
use std::io::{self, Write};

use cancelable_core::{Cause, Reason};
use serde::Serialize;

/// Why a job was asked to stop, with the fields of its JSON object.
#[derive(Debug, Serialize)]
pub struct Why {
    reason: &'static str,
    text: String,
    signal: Option<&'static str>,
    /// The line of the program at which it was laid down that this would stop it.
    decided_at: String,
}

impl Why {
    /// What `cause` says.
    #[must_use]
    pub fn new(cause: &Cause) -> Self {
        let signal = match cause.reason() {
            Reason::Signal { name, .. } => Some(*name),
            _ => None,
        };
        let location = cause.location();
        Self {
            reason: cause.reason().as_str(),
            text: cause.to_string(),
            signal,
            decided_at: format!("{}:{}", location.file(), location.line()),
        }
    }

    /// Where in the program it was decided.
    #[must_use]
    pub fn decided_at(&self) -> &str {
        &self.decided_at
    }
}

/// The sentence.
impl Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The first line of a report: `checksum: cancelled after 3.2 s: SIGINT received`.
#[derive(Clone, Copy, Debug)]
pub struct Headline<'a> {
    /// Who reports.
    pub program: &'a str,
    /// How the job ended.
    pub status: &'a str,
    /// How long it took, in seconds.
    pub elapsed: f64,
    /// What went wrong.
    pub error: Option<&'a str>,
    /// Why it was asked to stop. A job that has completed was done before it could.
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
            (Some(error), _) => write!(f, ": {error}"),
            (None, Some(why)) if *status == "completed" => write!(f, ", too early for: {why}"),
            (None, Some(why)) => write!(f, ": {why}"),
            (None, None) => Ok(()),
        }
    }
}

/// Prints a report for people, on standard error; or for machines, as JSON on standard output.
///
/// # Errors
///
/// It cannot be written there.
pub fn print(report: &(impl Serialize + Display), json: bool) -> io::Result<()> {
    if !json {
        return write!(io::stderr().lock(), "{report}");
    }
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, report)?;
    out.write_all(b"\n")?;
    out.flush()
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
        assert!(stopped.starts_with("job: stopped after 3.2 s: cancel requested: enough"));
        let completed = line("completed", None, Some(&why));
        assert!(completed.starts_with("job: completed after 3.2 s, too early for: cancel"));
        let failed = line("failed", Some("disk full"), Some(&why));
        assert_eq!(failed, "job: failed after 3.2 s: disk full");
        assert_eq!(line("completed", None, None), "job: completed after 3.2 s");
        assert!(why.decided_at().contains("report.rs:"));
    }
}
