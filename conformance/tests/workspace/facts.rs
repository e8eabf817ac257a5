//! Facts that are stated twice: the minimum Rust version, the crates and their version, the first
//! program.

use crate::tree::{PUBLISHED, assert_none, folder, publishable, root, sources, text};
use std::collections::BTreeSet;

/// Returns the value of the first `key = "value"` of a manifest.
fn value(manifest: &str, key: &str) -> Option<String> {
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix(key)?.trim().strip_prefix('='))?;
    Some(line.trim().trim_matches('"').to_owned())
}

/// Returns the pages with facts: the pages of the workspace and the READMEs of the crates.
fn pages() -> Vec<(String, String)> {
    let crates = PUBLISHED.map(|name| format!("{}/README.md", folder(name)));
    let mut pages = vec!["README.md".to_owned(), "docs/design.md".into()];
    pages.extend(crates);
    pages.extend(PUBLISHED.map(|name| format!("{}/src/lib.rs", folder(name))));
    pages.retain(|page| root().join(page).exists());
    pages
        .into_iter()
        .map(|page| (page.clone(), text(&page)))
        .collect()
}

/// Returns the lines that state another Rust version.
fn other_rust_versions(page: &str, minimum: &str) -> Vec<String> {
    let stated = page.lines().filter(|line| line.contains("Rust version"));
    let other = |line: &&str| {
        let words = line
            .split([' ', ',', ';', ':'])
            .map(|word| word.trim_end_matches('.'));
        let mut numbers = words.filter(|word| word.starts_with("1."));
        !numbers.any(|number| number == minimum)
    };
    stated
        .filter(other)
        .map(|line| format!("not {minimum}: {line}"))
        .collect()
}

/// Returns the lines that depend on another version of a crate of the workspace.
fn other_versions(page: &str, version: &str) -> Vec<String> {
    let short = version.rsplit_once('.').map_or(version, |(short, _)| short);
    let stated = page
        .lines()
        .filter(|line| line.contains("cancelable-") && line.contains("= \""));
    let other = |line: &&str| {
        let last = line
            .split('"')
            .find(|part| part.starts_with(|first: char| first.is_ascii_digit()));
        last.is_some_and(|stated| stated != short && stated != version)
    };
    stated
        .filter(other)
        .map(|line| format!("not {short}: {line}"))
        .collect()
}

/// Returns the crates in the rows of a table.
fn in_table(page: &str) -> BTreeSet<&str> {
    page.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("cancelable-"))
        .collect()
}

/// Returns the features of a manifest, without `default`.
fn features(manifest: &str) -> BTreeSet<&str> {
    let list = manifest.split_once("[features]\n");
    let list = list.and_then(|(_, rest)| rest.split("\n\n").next());
    let lines = list.unwrap_or_default().lines();
    let names = lines.filter_map(|line| Some(line.split_once(" = [")?.0));
    names.filter(|name| *name != "default").collect()
}

/// Returns the features in the rows of the table of features.
fn features_in_table(page: &str) -> BTreeSet<&str> {
    let lines = page.lines().map(|line| line.trim_start_matches("//! "));
    let table = lines
        .skip_while(|line| !line.starts_with("| feature |"))
        .take_while(|line| line.starts_with('|'));
    table
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect()
}

/// Returns the first block of Rust with a `main` on a page.
fn program(page: &str) -> Option<&str> {
    let mut blocks = page.split("```rust").skip(1);
    let block = blocks.find_map(|rest| {
        let code = rest.split_once('\n')?.1.split_once("```")?.0;
        code.contains("fn main()").then_some(code)
    })?;
    Some(block.trim())
}

