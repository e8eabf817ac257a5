//! The questions of users, in the words that they type, and the pages that answer each.

use crate::{assert_none, root};
use std::collections::BTreeSet;

/// A question, and the pages of which each answers it.
type Question = (&'static str, &'static [&'static str]);

pub(crate) const ALL: &[Question] = &[
    ("axum", &["servers.md"]),
    ("hyper", &["servers.md"]),
    ("tower", &["servers.md"]),
    ("504", &["servers.md"]),
    ("graceful shutdown", &["servers.md"]),
    ("disconnect", &["servers.md"]),
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
