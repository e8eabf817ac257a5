//! The questions of users, in the words that they type, and the pages that answer each.

use crate::{assert_none, root};
use std::collections::BTreeSet;

/// A question, and the pages of which each answers it.
type Question = (&'static str, &'static [&'static str]);

pub(crate) const ALL: &[Question] = &[
    // Trouble.
    ("not closed", &["troubleshooting.md"]),
    ("memory usage", &["troubleshooting.md"]),
    ("slow", &["troubleshooting.md"]),
    ("RUST_LOG", &["troubleshooting.md"]),
    ("docker", &["troubleshooting.md", "platforms.md"]),
    ("kubernetes", &["troubleshooting.md", "platforms.md"]),
    ("deadlock", &["troubleshooting.md"]),
    ("task does not stop", &["troubleshooting.md", "cleanup.md"]),
    ("future cannot be sent", &["troubleshooting.md"]),
    ("windows", &["platforms.md", "troubleshooting.md"]),
    ("wasm", &["platforms.md"]),
    // Servers.
    ("axum", &["servers.md", "troubleshooting.md"]),
    ("hyper", &["servers.md"]),
    ("tower", &["servers.md"]),
    ("504", &["servers.md"]),
    ("disconnect", &["servers.md", "troubleshooting.md"]),
    ("graceful shutdown", &["servers.md", "signals.md"]),
    ("websocket", &["servers.md"]),
    ("grpc deadline", &["servers.md"]),
    // Coming from another library.
    ("TaskTracker", &["coming-from-tokio-util.md"]),
    ("JoinSet", &["coming-from-tokio-util.md"]),
    (
        "run_until_cancelled",
        &["tokens.md", "coming-from-tokio-util.md"],
    ),
    (
        "SubsystemHandle",
        &["coming-from-tokio-graceful-shutdown.md"],
    ),
    ("StopSource", &["coming-from-stop-token.md"]),
    ("context.WithTimeout", &["coming-from-go.md"]),
    ("errgroup", &["coming-from-go.md"]),
    ("CancellationTokenSource", &["coming-from-dotnet.md"]),
    ("move_on_after", &["coming-from-trio.md"]),
    ("nursery", &["coming-from-trio.md"]),
    ("withTimeoutOrNull", &["coming-from-kotlin.md"]),
    // Words for what one wants.
    (
        "select loop",
        &["cancel-safety.md", "coming-from-tokio-util.md"],
    ),
    ("cancel safety", &["cancel-safety.md"]),
    ("async drop", &["cleanup.md", "design.md"]),
    ("finish before exit", &["cleanup.md"]),
    ("abort a task", &["children.md", "design.md"]),
    ("limit concurrency", &["children.md", "cheat-sheet.md"]),
    (
        "structured concurrency",
        &["scopes.md", "children.md", "design.md"],
    ),
    (
        "blocking code",
        &["threads.md", "children.md", "troubleshooting.md"],
    ),
    ("rayon", &["threads.md"]),
    ("ctrl-c", &["signals.md", "getting-started.md"]),
    ("SIGTERM", &["signals.md", "troubleshooting.md"]),
    ("zombie process", &["processes.md"]),
    ("kill child process", &["processes.md"]),
    ("progress bar", &["progress.md"]),
    ("list running tasks", &["registry.md"]),
    ("why was it cancelled", &["tokens.md"]),
    (
        "time limit",
        &["getting-started.md", "scopes.md", "sources.md"],
    ),
    (
        "timed out",
        &["scopes.md", "getting-started.md", "troubleshooting.md"],
    ),
    ("watch a file", &["sources.md"]),
    ("memory limit", &["sources.md"]),
    ("partial result", &["progress.md"]),
    ("mock time", &["testing.md"]),
    ("postgres", &["databases.md"]),
    ("sqlite", &["databases.md"]),
    ("benchmark", &["performance.md"]),
    ("loom", &["verification.md"]),
];

/// The pages that answer a question.
pub(crate) fn answers(words: &str) -> &'static [&'static str] {
    let question = ALL.iter().find(|(question, _)| *question == words);
    question.map_or(&[], |(_, pages)| pages)
}

/// The faults of the table: a question without a page, a page that is missing, a question that is asked twice.
fn faults(questions: &[Question]) -> Vec<String> {
    let mut asked = BTreeSet::new();
    let mut wrong = Vec::new();
    for (words, pages) in questions {
        if !asked.insert(words) {
            wrong.push(format!("`{words}` is asked twice"));
        }
        if pages.is_empty() {
            wrong.push(format!("`{words}` has no page"));
        }
        let missing = pages
            .iter()
            .filter(|page| !root().join("docs").join(page).is_file());
        wrong.extend(missing.map(|page| format!("`{words}`: docs has no page {page}")));
    }
    wrong
}

#[test]
fn each_question_has_a_page() {
    assert_none(&faults(ALL));
}

#[test]
fn a_question_without_a_page_is_found() {
    let questions: &[Question] = &[("a", &["scopes.md"]), ("a", &[]), ("b", &["none.md"])];
    assert_eq!(faults(questions).len(), 3);
}