#[test]
fn the_minimum_rust_version_is_stated_once_in_many_places() {
    let minimum = value(&text("Cargo.toml"), "rust-version").expect("a minimum Rust version");
    let mut found = Vec::new();
    for (name, page) in pages() {
        let wrong = other_rust_versions(&page, &minimum);
        found.extend(wrong.into_iter().map(|wrong| format!("{name}: {wrong}")));
        if name.ends_with("README.md") && !page.contains("Rust version") {
            found.push(format!("{name} does not state the minimum Rust version"));
        }
    }
    assert_none(&found);
    for name in PUBLISHED {
        assert!(
            text(&format!("{}/Cargo.toml", folder(name))).contains("rust-version.workspace = true")
        );
    }
}

#[test]
fn the_version_is_the_one_that_pages_depend_on() {
    let manifest = text("Cargo.toml");
    let version = value(&manifest, "version").expect("a version");
    let mut found = other_versions(&manifest, &version);
    for (name, page) in pages() {
        let wrong = other_versions(&page, &version);
        found.extend(wrong.into_iter().map(|wrong| format!("{name}: {wrong}")));
    }
    assert_none(&found);
}

#[test]
fn the_table_of_crates_has_every_crate_that_is_published() {
    assert_eq!(in_table(&text("README.md")), PUBLISHED.into());
    assert_eq!(publishable(), PUBLISHED.map(str::to_owned).into());
}

#[test]
fn the_tables_of_features_have_those_of_the_core() {
    let manifest = text("cancelable-core/Cargo.toml");
    let features = features(&manifest);
    assert!(features.contains("scope"), "{features:?}");
    for page in ["cancelable-core/README.md", "cancelable-core/src/lib.rs"] {
        assert_eq!(features_in_table(&text(page)), features, "{page}");
    }
}

#[test]
fn the_first_program_is_one_program_everywhere() {
    let example = text("examples/src/bin/quickstart/program.rs");
    let code = example.trim();
    for page in [
        "README.md",
        "cancelable-tokio/README.md",
        "cancelable-async-std/README.md",
        "cancelable-smol/README.md",
        "cancelable-thread/README.md",
    ] {
        assert_eq!(program(&text(page)), Some(code), "{page}");
    }
    for crate_docs in [
        "cancelable-core/src/lib.rs",
        "cancelable-tokio/src/lib.rs",
        "cancelable-async-std/src/lib.rs",
        "cancelable-smol/src/lib.rs",
        "cancelable-thread/src/lib.rs",
    ] {
        let docs = crate_docs_of(&text(crate_docs));
        assert_eq!(program(&docs), Some(code), "{crate_docs}");
    }
}

/// The crates other than the core. The core has its own tests above.
fn other_crates() -> impl Iterator<Item = &'static str> {
    let crates = PUBLISHED.into_iter();
    crates.filter(|name| *name != "cancelable-core")
}

#[test]
fn the_documentation_of_a_crate_opens_with_the_program_of_its_readme() {
    for name in other_crates() {
        let (page, docs) = doors(name);
        let shown = first_code(&page);
        assert!(shown.is_some(), "{name}");
        assert_eq!(first_code(&docs), shown, "{name}");
    }
}

#[test]
fn the_documentation_of_a_crate_has_its_features_and_links_to_the_guides() {
    for name in other_crates() {
        let (page, docs) = doors(name);
        let manifest = text(&format!("{}/Cargo.toml", folder(name)));
        let features = features(&manifest);
        assert_eq!(features_in_table(&docs), features, "{name}");
        assert_eq!(features_in_table(&page), features, "{name}");
        let link = "https://docs.rs/cancelable-core/latest/cancelable_core/guide/";
        assert!(docs.contains(link), "{name}");
    }
}

