//! The calls of the methods of the extension trait in a file.

use crate::names::{KEPT_METHODS, MOVED_METHODS};
use proc_macro2::{TokenStream, TokenTree};

/// The calls of the methods of the extension trait, by their places.
#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) moved: Vec<usize>,
    pub(crate) has_kept: bool,
}

impl Calls {
    pub(crate) fn collect(&mut self, tokens: TokenStream, base: usize) {
        let mut after_dot = false;
        for token in tokens {
            match &token {
                TokenTree::Group(group) => self.collect(group.stream(), base),
                TokenTree::Ident(ident) if after_dot => {
                    let name = ident.to_string();
                    if MOVED_METHODS.contains(&name.as_str()) {
                        self.moved.push(ident.span().byte_range().start + base);
                    }
                    self.has_kept |= KEPT_METHODS.contains(&name.as_str());
                }
                _ => {}
            }
            after_dot = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '.');
        }
    }

    /// Whether the import of the trait moves.
    pub(crate) fn is_trait_moved(&self) -> bool {
        !self.moved.is_empty() && !self.has_kept
    }
}
