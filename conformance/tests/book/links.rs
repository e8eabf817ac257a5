//! The links of the built book.

use crate::{Built, assert_none};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The values of an attribute in a page of HTML, as mdBook writes it: in double quotes.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    let mut parts = html.split(start.as_str());
    parts.next();
    parts
        .filter_map(|rest| rest.split_once('"').map(|(value, _)| value))
        .collect()
}

/// The files of a folder, by their path below it, with `/` between the names.
fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let below = path.strip_prefix(folder).unwrap();
                let names: Vec<_> = below.iter().map(|name| name.to_str().unwrap()).collect();
                found.insert(names.join("/"), path);
            }
        }
    }
    found
}

/// The links of the pages that lead nowhere. The pages are in one folder, as those of `docs` are.
fn broken(pages: &BTreeMap<String, String>, files: &BTreeSet<String>) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, html) in pages {
        for link in [values(html, "href"), values(html, "src")].concat() {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = match file.trim_start_matches("./") {
                "" => name,
                // An address with a scheme: somebody else's.
                file if file.contains(':') => continue,
                file => file,
            };
            let anchored = match pages.get(file) {
                Some(page) => anchor.is_empty() || values(page, "id").contains(&anchor),
                None => files.contains(file),
            };
            if !anchored {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    broken.dedup();
    broken
}

#[test]
fn every_link_of_the_book_leads_somewhere() {
    let Some(built) = Built::get() else { return };
    let files = files(&built.book);
    let mut pages = BTreeMap::new();
    for (name, path) in &files {
        if name.ends_with(".html") {
            pages.insert(name.clone(), fs::read_to_string(path).unwrap());
        }
    }
    // 404.html has its links from the root of a server, and it has no other than the rest.
    pages.remove("404.html");
    assert!(pages.len() > 15, "{:?}", pages.keys());
    assert_none(&broken(&pages, &files.into_keys().collect()));
}

#[test]
fn a_link_of_the_book_that_leads_nowhere_is_found() {
    let page = r##"<h2 id="top">A</h2><a href="#top"><a href="b.html#one"><a href="https://c"><img src="d.svg">"##;
    let pages = |other: &str| {
        let other = format!(r#"<h1 id="{other}">"#);
        BTreeMap::from([("a.html".into(), page.into()), ("b.html".into(), other)])
    };
    let files = BTreeSet::from(["d.svg".to_owned()]);
    assert_none(&broken(&pages("one"), &files));
    assert_eq!(broken(&pages("two"), &files), ["a.html: b.html#one"]);
    assert_eq!(broken(&pages("one"), &BTreeSet::new()), ["a.html: d.svg"]);
}