/// The parts that the README of a crate lacks.
fn missing_parts(name: &str, page: &str) -> Vec<String> {
    let blob = "https://github.com/cancelable-rs/cancelable/blob/main/";
    let badge = "https://img.shields.io";
    let parts = [
        format!(
            "# {name}\n\n\
             [![version]({badge}/crates/v/{name})](https://crates.io/crates/{name})\n\
             [![documentation]({badge}/docsrs/{name})](https://docs.rs/{name})\n\
             [![licence]({badge}/crates/l/{name})](#licence)\n\n"
        ),
        "```rust".to_owned(),
        format!(
            "\n## More\n\n\
             [Documentation], [guide], [troubleshooting], [changelog].\n\n\
             [Documentation]: https://docs.rs/{name}\n\
             [guide]: {blob}docs/README.md\n\
             [troubleshooting]: {blob}docs/troubleshooting.md\n\
             [changelog]: {blob}CHANGELOG.md\n\n\
             ## Licence\n\nMIT or Apache-2.0, at your choice."
        ),
    ];
    let missing = parts.into_iter().filter(|part| !page.contains(part));
    missing
        .map(|part| format!("README of {name} lacks:\n{part}"))
        .collect()
}

#[test]
fn the_readme_of_each_crate_has_badges_an_example_and_the_same_links() {
    let lacking: Vec<_> = PUBLISHED
        .iter()
        .flat_map(|name| {
            let page = text(&format!("{}/README.md", folder(name)));
            missing_parts(name, &page)
        })
        .collect();
    assert_none(&lacking);
    assert_eq!(missing_parts("x", "# x\n\n```rust\n```\n").len(), 2);
}

/// Returns the README of a crate, and the documentation at the beginning of its `lib.rs`.
fn doors(name: &str) -> (String, String) {
    let folder = folder(name);
    let page = text(&format!("{folder}/README.md"));
    (page, crate_docs_of(&text(&format!("{folder}/src/lib.rs"))))
}

/// Returns the first block of Rust on a page or in a documentation.
fn first_code(page: &str) -> Option<&str> {
    let mut blocks = page.split("```").skip(1).step_by(2);
    let block = blocks.find(|block| {
        let kind = block.lines().next().unwrap_or_default();
        kind.is_empty() || kind.starts_with("rust")
    })?;
    Some(block.split_once('\n')?.1.trim())
}

/// The documentation at the beginning of a `lib.rs`, with the program's block named as in a page.
fn crate_docs_of(file: &str) -> String {
    let lines = file.lines().map_while(|line| line.strip_prefix("//!"));
    let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
    // Not the hidden lines, and not the line that names the adapter.
    lines
        .filter(|line| !line.starts_with("# ") && !line.ends_with(" as rt;"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace("```no_run", "```rust,no_run")
}

/// Returns the names of the public functions in a file.
fn functions(code: &str) -> BTreeSet<&str> {
    let lines = code.lines();
    let names = lines.filter_map(|line| line.trim_start().strip_prefix("pub fn "));
    names
        .filter_map(|rest| rest.split(['(', '<']).next())
        .collect()
}

/// Returns the words in backquotes in the sentence that begins with `start` and ends with a full stop at the end of
/// a line.
fn listed<'a>(page: &'a str, start: &str) -> BTreeSet<&'a str> {
    let list = page.split_once(start).map_or("", |(_, rest)| rest);
    let list = list.split_once(".\n").map_or("", |(list, _)| list);
    list.split('`').skip(1).step_by(2).collect()
}

/// The methods that tokio-util's token has too.
const DROP_IN: [&str; 10] = [
    "new",
    "child_token",
    "cancel",
    "is_cancelled",
    "cancelled",
    "cancelled_owned",
    "drop_guard",
    "drop_guard_ref",
    "run_until_cancelled",
    "run_until_cancelled_owned",
];

#[test]
fn r15_the_page_for_those_who_migrate_names_every_new_method_of_the_token() {
    let files =
        ["handle", "join"].map(|file| text(&format!("cancelable-core/src/token/{file}.rs")));
    let all: BTreeSet<&str> = files.iter().flat_map(|file| functions(file)).collect();
    let theirs = BTreeSet::from(DROP_IN);
    assert!(all.is_superset(&theirs), "{all:?}");
    let page = text("docs/coming-from-tokio-util.md");
    let new: BTreeSet<&str> = &all - &theirs;
    assert_eq!(listed(&page, "These are new:"), new);
    // The program that migrates knows them too.
    let program = text("integrations/cancelable-migrate/src/names.rs");
    let list = program
        .split_once("NEW_METHODS")
        .map_or("", |(_, rest)| rest);
    let list = list.split_once("];").map_or("", |(list, _)| list);
    let known: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
    assert_eq!(known, new);
}

