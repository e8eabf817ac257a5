//! The small examples print what their headers show.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::kit::{Tree, bin};

/// The units in which a time is printed.
const UNITS: [&str; 7] = ["ns", "us", "ms", "s", "min", "h", "d"];

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

/// The line with `T` in place of each time that depends on the machine: of those that follow "after" or "for", or
/// precede "left", "ago" or "over". Limits are not among them.
fn without_times(line: &str) -> String {
    let words: Vec<_> = line.split(' ').collect();
    let plain = |n: usize| {
        words
            .get(n)
            .map(|word| word.trim_end_matches([',', ':', ';', ')']))
    };
    let mut kept: Vec<String> = Vec::new();
    for (n, word) in words.iter().enumerate() {
        let unit = word.trim_end_matches([',', ':', ';', ')', '.']);
        let is_time = n > 0 && UNITS.contains(&unit) && words[n - 1].parse::<f64>().is_ok();
        let follows = n > 1 && matches!(words[n - 2], "after" | "for");
        let precedes = unit == *word && matches!(plain(n + 1), Some("left" | "ago" | "over"));
        if is_time && (follows || precedes) {
            kept.pop();
            kept.push(format!("T{}", &word[unit.len()..]));
        } else {
            kept.push((*word).to_owned());
        }
    }
    kept.join(" ")
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

fn lines(text: &str, change: impl Fn(&str) -> String) -> Vec<String> {
    text.lines().map(change).collect()
}

#[test]
fn every_small_example_prints_what_its_header_shows() {
    let mut wrong = Vec::new();
    for name in names() {
        let tree = Tree::new();
        // One file for both, so that their lines are in order.
        let output = File::create(tree.path("output")).unwrap();
        let mut command = tree.command(bin!("small"), &[&name]);
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let status = command.status().unwrap();
        let printed = fs::read_to_string(tree.path("output")).unwrap();
        let printed = lines(&printed, as_of_a_reader).join("\n");

        let shown = shown(&name);
        let code = match shown.lines().last().unwrap().starts_with("Error: ") {
            true => 1,
            false => 0,
        };
        if lines(&shown, without_times) != lines(&printed, without_times)
            || status.code() != Some(code)
        {
            wrong.push(format!(
                "{name} ends with {status} and prints\n{printed}\nbut its header shows\n{shown}"
            ));
        }
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
        let has = |text: &str| source.contains(text);
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
            "timed out (limit 20 ms, set at x)",
            "timed out (limit 20 ms, set at x)",
        ),
    ] {
        assert_eq!(without_times(line), wanted);
    }
    assert_eq!(
        as_of_a_reader("a (set at examples/on-smol/../src/small/a.rs:29) b C:\\x\\b.rs:3"),
        "a (set at src/main.rs:29) b src/main.rs:3"
    );
}
