//! The first program of the guide: the steps add up to the file at its end, and the outputs name lines of the program.

use crate::tree::{assert_none, text};

/// A fenced block of a page.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut parts = page.split("```");
    let mut found = Vec::new();
    while let (Some(_), Some(block)) = (parts.next(), parts.next()) {
        if let Some((info, text)) = block.split_once('\n') {
            let language = info.split(',').next().unwrap_or_default();
            found.push(Block { language, text });
        }
    }
    found
}

/// The lines that a diff removes or adds.
fn side(diff: &str, mark: char) -> String {
    let lines = diff.lines().filter_map(|line| line.strip_prefix(mark));
    lines.collect::<Vec<_>>().join("\n")
}

/// The program after each step of the page: the first, with a limit, with a child, with a cleanup, and the last.
fn steps(page: &str) -> Vec<String> {
    let blocks = blocks(page);
    let of = |language| {
        blocks
            .iter()
            .filter(move |block| block.language == language)
    };
    let rust: Vec<_> = of("rust").map(|block| block.text).collect();
    let diffs: Vec<_> = of("diff").map(|block| block.text).collect();
    let ([first, child, last], [limit, cleanup]) = (&rust[..], &diffs[..]) else {
        panic!("{} programs and {} changes", rust.len(), diffs.len())
    };
    let limited = first.replace(&side(limit, '-'), &side(limit, '+'));
    let main = &limited[limited.find("fn main").unwrap()..limited.find("///").unwrap()];
    let (uses, work) = child.split_once("\n\n").unwrap();
    let with_child = format!("{uses}\n\n{main}{work}");
    let place = "let runtime = op.runtime().ok_or(\"the scope has no runtime\")?;\n";
    let with_cleanup = with_child.replace(place, &format!("{place}\n{}\n\n", side(cleanup, '+')));
    vec![
        (*first).to_owned(),
        limited,
        with_child,
        with_cleanup,
        (*last).to_owned(),
    ]
}

/// The line of a program, from one, that an output names for the text before it.
fn named_line(page: &str, before: &str) -> usize {
    let rest = &page[page.find(before).unwrap()..];
    let number = rest.split_once("src/main.rs:").unwrap().1;
    number.split(')').next().unwrap().parse().unwrap()
}

#[test]
fn the_steps_add_up_to_the_last_program() {
    let steps = steps(&text("docs/getting-started.md"));
    let without_tests = steps[4].split("\n#[cfg(test)]").next().unwrap();
    assert_eq!(steps[3].trim(), without_tests.trim());
    let changed = steps.windows(2).all(|pair| pair[0] != pair[1]);
    assert!(changed, "a step changes nothing");
}

#[test]
fn the_outputs_name_the_lines_of_the_program() {
    let page = text("docs/getting-started.md");
    let steps = steps(&page);
    let expected = [
        ("worker cancelled after 3.4 s", 0, ".source(rt::ctrl_c())"),
        ("worker cancelled after 10 s", 1, ".timeout("),
        ("numbers.txt cancelled after 2 s", 2, ".timeout("),
        ("worker cancelled after 5 s", 2, ".source(rt::ctrl_c())"),
    ];
    let mut wrong = Vec::new();
    for (output, step, code) in expected {
        let number = named_line(&page, output);
        let line = steps[step].lines().nth(number - 1).unwrap_or_default();
        if !line.contains(code) {
            wrong.push(format!(
                "{output}: line {number} is {line:?}, without {code}"
            ));
        }
    }
    assert_none(&wrong);
}
