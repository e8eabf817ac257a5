//! The migration of a manifest.

use crate::error::MigrateError;
use crate::remark::Remark;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value};

const OLD: &str = "tokio-util";
const NEW: &str = "cancelable-core";
const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// A manifest, and what is known of its dependency on tokio-util.
#[derive(Debug)]
pub(crate) struct Manifest {
    path: PathBuf,
    text: String,
    document: DocumentMut,
    remarks: Vec<Remark>,
}

/// What the code of a package needs after its migration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// Some code was moved.
    pub(crate) core: bool,
    /// Some code still names tokio-util.
    pub(crate) tokio_util: bool,
}

impl Manifest {
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, MigrateError> {
        let document = text.parse::<DocumentMut>().map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            MigrateError::at(path, crate::edit::line_of(text, at), error.message())
        })?;
        Ok(Self {
            path: path.into(),
            text: text.to_owned(),
            document,
            remarks: Vec::new(),
        })
    }

    /// Returns the name of tokio-util in the code of the package; `None` if the package does not depend on it.
    pub(crate) fn crate_name(&self) -> Option<String> {
        let mut found = None;
        for table in tables(self.document.as_table()) {
            if let Some(key) = key_of_old(table) {
                found.get_or_insert(key.replace('-', "_"));
            }
        }
        found
    }

    /// Adds the new dependency beside each old one, and removes the old one if no code needs it. Returns true if the
    /// new dependency is that of the workspace.
    pub(crate) fn migrate(&mut self, needs: Needs, checkout: Option<&Path>) -> bool {
        if !needs.core {
            return false;
        }
        let in_features = self.features_that_name_old();
        let removes = !needs.tokio_util && in_features.is_empty();
        let mut of_workspace = false;
        let mut is_optional = false;
        let mut has_comment = None;
        for_each_table(self.document.as_table_mut(), &mut |table| {
            let Some(key) = key_of_old(table) else {
                return;
            };
            let old = table.get(&key);
            let inherits = flag(old, "workspace");
            of_workspace |= inherits;
            is_optional |= flag(old, "optional");
            let was_sorted = is_sorted(table);
            if !table.contains_key(NEW) {
                let mut entry = match inherits {
                    true => inherited(),
                    false => dependency(checkout),
                };
                if flag(old, "optional") {
                    entry.insert("optional", true.into());
                }
                // In the form of the old one: a line, or a table with a header.
                let header = old
                    .and_then(Item::as_table)
                    .filter(|table| !table.is_dotted());
                let entry = match header {
                    Some(old) => {
                        let mut table = entry.into_table();
                        if let Some(position) = old.position() {
                            table.set_position(position);
                        }
                        table.decor_mut().set_prefix("\n");
                        Item::Table(table)
                    }
                    None => Item::Value(Value::InlineTable(entry)),
                };
                table.insert(NEW, entry);
                if was_sorted {
                    table.sort_values();
                }
            }
            let comment = table.key(&key).is_some_and(|key| {
                let prefix = key.leaf_decor().prefix();
                prefix
                    .and_then(|prefix| prefix.as_str())
                    .is_some_and(|text| text.contains('#'))
            });
            match removes && !comment {
                true => {
                    table.remove(&key);
                }
                false if comment && removes => has_comment = Some(key),
                false => {}
            }
        });
        self.remark(removes, is_optional, has_comment.is_some(), &in_features);
        of_workspace
    }

    fn remark(&mut self, removes: bool, is_optional: bool, has_comment: bool, features: &[String]) {
        let line = self.line_of(OLD);
        let mut note = |text: String| self.remarks.push(Remark::note(&self.path, line, text));
        if has_comment {
            note(format!(
                "no code names {OLD} any more; it has a comment, so it stays"
            ));
        } else if removes {
            note(format!(
                "{OLD} is removed; if something of tokio is missing now, {OLD} had turned on its feature, such as `sync`"
            ));
        }
        if is_optional || !features.is_empty() {
            let names = features.join(", ");
            let text = match is_optional {
                true => format!(
                    "{OLD} is optional: let the features that turn it on turn on {NEW} too ({names})"
                ),
                false => format!("features name {OLD} ({names}), so it stays"),
            };
            match is_optional {
                true => self.remarks.push(Remark::left(&self.path, line, text)),
                false => note(text),
            }
        }
    }

    /// Adds the new dependency to those of the workspace.
    pub(crate) fn migrate_workspace(&mut self, checkout: Option<&Path>) {
        let table = self
            .document
            .get_mut("workspace")
            .and_then(|workspace| workspace.get_mut("dependencies"))
            .and_then(Item::as_table_like_mut);
        if let Some(table) = table {
            if !table.contains_key(NEW) {
                let was_sorted = is_sorted(table);
                let entry = Value::InlineTable(dependency(checkout));
                table.insert(NEW, Item::Value(entry));
                if was_sorted {
                    table.sort_values();
                }
            }
        }
    }

    /// Notes that the package states a minimum Rust version below that of the new dependency.
    pub(crate) fn check_rust_version(&mut self, stated: Option<&str>) {
        let Some(stated) = stated else {
            return;
        };
        let mut numbers = stated
            .split('.')
            .map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version < MINIMUM {
            let line = self.line_of("rust-version");
            let text = format!(
                "the package states Rust {stated}, and {NEW} needs {}.{}",
                MINIMUM.0, MINIMUM.1
            );
            self.remarks.push(Remark::note(&self.path, line, text));
        }
    }

    /// Returns the new text, if it differs, and the remarks.
    pub(crate) fn finish(self) -> (Option<String>, Vec<Remark>) {
        let mut new = self.document.to_string();
        if self.text.contains("\r\n") {
            new = new.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        ((new != self.text).then_some(new), self.remarks)
    }

    /// Returns the names of the features that mention the old dependency.
    fn features_that_name_old(&self) -> Vec<String> {
        let features = self.document.get("features").and_then(Item::as_table_like);
        let features = features.into_iter().flat_map(|table| table.iter());
        let names_old = |item: &Item| {
            let values = item.as_array().into_iter().flatten();
            let mut texts = values.filter_map(Value::as_str);
            texts.any(|text| {
                let name = text.strip_prefix("dep:").unwrap_or(text);
                let name = name.split(['/', '?']).next().unwrap_or(name);
                name == OLD
            })
        };
        let found = features.filter(|(_, item)| names_old(item));
        found.map(|(name, _)| name.to_owned()).collect()
    }

    fn line_of(&self, word: &str) -> usize {
        self.text
            .find(word)
            .map_or(1, |at| crate::edit::line_of(&self.text, at))
    }
}

