//! The packages of a project and their files.

use crate::error::MigrateError;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The part of the output of `cargo metadata` that is used here.
#[derive(Debug, Deserialize)]
pub(crate) struct Project {
    pub(crate) workspace_root: PathBuf,
    packages: Vec<Package>,
    workspace_members: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) rust_version: Option<String>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    src_path: PathBuf,
}

impl Project {
    /// Asks Cargo for the project of a manifest.
    pub(crate) fn of(manifest: &Path) -> Result<Self, MigrateError> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let output = Command::new(&cargo)
            .args([
                "metadata",
                "--no-deps",
                "--format-version",
                "1",
                "--manifest-path",
            ])
            .arg(manifest)
            .output()
            .map_err(|error| MigrateError::io(Path::new(&cargo), "cannot be started", error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(MigrateError::new(format!(
                "cargo metadata failed: {}",
                said.trim()
            )));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| MigrateError::new(format!("cargo metadata cannot be read: {error}")))
    }

    /// Returns the packages to migrate: those that `names` names, or all.
    pub(crate) fn packages(&self, names: &[String]) -> Result<Vec<&Package>, MigrateError> {
        let members = || {
            let packages = self.packages.iter();
            packages.filter(|package| self.workspace_members.contains(&package.id))
        };
        for name in names {
            if !members().any(|package| package.name == *name) {
                return Err(MigrateError::new(format!(
                    "the project has no package {name}"
                )));
            }
        }
        let chosen = members().filter(|package| names.is_empty() || names.contains(&package.name));
        Ok(chosen.collect())
    }
}

impl Package {
    /// Returns the Rust files of the package, in order: those of its targets, and all below its folder that belong to no
    /// other package.
    pub(crate) fn files(&self) -> Result<BTreeSet<PathBuf>, MigrateError> {
        let targets = self.targets.iter().map(|target| target.src_path.clone());
        let mut files: BTreeSet<PathBuf> = targets.filter(|path| path.is_file()).collect();
        if let Some(folder) = self.manifest_path.parent() {
            walk(folder, "rs", &mut files)?;
        }
        Ok(files)
    }

    /// Returns the Markdown files of the package, in order.
    pub(crate) fn pages(&self) -> Result<BTreeSet<PathBuf>, MigrateError> {
        let mut pages = BTreeSet::new();
        if let Some(folder) = self.manifest_path.parent() {
            walk(folder, "md", &mut pages)?;
        }
        Ok(pages)
    }
}

/// Adds the files below `folder` with this extension. Links are not followed, so the walk ends.
fn walk(folder: &Path, extension: &str, files: &mut BTreeSet<PathBuf>) -> Result<(), MigrateError> {
    let failed = |error| MigrateError::io(folder, "cannot be read", error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let kind = entry.file_type().map_err(failed)?;
        let name = entry.file_name();
        if kind.is_dir() {
            let is_hidden = name.to_string_lossy().starts_with('.');
            // The folder of a build, wherever it is, has a mark of Cargo.
            let is_build = path.join("CACHEDIR.TAG").is_file();
            let is_package = path.join("Cargo.toml").is_file();
            if !is_hidden && !is_build && !is_package {
                walk(&path, extension, files)?;
            }
        } else if kind.is_file() && path.extension().is_some_and(|of_path| of_path == extension) {
            files.insert(path);
        }
    }
    Ok(())
}
