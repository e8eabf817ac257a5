//! The migration of one Rust file.

use crate::calls::Calls;
use crate::edit::{Edit, apply, line_of};
use crate::error::MigrateError;
use crate::hidden::{Defaults, is_new_method};
use crate::names::{MOVED_METHODS, TRAIT, is_trait, is_type, new_path};
use crate::remark::Remark;
use crate::use_tree::{Leaf, has_comment, leaves, range, without};
use proc_macro2::{Ident, TokenStream, TokenTree};
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use syn::visit::{self, Visit};
use syn::{Attribute, ItemUse, UseTree, Visibility};

/// A file after its migration.
#[derive(Debug)]
pub(crate) struct Migrated {
    /// The new text, if it differs.
    pub(crate) text: Option<String>,
    pub(crate) remarks: Vec<Remark>,
    /// Whether the file still names tokio-util.
    pub(crate) names_tokio_util: bool,
}

/// Migrates the text of `path`, in which tokio-util has the name `krate`.
pub(crate) fn migrate(path: &Path, text: &str, krate: &str) -> Result<Migrated, MigrateError> {
    // Files that do not name tokio-util are not parsed: among them may be some that are not meant to compile.
    if !text.contains(krate) {
        return Ok(Migrated {
            text: None,
            remarks: Vec::new(),
            names_tokio_util: false,
        });
    }
    let (base, tokens, file) = parse(path, text)?;
    let mut migration = Migration {
        path,
        text,
        base,
        krate,
        aliases: Vec::new(),
        defaults: Vec::new(),
        calls: Calls::default(),
        edits: Vec::new(),
        remarks: Vec::new(),
    };
    migration.calls.collect(tokens, base);
    Aliases(&mut migration).visit_file(&file);
    Defaults(&mut migration.defaults).visit_file(&file);
    migration.visit_file(&file);

    let Migration { edits, remarks, .. } = migration;
    let new = (!edits.is_empty()).then(|| apply(text, edits));
    // A mistake of this program is found before anything is written.
    let (_, tokens, _) = parse(path, new.as_deref().unwrap_or(text))?;
    Ok(Migrated {
        names_tokio_util: names(tokens, krate),
        text: new,
        remarks,
    })
}

/// Returns the file, its tokens, and the place at which they begin.
fn parse(path: &Path, text: &str) -> Result<(usize, TokenStream, syn::File), MigrateError> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The first line of a script. `#![` begins an attribute.
    if rest.starts_with("#!") && !rest.starts_with("#![") {
        rest = rest
            .find('\n')
            .and_then(|end| rest.get(end..))
            .unwrap_or("");
    }
    let base = text.len() - rest.len();
    let first_line = line_of(text, base);
    let failed = |span: proc_macro2::Span, error: &dyn std::fmt::Display| {
        let line = first_line + span.start().line - 1;
        MigrateError::at(path, line, format!("the file is not Rust: {error}"))
    };
    let tokens = TokenStream::from_str(rest).map_err(|error| failed(error.span(), &error))?;
    let file = syn::parse2(tokens.clone()).map_err(|error| failed(error.span(), &error))?;
    Ok((base, tokens, file))
}

/// Returns true if the code, or a comment for rustdoc in it, names `krate`.
fn names(tokens: TokenStream, krate: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => names(group.stream(), krate),
        TokenTree::Ident(ident) => ident == krate,
        TokenTree::Literal(literal) => literal.to_string().contains(&format!("{krate}::")),
        TokenTree::Punct(_) => false,
    })
}

struct Migration<'a> {
    path: &'a Path,
    text: &'a str,
    /// The place of the parsed part in the text.
    base: usize,
    /// The name of tokio-util in this package.
    krate: &'a str,
    /// The modules of tokio-util that the file imports, with their local names.
    aliases: Vec<(String, Vec<String>)>,
    /// The traits of the file, each with a default method that the new token has itself.
    defaults: Vec<(String, syn::Ident)>,
    calls: Calls,
    edits: Vec<Edit>,
    remarks: Vec<Remark>,
}

/// The decision about an imported name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Moves,
    Stays,
}

