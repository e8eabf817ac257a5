//! All adapters have the same public items: names, kinds, signatures and features.
//!
//! A program swaps its runtime by one line of its manifest, so an item that one adapter alone has
//! is a trap.

use crate::tree::{Source, sources, text};
use quote::ToTokens;
use std::collections::BTreeSet;
use syn::{Attribute, Item, UseTree, Visibility};

const ADAPTERS: [&str; 3] = [
    "cancelable-tokio",
    "cancelable-async-std",
    "cancelable-smol",
];

/// Each public item as one line.
fn surface(files: &[Source]) -> BTreeSet<String> {
    let parsed: Vec<_> = files
        .iter()
        .map(|file| (file.module(), file.parse()))
        .collect();
    let items_of = |module: &[String]| {
        let found = parsed.iter().find(|(path, _)| path == module);
        &found
            .unwrap_or_else(|| panic!("no module {module:?}"))
            .1
            .items
    };
    let mut lines = BTreeSet::new();
    let mut open = vec![Vec::new()];
    // Ends: each module is reached from its parent alone.
    while let Some(module) = open.pop() {
        for item in items_of(&module) {
            match item {
                Item::Use(item) if is_public(&item.vis) => {
                    let condition = kept(&item.attrs);
                    reexports(&item.tree, Vec::new(), &mut |path, name| {
                        let home = path[..path.len() - 1].to_vec();
                        let local = parsed.iter().any(|(module, _)| *module == home);
                        if !local || home.is_empty() {
                            lines.insert(format!("{condition}use {} as {name}", path.join("::")));
                            return;
                        }
                        for item in items_of(&home) {
                            describe(item, path.last().expect("a name"), &condition, &mut lines);
                        }
                    });
                }
                Item::Mod(item) if is_public(&item.vis) => {
                    lines.insert(format!("{}mod {}", kept(&item.attrs), item.ident));
                    open.push([module.clone(), vec![item.ident.to_string()]].concat());
                }
                item => describe_public(item, "", &mut lines),
            }
        }
    }
    let types: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            line.split_once("type ")?
                .1
                .split_whitespace()
                .next()
                .map(str::to_owned)
        })
        .collect();
    for (_, file) in &parsed {
        for item in &file.items {
            if let Item::Impl(item) = item {
                implementation(item, &types, &mut lines);
            }
        }
    }
    lines
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The attributes that change what a user may write.
fn kept(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        let path = attribute.path();
        if [
            "cfg",
            "must_use",
            "derive",
            "non_exhaustive",
            "track_caller",
        ]
        .iter()
        .any(|name| path.is_ident(name))
        {
            text.push_str(&attribute.to_token_stream().to_string());
            text.push(' ');
        }
    }
    text
}

