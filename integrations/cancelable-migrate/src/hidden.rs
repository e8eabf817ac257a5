//! Methods of a project's traits that the new token hides.

use crate::names::NEW_METHODS;
use syn::visit::{self, Visit};

/// Collects the default methods of traits that the new token has itself.
pub(crate) struct Defaults<'a>(pub(crate) &'a mut Vec<(String, syn::Ident)>);

impl Visit<'_> for Defaults<'_> {
    fn visit_item_trait(&mut self, item: &syn::ItemTrait) {
        for inner in &item.items {
            if let syn::TraitItem::Fn(function) = inner {
                if function.default.is_some() && is_new_method(&function.sig.ident) {
                    self.0
                        .push((item.ident.to_string(), function.sig.ident.clone()));
                }
            }
        }
        visit::visit_item_trait(self, item);
    }
}

/// Returns true if the new token has a method of this name, and tokio-util's has none.
pub(crate) fn is_new_method(name: &syn::Ident) -> bool {
    NEW_METHODS.iter().any(|method| name == method)
}
