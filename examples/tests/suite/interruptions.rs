//! A run of `pipeline` that is interrupted a hundred times has the same output as a run without interruptions.
//!
//! A generator with a fixed seed chooses each interruption: the length of the input, cut at any byte; the number
//! of lines that are done before; the signal, SIGKILL among them. The input does not end before the last run, so
//! that no run ends before its signal, however fast the machine is.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use crate::kit::{Ended, Tree, bin};
use crate::running::Running;

const INTERRUPTIONS: usize = 100;
const LINES: u64 = 3000;

/// Numbers that are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From `least` to `most`.
    fn roll(&mut self, least: usize, most: usize) -> usize {
        let span = (most - least) as u64 + 1;
        least + (self.next() % span) as usize
    }
}

/// Records and, between them, what is none; and the numbers of those lines that are records.
fn records(dice: &mut Dice) -> (Vec<u8>, Vec<u64>) {
    let (mut input, mut good) = (Vec::new(), Vec::new());
    for number in 1..=LINES {
        match dice.roll(0, 19) {
            0 => input.extend_from_slice(b"{\"path\": \"/cut off"),
            1 => input.extend_from_slice(b"{\"user\": \"\xff\"}"),
            2 => {}
            3 => input.extend_from_slice(br#"{"status": 1000}"#),
            kind => {
                let mut line = String::new();
                let (ip, path) = (dice.roll(0, 255), dice.roll(0, 99));
                let _ = write!(
                    line,
                    r#"{{"ip":"192.0.2.{ip}","method":"get","path":"/{path}?q={number}","status":200}}"#
                );
                if kind < 6 {
                    line.push('\r');
                }
                input.extend_from_slice(line.as_bytes());
                good.push(number);
            }
        }
        if number < LINES {
            input.push(b'\n');
        }
    }
    (input, good)
}

fn pipeline(tree: &Tree, args: &[&str]) -> Command {
    tree.command(bin!("pipeline"), args)
}

/// The lines and the bytes of a checkpoint, from the line that `--verbose` says it in.
fn checkpoint(line: &str) -> Option<(usize, usize)> {
    let (lines, rest) = line
        .strip_prefix("pipeline: ")?
        .split_once(" lines done, ")?;
    let bytes = rest.trim_end().strip_suffix(" bytes")?;
    Some((lines.parse().ok()?, bytes.parse().ok()?))
}

#[test]
fn r41_nothing_is_lost_and_nothing_done_twice_over_100_interruptions() {
    let (tree, mut dice) = (Tree::new(), Dice(0x5eed_cafe));
    let (input, good) = records(&mut dice);
    fs::write(tree.path("input"), &input).unwrap();
    let whole = [
        "input",
        "-f",
        "ip",
        "-o",
        "whole",
        "--rejects",
        "whole.bad",
        "-q",
    ];
    Ended::of(pipeline(&tree, &whole)).assert_code(1);

    let again = [
        "-f",
        "ip",
        "-o",
        "parts",
        "--rejects",
        "parts.bad",
        "--resume",
    ];
    let mut moved = 0;
    let mut reached = 0;
    for _ in 0..INTERRUPTIONS {
        let (every, jobs) = (dice.roll(1, 40).to_string(), dice.roll(1, 4).to_string());
        let mut command = pipeline(&tree, &again);
        command
            .args(["-v", "--every", &every, "-j", &jobs])
            .stdin(Stdio::piped());
        let mut running = Running::start(command);
        // It says first where it goes on.
        let (before, bytes) = running.until_it_says_what(checkpoint);
        assert!(
            before >= reached,
            "{before} lines are done, and {reached} were said to be"
        );
        // So much that a hundred of these are less than all.
        let most = (bytes + input.len() / 60).min(input.len() - 1);
        let cut = dice.roll(bytes, most);
        let complete = input[..cut].iter().filter(|byte| **byte == b'\n').count();
        let wanted = dice.roll(before, complete);
        running.feed(&input[..cut]);
        reached = before;
        while reached < wanted {
            (reached, _) = running.until_it_says_what(checkpoint);
        }
        let (signal, number) = [("INT", 2), ("TERM", 15), ("KILL", 9)][dice.roll(0, 2)];
        let ended = running.signal(signal).end();
        ended.assert_died_of(number);
        moved += usize::from(reached > before);
    }
    assert!(moved > INTERRUPTIONS / 2, "only {moved} runs came further");

    let mut last = pipeline(&tree, &again);
    last.args(["input", "--json"]);
    let report = Ended::of(last).assert_code(1).json();
    assert_eq!(report["done"]["lines"], LINES);
    assert_eq!(report["done"]["written"], good.len());

    let output = fs::read_to_string(tree.path("parts")).unwrap();
    let numbers: Vec<u64> = output
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["line"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(numbers, good, "each record once, in the order of the input");
    for (parts, whole) in [("parts", "whole"), ("parts.bad", "whole.bad")] {
        let (parts, whole) = (tree.path(parts), tree.path(whole));
        assert!(
            fs::read(&parts).unwrap() == fs::read(whole).unwrap(),
            "{}",
            parts.display()
        );
    }
}

/// Interrupted while it reads a file as fast as it can, at a checkpoint that is drawn.
#[test]
fn r41_a_file_is_done_in_parts_as_in_one() {
    let (tree, mut dice) = (Tree::new(), Dice(0xfeed_beef));
    let (input, _) = records(&mut dice);
    fs::write(tree.path("input"), &input).unwrap();
    let whole = ["input", "-o", "whole", "--skip-bad", "-q"];
    Ended::of(pipeline(&tree, &whole)).assert_code(0);

    let again = [
        "input",
        "-o",
        "parts",
        "--skip-bad",
        "--resume",
        "-v",
        "--every",
        "20",
    ];
    // Ends: it comes further each time, by a checkpoint at least.
    loop {
        let mut running = Running::start(pipeline(&tree, &again));
        let first = running.until_it_says_what(checkpoint).0;
        let last = first + dice.roll(20, 200);
        let is_over = running.until_it_says_what(|line| {
            let is_over = line.starts_with("pipeline: completed");
            let reached = checkpoint(line).is_some_and(|(lines, _)| lines >= last);
            (is_over || reached).then_some(is_over)
        });
        if is_over {
            running.end().assert_code(0);
            break;
        }
        running.signal(["INT", "KILL"][dice.roll(0, 1)]).end();
    }
    assert!(fs::read(tree.path("parts")).unwrap() == fs::read(tree.path("whole")).unwrap());
}