fn reexports(tree: &UseTree, before: Vec<String>, leaf: &mut impl FnMut(Vec<String>, String)) {
    let with = |name: &syn::Ident| [before.clone(), vec![name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => reexports(&path.tree, with(&path.ident), leaf),
        UseTree::Name(name) => leaf(with(&name.ident), name.ident.to_string()),
        UseTree::Rename(name) => leaf(with(&name.ident), name.rename.to_string()),
        UseTree::Group(group) => {
            group
                .items
                .iter()
                .for_each(|item| reexports(item, before.clone(), leaf));
        }
        UseTree::Glob(_) => leaf([before, vec!["*".into()]].concat(), "*".into()),
    }
}

/// The item as a line, if it has that name.
fn describe(item: &Item, name: &str, condition: &str, lines: &mut BTreeSet<String>) {
    let named = match item {
        Item::Fn(item) => item.sig.ident == name,
        Item::Struct(item) => item.ident == name,
        Item::Enum(item) => item.ident == name,
        Item::Trait(item) => item.ident == name,
        Item::Type(item) => item.ident == name,
        Item::Const(item) => item.ident == name,
        _ => false,
    };
    if named {
        describe_public(item, condition, lines);
    }
}

fn describe_public(item: &Item, condition: &str, lines: &mut BTreeSet<String>) {
    let line = match item {
        Item::Fn(item) if is_public(&item.vis) => {
            format!("{}{}", kept(&item.attrs), item.sig.to_token_stream())
        }
        Item::Struct(item) if is_public(&item.vis) => {
            let public = item.fields.iter().filter(|field| is_public(&field.vis));
            let fields: Vec<_> = public
                .map(|field| field.to_token_stream().to_string())
                .collect();
            let generics = item.generics.to_token_stream();
            format!(
                "{}type {} {generics} {}",
                kept(&item.attrs),
                item.ident,
                fields.join(", ")
            )
        }
        Item::Enum(item) if is_public(&item.vis) => {
            let variants = item.variants.to_token_stream();
            format!("{}type {} {variants}", kept(&item.attrs), item.ident)
        }
        Item::Trait(item) if is_public(&item.vis) => item.to_token_stream().to_string(),
        Item::Type(item) if is_public(&item.vis) => item.to_token_stream().to_string(),
        Item::Const(item) if is_public(&item.vis) => item.to_token_stream().to_string(),
        _ => return,
    };
    lines.insert(format!("{condition}{line}"));
}

/// The public functions of a public type, and the traits that it has.
fn implementation(item: &syn::ItemImpl, types: &[String], lines: &mut BTreeSet<String>) {
    let own = item.self_ty.to_token_stream().to_string();
    if !types.contains(&own) {
        return;
    }
    if let Some((path, _)) = &item.trait_ {
        let name = &path.segments.last().expect("a trait has a name").ident;
        lines.insert(format!("impl {name} for {own}"));
        return;
    }
    for part in &item.items {
        if let syn::ImplItem::Fn(function) = part {
            if is_public(&function.vis) {
                let signature = function.sig.to_token_stream();
                lines.insert(format!("{own}: {}{signature}", kept(&function.attrs)));
            }
        }
    }
}

/// The lines of a section of a manifest.
fn section(manifest: &str, name: &str) -> BTreeSet<String> {
    let mut lines = manifest
        .lines()
        .skip_while(|line| *line != format!("[{name}]"));
    lines.next();
    lines
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn adapters_have_one_public_surface() {
    let [first, others @ ..] = ADAPTERS;
    let expected = surface(&sources(first));
    for name in ["block_on", "current", "Runtime", "ctrl_c"] {
        assert!(
            expected.iter().any(|line| line.contains(name)),
            "{first} has no {name}"
        );
    }
    for other in others {
        let has = surface(&sources(other));
        let only: Vec<_> = expected.symmetric_difference(&has).collect();
        assert!(
            only.is_empty(),
            "only one of {first} and {other} has\n{only:#?}"
        );
    }
}

#[test]
fn adapters_have_the_same_features() {
    let manifest = |name: &str| text(&format!("{name}/Cargo.toml"));
    let [first, others @ ..] = ADAPTERS;
    for part in ["features", "package.metadata.docs.rs", "lints"] {
        let expected = section(&manifest(first), part);
        assert!(!expected.is_empty(), "{first} has no {part}");
        for other in others {
            assert_eq!(
                expected,
                section(&manifest(other), part),
                "{part} of {other}"
            );
        }
    }
}

#[test]
fn a_feature_has_every_item_of_the_crate_behind_it() {
    for (feature, name) in [
        ("files", "cancelable-sources"),
        ("process", "cancelable-process"),
        ("resources", "cancelable-sources"),
        ("signals", "cancelable-signals"),
    ] {
        let exported = exported_for(feature, name);
        assert!(!exported.is_empty(), "{feature}");
        for adapter in ADAPTERS {
            let has = surface(&sources(adapter));
            let missing: Vec<_> = exported.difference(&has).collect();
            assert!(missing.is_empty(), "{adapter} lacks\n{missing:#?}");
        }
    }
}

/// The items of the crate behind a feature, as they are in the surface of an adapter. A crate behind
/// several features has features of the same names.
fn exported_for(feature: &str, name: &str) -> BTreeSet<String> {
    let sources = sources(name);
    let lib = sources.iter().find(|file| file.path == "lib.rs").unwrap();
    let condition = format!("# [cfg (feature = \"{feature}\")] ");
    let module = name.replace('-', "_");
    let mut exported = BTreeSet::new();
    for item in lib.parse().items {
        if let Item::Use(item) = item {
            let own = kept(&item.attrs);
            if is_public(&item.vis) && (own.is_empty() || own == condition) {
                reexports(&item.tree, Vec::new(), &mut |_, name| {
                    exported.insert(format!("{condition}use {module}::{name} as {name}"));
                });
            }
        }
    }
    exported
}

#[test]
fn a_difference_of_surfaces_is_found() {
    let surface_of =
        |lib: &str, file: &str| surface(&[Source::new("lib.rs", lib), Source::new("a.rs", file)]);
    let lib = "mod a; pub use a::{f, T}; #[cfg(feature = \"s\")] pub use other::x;";
    let file = "pub fn f(b: u8) {} pub struct T { c: u8 } impl T { pub fn g(&self) {} }";
    let expected = surface_of(lib, file);
    assert_eq!(expected.len(), 4);
    // What nobody sees makes no difference.
    let same = "pub fn f(b: u8) { d() } fn d() {} pub struct T(u16); impl T { pub fn g(&self) {} fn h() {} }";
    assert_eq!(surface_of(lib, same), expected);
    for other in [
        file.replace("b: u8", "b: u16"),
        file.replace("pub fn g", "fn g"),
        file.replace("c: u8", "pub c: u8"),
        file.replace("pub struct", "#[derive(Clone)] pub struct"),
        format!("{file} impl Drop for T {{ fn drop(&mut self) {{}} }}"),
    ] {
        assert_ne!(surface_of(lib, &other), expected, "{other}");
    }
    for other in [
        lib.replace("{f, T}", "T"),
        lib.replace("\"s\"", "\"t\""),
        lib.replace("other::x", "other::x as y"),
        lib.replace("mod a", "pub mod a"),
        format!("{lib} pub fn more() {{}}"),
    ] {
        assert_ne!(surface_of(&other, file), expected, "{other}");
    }
}
