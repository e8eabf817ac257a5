//! A `use` tree of tokio-util: its leaves, and its text without some of them.

use proc_macro2::Ident;
use std::ops::Range;
use syn::UseTree;
use syn::spanned::Spanned;

/// An imported name.
pub(crate) struct Leaf<'a> {
    /// The modules between the crate and the name.
    pub(crate) module: Vec<String>,
    /// The name; `*` for a glob, `self` for the module itself.
    pub(crate) name: String,
    pub(crate) rename: Option<&'a Ident>,
    /// The place in the text.
    pub(crate) range: Range<usize>,
}

impl Leaf<'_> {
    /// The name as it is written in a `use`.
    pub(crate) fn import(&self) -> String {
        match self.rename {
            Some(rename) => format!("{} as {rename}", self.name),
            None => self.name.clone(),
        }
    }

    /// Returns the imported module and its local name, if the leaf may be a module.
    pub(crate) fn as_module(&self) -> Option<(String, Vec<String>)> {
        let mut module = self.module.clone();
        if self.name != "self" && self.name != "*" {
            module.push(self.name.clone());
        }
        let known = matches!(
            module
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice(),
            [] | ["sync"] | ["future"]
        );
        let local = self.rename.map(Ident::to_string);
        let local = local.or_else(|| module.last().cloned());
        (known && self.name != "*").then_some((local?, module))
    }
}

/// Collects the leaves of `tree`, which is below the modules `module`.
pub(crate) fn leaves<'a>(
    tree: &'a UseTree,
    module: &[String],
    base: usize,
    found: &mut Vec<Leaf<'a>>,
) {
    let mut add = |name: String, rename, range| {
        found.push(Leaf {
            module: module.to_vec(),
            name,
            rename,
            range,
        });
    };
    match tree {
        UseTree::Name(name) => add(name.ident.to_string(), None, range(tree, base)),
        UseTree::Rename(rename) => add(
            rename.ident.to_string(),
            Some(&rename.rename),
            range(tree, base),
        ),
        UseTree::Glob(_) => add("*".into(), None, range(tree, base)),
        UseTree::Path(path) => {
            let mut module = module.to_vec();
            module.push(path.ident.to_string());
            leaves(&path.tree, &module, base, found);
        }
        UseTree::Group(group) => {
            for item in &group.items {
                leaves(item, module, base, found);
            }
        }
    }
}

/// Returns the text of `tree` without the leaves at `removed`; `None` if no leaf is left.
pub(crate) fn without(
    tree: &UseTree,
    removed: &[Range<usize>],
    text: &str,
    base: usize,
) -> Option<String> {
    let whole = range(tree, base);
    let original = text.get(whole.clone()).unwrap_or_default();
    match tree {
        UseTree::Path(path) => {
            let rest = without(&path.tree, removed, text, base)?;
            let start = range(&*path.tree, base).start;
            let prefix = text.get(whole.start..start).unwrap_or_default();
            Some(format!("{prefix}{rest}"))
        }
        UseTree::Group(group) => {
            let items: Vec<&UseTree> = group.items.iter().collect();
            let kept: Vec<Option<String>> = items
                .iter()
                .map(|item| without(item, removed, text, base))
                .collect();
            let mut left = kept.iter().flatten();
            let first = left.next()?;
            // A group of one needs no braces, except for `self`.
            if left.next().is_none() && items.len() > 1 && first != "self" && !has_comment(original)
            {
                return Some(first.clone());
            }
            // The brace and the space before the first item; then each item that stays, with what stands before it;
            // then the space, the comma and the brace after the last.
            let (first, last) = (items.first()?, items.last()?);
            let mut out = text.get(whole.start..range(*first, base).start)?.to_owned();
            let mut is_first = true;
            for (index, item) in items.iter().enumerate() {
                if let Some(Some(new)) = kept.get(index) {
                    if !is_first {
                        let before = items.get(index.checked_sub(1)?)?;
                        out.push_str(text.get(range(*before, base).end..range(*item, base).start)?);
                    }
                    out.push_str(new);
                    is_first = false;
                }
            }
            out.push_str(text.get(range(*last, base).end..whole.end)?);
            Some(out)
        }
        UseTree::Name(_) | UseTree::Rename(_) | UseTree::Glob(_) => {
            (!removed.contains(&whole)).then(|| original.to_owned())
        }
    }
}

/// Returns true for text of a `use` with a comment, in which nothing else has a slash.
pub(crate) fn has_comment(text: &str) -> bool {
    text.contains("//") || text.contains("/*")
}

/// Returns the place of a node in the text; `base` is the place of the parsed part.
pub(crate) fn range(node: &(impl Spanned + ?Sized), base: usize) -> Range<usize> {
    let span = node.span();
    let range = span.byte_range();
    range.start + base..range.end + base
}