/// Returns the words outside comments that name a runtime or an operating system.
fn outside_words(text: &str) -> Vec<&str> {
    const WORDS: [&str; 9] = [
        "tokio::",
        "async_std::",
        "smol::",
        "async_io::",
        "libc::",
        "rustix::",
        "target_os",
        "cfg(unix)",
        "cfg(windows)",
    ];
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let found = code.flat_map(|line| WORDS.into_iter().filter(move |word| line.contains(word)));
    found.collect()
}

#[test]
fn the_core_names_no_runtime_and_no_operating_system() {
    for file in sources("cancelable-core") {
        let found = outside_words(&file.text);
        assert!(found.is_empty(), "{}: {found:?}", file.path);
    }
}

/// Returns the files that a page names in backquotes, with a folder before the name.
fn named_files(page: &str) -> BTreeSet<&str> {
    let words = page.split('`').skip(1).step_by(2);
    words
        .filter(|word| word.contains('/') && word.ends_with(".rs") && !word.contains(' '))
        .collect()
}

#[test]
fn every_file_that_the_architecture_names_is_there() {
    let page = text("ARCHITECTURE.md");
    let named = named_files(&page);
    assert!(named.len() > 30, "{named:?}");
    let missing = named.into_iter().filter(|file| {
        // The walks name files below the core's `src`.
        ["", "cancelable-core/src/", "cancelable-core/"]
            .iter()
            .all(|place| !root().join(place).join(file).exists())
    });
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_fact_that_is_stated_otherwise_is_found() {
    assert_eq!(outside_words("// tokio::spawn\nuse std::fmt;").len(), 0);
    assert_eq!(outside_words("use tokio::spawn;\n#[cfg(unix)]").len(), 2);
    assert_eq!(
        named_files("`a/b.rs`, `c.rs` and `d/e f.rs`"),
        ["a/b.rs"].into()
    );
    assert_eq!(
        other_rust_versions("Minimum Rust version: 1.85.", "1.85").len(),
        0
    );
    assert_eq!(
        other_rust_versions("Minimum Rust version: 1.84.", "1.85").len(),
        1
    );
    assert_eq!(
        other_versions("cancelable-core = \"0.1\"", "0.1.0").len(),
        0
    );
    assert_eq!(
        other_versions("cancelable-core = \"0.2\"", "0.1.0").len(),
        1
    );
    assert_eq!(
        functions("    pub fn one(a: u8) {}\n    pub(super) fn two() {}\npub fn three<T>() {}"),
        ["one", "three"].into()
    );
    assert_eq!(
        listed("These: `a`,\n`b`.\nAnd `c`.\n", "These:"),
        ["a", "b"].into()
    );
    let line = "rt = { package = \"cancelable-tokio\", version = \"0.2\" }";
    assert_eq!(other_versions(line, "0.1.0").len(), 1);
    assert_eq!(
        in_table("| `cancelable-a` | one |\n| `b` | two |"),
        ["cancelable-a"].into()
    );
    assert_eq!(
        features("[features]\ndefault = [\"a\"]\n# Words.\na = []\nb = [\"a\"]\n\n[x]\nc = []"),
        ["a", "b"].into()
    );
    assert_eq!(
        features_in_table("//! | feature | gives |\n//! |---|---|\n//! | `a` | `b` |\n"),
        ["a"].into()
    );
    assert_eq!(
        first_code("```sh\nls\n```\n```rust,no_run\nlet a;\n```\n```\nlet b;\n```"),
        Some("let a;")
    );
    assert_eq!(first_code("```\nlet b;\n```"), Some("let b;"));
    assert_eq!(
        program("```rust\nlet a;\n```\n```rust,no_run\nfn main() {}\n```"),
        Some("fn main() {}")
    );
}
