//! The guides: each page of `docs` is in the book, in the documentation of the core, in the index and in the README.

use crate::tree::{assert_none, root, text};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The pages that are no guide: the index, and the chapters of the book.
const NO_GUIDES: [&str; 2] = ["README.md", "SUMMARY.md"];

/// The address of files that are not guides, for links in the documentation of the core.
const FILES: &str = "https://github.com/cancelable-rs/cancelable/blob/main/";

/// The address of images, for the same.
const IMAGES: &str = "https://raw.githubusercontent.com/cancelable-rs/cancelable/main/docs/";

/// The pages in `docs`, by name.
fn pages() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("docs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".md")).collect()
}

fn guides() -> BTreeSet<String> {
    let mut guides = pages();
    guides.retain(|page| !NO_GUIDES.contains(&page.as_str()));
    guides
}

/// The label of each link in a page that has one: `[words][label]`.
fn labels(page: &str) -> BTreeSet<&str> {
    let mut parts = page.split("][");
    parts.next();
    let labels = parts.filter_map(|rest| rest.split_once(']').map(|(label, _)| label));
    labels
        .filter(|label| [".md", ".rs", ".svg"].iter().any(|end| label.contains(end)))
        .collect()
}

/// The links of a page that name a file in round brackets, which lead nowhere in the documentation of the core.
fn plain_links(page: &str) -> Vec<&str> {
    let mut parts = page.split("](");
    parts.next();
    let targets = parts.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets
        .filter(|target| !target.starts_with("http") && !target.starts_with('#'))
        .collect()
}

/// The anchors of links inside a page: `[words](#anchor)`.
fn own_links(page: &str) -> Vec<&str> {
    let mut parts = page.split("](#");
    parts.next();
    parts
        .filter_map(|rest| rest.split_once(')').map(|(anchor, _)| anchor))
        .collect()
}

/// The definitions of labels: `[label]: target`, a line each.
fn definitions(page: &str) -> BTreeMap<&str, &str> {
    let lines = page.lines().filter_map(|line| line.strip_prefix('['));
    lines.filter_map(|line| line.split_once("]: ")).collect()
}

/// The target of a label in the documentation of the core.
fn in_rustdoc(label: &str, guides: &BTreeSet<String>) -> String {
    let (file, anchor) = match label.split_once('#') {
        Some((file, anchor)) => (file, format!("#{anchor}")),
        None => (label, String::new()),
    };
    match guides.contains(file) {
        true => {
            let module = file.trim_end_matches(".md").replace('-', "_");
            format!("crate::guide::{module}{anchor}")
        }
        false if file.ends_with(".svg") => format!("{IMAGES}{file}"),
        false => match file.strip_prefix("../") {
            Some(file) => format!("{FILES}{file}{anchor}"),
            None => format!("{FILES}docs/{file}{anchor}"),
        },
    }
}

