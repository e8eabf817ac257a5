//! Misuse of the attribute does not compile, and the compiler points at what is wrong.
//!
//! What the compiler says around a message changes from version to version, so the texts beside the
//! cases are compared on the one that they were written by. Beside misuse stands use that compiles.

use std::process::Command;

/// The compiler that has written the texts. To write them anew with another one:
/// `TRYBUILD=overwrite cargo test -p conformance --test misuse`.
const WRITTEN_BY: &str = "1.95.";

/// The version of the compiler that builds the cases, which is the one that has built this.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let output = output.expect("there is a compiler");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn r29_misuse_of_the_attribute_is_an_error_at_its_place() {
    let version = compiler();
    if !version.starts_with(&format!("rustc {WRITTEN_BY}")) {
        println!("not compared: the texts are those of Rust {WRITTEN_BY}x, and this is {version}");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/misuse/fail/*.rs");
    cases.pass("tests/misuse/pass/*.rs");
}
