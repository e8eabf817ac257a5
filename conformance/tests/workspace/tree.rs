//! The files of the workspace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The published crates.
pub(crate) const PUBLISHED: [&str; 13] = [
    "cancelable-async-std",
    "cancelable-axum",
    "cancelable-core",
    "cancelable-indicatif",
    "cancelable-macros",
    "cancelable-migrate",
    "cancelable-process",
    "cancelable-signals",
    "cancelable-smol",
    "cancelable-sources",
    "cancelable-thread",
    "cancelable-tokio",
    "cancelable-tower",
];

/// A Rust file: its path below the crate's `src`, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    /// Returns the path of its module, without the crate: empty for `lib.rs`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let path = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        match path {
            "lib" | "main" => Vec::new(),
            path => path.split('/').collect(),
        }
    }

    pub(crate) fn parse(&self) -> syn::File {
        syn::parse_file(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .into()
}

/// The folders with packages: the top level, and the folders that keep the top level short.
const SHELVES: [&str; 3] = ["", "integrations/", "fleet/"];

/// Returns the folder of a package, below the root.
pub(crate) fn folder(name: &str) -> String {
    let places = SHELVES.map(|shelf| format!("{shelf}{name}"));
    let found = places.into_iter().find(|place| is_package(place));
    found.unwrap_or_else(|| panic!("no package {name}"))
}

fn is_package(place: &str) -> bool {
    root().join(place).join("Cargo.toml").is_file()
}

/// Returns the packages without `publish = false` in their manifests.
pub(crate) fn publishable() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for shelf in SHELVES {
        // A folder exists only with its first package.
        let Ok(entries) = fs::read_dir(root().join(shelf)) else {
            continue;
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        found.extend(names.filter(|name| {
            let place = format!("{shelf}{name}");
            is_package(&place) && !text(&format!("{place}/Cargo.toml")).contains("publish = false")
        }));
    }
    found
}

/// Returns the content of a text file, by its path below the root.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the Rust files below a crate's `src`, in the order of their paths.
pub(crate) fn sources(name: &str) -> Vec<Source> {
    let src = root().join(folder(name)).join("src");
    let mut found = Vec::new();
    collect(&src, &src, &mut found);
    assert!(!found.is_empty(), "{name} has no sources");
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn collect(src: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(src, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(src).unwrap();
            let parts: Vec<_> = below.iter().map(|part| part.to_str().unwrap()).collect();
            found.push(Source::new(
                &parts.join("/"),
                &fs::read_to_string(&path).unwrap(),
            ));
        }
    }
}

/// Asserts that a rule has found no fault.
#[track_caller]
pub(crate) fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
