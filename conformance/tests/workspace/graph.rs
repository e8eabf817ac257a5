//! The graph of imports between the files of a crate: an edge leads from a file to each file whose items it names.

use crate::tree::Source;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Item, UseTree};

/// A path of names from the root of the crate.
type Path = Vec<String>;

/// The meaning of a name at the top of a module.
enum Name {
    /// A module, in a file of its own or in this file.
    Module,
    /// An item that this file defines.
    Item,
    /// An import or a re-export, as the path in the source.
    Import(Path),
}

pub(crate) struct Graph {
    /// The file of each module, by the module's path.
    files: BTreeMap<Path, String>,
    names: BTreeMap<Path, BTreeMap<String, Name>>,
    /// Every path in the code of a module, as in the source, without the paths of its imports.
    uses: BTreeMap<Path, Vec<Path>>,
}

impl Graph {
    pub(crate) fn of(files: &[Source]) -> Self {
        let mut graph = Self {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            uses: BTreeMap::new(),
        };
        for file in files {
            let module: Path = file.module().into_iter().map(str::to_owned).collect();
            graph.add(&module, &file.path, &file.parse().items);
        }
        graph
    }

    fn add(&mut self, module: &Path, file: &str, items: &[Item]) {
        let mut names = BTreeMap::new();
        let mut uses = Vec::new();
        for item in items {
            let attributes = attributes(item);
            // The tests of a file may import from any file.
            if attributes.iter().any(is_test) {
                continue;
            }
            match item {
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    if let Some((_, items)) = &inner.content {
                        self.add(&joined(module, &name), file, items);
                    }
                    names.insert(name, Name::Module);
                }
                Item::Use(import) => imports(&import.tree, &mut Vec::new(), &mut |name, path| {
                    // A re-export names an item of another file without using it.
                    if matches!(import.vis, syn::Visibility::Inherited) {
                        uses.push(path.clone());
                    }
                    names.insert(name, Name::Import(path));
                }),
                other => {
                    if let Some(name) = defined(other) {
                        names.insert(name, Name::Item);
                    }
                    paths(quote::ToTokens::to_token_stream(other), &mut uses);
                }
            }
        }
        self.files.insert(module.clone(), file.to_owned());
        self.names.insert(module.clone(), names);
        self.uses.insert(module.clone(), uses);
    }

    /// Returns the module that defines the item which `path` names in `module`; `None` for an item of another crate.
    pub(crate) fn definer(&self, module: &[String], path: &[String]) -> Option<Path> {
        // Ends: after 20 steps, which are more than any chain of imports has. A circle of imports would not compile.
        self.resolve(module, path, 20)
    }

    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        if depth == 0 {
            return None;
        }
        let mut module = module.to_vec();
        match first.as_str() {
            "crate" => return self.resolve_in(&[], rest, depth),
            "self" => return self.resolve_in(&module, rest, depth),
            "super" => {
                module.pop()?;
                return match rest.first().is_some_and(|next| next == "super") {
                    true => self.resolve(&module, rest, depth),
                    false => self.resolve_in(&module, rest, depth),
                };
            }
            _ => {}
        }
        let known = self.names.get(&module)?.contains_key(first);
        known.then(|| self.resolve_in(&module, path, depth))?
    }

    fn resolve_in(&self, module: &[String], path: &[String], depth: usize) -> Option<Path> {
        let Some((first, rest)) = path.split_first() else {
            return Some(module.to_vec());
        };
        match self.names.get(module)?.get(first)? {
            Name::Module => self.resolve_in(&joined(module, first), rest, depth),
            Name::Item => Some(module.to_vec()),
            Name::Import(import) => {
                let mut whole = import.clone();
                whole.extend(rest.iter().cloned());
                self.resolve(module, &whole, depth - 1)
            }
        }
    }

    /// Returns the files that each file imports from.
    pub(crate) fn edges(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (module, uses) in &self.uses {
            let file = self.files[module].as_str();
            let from = edges.entry(file).or_default();
            for path in uses {
                let target = self.definer(module, path);
                let target = target.and_then(|target| self.files.get(&target));
                from.extend(target.map(String::as_str).filter(|other| *other != file));
            }
        }
        edges
    }
}

fn joined(module: &[String], name: &str) -> Path {
    let mut path = module.to_vec();
    path.push(name.to_owned());
    path
}

fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else {
        return false;
    };
    list.path.is_ident("cfg")
        && list.tokens.to_string().contains("test")
        && !list.tokens.to_string().contains('"')
}

/// Returns the name of an item in the namespace of types and values.
fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => return wrapped(&item.mac).or(item.ident.as_ref().map(<_>::to_string)),
        _ => return None,
    };
    Some(name.to_string())
}

/// Returns the type inside a macro such as `pin_project!`.
fn wrapped(mac: &syn::Macro) -> Option<String> {
    let tokens: Vec<_> = mac.tokens.clone().into_iter().collect();
    let mut pairs = tokens.windows(2);
    pairs.find_map(|pair| match pair {
        [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "struct" || word == "enum" => {
            Some(name.to_string())
        }
        _ => None,
    })
}

/// Calls `leaf` with each name that a `use` imports, and the path of the name.
fn imports(tree: &UseTree, before: &mut Path, leaf: &mut impl FnMut(String, Path)) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            imports(&path.tree, before, leaf);
            before.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                imports(tree, before, leaf);
            }
        }
        // `use a::{self}` imports `a`.
        UseTree::Name(name) if name.ident == "self" => {
            let name = before.last().cloned().unwrap_or_default();
            leaf(name, before.clone());
        }
        UseTree::Name(name) => leaf(
            name.ident.to_string(),
            joined(before, &name.ident.to_string()),
        ),
        UseTree::Rename(name) => {
            leaf(
                name.rename.to_string(),
                joined(before, &name.ident.to_string()),
            );
        }
        UseTree::Glob(_) => {}
    }
}

/// Returns the paths of at least two names in code. Reads tokens, so that the arguments of macros count too.
fn paths(tokens: TokenStream, found: &mut Vec<Path>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is_colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    let ident = |at: usize| match tokens.get(at) {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    };
    let mut at = 0;
    while at < tokens.len() {
        if let TokenTree::Group(group) = &tokens[at] {
            paths(group.stream(), found);
        }
        let Some(first) = ident(at) else {
            at += 1;
            continue;
        };
        let mut path = vec![first];
        at += 1;
        while is_colon(at) && is_colon(at + 1) {
            let Some(next) = ident(at + 2) else { break };
            path.push(next);
            at += 3;
        }
        if path.len() > 1 {
            found.push(path);
        }
    }
}
