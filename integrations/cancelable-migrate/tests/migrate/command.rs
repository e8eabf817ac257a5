//! The command, and what happens if something is wrong.

use crate::fixture::{Fixture, MANIFEST};
use std::fs;
use std::process::Output;

const LIB: &str = "use tokio_util::sync::CancellationToken;\n";

fn out(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_run_without_options_shows_a_diff_and_writes_nothing() {
    let fixture = Fixture::lib(LIB);
    let (code, shown, said) = out(&fixture.command(&["cancelable-migrate"]));
    assert_eq!(code, Some(0), "{said}");
    assert!(
        shown.starts_with("--- a/src/lib.rs\n+++ b/src/lib.rs\n"),
        "{shown}"
    );
    assert!(shown.contains(
        "-use tokio_util::sync::CancellationToken;\n+use cancelable_core::CancellationToken;\n"
    ));
    assert!(
        said.ends_with("2 files to change. Nothing was written: add --write.\n"),
        "{said}"
    );
    assert_eq!(fixture.text("src/lib.rs"), LIB);
    assert_eq!(fixture.text("Cargo.toml"), MANIFEST);
}

#[test]
fn a_folder_below_the_manifest_is_part_of_the_project() {
    let fixture = Fixture::lib(LIB);
    let (code, _, said) = out(&fixture.command_in("src", &["--write"]));
    assert_eq!(code, Some(0), "{said}");
    assert!(fixture.text("src/lib.rs").contains("cancelable_core"));
}

#[test]
fn check_fails_until_everything_has_moved() {
    let fixture = Fixture::lib(LIB);
    let (code, shown, said) = out(&fixture.command(&["--check"]));
    assert_eq!((code, shown.as_str()), (Some(1), ""), "{said}");
    let (code, _, said) = out(&fixture.command(&["--write"]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("2 files changed.\n"), "{said}");
    let (code, _, said) = out(&fixture.command(&["--check"]));
    assert_eq!((code, said.as_str()), (Some(0), "Nothing to change.\n"));
    assert!(fixture.plan().is_empty());
}

#[test]
fn check_fails_for_a_place_to_move_by_hand() {
    let fixture = Fixture::lib("use tokio_util::sync::*;\n");
    let (code, _, said) = out(&fixture.command(&["--check"]));
    assert_eq!(code, Some(1));
    assert!(
        said.ends_with("Nothing to change. 1 place to move by hand.\n"),
        "{said}"
    );
}

#[test]
fn a_wrong_option_is_an_error() {
    let fixture = Fixture::lib(LIB);
    for args in [
        &["--wrong"][..],
        &["--write", "--check"],
        &["-p"],
        &["--write=yes"],
        &["-p", "other"],
    ] {
        let (code, _, said) = out(&fixture.command(args));
        assert_eq!(code, Some(2), "{args:?}");
        assert!(said.starts_with("error: "), "{args:?}: {said}");
    }
    assert_eq!(fixture.text("src/lib.rs"), LIB);
    assert_eq!(out(&fixture.command(&["--help"])).0, Some(0));
    assert_eq!(out(&fixture.command(&["-V"])).0, Some(0));
}

#[test]
fn a_file_that_is_not_rust_is_an_error_with_its_line_and_nothing_is_written() {
    let bad = "\n\nuse tokio_util::sync::CancellationToken\nfn f(\n";
    let fixture = Fixture::of(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", LIB),
        ("src/other.rs", bad),
    ]);
    let (code, _, said) = out(&fixture.command(&["--write"]));
    assert_eq!(code, Some(2));
    assert!(
        said.starts_with("error: src/other.rs:4: the file is not Rust: "),
        "{said}"
    );
    assert_eq!(fixture.text("src/lib.rs"), LIB);

    let fixture = Fixture::of(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", LIB),
        ("tests/ui/wrong.rs", "fn f( { // names nothing of it\n"),
    ]);
    assert_eq!(out(&fixture.command(&["--write"])).0, Some(0));
}

#[test]
fn a_file_that_is_not_utf_8_is_an_error_if_it_names_tokio_util() {
    let fixture = Fixture::lib(LIB);
    fs::write(fixture.path("src/latin.rs"), b"// gr\xf6\xdfer\n").unwrap();
    assert!(fixture.options().plan().is_ok());
    fs::write(
        fixture.path("src/latin.rs"),
        b"use tokio_util::x; // gr\xf6\xdfer\n",
    )
    .unwrap();
    let error = fixture.options().plan().unwrap_err();
    assert_eq!(error.to_string(), "src/latin.rs:1: the file is not UTF-8");
}

#[test]
fn a_manifest_that_cargo_refuses_is_an_error() {
    let fixture = Fixture::of(&[("Cargo.toml", "[package\n"), ("src/lib.rs", LIB)]);
    let (code, _, said) = out(&fixture.command(&["--write"]));
    assert_eq!(code, Some(2));
    assert!(said.starts_with("error: cargo metadata failed: "), "{said}");
    assert_eq!(fixture.text("src/lib.rs"), LIB);
}

#[test]
fn a_file_that_cannot_be_written_leaves_all_as_they_were() {
    let fixture = Fixture::of(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", LIB),
        ("src/other.rs", LIB),
    ]);
    // In the way of the new file.
    fs::create_dir(fixture.path("src/.other.rs.migrating")).unwrap();
    let (code, _, said) = out(&fixture.command(&["--write"]));
    assert_eq!(code, Some(2));
    assert!(
        said.contains("src/.other.rs.migrating: cannot be created: "),
        "{said}"
    );
    for file in ["src/lib.rs", "src/other.rs"] {
        assert_eq!(fixture.text(file), LIB);
    }
    assert_eq!(
        fixture.names("src"),
        [".other.rs.migrating", "lib.rs", "other.rs"]
    );
}

#[test]
fn a_file_that_changed_since_the_plan_is_not_overwritten() {
    let fixture = Fixture::lib(LIB);
    let plan = fixture.plan();
    fs::write(fixture.path("src/lib.rs"), "// new\n").unwrap();
    let error = plan.write().unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("lib.rs: changed meanwhile; nothing was written")
    );
    assert_eq!(fixture.text("src/lib.rs"), "// new\n");
    assert_eq!(fixture.text("Cargo.toml"), MANIFEST);
}

#[test]
fn a_project_without_tokio_util_changes_nothing() {
    let manifest =
        "[package]\nname = \"fixture\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n";
    let fixture = Fixture::of(&[("Cargo.toml", manifest), ("src/lib.rs", "")]);
    let (code, shown, said) = out(&fixture.command(&[]));
    assert_eq!(
        (code, shown.as_str(), said.as_str()),
        (Some(0), "", "Nothing to change.\n")
    );
}

#[test]
fn folders_of_builds_and_of_other_packages_are_left_alone() {
    let fixture = Fixture::of(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", ""),
        ("target/CACHEDIR.TAG", ""),
        ("target/x.rs", LIB),
        (
            "other/Cargo.toml",
            "[package]\nname = \"other\"\n\n[workspace]\n",
        ),
        ("other/src/lib.rs", LIB),
        (".hidden/x.rs", LIB),
    ]);
    assert!(fixture.plan().is_empty());
}
