//! A swap of the runtime changes its name in the manifest, and no code.

use std::fs;
use std::path::Path;

fn examples() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The manifest of one example package with the runtime's name taken out.
fn manifest(directory: &str, names: &[&str]) -> String {
    let path = examples().join(directory).join("Cargo.toml");
    let text = fs::read_to_string(path).unwrap();
    let without = names.iter().fold(text, |text, name| text.replace(name, ""));
    without
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_manifests_differ_in_the_runtimes_name_alone() {
    let tokio = manifest("on-tokio", &["-tokio", ", on Tokio"]);
    let async_std = manifest("on-async-std", &["-async-std", ", on async-std"]);
    let smol = manifest("on-smol", &["-smol", ", on smol"]);
    let thread = manifest("on-thread", &["-thread", ", on plain threads"]);
    assert!(tokio.contains("[dependencies]"), "{tokio}");
    assert_eq!(tokio, async_std);
    assert_eq!(tokio, smol);
    assert_eq!(tokio, thread);
}

#[test]
fn the_sources_name_no_runtime() {
    let mut looked_at = 0;
    let mut directories = vec![examples().join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            // Comments may name whom they like, and one example is about a crate of Tokio's.
            for line in text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
            {
                for name in ["tokio", "async_std", "async-std", "smol"] {
                    assert!(!line.contains(name), "{}: {line}", path.display());
                }
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 10, "{looked_at} files");
}