impl Migration<'_> {
    fn left(&mut self, at: usize, text: impl Into<String>) {
        let line = line_of(self.text, at);
        self.remarks.push(Remark::left(self.path, line, text));
    }

    fn note(&mut self, at: usize, text: impl Into<String>) {
        let line = line_of(self.text, at);
        self.remarks.push(Remark::note(self.path, line, text));
    }

    fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        let text = text.into();
        let edit = Edit { range, text };
        if !self.edits.contains(&edit) {
            self.edits.push(edit);
        }
    }

    /// Returns the module of tokio-util that `name` means at the start of a path.
    fn module_of(&self, name: &str) -> Option<Vec<String>> {
        if name == self.krate {
            return Some(Vec::new());
        }
        let alias = self.aliases.iter().find(|(local, _)| local == name);
        alias.map(|(_, module)| module.clone())
    }

    /// Whether a path through `full`, from the crate on, names something that moves; the number of names up to it.
    fn moved_name<'n>(&self, full: &'n [String]) -> Option<(usize, &'n str)> {
        let (module, rest) = full.split_at_checked(1)?;
        let name = rest.first()?;
        if is_type(module, name) {
            return Some((2, name));
        }
        let method = rest.get(1)?;
        (is_trait(module, name) && MOVED_METHODS.contains(&method.as_str())).then_some((2, name))
    }

    fn verdict(&mut self, leaf: &Leaf<'_>) -> Verdict {
        let at = leaf.range.start;
        if is_type(&leaf.module, &leaf.name) {
            return Verdict::Moves;
        }
        if is_trait(&leaf.module, &leaf.name) {
            if self.calls.is_trait_moved() {
                return Verdict::Moves;
            }
            if self.calls.has_kept {
                for call in self.calls.moved.clone() {
                    self.left(
                        call,
                        "`timeout` stays with tokio-util, and its `FutureExt` takes tokio-util's token here: \
                         call `token.run_until_cancelled(future)`",
                    );
                }
            }
        }
        let in_question = [&[][..], &["sync"][..], &["future"][..]];
        let module: Vec<&str> = leaf.module.iter().map(String::as_str).collect();
        if leaf.name == "*" && in_question.contains(&module.as_slice()) {
            self.left(
                at,
                "a glob import: name what the file uses, and run this again",
            );
        }
        Verdict::Stays
    }

    /// Finds the parts of a `use` that begin at tokio-util.
    fn at_root(&mut self, item: &ItemUse, tree: &UseTree) {
        match tree {
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.at_root(item, tree);
                }
            }
            UseTree::Path(path) => {
                if let Some(module) = self.module_of(&path.ident.to_string()) {
                    self.unit(item, tree, &path.tree, &module);
                }
            }
            _ => {}
        }
    }

    /// Moves what moves in the part `tree` of a `use`, which begins at tokio-util.
    fn unit(&mut self, item: &ItemUse, tree: &UseTree, below: &UseTree, module: &[String]) {
        let mut found = Vec::new();
        leaves(below, module, self.base, &mut found);
        let moves: Vec<bool> = found
            .iter()
            .map(|leaf| self.verdict(leaf) == Verdict::Moves)
            .collect();
        let moved: Vec<&Leaf<'_>> = found
            .iter()
            .zip(&moves)
            .filter_map(|(leaf, moves)| moves.then_some(leaf))
            .collect();
        let Some(first) = moved.first() else {
            return;
        };
        let whole = range(tree, self.base);
        let original = self.text.get(whole.clone()).unwrap_or_default();
        if let Visibility::Public(_) = &item.vis {
            let names: Vec<_> = moved.iter().map(|leaf| leaf.import()).collect();
            let names = names.join(", ");
            self.note(
                whole.start,
                format!("`pub use` of {names}: for the users of this crate it is another type"),
            );
        }
        // The usual case: a path or one group behind the same modules. Only the path changes, so that the group keeps
        // its layout and its comments.
        if moved.len() == found.len() {
            let end = match below {
                UseTree::Path(path) => match &*path.tree {
                    UseTree::Name(_) | UseTree::Rename(_) => Some(&*path.tree),
                    UseTree::Group(group) if is_flat(group) => Some(&*path.tree),
                    _ => None,
                },
                // Behind an alias, as in `use sync::CancellationToken`.
                UseTree::Name(_) | UseTree::Rename(_) => Some(below),
                UseTree::Group(group) if is_flat(group) && !module.is_empty() => Some(below),
                _ => None,
            };
            if let Some(end) = end {
                let is_token_alone = found.len() == 1
                    && first.name == "CancellationToken"
                    && !matches!(end, UseTree::Group(_));
                let prefix = if is_token_alone {
                    "cancelable_core::"
                } else {
                    "cancelable_core::token::"
                };
                self.replace(whole.start..range(end, self.base).start, prefix);
                return;
            }
        }
        if has_comment(original) {
            self.left(
                whole.start,
                "a comment inside the `use`: divide it by hand, and run this again",
            );
            return;
        }
        let import = import(&moved);
        let removed: Vec<Range<usize>> = moved.iter().map(|leaf| leaf.range.clone()).collect();
        match without(tree, &removed, self.text, self.base) {
            None => self.replace(whole, import),
            Some(rest) => {
                self.replace(whole, rest);
                let start = range(item, self.base).start;
                let line = self.new_line(item, start, &import);
                self.replace(start..start, line);
            }
        }
    }

    /// Returns a `use` of `import` with the attributes and the visibility of `item`, to stand before it.
    fn new_line(&self, item: &ItemUse, start: usize, import: &str) -> String {
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let indent = before.get(line_start..).unwrap_or_default();
        let separator = match indent.trim_start_matches('\u{feff}').trim().is_empty() {
            true => {
                let newline = if self.text.contains("\r\n") {
                    "\r\n"
                } else {
                    "\n"
                };
                format!("{newline}{}", indent.trim_start_matches('\u{feff}'))
            }
            false => " ".to_owned(),
        };
        let mut line = String::new();
        for attribute in &item.attrs {
            if !attribute.path().is_ident("doc") {
                let place = range(attribute, self.base);
                line.push_str(self.text.get(place).unwrap_or_default());
                line.push_str(&separator);
            }
        }
        let vis = self
            .text
            .get(range(&item.vis, self.base))
            .unwrap_or_default();
        if !matches!(item.vis, Visibility::Inherited) {
            line.push_str(vis);
            line.push(' ');
        }
        let colons = if item.leading_colon.is_some() {
            "::"
        } else {
            ""
        };
        format!("{line}use {colons}{import};{separator}")
    }

    /// Moves the paths in tokens that were not parsed, those of a macro or an attribute.
    fn tokens(&mut self, tokens: TokenStream, is_exported: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            if let TokenTree::Group(group) = token {
                self.tokens(group.stream(), is_exported);
            }
            let TokenTree::Ident(ident) = token else {
                continue;
            };
            let is_punct = |back: usize, wanted: char| {
                let token = index.checked_sub(back).and_then(|at| tokens.get(at));
                matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
            };
            let is_after_name = matches!(
                index.checked_sub(3).and_then(|at| tokens.get(at)),
                Some(TokenTree::Ident(_))
            );
            // The rest of a longer path, or a field.
            let is_inside = is_punct(1, ':') && is_punct(2, ':') && is_after_name;
            if is_inside || is_punct(1, '.') {
                continue;
            }
            let Some(mut full) = self.module_of(&ident.to_string()) else {
                continue;
            };
            let written_from = full.len();
            let mut ends: Vec<usize> = Vec::new();
            let mut next = index + 1;
            let start = ident.span().byte_range().start + self.base;
            // Ends: each step consumes three tokens.
            while let (Some(TokenTree::Punct(a)), Some(TokenTree::Punct(b)), Some(after)) =
                (tokens.get(next), tokens.get(next + 1), tokens.get(next + 2))
            {
                if a.as_char() != ':' || b.as_char() != ':' {
                    break;
                }
                match after {
                    TokenTree::Ident(name) => {
                        full.push(name.to_string());
                        ends.push(name.span().byte_range().end + self.base);
                        next += 3;
                    }
                    TokenTree::Group(_) | TokenTree::Punct(_) => {
                        let module: Vec<&str> = full.iter().map(String::as_str).collect();
                        if matches!(module.as_slice(), [] | ["sync"] | ["future"])
                            && !matches!(after, TokenTree::Punct(p) if p.as_char() == '<')
                        {
                            self.left(start, "a `use` inside a macro");
                        }
                        break;
                    }
                    TokenTree::Literal(_) => break,
                }
            }
            let Some((count, name)) = self.moved_name(&full) else {
                continue;
            };
            let name = name.to_owned();
            if is_exported {
                self.left(
                    start,
                    "in an exported macro: it would name cancelable-core in crates that do not depend on it",
                );
                continue;
            }
            let end = count
                .checked_sub(written_from + 1)
                .and_then(|at| ends.get(at));
            if let Some(end) = end {
                self.replace(start..*end, new_path(&name));
            }
        }
    }

    /// Moves the paths in a comment for rustdoc.
    fn doc(&mut self, place: Range<usize>) {
        let comment = self.text.get(place.clone()).unwrap_or_default();
        let pattern = format!("{}::", self.krate);
        let mut edits = Vec::new();
        let mut left = Vec::new();
        for (at, _) in comment.match_indices(&pattern) {
            let starts = comment.get(..at).unwrap_or_default();
            if starts.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = comment.get(at + pattern.len()..).unwrap_or_default();
            let Some(rest) = rest.strip_prefix("sync::") else {
                continue;
            };
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if is_type(&["sync".to_owned()], &name) {
                let end = at + pattern.len() + "sync::".len() + name.len();
                edits.push((place.start + at..place.start + end, new_path(&name)));
            } else if name.is_empty() {
                left.push(place.start + at);
            }
        }
        for (range, text) in edits {
            self.replace(range, text);
        }
        for at in left {
            self.left(at, "a `use` inside a comment for rustdoc");
        }
    }
}

