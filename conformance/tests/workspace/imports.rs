//! The modules of the core import downwards, in one order.

use crate::tree::{Source, assert_none, sources};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};

/// The order of modules. A module may import from itself and from the modules before it.
const ORDER: [&str; 16] = [
    "sync",
    "cause",
    "error",
    "runtime",
    "report",
    "progress",
    "token",
    "source",
    "record",
    "operation",
    "registry",
    "scope",
    "stream",
    "io",
    "testing",
    "guide",
];

/// Returns the first names of paths that start at the root of the crate.
///
/// Reads tokens and not syntax, so that the contents of macros count too.
fn rooted(tokens: TokenStream, module: &[&str], found: &mut BTreeSet<String>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            match inline_module(&tokens, at) {
                // From there, one more `super` leads to the root.
                Some(name) => rooted(group.stream(), &[module, &[&*name]].concat(), found),
                None => rooted(group.stream(), module, found),
            }
        }
        // A name inside a path starts no path.
        let continues = at > 0 && is_colon(&tokens[at - 1]);
        if continues || !matches!(token, TokenTree::Ident(_)) {
            continue;
        }
        // A `super` for each level of the module leads to the root, like `crate`.
        let mut depth = module.len();
        let mut at = at;
        while depth > 0 && is_ident(tokens.get(at), "super") && is_path(&tokens, at + 1) {
            depth -= 1;
            at += 3;
        }
        if is_ident(tokens.get(at), "crate") && is_path(&tokens, at + 1) {
            first_names(&tokens[at + 3..], found);
        } else if depth == 0 && !module.is_empty() {
            first_names(&tokens[at..], found);
        }
    }
}

/// Returns the name of the inline module whose contents start at `at`, if there is one.
fn inline_module(tokens: &[TokenTree], at: usize) -> Option<String> {
    let name = at.checked_sub(1).and_then(|at| tokens.get(at))?;
    let word = at.checked_sub(2).and_then(|at| tokens.get(at));
    is_ident(word, "mod").then(|| name.to_string())
}

/// Returns the next name of the path, or the first names of its branches.
fn first_names(rest: &[TokenTree], found: &mut BTreeSet<String>) {
    match rest.first() {
        Some(TokenTree::Ident(name)) => {
            found.insert(name.to_string());
        }
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let branches: Vec<_> = group.stream().into_iter().collect();
            let ends =
                |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
            for branch in branches.split(ends) {
                first_names(branch, found);
            }
        }
        _ => {}
    }
}

fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == name)
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

fn is_path(tokens: &[TokenTree], at: usize) -> bool {
    tokens.get(at).is_some_and(is_colon) && tokens.get(at + 1).is_some_and(is_colon)
}

/// Returns the names that `lib.rs` re-exports by `pub use module::{..}`, each with its module.
fn reexported(lib: &Source) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for item in lib.parse().items {
        let syn::Item::Use(item) = item else { continue };
        let syn::UseTree::Path(path) = item.tree else {
            continue;
        };
        leaves(&path.tree, &mut |name| {
            names.insert(name, path.ident.to_string());
        });
    }
    names
}

fn leaves(tree: &syn::UseTree, leaf: &mut impl FnMut(String)) {
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, leaf),
        syn::UseTree::Name(name) => leaf(name.ident.to_string()),
        syn::UseTree::Rename(name) => leaf(name.rename.to_string()),
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| leaves(item, leaf)),
        syn::UseTree::Glob(_) => {}
    }
}

fn upward_imports(files: &[Source]) -> Vec<String> {
    let lib = files
        .iter()
        .find(|file| file.path == "lib.rs")
        .expect("lib.rs");
    let reexported = reexported(lib);
    let rank = |name: &str| ORDER.iter().position(|module| *module == name);
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path != "lib.rs") {
        let module = file.module();
        let Some(own) = rank(module[0]) else {
            found.push(format!(
                "{} is in a module that has no place in the order",
                file.path
            ));
            continue;
        };
        let mut names = BTreeSet::new();
        rooted(
            file.text.parse().expect("the file parses"),
            &module,
            &mut names,
        );
        for name in names {
            let target = reexported.get(&name).unwrap_or(&name);
            match rank(target) {
                None => found.push(format!("{}: {name} is not in the order", file.path)),
                Some(other) if other > own => {
                    found.push(format!("{} imports upwards: {target} ({name})", file.path));
                }
                Some(_) => {}
            }
        }
    }
    found
}

#[test]
fn the_core_imports_downwards() {
    assert_none(&upward_imports(&sources("cancelable-core")));
}

#[test]
fn an_upward_import_is_found() {
    let find = |path: &str, text: &str| {
        let lib = Source::new("lib.rs", "pub mod token; pub use token::CancellationToken;");
        upward_imports(&[lib, Source::new(path, text)]).len()
    };
    assert_eq!(find("scope.rs", "use crate::token::CancellationToken;"), 0);
    assert_eq!(find("token.rs", "use crate::scope::Scope;"), 1);
    assert_eq!(find("token/node.rs", "fn f() { crate::scope::run() }"), 1);
    assert_eq!(
        find(
            "token/node.rs",
            "use crate::{cause::Cause, scope::{Scope}};"
        ),
        1
    );
    assert_eq!(find("token/node.rs", "use super::super::scope::Scope;"), 1);
    assert_eq!(find("token/node.rs", "use super::scope;"), 0);
    let inline = |path: &str| find("token/node.rs", &format!("mod tests {{ use {path}; }}"));
    assert_eq!(inline("super::super::scope::Scope"), 0);
    assert_eq!(inline("super::super::super::scope::Scope"), 1);
    assert_eq!(
        find("token/node.rs", "log!(\"{}\", crate::scope::NAME);"),
        1
    );
    assert_eq!(find("runtime.rs", "use crate::CancellationToken;"), 1);
    assert_eq!(find("elsewhere.rs", ""), 1);
}
