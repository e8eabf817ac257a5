//! The changes of a project.

use crate::error::{MigrateError, shown};
use crate::manifest::{Manifest, Needs};
use crate::project::Project;
use crate::remark::Remark;
use crate::{page, source_file, write};
use similar::TextDiff;
use std::fs;
use std::path::{Path, PathBuf};

/// The choice of what is migrated, and to what.
///
/// # Examples
///
/// ```no_run
/// use cancelable_migrate::Options;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let plan = Options::new("Cargo.toml").package("worker").plan()?;
/// print!("{}", plan.diff());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    manifest: PathBuf,
    packages: Vec<String>,
    checkout: Option<PathBuf>,
}

impl Options {
    /// Migrates all packages of the workspace of `manifest`.
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            packages: Vec::new(),
            checkout: None,
        }
    }

    /// Migrates this package, and others that are named so, instead of all.
    #[must_use]
    pub fn package(mut self, name: impl Into<String>) -> Self {
        self.packages.push(name.into());
        self
    }

    /// Depends on the `cancelable-core` in this folder.
    #[must_use]
    pub fn core_path(mut self, folder: impl Into<PathBuf>) -> Self {
        self.checkout = Some(folder.into());
        self
    }

    /// Reads the project and plans its changes. Nothing is written.
    ///
    /// # Errors
    ///
    /// Cargo does not accept the project, a file cannot be read, or a file that names tokio-util is not Rust.
    pub fn plan(&self) -> Result<Plan, MigrateError> {
        let project = Project::of(&self.manifest)?;
        let mut plan = Plan {
            root: project.workspace_root.clone(),
            changes: Vec::new(),
            remarks: Vec::new(),
            packages: Vec::new(),
        };
        let mut of_workspace = false;
        for package in project.packages(&self.packages)? {
            let text = read(&package.manifest_path)?;
            let mut manifest = Manifest::parse(plan.shown(&package.manifest_path), &text)?;
            let Some(krate) = manifest.crate_name() else {
                continue;
            };
            let mut needs = Needs {
                core: false,
                tokio_util: false,
            };
            for file in package.files()? {
                // A file of another encoding has no Rust that compiles.
                let text = read(&file)?;
                let migrated = source_file::migrate(plan.shown(&file), &text, &krate)?;
                needs.core |= migrated.text.is_some();
                needs.tokio_util |= migrated.names_tokio_util;
                plan.remarks.extend(migrated.remarks);
                plan.change(&file, text, migrated.text);
            }
            for path in package.pages()? {
                let text = fs::read(&path)
                    .map_err(|error| MigrateError::io(&path, "cannot be read", error))?;
                let found =
                    page::remarks(plan.shown(&path), &String::from_utf8_lossy(&text), &krate);
                plan.remarks.extend(found);
            }
            of_workspace |= manifest.migrate(needs, self.checkout.as_deref());
            if needs.core {
                manifest.check_rust_version(package.rust_version.as_deref());
                plan.packages.push(package.name.clone());
            }
            let (new, remarks) = manifest.finish();
            plan.remarks.extend(remarks);
            plan.change(&package.manifest_path, text, new);
        }
        if of_workspace {
            plan.migrate_root(self.checkout.as_deref())?;
        }
        plan.remarks.sort();
        plan.remarks.dedup();
        Ok(plan)
    }
}

/// The changes of a project, not yet written.
#[derive(Debug)]
pub struct Plan {
    root: PathBuf,
    changes: Vec<Change>,
    remarks: Vec<Remark>,
    packages: Vec<String>,
}

#[derive(Debug)]
struct Change {
    file: PathBuf,
    old: String,
    new: String,
}

impl Plan {
    /// Returns true if no file changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The files that change, with their full paths.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.changes.iter().map(|change| change.file.as_path())
    }

    /// The names of the packages with code that moves.
    #[must_use]
    pub fn packages(&self) -> &[String] {
        &self.packages
    }

    /// The places that need a person, by file and line.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Returns the changes in the form of `git diff`.
    #[must_use]
    pub fn diff(&self) -> String {
        let mut out = String::new();
        for change in &self.changes {
            let path = shown(self.shown(&change.file));
            let diff = TextDiff::from_lines(change.old.as_str(), change.new.as_str());
            let (old, new) = (format!("a/{path}"), format!("b/{path}"));
            out.push_str(&diff.unified_diff().header(&old, &new).to_string());
        }
        out
    }

    /// Writes all changes.
    ///
    /// # Errors
    ///
    /// A file cannot be written, or has changed since the plan was made. Then no file is changed.
    pub fn write(&self) -> Result<(), MigrateError> {
        let changes = self.changes.iter();
        write::replace_all(changes.map(|change| {
            (
                change.file.as_path(),
                change.old.as_str(),
                change.new.as_str(),
            )
        }))
    }

    /// The path as the user knows it: below the root of the workspace.
    fn shown<'a>(&self, file: &'a Path) -> &'a Path {
        file.strip_prefix(&self.root).unwrap_or(file)
    }

    fn change(&mut self, file: &Path, old: String, new: Option<String>) {
        let known = self.changes.iter().any(|change| change.file == file);
        if let (Some(new), false) = (new, known) {
            self.changes.push(Change {
                file: file.into(),
                old,
                new,
            });
        }
    }

    /// Adds the dependency to those of the workspace. The root may be one of the packages, which has changed already.
    fn migrate_root(&mut self, checkout: Option<&Path>) -> Result<(), MigrateError> {
        let path = self.root.join("Cargo.toml");
        let changed = self.changes.iter().position(|change| change.file == path);
        let (old, current) = match changed {
            Some(at) => {
                let change = self.changes.remove(at);
                (change.old, change.new)
            }
            None => {
                let text = read(&path)?;
                (text.clone(), text)
            }
        };
        let mut manifest = Manifest::parse(self.shown(&path), &current)?;
        manifest.migrate_workspace(checkout);
        let (new, _) = manifest.finish();
        self.change(&path, old, Some(new.unwrap_or(current)));
        Ok(())
    }
}

fn read(file: &Path) -> Result<String, MigrateError> {
    fs::read_to_string(file).map_err(|error| MigrateError::io(file, "cannot be read", error))
}
