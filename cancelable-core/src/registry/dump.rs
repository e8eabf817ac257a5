//! The dump of all open operations, which shows a person why each is open.

use super::shards::Shards;
use super::tree::{self, Indent, TreeEntry};
use crate::cause::HumanDuration;
use crate::operation::Activity;
use std::fmt;

/// All open operations of a registry, with the activity of each.
pub(super) struct Dump {
    entries: Vec<(TreeEntry, Activity)>,
}

impl Dump {
    pub(super) fn of(shards: &Shards) -> Self {
        let mut entries = Vec::new();
        tree::visit(shards, |entry, record, now| {
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
            let location = operation.location();
            write!(
                f,
                "{}{operation}; {activity}; opened at {}:{}",
                Indent(entry.depth()),
                location.file(),
                location.line()
            )?;
            let (age, elapsed) = (operation.age(), operation.elapsed());
            let elapsed = elapsed.map(|elapsed| HumanDuration(elapsed).to_string());
            // Omitted if the start of the line has the same time.
            let age = age.map(|age| HumanDuration(age).to_string());
            if let Some(age) = age.filter(|age| elapsed.as_ref() != Some(age)) {
                write!(f, " {age} ago")?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}