/// The anchors of a page, one for each heading.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn every_guide_is_in_the_documentation_of_the_core() {
    let guides = guides();
    assert!(guides.len() > 8, "{guides:?}");
    let module = text("cancelable-core/src/guide.rs");
    let mut wrong = Vec::new();
    for page in &guides {
        let name = page.trim_end_matches(".md").replace('-', "_");
        if !module.contains(&format!("    {name} \"{page}\",\n")) {
            wrong.push(format!("guide.rs has no page {page}"));
        }
        let packed = text(&format!("cancelable-core/guide/{page}"));
        // Without links, a checkout has the path in place of the page.
        if packed != text(&format!("docs/{page}")) && packed.trim() != format!("../../docs/{page}")
        {
            wrong.push(format!("cancelable-core/guide/{page} is not docs/{page}"));
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_link_of_a_guide_leads_somewhere_in_both_places() {
    let guides = guides();
    let links = text("cancelable-core/guide/links.md");
    let in_core = definitions(&links);
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for page in &guides {
        let text_of_page = text(&format!("docs/{page}"));
        for link in plain_links(&text_of_page) {
            wrong.push(format!("{page}: ({link}) has to be a label"));
        }
        for anchor in own_links(&text_of_page) {
            if !anchors(&text_of_page).contains(anchor) {
                wrong.push(format!("{page}: (#{anchor}) leads nowhere"));
            }
        }
        let own = definitions(&text_of_page);
        for label in labels(&text_of_page) {
            if own.get(label) != Some(&label) {
                wrong.push(format!("{page} does not define [{label}]"));
            }
            let target = in_rustdoc(label, &guides);
            if in_core.get(label) != Some(&target.as_str()) {
                wrong.push(format!("links.md has no line `[{label}]: {target}`"));
            }
            let (file, anchor) = label.split_once('#').unwrap_or((label, ""));
            let file = root().join("docs").join(file);
            match fs::read_to_string(&file) {
                Ok(page) if anchor.is_empty() || anchors(&page).contains(anchor) => {}
                _ => wrong.push(format!("{page}: [{label}] leads nowhere")),
            }
            used.insert(label.to_owned());
        }
    }
    let unused = in_core.keys().filter(|label| !used.contains(**label));
    wrong.extend(unused.map(|label| format!("links.md: no page uses [{label}]")));
    assert_none(&wrong);
}

/// The title and the page of each entry `- [title](page)` or `| [title](page) |` that is a guide, in the order of the
/// text.
fn chapters(text: &str, guides: &BTreeSet<String>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.strip_prefix("//! ").unwrap_or(line);
        let entry = line
            .strip_prefix("- [")
            .or_else(|| line.strip_prefix("| ["));
        let Some((title, rest)) = entry.and_then(|entry| entry.split_once("](")) else {
            continue;
        };
        let Some((target, _)) = rest.split_once(')') else {
            continue;
        };
        // In `guide.rs` a page is a module.
        let page = match target.ends_with(".md") {
            true => target.to_owned(),
            false => format!("{}.md", target.replace('_', "-")),
        };
        if guides.contains(&page) {
            found.push((title.to_owned(), page));
        }
    }
    found
}

/// The pages of `pages!`, in their order.
fn modules(text: &str, guides: &BTreeSet<String>) -> Vec<String> {
    let quoted = text.lines().filter_map(|line| line.strip_suffix("\","));
    let pages = quoted.filter_map(|line| line.split_once(" \"").map(|(_, page)| page.to_owned()));
    pages.filter(|page| guides.contains(page)).collect()
}

/// What a list of pages lacks, beside the chapters of the book, and what it has in another order.
fn differences(name: &str, list: &[String], book: &[String]) -> Vec<String> {
    let missing: Vec<_> = book.iter().filter(|page| !list.contains(page)).collect();
    if !missing.is_empty() {
        return vec![format!("{name} does not link {missing:?}")];
    }
    let pairs = list.iter().zip(book);
    let differs = pairs.filter(|(page, wanted)| page != wanted).take(1);
    differs
        .map(|(page, wanted)| format!("{name} has {page} where the book has {wanted}"))
        .collect()
}

/// The lists of pages: the chapters of the book, the index, and the two lists of the documentation of the core.
#[test]
fn every_page_is_in_each_list_of_pages_in_the_same_order() {
    let guides = guides();
    let book = chapters(&text("docs/SUMMARY.md"), &guides);
    let index = chapters(&text("docs/README.md"), &guides);
    let module = text("cancelable-core/src/guide.rs");
    let in_core = chapters(&module, &guides);
    let pages: Vec<_> = book.iter().map(|(_, page)| page.clone()).collect();
    let mut wrong = Vec::new();
    for page in &guides {
        if !pages.contains(page) {
            wrong.push(format!("docs/SUMMARY.md has no page {page}"));
        }
    }
    for (name, list) in [("docs/README.md", index), ("the list of guide.rs", in_core)] {
        let listed: Vec<_> = list.iter().map(|(_, page)| page.clone()).collect();
        wrong.extend(differences(name, &listed, &pages));
        let retitled = list.iter().filter(|(title, page)| {
            let chapter = book.iter().find(|(_, chapter)| chapter == page);
            chapter.is_some_and(|(chapter, _)| chapter != title)
        });
        wrong.extend(retitled.map(|(title, page)| {
            format!("{name} calls {page} [{title}], which is not its title in docs/SUMMARY.md")
        }));
    }
    wrong.extend(differences(
        "pages! of guide.rs",
        &modules(&module, &guides),
        &pages,
    ));
    assert_none(&wrong);
}

#[test]
fn every_page_is_in_the_readme() {
    let readme = text("README.md");
    let mut pages = pages();
    pages.remove("SUMMARY.md");
    let missing = pages
        .iter()
        .filter(|page| !readme.contains(&format!("](docs/{page}")));
    let wrong: Vec<_> = missing
        .map(|page| format!("README.md does not link docs/{page}"))
        .collect();
    assert_none(&wrong);
}

#[test]
fn a_page_that_is_missing_in_a_list_is_found() {
    let guides = BTreeSet::from(["a-b.md".to_owned(), "c.md".to_owned()]);
    let both = ["a-b.md".to_owned(), "c.md".to_owned()];
    let summary = "# Part\n- [A](a-b.md)\n| [C](c.md) | words |\n- [D](d.md)\nwords [a](c.md)\n";
    let titles = |text| {
        chapters(text, &guides)
            .into_iter()
            .map(|(title, _)| title)
            .collect::<Vec<_>>()
    };
    assert_eq!(titles(summary), ["A", "C"]);
    assert_eq!(
        titles("//! - [A](a_b): words;\n//! - [C](c): words."),
        ["A", "C"]
    );
    assert_eq!(
        modules("    a_b \"a-b.md\",\n    d \"d.md\",\n", &guides),
        ["a-b.md"]
    );
    assert_eq!(differences("x", &both, &both).len(), 0);
    assert_eq!(
        differences("x", &both[1..], &both),
        ["x does not link [\"a-b.md\"]"]
    );
    let turned = ["c.md".to_owned(), "a-b.md".to_owned()];
    assert_eq!(
        differences("x", &turned, &both),
        ["x has c.md where the book has a-b.md"]
    );
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = "# A page\n\n## What's `new`\n\n[one][a.md#x] [two](b.md) [web](https://c) [own](#new)\n\n[a.md#x]: a.md#x\n";
    assert_eq!(labels(page), ["a.md#x"].into());
    assert_eq!(plain_links(page), ["b.md"]);
    assert_eq!(own_links(page), ["new"]);
    assert_eq!(definitions(page), [("a.md#x", "a.md#x")].into());
    assert_eq!(
        anchors(page),
        ["a-page".to_owned(), "whats-new".to_owned()].into()
    );
    let guides = BTreeSet::from(["a-b.md".to_owned()]);
    assert_eq!(in_rustdoc("a-b.md#x", &guides), "crate::guide::a_b#x");
    assert_eq!(in_rustdoc("../C.md", &guides), format!("{FILES}C.md"));
    assert_eq!(in_rustdoc("d.md", &guides), format!("{FILES}docs/d.md"));
}