/// The minimum Rust version of the new dependency.
const MINIMUM: (u32, u32) = (1, 85);

/// Returns the requirement for the new dependency: the minor version of this program.
fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    version
        .rsplit_once('.')
        .map_or(version, |(minor, _)| minor)
        .to_owned()
}

fn dependency(checkout: Option<&Path>) -> InlineTable {
    let mut table = InlineTable::new();
    table.insert("version", version().into());
    if let Some(path) = checkout {
        table.insert("path", path.display().to_string().into());
    }
    table.insert("default-features", false.into());
    table
}

fn inherited() -> InlineTable {
    let mut table = InlineTable::new();
    table.insert("workspace", true.into());
    table
}

/// Returns the key of tokio-util in a table of dependencies, also under another name.
fn key_of_old(table: &dyn TableLike) -> Option<String> {
    let mut keys = table.iter().filter(|(key, item)| {
        let package = item.as_table_like().and_then(|table| table.get("package"));
        match package.and_then(Item::as_str) {
            Some(package) => package == OLD,
            None => *key == OLD,
        }
    });
    keys.next().map(|(key, _)| key.to_owned())
}

/// Returns a flag of a dependency, such as `optional`.
fn flag(item: Option<&Item>, name: &str) -> bool {
    let table = item.and_then(Item::as_table_like);
    let value = table.and_then(|table| table.get(name));
    value.and_then(Item::as_bool).unwrap_or(false)
}

fn is_sorted(table: &dyn TableLike) -> bool {
    let keys: Vec<&str> = table.iter().map(|(key, _)| key).collect();
    keys.is_sorted()
}

/// Returns the tables of dependencies of a manifest.
fn tables(manifest: &Table) -> Vec<&dyn TableLike> {
    let mut parents: Vec<&dyn TableLike> = vec![manifest];
    let targets = manifest.get("target").and_then(Item::as_table_like);
    if let Some(targets) = targets {
        parents.extend(targets.iter().filter_map(|(_, item)| item.as_table_like()));
    }
    let mut found = Vec::new();
    for parent in parents {
        for kind in KINDS {
            found.extend(parent.get(kind).and_then(Item::as_table_like));
        }
    }
    found
}

/// Calls `change` with each table of dependencies of a manifest.
fn for_each_table(manifest: &mut Table, change: &mut dyn FnMut(&mut dyn TableLike)) {
    let mut below = |parent: &mut dyn TableLike| {
        for kind in KINDS {
            if let Some(table) = parent.get_mut(kind).and_then(Item::as_table_like_mut) {
                change(table);
            }
        }
    };
    below(manifest);
    let targets = manifest.get_mut("target").and_then(Item::as_table_like_mut);
    if let Some(targets) = targets {
        for (_, item) in targets.iter_mut() {
            if let Some(target) = item.as_table_like_mut() {
                below(target);
            }
        }
    }
}
