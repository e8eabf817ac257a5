//! The bars of a tree of operations on a terminal.
#![allow(missing_docs)]

mod screen;

use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Operation, Scope};
use cancelable_indicatif::Bars;
use indicatif::{MultiProgress, ProgressDrawTarget};
use screen::Screen;
use std::future::{pending, ready};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn open(manual: &ManualRuntime, name: &'static str) -> Scope {
    let builder = Scope::builder(name).runtime(&manual.handle());
    builder.build().expect("it is sound")
}

fn bars(operation: &Operation) -> (Screen, Bars) {
    let screen = Screen::default();
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), 255);
    let multi = MultiProgress::with_draw_target(target);
    (screen, Bars::on(operation, multi).columns(screen::WIDTH))
}

#[test]
fn r38_each_operation_is_a_line_with_all_that_is_below_it() {
    let manual = ManualRuntime::new();
    let sync = open(&manual, "sync");
    let upload = sync.child("upload").build().unwrap();
    upload.progress().set_total(10);
    upload.progress().set_message("a.csv");
    manual.advance(SECOND);
    upload.progress().advance(4);
    let (screen, mut bars) = bars(&sync);
    bars.draw();
    let lines = screen.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("sync "), "{lines:?}");
    assert!(lines[0].contains("4/10 4.0/s, 2s left"), "{lines:?}");
    assert!(lines[1].starts_with("  upload "), "{lines:?}");
    assert!(lines[1].contains("4/10 4.0/s, 2s left  a.csv"), "{lines:?}");
    // An operation without a total has no bar.
    sync.progress().advance(1);
    bars.draw();
    let lines = screen.lines();
    assert!(lines[0].contains(" 5 5.0/s"), "{lines:?}");
    assert!(!lines[0].contains("5/"), "{lines:?}");
    drop(bars);
    assert_eq!(screen.lines(), [""; 0]);
}

#[test]
fn r38_a_line_goes_with_its_operation_and_says_why_it_was_cut_short() {
    let manual = ManualRuntime::new();
    let sync = open(&manual, "sync");
    let (screen, mut bars) = bars(&sync);
    let part = |name: &'static str| sync.child(name).build().unwrap();
    let (done, stopped) = (part("done"), part("stopped"));
    done.progress().advance(1);
    stopped.progress().advance(1);
    bars.draw();
    assert_eq!(screen.lines().len(), 3);
    assert!(manual.block_on(done.run(async |_| ())).is_completed());
    stopped.cancel_with("enough of it");
    bars.draw();
    let lines = screen.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].contains("stopping: cancel requested: enough of it"),
        "{lines:?}"
    );
    assert!(manual.block_on(stopped.run(async |_| ())).is_cancelled());
    bars.draw();
    let lines = screen.lines();
    assert!(
        lines[0].starts_with("  stopped cancelled: cancel requested: enough of it"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("sync "), "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
}

#[test]
fn r38_a_failed_operation_leaves_a_line_with_the_words_of_its_failure() {
    let manual = ManualRuntime::new();
    let sync = open(&manual, "sync");
    let (screen, mut bars) = bars(&sync);
    let part = |name: &'static str| sync.child(name).build().unwrap();
    let (said, asked, panicked, silent) = (
        part("said"),
        part("asked"),
        part("panicked"),
        part("silent"),
    );
    for part in [&said, &asked, &panicked, &silent] {
        part.progress().advance(1);
    }
    bars.draw();
    assert_eq!(screen.lines().len(), 5);
    let full = |_| ready(Err::<(), _>(io::Error::other("disk full")));
    let run = said.try_run(full).with_error_text();
    assert!(manual.block_on(run).into_result().is_err());
    // The cancel in the meantime is not the reason of the failure.
    let run = asked.try_run(|op: Scope| {
        op.cancel_with("enough of it");
        full(op)
    });
    assert!(
        manual
            .block_on(run.with_error_text())
            .into_result()
            .is_err()
    );
    let run = catch_unwind(AssertUnwindSafe(|| {
        manual.block_on(panicked.run(async |_| panic!("a bug")))
    }));
    assert!(run.is_err());
    // Its words were not kept, and the type is.
    assert!(manual.block_on(silent.try_run(full)).into_result().is_err());
    bars.draw();
    let lines = screen.lines();
    for line in [
        "  said failed: disk full",
        "  asked failed: disk full",
        "  panicked failed: panicked: a bug",
        "  silent failed: an error of type std::io::error::Error",
    ] {
        let found = lines.iter().filter(|drawn| drawn.trim_end() == line);
        assert_eq!(found.count(), 1, "{line}: {lines:?}");
    }
}

#[test]
fn r38_no_more_lines_are_drawn_than_were_asked_for() {
    let manual = ManualRuntime::new();
    let sync = open(&manual, "sync");
    let parts: Vec<_> = (0..5)
        .map(|_| sync.child("part").build().unwrap())
        .collect();
    parts.iter().for_each(|part| part.progress().advance(1));
    let (screen, bars) = bars(&sync);
    let mut bars = bars.at_most(3);
    bars.draw();
    let lines = screen.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].ends_with(" 5"), "all of them count: {lines:?}");
}