/// Returns true for a group of names without paths or groups inside.
fn is_flat(group: &syn::UseGroup) -> bool {
    let mut items = group.items.iter();
    items.all(|item| matches!(item, UseTree::Name(_) | UseTree::Rename(_)))
}

/// Returns the path or the group that imports `moved`.
fn import(moved: &[&Leaf<'_>]) -> String {
    let mut names: Vec<String> = moved.iter().map(|leaf| leaf.import()).collect();
    names.dedup();
    match moved {
        [leaf] if leaf.name == "CancellationToken" => {
            format!("cancelable_core::{}", leaf.import())
        }
        [leaf] => format!("cancelable_core::token::{}", leaf.import()),
        _ => format!("cancelable_core::token::{{{}}}", names.join(", ")),
    }
}

/// Collects the modules of tokio-util that a file imports. It runs before the migration, because a path may stand
/// before its import.
struct Aliases<'a, 'b>(&'a mut Migration<'b>);

impl<'ast> Visit<'ast> for Aliases<'_, '_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut found = Vec::new();
        roots(&item.tree, self.0.krate, self.0.base, &mut found);
        for (local, module) in found {
            let is_other = |(known, of): &(String, Vec<String>)| *known == local && *of != module;
            if local != self.0.krate && !self.0.aliases.iter().any(is_other) {
                self.0.aliases.push((local, module));
            }
        }
    }
}

