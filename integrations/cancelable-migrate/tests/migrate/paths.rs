//! Paths in code, in macros and in comments.

use crate::fixture::{Fixture, MANIFEST, migrated, moved};

#[test]
fn paths_in_types_and_expressions_move() {
    assert_eq!(
        moved(
            "pub struct S {\n    token: tokio_util::sync::CancellationToken,\n    guard: Option<::tokio_util::sync::DropGuard>,\n}\nfn f() { let _ = tokio_util::sync::CancellationToken::new(); }\n"
        ),
        "pub struct S {\n    token: cancelable_core::CancellationToken,\n    guard: Option<::cancelable_core::token::DropGuard>,\n}\nfn f() { let _ = cancelable_core::CancellationToken::new(); }\n"
    );
}

#[test]
fn other_paths_of_tokio_util_stay() {
    let text = "fn f(_: tokio_util::sync::PollSemaphore, _: tokio_util::task::TaskTracker) {}\n";
    assert_eq!(moved(text), text);
    let text = "fn f(_: my::tokio_util::sync::CancellationToken) {}\n";
    assert_eq!(moved(text), text);
    let text = "fn f() { m!(my::tokio_util::sync::CancellationToken, ours.tokio_util::sync::DropGuard) }\n";
    assert_eq!(moved(text), text);
}

#[test]
fn paths_behind_an_imported_module_move() {
    assert_eq!(
        moved(
            "use tokio_util::sync;\nfn f(_: sync::CancellationToken, _: sync::PollSender<u8>) {}\n"
        ),
        "use tokio_util::sync;\nfn f(_: cancelable_core::CancellationToken, _: sync::PollSender<u8>) {}\n"
    );
    assert_eq!(
        moved(
            "use tokio_util as util;\nuse util::sync::CancellationToken;\nfn f(_: util::sync::DropGuard) {}\n"
        ),
        "use tokio_util as util;\nuse cancelable_core::CancellationToken;\nfn f(_: cancelable_core::token::DropGuard) {}\n"
    );
}

#[test]
fn paths_in_macros_move() {
    assert_eq!(
        moved(
            "fn f() { tokio::select! { () = tokio_util::sync::CancellationToken::new().cancelled() => {} } }\n"
        ),
        "fn f() { tokio::select! { () = cancelable_core::CancellationToken::new().cancelled() => {} } }\n"
    );
}

#[test]
fn a_use_in_a_macro_and_an_exported_macro_are_left() {
    let text = "macro_rules! m { () => { use tokio_util::sync::{CancellationToken, DropGuard}; } }\n\
                #[macro_export]\nmacro_rules! n { () => { tokio_util::sync::CancellationToken::new() } }\n";
    let (new, remarks) = migrated(text);
    assert_eq!(new, text);
    assert_eq!(
        remarks,
        [
            "src/lib.rs:1: not moved: a `use` inside a macro",
            "src/lib.rs:3: not moved: in an exported macro: it would name cancelable-core in crates that do not depend \
             on it",
        ]
    );
}

#[test]
fn comments_for_rustdoc_move_and_others_stay() {
    let (new, remarks) = migrated(
        "//! ```\n//! use tokio_util::sync::CancellationToken;\n//! use tokio_util::sync::{DropGuard};\n//! ```\n\
         // tokio_util::sync::CancellationToken\n/// As [`tokio_util::sync::CancellationToken::cancel`].\npub fn f() {}\n",
    );
    assert_eq!(
        new,
        "//! ```\n//! use cancelable_core::CancellationToken;\n//! use tokio_util::sync::{DropGuard};\n//! ```\n\
         // tokio_util::sync::CancellationToken\n/// As [`cancelable_core::CancellationToken::cancel`].\npub fn f() {}\n"
    );
    assert_eq!(
        remarks,
        ["src/lib.rs:3: not moved: a `use` inside a comment for rustdoc"]
    );
}

#[test]
fn a_page_that_names_the_token_is_noted() {
    let fixture = Fixture::of(&[
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", ""),
        (
            "README.md",
            "# A\n\nuse tokio_util::sync::{CancellationToken};\nuse tokio_util::codec::Framed;\n",
        ),
    ]);
    assert_eq!(
        fixture.migrate(),
        ["README.md:3: note: names tokio-util's token; Markdown is not edited"]
    );
}

#[test]
fn a_method_that_the_token_hides_is_left() {
    let (_, remarks) = migrated(
        "use tokio_util::sync::CancellationToken;\ntrait T { fn reason(&self); }\nimpl T for CancellationToken {\n    fn reason(&self) {}\n}\n",
    );
    assert_eq!(remarks.len(), 1);
    assert!(remarks[0].starts_with("src/lib.rs:4: not moved: the token has a method `reason`"));
}

#[test]
fn a_default_method_that_the_token_hides_is_left() {
    let (_, remarks) = migrated(
        "use tokio_util::sync::CancellationToken;\ntrait T {\n    fn a(&self);\n    fn reason(&self) {}\n}\ntrait Other { fn check(&self) {} }\nimpl T for CancellationToken {\n    fn a(&self) {}\n}\n",
    );
    assert_eq!(remarks.len(), 1);
    assert!(remarks[0].starts_with("src/lib.rs:4: not moved: the token has a method `reason`"));
}

#[test]
fn letters_of_several_bytes_a_mark_a_script_line_and_windows_lines_stay() {
    assert_eq!(
        moved("\u{feff}// größer\r\nuse tokio_util::sync::{CancellationToken, PollSender};\r\n"),
        "\u{feff}// größer\r\nuse cancelable_core::CancellationToken;\r\nuse tokio_util::sync::PollSender;\r\n"
    );
    assert_eq!(
        moved("#!/usr/bin/env run-cargo-script\nuse tokio_util::sync::CancellationToken;\n"),
        "#!/usr/bin/env run-cargo-script\nuse cancelable_core::CancellationToken;\n"
    );
}
