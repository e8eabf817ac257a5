//! The function that bears the attribute.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, FnArg, ItemFn, Pat, ReturnType, Type, parse_quote};

pub(crate) struct Function {
    pub(crate) item: ItemFn,
    /// The parameter that is to be filled in.
    pub(crate) scope: Option<(Pat, Type)>,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut item: ItemFn = input.parse()?;
        if item.sig.asyncness.is_none() {
            return Err(syn::Error::new_spanned(
                item.sig.fn_token,
                "only an async fn can be dropped half-way: for blocking work there is `Scope::run_blocking`",
            ));
        }
        let marked = take_scope(&mut item)?;
        Ok(Self {
            item,
            scope: marked,
        })
    }
}

/// Whether an attribute of a parameter is the mark, which is nobody else's.
fn is_mark(attribute: &Attribute) -> bool {
    attribute.path().is_ident("scope")
}

/// Takes the marked parameter out of the signature.
fn take_scope(item: &mut ItemFn) -> syn::Result<Option<(Pat, Type)>> {
    let mut marked = None;
    let inputs = std::mem::take(&mut item.sig.inputs);
    for input in inputs {
        let attributes = match &input {
            FnArg::Receiver(receiver) => &receiver.attrs,
            FnArg::Typed(typed) => &typed.attrs,
        };
        let Some(mark) = attributes.iter().find(|attribute| is_mark(attribute)) else {
            item.sig.inputs.push(input);
            continue;
        };
        let message = match (&input, &marked) {
            _ if mark.meta.require_path_only().is_err() => "#[scope] takes nothing",
            (FnArg::Receiver(_), _) => "self is given by the caller, and cannot be the scope",
            (_, Some(_)) => "the scope is one parameter, and another one is marked already",
            (FnArg::Typed(typed), None) => {
                marked = Some(((*typed.pat).clone(), (*typed.ty).clone()));
                continue;
            }
        };
        return Err(syn::Error::new_spanned(mark, message));
    }
    Ok(marked)
}

impl Function {
    /// The type that the body has, for an annotation: where it is not named it is left to be found.
    pub(crate) fn body_type(&self) -> TokenStream {
        match &self.item.sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => {
                let mut ty = (**ty).clone();
                Unnamed.visit_type_mut(&mut ty);
                ty.into_token_stream()
            }
        }
    }

    /// Whether it returns a `Result`, by whatever path.
    pub(crate) fn is_fallible(&self) -> bool {
        let ReturnType::Type(_, ty) = &self.item.sig.output else {
            return false;
        };
        let Type::Path(path) = &**ty else {
            return false;
        };
        let last = path.path.segments.last();
        last.is_some_and(|last| last.ident == "Result")
    }

    /// Has it return a `Result` of what it returned.
    pub(crate) fn make_fallible(&mut self, krate: &syn::Path) {
        let output = &self.item.sig.output;
        let span = output.span();
        let ty: Type = match output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        let output =
            quote::quote_spanned!(span=> -> ::core::result::Result<#ty, #krate::scope::RunError>);
        self.item.sig.output = parse_quote!(#output);
    }
}

/// Takes `impl Trait` for a type that is inferred: it may stand in a signature only.
struct Unnamed;

impl VisitMut for Unnamed {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = parse_quote!(_),
            ty => visit_mut::visit_type_mut(self, ty),
        }
    }
}

/// The function without the attribute and its marks, to stand beside an error: what is wrong is told
/// once, and not of each call of a function that is not there.
pub(crate) fn unmarked(item: TokenStream) -> TokenStream {
    let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) else {
        return item;
    };
    for input in &mut function.sig.inputs {
        if let FnArg::Typed(typed) = input {
            typed.attrs.retain(|attribute| !is_mark(attribute));
        }
    }
    function.into_token_stream()
}
