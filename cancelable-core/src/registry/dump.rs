//! A dump of all open operations, for a person who wants to know why they are open.

use super::shards::Shards;
use super::tree::{self, Indent, TreeEntry};
use crate::cause::HumanDuration;
use crate::operation::Activity;
use std::fmt;

/// All open operations of a registry as a tree for people, from [`Registry::dump`](super::Registry::dump).
///
/// Each line has its line end, so print a dump by `print!`. It reads like this:
///
/// ```text
/// 2 operations are open
/// #7 sync: running for 3.2 s, 1.8 s left; joins 1 child; opened at src/main.rs:14
///   #9 fetch: running for 3 s, 1.8 s left; in its body; opened at src/fetch.rs:30
/// ```
#[derive(Clone, Debug)]
pub struct Dump {
    entries: Vec<(TreeEntry, Activity)>,
}

impl Dump {
    pub(super) fn of(shards: &Shards) -> Self {
        let mut entries = Vec::new();
        tree::visit(shards, None, |entry, record, now| {
            entries.push((entry, Activity::of(record, now)));
        });
        Self { entries }
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entries.len() {
            0 => return f.write_str("no operation is open\n"),
            1 => f.write_str("1 operation is open\n")?,
            count => writeln!(f, "{count} operations are open")?,
        }
        for (entry, activity) in &self.entries {
            let operation = entry.operation();
            let place = operation.location();
            write!(
                f,
                "{}{operation}; {activity}; opened at {}:{}",
                Indent(entry.depth()),
                place.file(),
                place.line()
            )?;
            let (age, elapsed) = (operation.age(), operation.elapsed());
            let elapsed = elapsed.map(|elapsed| HumanDuration(elapsed).to_string());
            // Left out where it would repeat the time at the start of the line.
            let age = age.map(|age| HumanDuration(age).to_string());
            if let Some(age) = age.filter(|age| elapsed.as_ref() != Some(age)) {
                write!(f, " {age} ago")?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}
