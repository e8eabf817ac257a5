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

/// Returns whether the texts are those of this compiler.
#[allow(clippy::print_stdout, reason = "a test prints why it compares nothing")]
fn is_compared() -> bool {
    let version = compiler();
    let is_compared = version.starts_with(&format!("rustc {WRITTEN_BY}"));
    if !is_compared {
        println!("not compared: the texts are those of Rust {WRITTEN_BY}x, and this is {version}");
    }
    is_compared
}

#[test]
fn r29_misuse_of_the_attribute_is_an_error_at_its_place() {
    if is_compared() {
        let cases = trybuild::TestCases::new();
        cases.compile_fail("tests/misuse/fail/*.rs");
        cases.pass("tests/misuse/pass/*.rs");
    }
}

/// The messages that `docs/troubleshooting.md` explains.
#[test]
fn bodies_and_children_that_do_not_compile_are_explained() {
    if is_compared() {
        trybuild::TestCases::new().compile_fail("tests/misuse/bodies/*.rs");
    }
}
