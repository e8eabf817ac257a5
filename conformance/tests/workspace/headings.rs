//! Public items have five headings, with one spelling and in one order.
//!
//! The pages of a crate and of a module have headings of their own choice.

use crate::tree::{PUBLISHED, Source, assert_none, sources};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Lit, Meta, Visibility};

const ORDER: [&str; 5] = [
    "# Errors",
    "# Panics",
    "# Cancel safety",
    "# Fairness",
    "# Examples",
];

struct Docs<'a> {
    path: &'a str,
    /// Inside a trait or a public item, whose parts have no visibility of their own.
    public: bool,
    found: Vec<String>,
}

/// Returns the faults in the headings of one item.
fn misspelt(docs: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut fenced, mut last) = (false, None);
    for line in docs.lines().map(str::trim) {
        if line.starts_with("```") {
            fenced = !fenced;
        }
        if fenced || !line.starts_with('#') {
            continue;
        }
        match ORDER.iter().position(|heading| *heading == line) {
            None => wrong.push(format!("{line:?} is none of the headings")),
            at if at <= last => wrong.push(format!("{line:?} is out of order")),
            at => last = at,
        }
    }
    if fenced {
        wrong.push("a code block is not closed".into());
    }
    wrong
}

/// Returns the text of the doc comments among the attributes.
fn docs(attributes: &[Attribute]) -> String {
    let mut lines = String::new();
    for attribute in attributes {
        let Meta::NameValue(pair) = &attribute.meta else {
            continue;
        };
        let Expr::Lit(value) = &pair.value else {
            continue;
        };
        if let (true, Lit::Str(text)) = (pair.path.is_ident("doc"), &value.lit) {
            lines.push_str(&text.value());
            lines.push('\n');
        }
    }
    lines
}

impl Docs<'_> {
    fn look(&mut self, visibility: Option<&Visibility>, attributes: &[Attribute], name: &str) {
        let public = match visibility {
            Some(visibility) => matches!(visibility, Visibility::Public(_)),
            None => self.public,
        };
        if public {
            let wrong = misspelt(&docs(attributes));
            let place = self.path;
            self.found.extend(
                wrong
                    .iter()
                    .map(|wrong| format!("{place}: {name}: {wrong}")),
            );
        }
    }

    /// Checks the parts of an item, which are as public as the item.
    fn inside(&mut self, public: bool, look: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.public, public);
        look(self);
        self.public = before;
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

impl<'ast> Visit<'ast> for Docs<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.look(Some(&item.vis), &item.attrs, &item.sig.ident.to_string());
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.look(Some(&item.vis), &item.attrs, &item.ident.to_string());
        self.inside(is_public(&item.vis), |docs| {
            visit::visit_item_struct(docs, item);
        });
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.look(Some(&item.vis), &item.attrs, &item.ident.to_string());
        self.inside(is_public(&item.vis), |docs| {
            visit::visit_item_enum(docs, item);
        });
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.look(None, &variant.attrs, &variant.ident.to_string());
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.look(Some(&item.vis), &item.attrs, &item.ident.to_string());
        self.inside(is_public(&item.vis), |docs| {
            visit::visit_item_trait(docs, item);
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.look(None, &item.attrs, &item.sig.ident.to_string());
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.look(Some(&item.vis), &item.attrs, &item.sig.ident.to_string());
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.look(Some(&item.vis), &item.attrs, &item.ident.to_string());
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.look(Some(&item.vis), &item.attrs, &item.ident.to_string());
    }

    /// Checks the types inside `pin_project!` like the other types of the crate.
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.mac.path.is_ident("pin_project") {
            // Without the attributes of the fields these are the lines of a plain struct.
            let tokens = item.mac.tokens.to_token_stream();
            if let Ok(file) = syn::parse2::<syn::File>(tokens) {
                self.visit_file(&file);
            }
        } else {
            self.look(Some(&Visibility::Inherited), &item.attrs, "a macro");
        }
    }
}

fn wrong_headings(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        let mut docs = Docs {
            path: &file.path,
            public: false,
            found: Vec::new(),
        };
        docs.visit_file(&file.parse());
        found.extend(docs.found);
    }
    found
}

#[test]
fn headings_are_spelled_and_ordered_in_one_way() {
    for name in PUBLISHED {
        assert_none(&wrong_headings(&sources(name)));
    }
}

#[test]
fn a_wrong_heading_is_found() {
    let find = |text: &str| wrong_headings(&[Source::new("a.rs", text)]).len();
    assert_eq!(find("/// # Errors\n/// # Examples\npub fn right() {}"), 0);
    assert_eq!(find("/// # Error\npub fn misspelt() {}"), 1);
    assert_eq!(
        find("/// # Examples\n/// # Errors\npub fn out_of_order() {}"),
        1
    );
    assert_eq!(find("/// # Errors\n/// # Errors\npub fn twice() {}"), 1);
    assert_eq!(find("/// ## Errors\npub fn deeper() {}"), 1);
    assert_eq!(
        find("/// # Safety\npub struct A { /// # Note\n pub b: u8 }"),
        1
    );
    assert_eq!(
        find("pub struct A; impl A { /// # Returns\npub fn b() {} }"),
        1
    );
    assert_eq!(find("pub trait A { /// # Returns\nfn b(); }"), 1);
    assert_eq!(find("pub enum A { /// # Note\nB }"), 1);
    assert_eq!(
        find("pin_project! { /// # Note\npub struct A<F> { #[pin] f: F, } }"),
        1
    );
    // A comment in a snippet is no heading, and private items have other headings.
    assert_eq!(find("/// ```\n/// # hidden\n/// ```\npub fn a() {}"), 0);
    assert_eq!(
        find("/// # Proof\nfn private() {} /// # Proof\npub(crate) fn b() {}"),
        0
    );
}
