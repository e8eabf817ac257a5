//! Finds the Markdown pages of the repository and writes a module for each, for `lib.rs` to include.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let docs = variable("CARGO_MANIFEST_DIR")?;
    let root = docs.join("..").canonicalize()?;
    let mut pages = Vec::new();
    collect(&root, &mut pages)?;
    for parent in [&root, &root.join("integrations")] {
        for entry in fs::read_dir(parent)? {
            let folder = entry?.path();
            if folder.join("Cargo.toml").is_file() {
                collect(&folder, &mut pages)?;
            }
        }
    }
    pages.sort();

    let modules: String = pages.iter().map(|page| module(&root, page)).collect();
    fs::write(variable("OUT_DIR")?.join("pages.rs"), modules)?;
    // A file that never exists makes Cargo run this every time: a new page has to be noticed, and
    // watching the whole repository would watch the build folder too.
    println!("cargo::rerun-if-changed=always");
    Ok(())
}

fn variable(name: &str) -> io::Result<PathBuf> {
    env::var_os(name)
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other(format!("{name} is not set")))
}

/// Adds the pages that lie in `folder` itself.
fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    Ok(())
}

/// A module with the page for its docs, named after it: a failing block is reported under that name.
fn module(root: &Path, page: &Path) -> String {
    let name = page.strip_prefix(root).unwrap_or(page).to_string_lossy();
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    format!(
        "#[doc = include_str!({:?})]\npub mod {name} {{}}\n",
        page.display().to_string()
    )
}
