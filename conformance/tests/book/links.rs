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

/// The file that a link of a page leads to, and the anchor in it. `None` for an address of somebody else, with a scheme.
fn target(page: &str, link: &str) -> Option<(String, String)> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let file = file.split_once('?').map_or(file, |(file, _)| file);
    if file.contains(':') {
        return None;
    }
    let mut names: Vec<_> = page.split('/').collect();
    if !file.is_empty() {
        names.pop();
        for name in file.split('/') {
            match name {
                "." => {}
                ".." => drop(names.pop()),
                name => names.push(name),
            }
        }
    }
    Some((names.join("/"), anchor.to_owned()))
}

/// The links of pages that lead nowhere. `all` has every file of the site, with the text of each page.
fn broken(pages: &[&str], all: &BTreeMap<String, String>) -> Vec<String> {
    let anchors: BTreeMap<&str, BTreeSet<&str>> = all
        .iter()
        .map(|(name, html)| (name.as_str(), values(html, "id").into_iter().collect()))
        .collect();
    let mut broken = Vec::new();
    for page in pages {
        let html = &all[*page];
        for link in [values(html, "href"), values(html, "src")].concat() {
            let Some((file, anchor)) = target(page, link) else {
                continue;
            };
            let leads = match anchors.get(file.as_str()) {
                // The lines of a source are made by its page's script.
                Some(anchors) => {
                    anchor.is_empty() || file.starts_with("src/") || anchors.contains(&*anchor)
                }
                None => false,
            };
            if !leads {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    broken.dedup();
    broken
}

/// Every file of a site; of a page its text, of another file nothing.
fn site(folder: &Path) -> BTreeMap<String, String> {
    let read = |(name, path): (String, PathBuf)| {
        let is_page = name.ends_with(".html");
        let text = is_page.then(|| fs::read_to_string(path).unwrap());
        (name, text.unwrap_or_default())
    };
    files(folder).into_iter().map(read).collect()
}

#[test]
fn every_link_of_the_book_leads_somewhere() {
    let Some(built) = Built::get() else { return };
    let site = site(&built.book);
    // 404.html has its links from the root of a server, and it has no other than the rest.
    let pages = site.keys().map(String::as_str);
    let pages: Vec<_> = pages
        .filter(|name| name.ends_with(".html") && *name != "404.html")
        .collect();
    assert!(pages.len() > 15, "{pages:?}");
    assert_none(&broken(&pages, &site));
}

#[test]
fn every_link_of_the_guide_in_the_documentation_of_the_core_leads_somewhere() {
    let Some(built) = Built::get() else { return };
    let site = site(&built.api);
    let pages = site.keys().map(String::as_str);
    let pages: Vec<_> = pages
        .filter(|name| name.starts_with("cancelable_core/guide/") && name.ends_with(".html"))
        .collect();
    assert!(pages.len() > 15, "{pages:?}");
    assert_none(&broken(&pages, &site));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = r##"<h2 id="top">A</h2><a href="#top"><a href="../b/c.html#one"><a href="https://c"><img src="./d.svg">"##;
    let site = |id: &str, image: &str| {
        let other = format!(r#"<h1 id="{id}">"#);
        BTreeMap::from([
            ("a/a.html".into(), page.into()),
            ("b/c.html".into(), other),
            (image.to_owned(), String::new()),
        ])
    };
    let found = |id, image| broken(&["a/a.html"], &site(id, image));
    assert_none(&found("one", "a/d.svg"));
    assert_eq!(found("two", "a/d.svg"), ["a/a.html: ../b/c.html#one"]);
    assert_eq!(found("one", "d.svg"), ["a/a.html: ./d.svg"]);
}
