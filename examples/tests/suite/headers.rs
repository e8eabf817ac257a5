//! The small examples print what their headers show.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;

use crate::kit::{Tree, bin, runtime};

/// The units in which times and sizes are printed, and the marks that may follow.
const TIMES: [&str; 7] = ["ns", "us", "ms", "s", "min", "h", "d"];
const SIZES: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
const MARKS: [char; 5] = [',', ':', ';', ')', '.'];

fn folder() -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    examples.join("src/small")
}

/// The names of the examples, by their files.
fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name != "main")
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

fn source(name: &str) -> String {
    fs::read_to_string(folder().join(format!("{name}.rs"))).unwrap()
}

/// The first `text` block of the header.
#[track_caller]
fn shown(name: &str) -> String {
    let source = source(name);
    let header = source.lines().map_while(|line| line.strip_prefix("//!"));
    let mut block = header.skip_while(|line| *line != " ```text").skip(1);
    let lines: Vec<_> = block
        .by_ref()
        .take_while(|line| *line != " ```")
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    assert!(!lines.is_empty(), "the header of {name} shows no output");
    lines.join("\n")
}

/// The line with `T` in place of each time and with `X` in place of each quantity that depend on the machine, by
/// the words around them. Limits are not among them.
fn without_measures(line: &str) -> String {
    let words: Vec<_> = line.split(' ').collect();
    let plain = |n: usize| words.get(n).map(|word| word.trim_end_matches(MARKS));
    let mut kept: Vec<String> = Vec::new();
    for (n, word) in words.iter().enumerate() {
        let unit = word.trim_end_matches(MARKS);
        let measured = match n > 0 && words[n - 1].parse::<f64>().is_ok() {
            false => None,
            true => {
                let before = n.checked_sub(2).map(|before| words[before]);
                let after = plain(n + 1).filter(|_| unit == *word);
                let is_time = matches!(before, Some("after" | "for" | "from"))
                    || matches!(after, Some("after" | "ago" | "left" | "over"));
                match before {
                    _ if TIMES.contains(&unit) && is_time => Some("T"),
                    Some("at") if SIZES.contains(&unit) => Some("X"),
                    _ => None,
                }
            }
        };
        if let Some(measured) = measured {
            kept.pop();
            kept.push(format!("{measured}{}", &word[unit.len()..]));
        } else {
            kept.push((*word).to_owned());
        }
    }
    // A dump leaves the age out if it equals the time before it.
    while let Some(n) = (2..kept.len()).find(|n| is_age(&kept[n - 2..=*n])) {
        let marks = kept[n].trim_start_matches("ago").to_owned();
        kept[n - 2] += &marks;
        kept.drain(n - 1..=n);
    }
    kept.join(" ")
}

/// Returns whether these are a location, `T` and "ago".
fn is_age(words: &[String]) -> bool {
    words[0].contains(".rs:") && words[1] == "T" && words[2].trim_end_matches(MARKS) == "ago"
}

/// The line with `src/main.rs` as the path of every source file, as in the package of a reader.
fn as_of_a_reader(line: &str) -> String {
    let mut text = line.to_owned();
    let mut from = 0;
    while let Some(end) = text[from..].find(".rs:").map(|end| from + end) {
        let start = text[..end]
            .rfind([' ', '(', '"'])
            .map_or(0, |start| start + 1);
        text.replace_range(start..end, "src/main");
        from = start + "src/main.rs:".len();
    }
    text
}

/// The one runtime that the example is for, if its header names one.
fn runs_on(name: &str) -> Option<String> {
    let source = source(name);
    let only = source
        .lines()
        .find_map(|line| line.strip_prefix("//! Runs on: "))?;
    Some(only.to_owned())
}

fn lines(text: &str, change: impl Fn(&str) -> String) -> Vec<String> {
    text.lines().map(change).collect()
}

/// An example at work, in a folder of its own.
struct Example {
    name: String,
    tree: Tree,
    child: Child,
}

impl Example {
    fn start(name: String) -> Self {
        let tree = Tree::new();
        // One file for both, so that their lines are in order.
        let output = File::create(tree.path("output")).unwrap();
        let mut command = tree.command(bin!("small"), &[&name]);
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let child = command.spawn().unwrap();
        Self { name, tree, child }
    }

    /// Waits for the end. Returns what differs from the header.
    fn difference(mut self) -> Option<String> {
        let name = self.name;
        let status = self.child.wait().unwrap();
        let printed = fs::read_to_string(self.tree.path("output")).unwrap();
        let printed = lines(&printed, as_of_a_reader).join("\n");

        let shown = shown(&name);
        let ends_with_an_error = shown.lines().last().unwrap().starts_with("Error: ");
        let is_same = lines(&shown, without_measures) == lines(&printed, without_measures)
            && status.code() == Some(i32::from(ends_with_an_error));
        (!is_same).then(|| {
            format!(
                "{name} ends with {status} and prints\n{printed}\nbut its header shows\n{shown}"
            )
        })
    }
}

#[test]
fn every_small_example_prints_what_its_header_shows() {
    let is_here = |name: &String| runs_on(name).is_none_or(|only| only == runtime());
    let names: Vec<_> = names().into_iter().filter(is_here).collect();
    let mut wrong = Vec::new();
    // Most of them wait for a time limit, so a few run at once.
    for some in names.chunks(4) {
        let running: Vec<_> = some.iter().cloned().map(Example::start).collect();
        wrong.extend(running.into_iter().filter_map(Example::difference));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_file_is_an_example_that_can_be_run() {
    let tree = Tree::new();
    let usage = tree.command(bin!("small"), &[]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
    let usage = String::from_utf8(usage.stderr).unwrap();
    let listed: Vec<_> = usage
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    assert_eq!(listed, names());
}

/// A reader copies the file to `src/main.rs`, and a manifest has the crates.
#[test]
fn every_small_example_is_a_whole_program() {
    for name in names() {
        let source = source(&name);
        // A constant is checked by the compiler.
        let constants = |line: &&str| !line.starts_with("const ");
        let code = source.lines().filter(constants).collect::<Vec<_>>();
        let code = code.join("\n");
        let has = |text: &str| code.contains(text);
        assert!(source.starts_with("//! "), "{name} has no header");
        assert!(
            has("\npub fn main() -> Result<(), Box<dyn Error>> {\n"),
            "{name} has no main function"
        );
        for text in ["crate::", "super::", "common::", "unwrap()", "expect("] {
            assert!(!has(text), "{name} has {text}");
        }
        let length = source.lines().count();
        assert!(length <= 100, "{name} has {length} lines");
    }
}

#[test]
fn times_that_depend_on_the_machine_are_left_out_and_limits_are_not() {
    for (line, wanted) in [
        (
            "edit cancelled after 10.2 ms: timed out",
            "edit cancelled after T: timed out",
        ),
        (
            "running for 3.2 s, 1.8 s left; cancelled 1 s ago",
            "running for T, T left; cancelled T ago",
        ),
        (
            "opened at src/main.rs:3 450.7 us ago; memory at 8.8 MiB, limit 1 B",
            "opened at src/main.rs:3; memory at X, limit 1 B",
        ),
        (
            "timed out (limit 20 ms, set at x)",
            "timed out (limit 20 ms, set at x)",
        ),
    ] {
        assert_eq!(without_measures(line), wanted);
    }
    assert_eq!(
        as_of_a_reader("a (set at examples/on-smol/../src/small/a.rs:29) b C:\\x\\b.rs:3"),
        "a (set at src/main.rs:29) b src/main.rs:3"
    );
}
