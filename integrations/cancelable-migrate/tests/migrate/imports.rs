//! `use` trees.

use crate::fixture::{migrated, moved};

#[test]
fn a_path_changes_in_place() {
    assert_eq!(
        moved(
            "use std::fmt;\nuse tokio_util::sync::CancellationToken; // why\n\npub fn f(_: CancellationToken) {}\n"
        ),
        "use std::fmt;\nuse cancelable_core::CancellationToken; // why\n\npub fn f(_: CancellationToken) {}\n"
    );
    assert_eq!(
        moved("use ::tokio_util::sync::DropGuard as Guard;\n"),
        "use ::cancelable_core::token::DropGuard as Guard;\n"
    );
}

#[test]
fn a_group_keeps_its_layout_and_its_comments() {
    assert_eq!(
        moved(
            "pub(crate) use tokio_util::sync::{\n    CancellationToken as Token, // the token\n    DropGuard,\n};\n"
        ),
        "pub(crate) use cancelable_core::token::{\n    CancellationToken as Token, // the token\n    DropGuard,\n};\n"
    );
}

#[test]
fn what_stays_in_the_same_use_keeps_a_use_of_its_own() {
    assert_eq!(
        moved("use tokio_util::sync::{CancellationToken, PollSemaphore};\n"),
        "use cancelable_core::CancellationToken;\nuse tokio_util::sync::PollSemaphore;\n"
    );
    assert_eq!(
        moved("use tokio_util::sync::{PollSemaphore, CancellationToken, DropGuard, PollSender};\n"),
        "use cancelable_core::token::{CancellationToken, DropGuard};\nuse tokio_util::sync::{PollSemaphore, PollSender};\n"
    );
    assert_eq!(
        moved(
            "use tokio_util::sync::{\n    PollSender,\n    PollSemaphore,\n    CancellationToken,\n};\n"
        ),
        "use cancelable_core::CancellationToken;\nuse tokio_util::sync::{\n    PollSender,\n    PollSemaphore,\n};\n"
    );
    assert_eq!(
        moved(
            "use tokio_util::{codec::Framed, sync::{CancellationToken, DropGuard}, task::TaskTracker};\n"
        ),
        "use cancelable_core::token::{CancellationToken, DropGuard};\nuse tokio_util::{codec::Framed, task::TaskTracker};\n"
    );
}

#[test]
fn a_new_use_has_the_attributes_the_visibility_and_the_indent_of_the_old_one() {
    assert_eq!(
        moved(
            "mod a {\n    #[cfg(unix)]\n    pub(super) use tokio_util::{sync::CancellationToken, task::TaskTracker};\n}\n"
        ),
        "mod a {\n    #[cfg(unix)]\n    pub(super) use cancelable_core::CancellationToken;\n    #[cfg(unix)]\n    \
         pub(super) use tokio_util::task::TaskTracker;\n}\n"
    );
    assert_eq!(
        moved("fn f() { use tokio_util::sync::{CancellationToken, PollSender}; }\n"),
        "fn f() { use cancelable_core::CancellationToken; use tokio_util::sync::PollSender; }\n"
    );
}

#[test]
fn a_tree_of_several_modules_that_moves_as_a_whole_becomes_one_group() {
    assert_eq!(
        moved(
            "use tokio_util::{future::FutureExt, sync::CancellationToken};\nfn f(t: &CancellationToken) { async {}.with_cancellation_token(t); }\n"
        ),
        "use cancelable_core::token::{FutureExt, CancellationToken};\nfn f(t: &CancellationToken) { async {}.with_cancellation_token(t); }\n"
    );
}

#[test]
fn a_group_of_several_crates_is_followed() {
    assert_eq!(
        moved("use {std::fmt, tokio_util::sync::CancellationToken};\n"),
        "use {std::fmt, cancelable_core::CancellationToken};\n"
    );
}

#[test]
fn a_glob_is_left() {
    let text = "use tokio_util::sync::*;\n";
    let (new, remarks) = migrated(text);
    assert_eq!(new, text);
    assert_eq!(
        remarks,
        ["src/lib.rs:1: not moved: a glob import: name what the file uses, and run this again"]
    );
}

#[test]
fn a_comment_in_a_use_that_has_to_be_divided_is_left() {
    let text = "use tokio_util::sync::{\n    CancellationToken, // a\n    PollSender,\n};\n";
    let (new, remarks) = migrated(text);
    assert_eq!(new, text);
    assert_eq!(
        remarks,
        [
            "src/lib.rs:1: not moved: a comment inside the `use`: divide it by hand, and run this again"
        ]
    );
}

#[test]
fn a_public_re_export_is_moved_with_a_note() {
    let (new, remarks) = migrated("pub use tokio_util::sync::CancellationToken;\n");
    assert_eq!(new, "pub use cancelable_core::CancellationToken;\n");
    assert_eq!(
        remarks,
        [
            "src/lib.rs:1: note: `pub use` of CancellationToken: for the users of this crate it is another type"
        ]
    );
}

#[test]
fn the_trait_moves_where_no_timeout_needs_the_old_one() {
    let call = "fn f(t: &cancelable::T) { async {}.with_cancellation_token(t); }\n";
    assert_eq!(
        moved(&format!("use tokio_util::future::FutureExt;\n{call}")),
        format!("use cancelable_core::token::FutureExt;\n{call}")
    );
    let timeout = "use tokio_util::future::FutureExt as _;\nfn f() { async {}.timeout(D); }\n";
    assert_eq!(moved(timeout), timeout);
}

#[test]
fn the_trait_with_both_of_its_methods_is_left_at_each_call() {
    let text = "use tokio_util::future::FutureExt;\nuse tokio_util::sync::CancellationToken;\n\
                fn f(t: &CancellationToken) {\n    async {}.timeout(D);\n    async {}.with_cancellation_token(t);\n}\n";
    let (new, remarks) = migrated(text);
    assert!(new.starts_with(
        "use tokio_util::future::FutureExt;\nuse cancelable_core::CancellationToken;\n"
    ));
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].starts_with("src/lib.rs:5: not moved: `timeout` stays with tokio-util"));
}