#[test]
fn r38_it_follows_its_operation_to_the_end() {
    let manual = ManualRuntime::new();
    let runtime = manual.handle();
    let sync = open(&manual, "sync");
    sync.progress().set_total(4);
    let (screen, bars) = bars(&sync);
    let bars = bars.every(SECOND).expect("it is not zero");
    let task = runtime.spawn(bars.follow(&runtime));
    let outcome = manual.block_on(sync.run(async |op| {
        for position in 1..=3 {
            op.progress().advance(1);
            runtime.sleep(SECOND + SECOND / 2).await;
            let lines = screen.lines();
            assert!(lines[0].contains(&format!("{position}/4")), "{lines:?}");
        }
        op.cancel_with("no more");
        pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    manual.block_on(task).expect("it ends by itself");
    let lines = screen.lines();
    assert!(
        lines[0].starts_with("sync cancelled: cancel requested: no more"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 1, "{lines:?}");
    let error = Bars::new(&sync).every(Duration::ZERO).unwrap_err();
    assert_eq!(error.argument(), "interval");
}

#[test]
fn r38_bytes_are_written_as_bytes() {
    let manual = ManualRuntime::new();
    let copy = open(&manual, "copy");
    copy.progress().set_message("2 files");
    manual.advance(SECOND);
    copy.progress().advance(3 << 19);
    let (screen, bars) = bars(&copy);
    let mut bars = bars.in_bytes();
    bars.draw();
    let lines = screen.lines();
    assert!(
        lines[0].ends_with(" 1.50 MiB 1.50 MiB/s  2 files"),
        "{lines:?}"
    );
    copy.progress().set_total(6 << 20);
    bars.draw();
    let lines = screen.lines();
    assert!(
        lines[0].ends_with(" 1.50 MiB/6.00 MiB 1.50 MiB/s, 3s left  2 files"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn r38_a_program_that_says_why_itself_is_not_spoken_for() {
    let manual = ManualRuntime::new();
    let sync = open(&manual, "sync");
    let stopped = sync.child("stopped").build().unwrap();
    stopped.progress().advance(1);
    let (screen, bars) = bars(&sync);
    let mut bars = bars.without_reasons();
    bars.draw();
    assert_eq!(screen.lines().len(), 2);
    stopped.cancel_with("enough of it");
    bars.draw();
    let lines = screen.lines();
    assert!(lines[1].contains("stopping: "), "{lines:?}");
    assert!(manual.block_on(stopped.run(async |_| ())).is_cancelled());
    bars.draw();
    let lines = screen.lines();
    assert!(lines[0].starts_with("sync "), "{lines:?}");
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn r49_what_a_line_says_steers_no_terminal() {
    const FOREIGN: &str = "a\u{1b}[2Jb\nc\u{202e}d\u{200b}e";
    const SHOWN: &str = "a\\u{1b}[2Jb\\nc\\u{202e}d\\u{200b}e";
    let manual = ManualRuntime::new();
    let sync = open(&manual, "sync");
    let failing = sync.child(FOREIGN).build().unwrap();
    failing.progress().set_message(FOREIGN);
    failing.progress().advance(1);
    let (screen, mut bars) = bars(&sync);
    let is_shown = |bars: &mut Bars, times: usize| {
        bars.draw();
        let lines = screen.lines();
        let found = lines.iter().map(|line| line.matches(SHOWN).count()).max();
        assert_eq!(found, Some(times), "{lines:?}");
    };
    is_shown(&mut bars, 2);
    failing.cancel_with(FOREIGN);
    is_shown(&mut bars, 2);
    let failing = sync.child(FOREIGN).build().unwrap();
    failing.progress().advance(1);
    is_shown(&mut bars, 2);
    let error = || Err::<(), _>(io::Error::other(FOREIGN));
    let run = failing.try_run(|_| ready(error())).with_error_text();
    drop(manual.block_on(run));
    is_shown(&mut bars, 2);
}

#[test]
fn r38_a_line_is_printed_above_the_bars_by_whoever_has_the_printer() {
    let manual = ManualRuntime::new();
    let sync = open(&manual, "sync");
    sync.progress().advance(1);
    let (screen, mut bars) = bars(&sync);
    bars.draw();
    let printer = bars.printer();
    printer.println("row 7 has no date");
    bars.println(format_args!("row {} has none either", 8));
    let answer = bars.suspend(|| {
        let lines = screen.lines();
        assert_eq!(lines, ["row 7 has no date", "row 8 has none either"]);
        42
    });
    assert_eq!(answer, 42);
    let lines = screen.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[2].starts_with("sync "), "{lines:?}");
}

#[test]
fn r38_every_line_fits_into_its_row() {
    let manual = ManualRuntime::new();
    let sync = open(
        &manual,
        "an operation whose name is as long as names are at times",
    );
    let part = sync
        .child("a part with another name of some length")
        .build()
        .unwrap();
    part.progress().set_total(123_456_789);
    part.progress()
        .set_message("and what it says of itself takes more room than there is on a row");
    manual.advance(SECOND);
    part.progress().advance(1234);
    let (screen, bars) = bars(&sync);
    let mut bars = bars.columns(80);
    for columns in [80, 40, 20] {
        bars = bars.columns(columns);
        bars.draw();
        let lines = screen.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        let widest = lines.iter().map(|line| line.chars().count()).max();
        assert!(widest <= Some(columns), "{columns}: {lines:?}");
    }
    bars = bars.columns(80);
    bars.draw();
    let lines = screen.lines();
    assert!(lines[1].contains(" 1,234/123,456,789 "), "{lines:?}");
    assert!(lines[1].ends_with('…'), "{lines:?}");
}
