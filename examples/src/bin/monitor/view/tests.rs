//! The screen of a load that is driven by hand: what is drawn, and what keys do to it.

use std::future::pending;
use std::time::Duration;

use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope, Status};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Mode, View};
use crate::draw::draw;
use crate::keys::action;

/// A load, the view of it, and a screen.
struct Desk {
    manual: ManualRuntime,
    registry: Registry,
    load: Scope,
    view: View,
    terminal: Terminal<TestBackend>,
}

/// Two jobs: `import` of two parts, one of which has a time limit and one progress, and `backup`,
/// which fails at once.
async fn work(op: Scope) {
    let import = op.child("import").spawn(|op| async move {
        let fetch = op.child("fetch").timeout(Duration::from_secs(30));
        fetch.spawn(|_| pending::<()>()).unwrap();
        let copy = |op: Scope| async move {
            op.progress().set_total(10);
            op.progress().advance(4);
            pending::<()>().await;
        };
        op.child("copy").spawn(copy).unwrap();
    });
    import.unwrap();
    let backup = op.child("backup");
    backup
        .try_spawn(|_| async { Err::<(), _>("disk full") })
        .unwrap();
}

impl Desk {
    fn new() -> Self {
        let (manual, registry) = (ManualRuntime::new(), Registry::new());
        let view = View::new(&registry);
        let load = Scope::builder("load")
            .runtime(&manual.handle())
            .register_in(&registry)
            .collect_all()
            .build()
            .unwrap();
        let running = load.clone();
        let run = async move {
            let _ = running.run(work).await;
        };
        manual.handle().spawn(run).detach();
        manual.run_until_idle();
        Self {
            manual,
            registry,
            load,
            view,
            terminal: Terminal::new(TestBackend::new(110, 20)).unwrap(),
        }
    }

    /// The screen as lines.
    fn screen(&mut self) -> Vec<String> {
        self.view.refresh();
        let view = &mut self.view;
        self.terminal.draw(|frame| draw(frame, view)).unwrap();
        let buffer = self.terminal.backend().buffer();
        let width = usize::from(buffer.area.width);
        let rows = buffer.content().chunks(width);
        rows.map(|row| {
            let line: String = row.iter().map(|cell| cell.symbol()).collect();
            line.trim_end().to_owned()
        })
        .collect()
    }

    /// The names in the tree, as far as they are on the screen.
    fn names(&mut self) -> Vec<String> {
        let screen = self.screen();
        let rows = screen[3..].iter().take_while(|line| *line != "ended last");
        rows.filter(|line| !line.is_empty())
            .map(|line| {
                line.chars()
                    .take(20)
                    .collect::<String>()
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.chars() {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                '\u{8}' => KeyCode::Backspace,
                '<' => KeyCode::Left,
                '>' => KeyCode::Right,
                key => KeyCode::Char(key),
            };
            self.press_code(KeyEvent::new(code, KeyModifiers::NONE));
        }
        self
    }

    fn press_code(&mut self, key: KeyEvent) {
        self.view
            .act(action(self.view.mode, key), self.load.operation());
        self.manual.run_until_idle();
        self.view.refresh();
    }
}

const ALL: [&str; 4] = ["▾ load (3)", "  ▾ import (2)", "      fetch", "      copy"];

#[test]
fn r35_the_screen_has_the_tree_the_statistics_and_the_history() {
    let mut desk = Desk::new();
    desk.manual.advance(Duration::from_secs(5));
    let screen = desk.screen();
    assert_eq!(screen[0], "5 operations: 4 running, 1 failed");
    assert!(
        screen[1].starts_with("took: mean 0ms, p50 0ms, p99 0ms, max 0ms; "),
        "{}",
        screen[1]
    );
    assert!(screen[2].starts_with("operation "), "{}", screen[2]);
    assert_eq!(desk.names(), ALL);
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&screen[5]), ["fetch", "running", "5.0s", "25.0s"]);
    assert_eq!(
        words(&screen[6])[..5],
        ["copy", "running", "5.0s", "████░░░░░░", "40%"]
    );
    let ended = screen.iter().position(|line| line == "ended last").unwrap();
    assert_eq!(screen[ended + 1], "backup failed after 0ms: disk full");
}

// R38: a parent shows what is below it.
#[test]
fn r38_rate_and_time_left_are_shown() {
    let mut desk = Desk::new();
    let copy = desk.registry.find("copy").unwrap();
    for _ in 0..4 {
        desk.manual.advance(Duration::from_secs(1));
        copy.progress().advance(1);
    }
    let screen = desk.screen();
    assert!(screen[6].contains(" 80% "), "{}", screen[6]);
    assert!(screen[6].contains("/s "), "{}", screen[6]);
    assert!(screen[4].contains(" 80% "), "{}", screen[4]);
}

#[test]
fn r35_c_cancels_the_selected_one_and_the_reason_is_shown() {
    let mut desk = Desk::new();
    desk.screen();
    desk.press("jjc");
    assert_eq!(desk.view.message, "fetch is being cancelled");
    assert_eq!(desk.names(), ["▾ load (2)", "  ▾ import (1)", "      copy"]);
    let screen = desk.screen();
    let ended = screen
        .iter()
        .find(|line| line.starts_with("fetch cancelled"))
        .unwrap();
    assert!(ended.contains("cancelled in the monitor"), "{ended}");
    // The place is kept, and what is there now is another one.
    desk.press("c");
    assert_eq!(desk.view.message, "copy is being cancelled");
}

