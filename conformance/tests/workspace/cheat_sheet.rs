//! The cheat sheet: each method of the types that applications and libraries use has a line there, and so has each
//! function of an adapter.

use crate::tree::{Source, assert_none, sources, text};
use std::collections::BTreeSet;
use syn::{ImplItem, Item, TraitItem, Type, UseTree, Visibility};

/// The types and traits whose methods a user calls.
const TYPES: [&str; 68] = [
    "AwaitReport",
    "BrokenAwait",
    "BuildError",
    "CallbackRegistration",
    "CancelAfter",
    "CancelStreamExt",
    "CancellableStream",
    "CancellationToken",
    "Cancelled",
    "Cause",
    "ChildError",
    "ChildFailure",
    "ChildHandle",
    "CleanupError",
    "Collected",
    "Command",
    "CopyError",
    "Disposition",
    "DropGuard",
    "DropGuardRef",
    "Durations",
    "Escalation",
    "Events",
    "FileSource",
    "Filter",
    "Hooks",
    "Init",
    "InvalidSignal",
    "JoinError",
    "JoinHandle",
    "Limit",
    "ManualRuntime",
    "MapConcurrent",
    "Operation",
    "Outcome",
    "Output",
    "Partial",
    "Process",
    "ProcessError",
    "ProcessOutcome",
    "Progress",
    "ProgressChange",
    "ProgressUpdate",
    "Query",
    "Recorder",
    "Registry",
    "RegistryBuilder",
    "Rejected",
    "ResourceSource",
    "RunError",
    "RuntimeHandle",
    "Scope",
    "ScopeBuilder",
    "ScopeHold",
    "Shield",
    "Signal",
    "SignalGuard",
    "SignalSource",
    "Sleep",
    "Statistics",
    "Step",
    "StopCheck",
    "Straggler",
    "Tree",
    "TreeEntry",
    "WatchError",
    "WeakCancellationToken",
    "WeakOperation",
];

/// Methods without a line, each with the reason.
const LEFT_OUT: [(&str, &str); 1] = [
    // For adapters: `rt::scope` calls it.
    ("ScopeBuilder", "default_runtime"),
];

/// The crates with these types.
const CRATES: [&str; 4] = [
    "cancelable-core",
    "cancelable-process",
    "cancelable-signals",
    "cancelable-sources",
];

fn words(page: &str) -> BTreeSet<&str> {
    let words = page.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty()).collect()
}

/// The name of the type of an inherent implementation.
fn type_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        _ => None,
    }
}

/// The public methods of the types in a file, as `Type::method`.
fn methods(file: &Source) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for item in file.parse().items {
        match item {
            Item::Impl(block) if block.trait_.is_none() => {
                let Some(name) = type_name(&block.self_ty) else {
                    continue;
                };
                for item in block.items {
                    match item {
                        ImplItem::Fn(method) if matches!(method.vis, Visibility::Public(_)) => {
                            found.insert((name.clone(), method.sig.ident.to_string()));
                        }
                        _ => {}
                    }
                }
            }
            Item::Trait(public) if matches!(public.vis, Visibility::Public(_)) => {
                for item in public.items {
                    if let TraitItem::Fn(method) = item {
                        found.insert((public.ident.to_string(), method.sig.ident.to_string()));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The methods of the types that the page does not name.
fn missing(files: &[Source], page: &str) -> Vec<String> {
    let words = words(page);
    let mut missing = BTreeSet::new();
    for (owner, method) in files.iter().flat_map(methods) {
        let is_listed = TYPES.contains(&owner.as_str());
        let is_left_out = LEFT_OUT.contains(&(owner.as_str(), method.as_str()));
        if is_listed && !is_left_out && !words.contains(method.as_str()) {
            missing.insert(format!("the cheat sheet has no line for {owner}::{method}"));
        }
    }
    missing.into_iter().collect()
}

/// The names that an adapter exports.
fn exports(file: &Source) -> BTreeSet<String> {
    fn collect(tree: &UseTree, found: &mut BTreeSet<String>) {
        match tree {
            UseTree::Path(path) => collect(&path.tree, found),
            UseTree::Name(name) => drop(found.insert(name.ident.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| collect(tree, found)),
            UseTree::Rename(_) | UseTree::Glob(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    for item in file.parse().items {
        match item {
            Item::Use(public) if matches!(public.vis, Visibility::Public(_)) => {
                collect(&public.tree, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// The functions of an adapter that the page does not name. Types are named by what makes or takes them.
fn missing_functions(file: &Source, page: &str) -> Vec<String> {
    let words = words(page);
    let functions = exports(file)
        .into_iter()
        .filter(|name| name.starts_with(char::is_lowercase));
    let missing = functions.filter(|name| !words.contains(name.as_str()));
    missing
        .map(|name| format!("the cheat sheet has no line for rt::{name}"))
        .collect()
}

#[test]
fn each_function_of_an_adapter_has_a_line() {
    let files = sources("cancelable-tokio");
    let lib = files.iter().find(|file| file.path == "lib.rs").unwrap();
    assert!(exports(lib).len() > 30, "{:?}", exports(lib));
    assert_none(&missing_functions(lib, &text("docs/cheat-sheet.md")));
}

#[test]
fn each_method_has_a_line() {
    let files: Vec<_> = CRATES.into_iter().flat_map(sources).collect();
    assert_none(&missing(&files, &text("docs/cheat-sheet.md")));
}

#[test]
fn a_method_without_a_line_is_found() {
    let file = |code| [Source::new("scope.rs", code)];
    let code =
        "impl Scope { pub fn run(&self) {} fn own(&self) {} } impl Other { pub fn x(&self) {} }";
    assert_eq!(
        missing(&file(code), "write `op.run()`"),
        Vec::<String>::new()
    );
    assert_eq!(missing(&file(code), "write `op.running()`").len(), 1);
    let code = "pub trait CancellableStream { fn chunks(self); }";
    assert_eq!(missing(&file(code), "").len(), 1);
}

#[test]
fn a_function_without_a_line_is_found() {
    let lib = Source::new("lib.rs", "pub use a::{b::{ctrl_c, Signal}, shutdown};");
    assert_eq!(missing_functions(&lib, "`rt::ctrl_c()`").len(), 1);
}