/// Collects the imported modules of the parts of `tree` that begin at tokio-util.
fn roots(tree: &UseTree, krate: &str, base: usize, found: &mut Vec<(String, Vec<String>)>) {
    match tree {
        UseTree::Group(group) => {
            for tree in &group.items {
                roots(tree, krate, base, found);
            }
        }
        UseTree::Path(path) if path.ident == krate => {
            let mut below = Vec::new();
            leaves(&path.tree, &[], base, &mut below);
            found.extend(below.iter().filter_map(Leaf::as_module));
        }
        UseTree::Rename(rename) if rename.ident == krate => {
            found.push((rename.rename.to_string(), Vec::new()));
        }
        _ => {}
    }
}

impl<'ast> Visit<'ast> for Migration<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for attribute in &item.attrs {
            self.visit_attribute(attribute);
        }
        self.at_root(item, &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<&Ident> = path.segments.iter().map(|segment| &segment.ident).collect();
        let first = names.first().map(ToString::to_string).unwrap_or_default();
        // `::name` is a crate, never an alias.
        let module = match path.leading_colon.is_some() && first != self.krate {
            true => None,
            false => self.module_of(&first),
        };
        if let Some(mut full) = module {
            let written_from = full.len();
            full.extend(names.iter().skip(1).map(ToString::to_string));
            if let Some((count, name)) = self.moved_name(&full) {
                let last = (count + 1).checked_sub(written_from + 1);
                let last = last.and_then(|at| names.get(at));
                let start = names.first().map(|first| range(*first, self.base).start);
                if let (Some(last), Some(start)) = (last, start) {
                    let end = range(*last, self.base).end;
                    let name = new_path(name);
                    self.replace(start..end, name);
                }
            }
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone(), false);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        for attribute in &item.attrs {
            self.visit_attribute(attribute);
        }
        let mut attributes = item.attrs.iter();
        let is_exported = attributes.any(|attribute| attribute.path().is_ident("macro_export"));
        self.tokens(item.mac.tokens.clone(), is_exported);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            self.doc(range(attribute, self.base));
        } else if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone(), false);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of_token = matches!(&*item.self_ty, syn::Type::Path(path)
            if path.path.segments.last().is_some_and(|last| last.ident == "CancellationToken"));
        if let (true, Some((path, _))) = (of_token, &item.trait_) {
            let mut hidden = Vec::new();
            for inner in &item.items {
                if let syn::ImplItem::Fn(function) = inner {
                    hidden.push(function.sig.ident.clone());
                }
            }
            hidden.retain(is_new_method);
            let of_trait = path.segments.last().map(|last| last.ident.to_string());
            for (name, method) in &self.defaults {
                if Some(name) == of_trait.as_ref() && !hidden.contains(method) {
                    hidden.push(method.clone());
                }
            }
            for method in hidden {
                let at = range(&method, self.base).start;
                self.left(
                    at,
                    format!(
                        "the token has a method `{method}` of its own, which takes precedence: \
                         rename this one, or call it by its trait"
                    ),
                );
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        if item.ident == self.krate && item.rename.is_some() {
            let at = range(item, self.base).start;
            self.left(
                at,
                format!(
                    "another name for {}: {TRAIT} and the token behind it are not followed",
                    self.krate
                ),
            );
        }
    }
}
