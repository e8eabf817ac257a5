//! Misuse of the attribute does not compile, and the compiler points at what is wrong.
//!
//! The text around a message of the compiler depends on its version. So the texts beside the
//! cases are compared only with the version that wrote them. Beside each misuse is a use that compiles.

use std::process::Command;

/// The version of the compiler that wrote the texts. To write them with another version:
/// `TRYBUILD=overwrite cargo test -p conformance --test misuse`.
const WRITTEN_BY: &str = "1.95.";

/// Returns the version of the compiler that builds the cases, which has also built this program.
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
