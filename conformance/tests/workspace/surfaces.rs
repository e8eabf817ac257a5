//! All adapters have the same public items: names, kinds, signatures and features.
//!
//! A program changes its runtime by one line of its manifest. An item that only one adapter has would break
//! that.

use crate::tree::{Source, sources, text};
use quote::ToTokens;
use std::collections::BTreeSet;
use syn::{Attribute, Item, UseTree, Visibility};

const ADAPTERS: [&str; 4] = [
    "cancelable-tokio",
    "cancelable-async-std",
    "cancelable-smol",
    "cancelable-thread",
];

/// The modules of a crate with their items, including the items inside `pin_project!`.
struct Parsed {
    modules: Vec<(Vec<String>, Vec<Item>)>,
}

impl Parsed {
    fn new(files: &[Source]) -> Self {
        let modules = files.iter().map(|file| {
            let module = file.module().iter().map(|&part| part.into()).collect();
            (
                module,
                file.parse().items.into_iter().flat_map(unwrapped).collect(),
            )
        });
        Self {
            modules: modules.collect(),
        }
    }

    fn items(&self, module: &[String]) -> Option<&[Item]> {
        let found = self.modules.iter().find(|(path, _)| path == module);
        found.map(|(_, items)| &items[..])
    }

    /// Returns the module of the item to which `path` in `module` leads, and the name of the item there.
    fn home(&self, module: &[String], path: &[String]) -> Option<(Vec<String>, String)> {
        let (name, above) = path.split_last()?;
        let [first, ..] = above else { return None };
        let home = match first.as_str() {
            "crate" => above[1..].to_vec(),
            _ => [module, above].concat(),
        };
        self.items(&home)?;
        Some((home, name.clone()))
    }

    /// Describes the item with this name in `module`, or the item that `module` re-exports under this name.
    fn describe(&self, module: &[String], name: &str, before: &str, lines: &mut BTreeSet<String>) {
        for item in self.items(module).unwrap_or_default() {
            match item {
                Item::Use(item) if is_public(&item.vis) => {
                    reexports(&item.tree, Vec::new(), &mut |path, as_name| {
                        if as_name != name {
                            return;
                        }
                        if let Some((home, name)) = self.home(module, &path) {
                            self.describe(&home, &name, before, lines);
                        }
                    });
                }
                item => describe(item, name, before, lines),
            }
        }
    }
}

/// Returns the items inside `pin_project!`, or the item.
fn unwrapped(item: Item) -> Vec<Item> {
    match &item {
        Item::Macro(found) if found.mac.path.is_ident("pin_project") => {
            // Content that is no Rust item, such as the macro's form of `Drop`, is not public.
            syn::parse2(found.mac.tokens.clone())
                .map_or_else(|_| vec![item], |file: syn::File| file.items)
        }
        _ => vec![item],
    }
}

