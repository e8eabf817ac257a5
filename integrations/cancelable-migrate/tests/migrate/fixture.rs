//! A project in a temporary folder.

use cancelable_migrate::{Options, Plan};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) const MANIFEST: &str = "[package]
name = \"fixture\"
version = \"0.1.0\"
edition = \"2021\"

[dependencies]
tokio-util = { version = \"0.7\", features = [\"rt\"] }

[workspace]
";

pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// A project of these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    /// A package with one file.
    pub(crate) fn lib(text: &str) -> Self {
        Self::of(&[("Cargo.toml", MANIFEST), ("src/lib.rs", text)])
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    pub(crate) fn options(&self) -> Options {
        Options::new(self.path("Cargo.toml"))
    }

    pub(crate) fn plan(&self) -> Plan {
        self.options().plan().unwrap()
    }

    /// Writes the changes, and returns the remarks.
    pub(crate) fn migrate(&self) -> Vec<String> {
        let plan = self.plan();
        plan.write().unwrap();
        plan.remarks().iter().map(ToString::to_string).collect()
    }

    /// The names of the files in a folder, hidden ones too.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self, args: &[&str]) -> Output {
        self.command_in(".", args)
    }

    pub(crate) fn command_in(&self, folder: &str, args: &[&str]) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_cargo-cancelable-migrate"));
        let mut command = Command::new(program);
        command.args(args).current_dir(self.path(folder));
        command.output().unwrap()
    }
}

/// The file after its migration, and the remarks except those about the manifest.
pub(crate) fn migrated(text: &str) -> (String, Vec<String>) {
    let fixture = Fixture::lib(text);
    let mut remarks = fixture.migrate();
    remarks.retain(|remark| remark.starts_with("src/lib.rs:"));
    (fixture.text("src/lib.rs"), remarks)
}

/// The file after a migration without remarks.
pub(crate) fn moved(text: &str) -> String {
    let (new, remarks) = migrated(text);
    assert_eq!(remarks, [""; 0]);
    new
}
