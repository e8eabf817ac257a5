//! Everything that is open, for a person who wants to know why it is.

use super::tree::{Indent, Line};
use super::{Clock, Registry};
use crate::cause::Span;
use crate::operation::{Activity, OperationSnapshot};
use std::fmt;

/// Everything that was open in a registry at one moment, as a tree for people: from
/// [`Registry::dump`].
///
/// Each line is ended, so it is printed by `print!`. It reads like this:
///
/// ```text
/// 2 operations are open
/// #7 sync: running for 3.2 s, 1.8 s left; joins 1 child; opened at src/main.rs:14
///   #9 fetch: running for 3 s, 1.8 s left; in its body; opened at src/fetch.rs:30
/// ```
#[derive(Clone, Debug)]
pub struct Dump {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    depth: usize,
    operation: OperationSnapshot,
    activity: Activity,
}

impl Registry {
    /// Everything that is open: how long, how long it may take still, what it waits for, under
    /// which shield, and where it was opened.
    #[must_use]
    pub fn dump(&self) -> Dump {
        let (mut clock, mut line) = (Clock::default(), Line::default());
        let entries = self.arranged(None).into_iter().map(|(depth, record)| {
            let now = clock.read(&record);
            Entry {
                depth,
                operation: line.snapshot(depth, &record, now),
                activity: Activity::of(&record, now),
            }
        });
        Dump {
            entries: entries.collect(),
        }
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entries.len() {
            0 => return f.write_str("no operation is open\n"),
            1 => f.write_str("1 operation is open\n")?,
            count => writeln!(f, "{count} operations are open")?,
        }
        for entry in &self.entries {
            let Entry {
                depth,
                operation,
                activity,
            } = entry;
            let place = operation.opened_at();
            write!(
                f,
                "{}{operation}; {activity}; opened at {}:{}",
                Indent(*depth),
                place.file(),
                place.line()
            )?;
            let (age, elapsed) = (operation.age(), operation.elapsed());
            let elapsed = elapsed.map(|elapsed| Span(elapsed).to_string());
            // Not where it reads as what the line begins with.
            let age = age.map(|age| Span(age).to_string());
            if let Some(age) = age.filter(|age| elapsed.as_ref() != Some(age)) {
                write!(f, " {age} ago")?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}
