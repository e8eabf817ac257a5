//! Tables, on the terminal and as Markdown.

use crate::{Goal, Row};
use std::fmt::Write;

/// The title of a table, and its rows.
pub type Table = (&'static str, Vec<Row>);

/// Returns all tables as Markdown.
#[must_use]
pub fn markdown(tables: &[Table]) -> String {
    let mut text = String::new();
    for (title, rows) in tables {
        let _ = write!(
            text,
            "\n## {title}\n\n| work | ours, ns: least, median | peer | its ns: least, median | ratio | goal | |\n|---|---|---|---|---|---|---|\n"
        );
        for row in rows {
            let _ = writeln!(text, "{}", line(row));
        }
        let mut said = Vec::new();
        for row in rows.iter().filter(|row| !row.is_met()) {
            // Rows that miss their goal for the same reason share a note.
            if let Some(note) = row.note.filter(|note| !said.contains(note)) {
                let _ = writeln!(text, "\n*{}*: {note}", row.work);
                said.push(note);
            }
        }
    }
    text
}

fn line(row: &Row) -> String {
    let goal = match row.goal {
        Goal::AtMost(limit) => format!("<= {limit}"),
        Goal::AtLeast(limit) => format!(">= {limit}"),
    };
    let verdict = if row.is_met() { "reached" } else { "missed" };
    let (ours, theirs) = (times(row.ours), times(row.theirs));
    format!(
        "| {} | {ours} | {} | {theirs} | {:.3} | {goal} | {verdict} |",
        row.work, row.peer, row.ratio
    )
}

fn times((least, median): (f64, f64)) -> String {
    format!("{least:.1}, {median:.1}")
}
