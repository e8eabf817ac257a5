//! Manifests.

use crate::fixture::{Fixture, MANIFEST};

const LIB: &str = "use tokio_util::sync::CancellationToken;\npub fn f(_: CancellationToken) {}\n";
const MIXED: &str =
    "use tokio_util::sync::CancellationToken;\nuse tokio_util::task::TaskTracker;\n";

/// The manifest after the migration of a package with `lib`, and the remarks on it.
fn manifest(manifest: &str, lib: &str) -> (String, Vec<String>) {
    let fixture = Fixture::of(&[("Cargo.toml", manifest), ("src/lib.rs", lib)]);
    let mut remarks = fixture.migrate();
    remarks.retain(|remark| remark.starts_with("Cargo.toml:"));
    (fixture.text("Cargo.toml"), remarks)
}

const NEW: &str = "cancelable-core = { version = \"0.1\", default-features = false }\n";
const OLD: &str = "tokio-util = { version = \"0.7\", features = [\"rt\"] }\n";

#[test]
fn the_old_dependency_goes_if_no_code_names_it() {
    let (new, remarks) = manifest(MANIFEST, LIB);
    assert_eq!(new, MANIFEST.replace(OLD, NEW));
    assert_eq!(remarks.len(), 1);
    assert!(remarks[0].starts_with("Cargo.toml:7: note: tokio-util is removed"));
}

#[test]
fn the_old_dependency_stays_if_code_or_a_feature_names_it() {
    let (new, remarks) = manifest(MANIFEST, MIXED);
    assert_eq!(new, MANIFEST.replace(OLD, &format!("{NEW}{OLD}")));
    assert_eq!(remarks, [""; 0]);

    let features = MANIFEST.replace(
        "[workspace]",
        "[features]\nx = [\"tokio-util/codec\"]\n\n[workspace]",
    );
    let (new, remarks) = manifest(&features, LIB);
    assert!(new.contains(OLD) && new.contains(NEW));
    assert_eq!(
        remarks,
        ["Cargo.toml:7: note: features name tokio-util (x), so it stays"]
    );
}

#[test]
fn an_optional_dependency_is_left_with_its_features() {
    let text = MANIFEST
        .replace("features = [\"rt\"]", "optional = true")
        .replace(
            "[workspace]",
            "[features]\nstop = [\"dep:tokio-util\"]\n\n[workspace]",
        );
    let (new, remarks) = manifest(&text, LIB);
    assert!(
        new.contains("default-features = false, optional = true }"),
        "{new}"
    );
    assert_eq!(remarks.len(), 1);
    assert!(
        remarks[0].contains("not moved: tokio-util is optional") && remarks[0].ends_with("(stop)")
    );
}

#[test]
fn comments_order_and_other_entries_stay() {
    let text = "[package]\nname = \"fixture\" # the name\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n\
                # for pages\nbytes = \"1\" # small\n# for stops\ntokio-util = \"0.7\"\nzeroize = '1'\n\n[workspace]\n";
    let (new, remarks) = manifest(text, LIB);
    let expected = text.replace("# for stops\n", &format!("{NEW}# for stops\n"));
    assert_eq!(new, expected);
    assert_eq!(
        remarks,
        ["Cargo.toml:10: note: no code names tokio-util any more; it has a comment, so it stays"]
    );
}

#[test]
fn tables_of_every_kind_and_form_are_found() {
    let text = "[package]\nname = \"fixture\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[target.'cfg(unix)'.dependencies]\n\
                tokio-util = \"0.7\"\n\n[dev-dependencies.tokio-util]\nversion = \"0.7\"\nfeatures = [\"time\"]\n\n[workspace]\n";
    let (new, _) = manifest(text, MIXED);
    assert!(
        new.contains(&format!(
            "[target.'cfg(unix)'.dependencies]\n{NEW}tokio-util = \"0.7\"\n"
        )),
        "{new}"
    );
    let header =
        "[dev-dependencies.cancelable-core]\nversion = \"0.1\"\ndefault-features = false\n";
    assert!(new.contains(header), "{new}");
    assert!(
        new.contains("[dev-dependencies.tokio-util]\nversion = \"0.7\"\n"),
        "{new}"
    );
}

#[test]
fn a_dependency_under_another_name_is_followed() {
    let text = MANIFEST.replace(
        OLD,
        "util = { package = \"tokio-util\", version = \"0.7\" }\n",
    );
    let fixture = Fixture::of(&[
        ("Cargo.toml", text.as_str()),
        ("src/lib.rs", "use util::sync::CancellationToken;\n"),
    ]);
    fixture.migrate();
    assert_eq!(
        fixture.text("src/lib.rs"),
        "use cancelable_core::CancellationToken;\n"
    );
    assert_eq!(fixture.text("Cargo.toml"), MANIFEST.replace(OLD, NEW));
}

#[test]
fn dependencies_of_a_workspace_are_added_at_its_root() {
    let root =
        "[workspace]\nmembers = [\"a\", \"b\"]\n\n[workspace.dependencies]\ntokio-util = \"0.7\"\n";
    let member = |name: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\ntokio-util.workspace = true\n"
        )
    };
    let fixture = Fixture::of(&[
        ("Cargo.toml", root),
        ("a/Cargo.toml", &member("a")),
        ("a/src/lib.rs", LIB),
        ("a/tests/t.rs", "use tokio_util::sync::DropGuard;\n"),
        ("b/Cargo.toml", &member("b")),
        ("b/src/lib.rs", MIXED),
    ]);
    let plan = fixture.plan();
    assert_eq!(plan.packages(), ["a", "b"]);
    let only = fixture.options().package("a").plan().unwrap();
    assert_eq!(only.packages(), ["a"]);

    plan.write().unwrap();
    assert_eq!(
        fixture.text("Cargo.toml"),
        root.replace("tokio-util", &format!("{NEW}tokio-util"))
    );
    let new = "cancelable-core = { workspace = true }\n";
    assert_eq!(
        fixture.text("a/Cargo.toml"),
        member("a").replace("tokio-util.workspace = true\n", new)
    );
    assert_eq!(
        fixture.text("b/Cargo.toml"),
        member("b").replace("tokio-util", &format!("{new}tokio-util"))
    );
    assert_eq!(
        fixture.text("a/tests/t.rs"),
        "use cancelable_core::token::DropGuard;\n"
    );
}

#[test]
fn a_package_with_an_older_rust_version_is_noted() {
    let text = MANIFEST.replace("edition", "rust-version = \"1.75\"\nedition");
    let (_, remarks) = manifest(&text, LIB);
    assert_eq!(
        remarks[0],
        "Cargo.toml:4: note: the package states Rust 1.75, and cancelable-core needs 1.85"
    );
}

#[test]
fn a_checkout_of_the_core_can_be_named() {
    let fixture = Fixture::lib(LIB);
    fixture
        .options()
        .core_path("/src/core")
        .plan()
        .unwrap()
        .write()
        .unwrap();
    let line =
        "cancelable-core = { version = \"0.1\", path = \"/src/core\", default-features = false }\n";
    assert_eq!(fixture.text("Cargo.toml"), MANIFEST.replace(OLD, line));
}