/// Returns each public item as one line. An item of the core is described like an item of the crate, because an
/// adapter may re-export an item that another adapter defines.
fn surface(files: &[Source], core: &[Source]) -> BTreeSet<String> {
    let (own, core) = (Parsed::new(files), Parsed::new(core));
    let mut lines = BTreeSet::new();
    let mut open = vec![Vec::new()];
    // Ends: each module is reached only from its parent.
    while let Some(module) = open.pop() {
        let items = own.items(&module);
        for item in items.unwrap_or_else(|| panic!("no module {module:?}")) {
            match item {
                Item::Use(item) if is_public(&item.vis) => {
                    let condition = format!("{}{}", kept(&item.attrs), inside(&module));
                    reexports(&item.tree, Vec::new(), &mut |path, name| {
                        let before = lines.len();
                        match (own.home(&module, &path), &path[..]) {
                            (Some((home, name)), _) => {
                                own.describe(&home, &name, &condition, &mut lines);
                            }
                            (None, [first, above @ .., name]) if first == "cancelable_core" => {
                                core.describe(above, name, &condition, &mut lines);
                            }
                            _ => {}
                        }
                        if lines.len() == before {
                            lines.insert(format!("{condition}use {} as {name}", path.join("::")));
                        }
                    });
                }
                Item::Mod(item) if is_public(&item.vis) => {
                    lines.insert(format!("{}mod {}", kept(&item.attrs), item.ident));
                    open.push([module.clone(), vec![item.ident.to_string()]].concat());
                }
                item => describe_public(item, &inside(&module), &mut lines),
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
    let theirs = core
        .modules
        .iter()
        .filter(|(module, _)| module.first().is_some_and(|first| first == "io"));
    for (_, items) in own.modules.iter().chain(theirs) {
        for item in items {
            if let Item::Impl(item) = item {
                implementation(item, &types, &mut lines);
            }
        }
    }
    lines
}

/// Returns the path of a module as a prefix for its items.
fn inside(module: &[String]) -> String {
    module.iter().map(|part| format!("{part}::")).collect()
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Returns the attributes that change the use of an item.
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

/// Describes the item, if it has this name.
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

/// Adds the public functions of a public type, and its traits.
fn implementation(item: &syn::ItemImpl, types: &[String], lines: &mut BTreeSet<String>) {
    // By its name, without its parameters.
    let syn::Type::Path(own) = &*item.self_ty else {
        return;
    };
    let own = own.path.segments.last().expect("a type has a name");
    let own = own.ident.to_string();
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

/// Returns the lines of a section of a manifest.
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
    let core = sources("cancelable-core");
    let expected = surface(&sources(first), &core);
    for name in [
        "block_on",
        "current",
        "ctrl_c",
        "io::fn copy",
        "io::type UntilCancelled",
        "impl AsyncBufRead for UntilCancelled",
        "UntilCancelled: fn into_inner",
        "impl Error for CopyError",
    ] {
        assert!(
            expected.iter().any(|line| line.contains(name)),
            "{first} has no {name}"
        );
    }
    for other in others {
        let has = surface(&sources(other), &core);
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
            let has = surface(&sources(adapter), &[]);
            let missing: Vec<_> = exported.difference(&has).collect();
            assert!(missing.is_empty(), "{adapter} lacks\n{missing:#?}");
        }
    }
}

/// Returns the items of the crate behind a feature, as in the surface of an adapter. A crate behind
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
    let surface_of = |lib: &str, file: &str| {
        surface(
            &[Source::new("lib.rs", lib), Source::new("a.rs", file)],
            &[],
        )
    };
    let lib = "mod a; pub use a::{f, T}; #[cfg(feature = \"s\")] pub use other::x;";
    let file = "pub fn f(b: u8) {} pub struct T { c: u8 } impl T { pub fn g(&self) {} }";
    let expected = surface_of(lib, file);
    assert_eq!(expected.len(), 4);
    // Private items make no difference.
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

#[test]
fn an_item_of_the_core_is_the_same_as_one_of_an_adapters_own() {
    let core = [
        Source::new("lib.rs", "pub mod io;"),
        Source::new("io.rs", "mod a; pub use a::{T, f};"),
        Source::new(
            "io/a.rs",
            "pin_project! { pub struct T<U> { #[pin] u: U } } pub fn f(b: u8) {} \
             impl<U> T<U> { pub fn g(&self) {} } impl<U: Q> P for T<U> {}",
        ),
    ];
    let adapter = |io: &str, a: &str| {
        let files = [("lib.rs", "pub mod io;"), ("io.rs", io), ("io/a.rs", a)];
        surface(&files.map(|(path, text)| Source::new(path, text)), &core)
    };
    let theirs = adapter("pub use cancelable_core::io::{T, f};", "");
    assert_eq!(theirs.len(), 5, "{theirs:#?}");
    let own = core[2].text.clone();
    assert_eq!(adapter("mod a; pub use a::{T, f};", &own), theirs);
    for other in [
        own.replace("b: u8", "b: u16"),
        own.replace("pub fn g", "fn g"),
        own.replace("T<U>", "T<U, V>"),
    ] {
        // The items of the core count only for an adapter that re-exports them.
        let bare = [
            ("lib.rs", "pub mod io;"),
            ("io.rs", "mod a; pub use a::{T, f};"),
            ("io/a.rs", &other),
        ];
        let bare = surface(&bare.map(|(path, text)| Source::new(path, text)), &[]);
        assert_ne!(bare, theirs, "{other}");
    }
}
