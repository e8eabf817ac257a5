//! The page, and the comparison of what it shows with what a program prints.

const PAGE: &str = include_str!("../../troubleshooting.md");

/// Units after a number, as spans are written.
const UNITS: [&str; 6] = ["ns", "us", "ms", "s", "min", "h"];

/// The part of the page under a heading, up to the next one.
fn section(heading: &str) -> &'static str {
    let mut parts = PAGE.split("\n### ");
    let found = parts.find_map(|part| part.strip_prefix(heading)?.strip_prefix('\n'));
    found.unwrap_or_else(|| panic!("the page has no entry `{heading}`"))
}

/// The text without what differs from run to run: numbers, spans of time, and places in files.
fn normal(text: &str) -> String {
    let mut normal = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_alphanumeric() || "_/-.".contains(c)));
        let word = &rest[..word.unwrap_or(rest.len())];
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        let number = &rest[..digits.unwrap_or(rest.len())];
        if word.ends_with(".rs") {
            normal.push_str("FILE");
            rest = &rest[word.len()..];
        } else if first.is_ascii_digit() {
            rest = &rest[number.len()..];
            let unit = rest.strip_prefix(' ').and_then(|after| {
                let end = after.find(|c: char| !c.is_alphabetic());
                let unit = &after[..end.unwrap_or(after.len())];
                UNITS.contains(&unit).then_some(unit)
            });
            if let Some(unit) = unit {
                rest = &rest[1 + unit.len()..];
                normal.push_str("SPAN");
            } else {
                normal.push('N');
            }
        } else {
            let length = if word.is_empty() {
                first.len_utf8()
            } else {
                word.len()
            };
            // A word with a number in it is read up to the number.
            let piece = &rest[..length];
            let length = piece.find(|c: char| c.is_ascii_digit()).unwrap_or(length);
            normal.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    normal
}

/// Asserts that an entry of the page shows a text, line by line. Numbers, spans of time and places may differ.
#[track_caller]
pub(crate) fn shows(heading: &str, text: &str) {
    let section = section(heading);
    let lines: Vec<_> = section.lines().map(normal).collect();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let wanted = normal(line.trim_end());
        assert!(
            lines.iter().any(|line| line.contains(&wanted)),
            "the entry `{heading}` does not show this line:\n{line}\nof this text:\n{text}"
        );
    }
}

#[test]
fn numbers_spans_and_places_may_differ_and_nothing_else() {
    let one = "[2026-11-30T19:43:36Z WARN  cancelable] import was opened at docs/tests/page.rs:12, 3.5 ms ago";
    let other =
        "[2025-01-02T03:04:05Z WARN  cancelable] import was opened at src/main.rs:9, 12 s ago";
    assert_eq!(normal(one), normal(other));
    assert_ne!(normal("import was opened"), normal("import was closed"));
    assert_ne!(normal("3 rows"), normal("3 s"));
}