#[test]
fn r35_all_that_the_filter_lets_through_is_cancelled_after_a_question() {
    let mut desk = Desk::new();
    desk.press("/op");
    assert_eq!(desk.view.mode, Mode::Filter);
    desk.press("\n");
    assert_eq!(desk.names(), ["▾ load (3)", "  ▾ import (2)", "      copy"]);
    desk.press("Cn");
    assert_eq!(desk.registry.len(), 4);
    desk.press("C");
    assert!(
        desk.screen()
            .last()
            .unwrap()
            .contains("[*op*] cancel all of these? y/n")
    );
    desk.press("y");
    assert_eq!(desk.view.message, "1 operations are being cancelled");
    assert_eq!(desk.names(), [""; 0]);
    desk.press("\u{1b}");
    assert_eq!(
        desk.names(),
        ["▾ load (2)", "  ▾ import (1)", "      fetch"]
    );
    desk.press("Cy");
    assert_eq!(desk.registry.len(), 0);
    // Those whose bodies had been done already have completed.
    let statistics = desk.registry.statistics();
    assert_eq!(statistics.count(Status::Cancelled), 2);
    assert_eq!(statistics.count(Status::Completed), 2);
}

#[test]
fn a_filter_may_have_wildcards_and_is_typed_and_erased() {
    let mut desk = Desk::new();
    desk.press("/x\u{8}?etch\n");
    assert_eq!(desk.view.pattern().as_deref(), Some("?etch"));
    assert_eq!(
        desk.names(),
        ["▾ load (3)", "  ▾ import (2)", "      fetch"]
    );
}

#[test]
fn what_is_collapsed_hides_what_is_below_it() {
    let mut desk = Desk::new();
    assert_eq!(desk.names(), ALL);
    // From a part to its parent, and then that is collapsed.
    desk.press("jjj<");
    assert_eq!(desk.view.selected, 1);
    desk.press("<");
    assert_eq!(desk.names(), ["▾ load (3)", "  ▸ import (2)"]);
    desk.press(">");
    assert_eq!(desk.names(), ALL);
    desk.press("-");
    assert_eq!(desk.names(), ["▾ load (3)", "  ▸ import (2)"]);
    desk.press("+");
    assert_eq!(desk.names(), ALL);
}

#[test]
fn the_selected_row_is_kept_on_a_small_screen() {
    let mut desk = Desk::new();
    desk.terminal = Terminal::new(TestBackend::new(80, 13)).unwrap();
    assert_eq!(desk.names(), ALL[..3]);
    desk.press("G");
    assert_eq!(desk.names(), ALL[1..]);
    desk.press("g");
    assert_eq!(desk.names(), ALL[..3]);
    // However small.
    for (width, height) in [(1, 1), (5, 3), (20, 7)] {
        desk.terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        desk.press("?").screen();
        desk.press("?").screen();
    }
}

#[test]
fn the_help_is_shown_until_a_key_is_pressed() {
    let mut desk = Desk::new();
    desk.terminal = Terminal::new(TestBackend::new(110, 40)).unwrap();
    desk.press("?");
    assert!(
        desk.screen()
            .iter()
            .any(|line| line.contains("cancel all, wait for the end, and leave"))
    );
    desk.press("q");
    assert!(!desk.view.is_quitting);
    assert_eq!(desk.names(), ALL);
}

// R23: the first asks and waits, the second does not.
#[test]
fn r23_quitting_asks_and_a_second_time_insists() {
    let mut desk = Desk::new();
    let grace = Scope::builder("slow")
        .runtime(&desk.manual.handle())
        .register_in(&desk.registry)
        .detached()
        .grace(Duration::from_secs(60))
        .build()
        .unwrap();
    desk.load = grace.clone();
    let run = async move {
        let _ = grace.run(|_| pending::<()>()).await;
    };
    desk.manual.handle().spawn(run).detach();
    desk.manual.run_until_idle();
    desk.press_code(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert!(desk.view.is_quitting);
    let screen = desk.screen();
    let slow = screen.iter().find(|line| line.contains("slow")).unwrap();
    assert!(slow.contains("stopping"), "{slow}");
    assert!(slow.contains("the monitor was quit"), "{slow}");
    // Why it stops can be read on the usual terminal as well.
    desk.terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let narrow = desk.screen();
    let slow = narrow.iter().find(|line| line.contains("slow")).unwrap();
    assert!(slow.ends_with(" the monitor was quit"), "{slow}");
    assert!(
        screen
            .last()
            .unwrap()
            .contains("waiting for 5 operations to end"),
        "{screen:?}"
    );
    desk.press("q");
    assert_eq!(desk.load.status(), Status::Cancelled);
}

// R37: who does not read is told how much was missed.
#[test]
fn r37_missed_events_are_counted_on_the_screen() {
    let mut desk = Desk::new();
    for _ in 0..2000 {
        let scope = Scope::builder("short")
            .register_in(&desk.registry)
            .build()
            .unwrap();
        drop(scope);
    }
    let screen = desk.screen();
    assert!(desk.view.missed() > 2000, "{}", desk.view.missed());
    assert!(screen[1].ends_with("missed"), "{}", screen[1]);
    assert!(!screen[1].ends_with(" 0 missed"), "{}", screen[1]);
}
