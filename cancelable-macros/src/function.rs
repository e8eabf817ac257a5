//! The function under the attribute.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    AssocType, Attribute, Block, Expr, ExprAsync, FnArg, GenericArgument, GenericParam, ItemFn,
    Lifetime, Pat, PathArguments, ReturnType, Stmt, Type, TypeParamBound, TypeReference,
    WherePredicate, parse_quote,
};

/// An async function, or the expansion of one by `#[async_trait]`, which comes first:
/// `fn f(..) -> Pin<Box<dyn Future<Output = T> + ..>> { Box::pin(async move { .. }) }`.
pub(crate) struct Function {
    pub(crate) item: ItemFn,
    /// The parameter with the mark `#[scope]`.
    pub(crate) scope: Option<(Pat, Type)>,
    is_boxed: bool,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut item: ItemFn = input.parse()?;
        let is_boxed = item.sig.asyncness.is_none();
        if is_boxed && (boxed(&mut item.block).is_none() || output(&mut item).is_none()) {
            return Err(syn::Error::new_spanned(
                item.sig.fn_token,
                "expected an async fn: for blocking work call `Scope::run_blocking`",
            ));
        }
        let mut marked = take_scope(&mut item)?;
        if let (true, Some((_, ty))) = (is_boxed, &mut marked) {
            remove_lifetimes(&mut item, ty);
        }
        // On stable Rust the type `!` may only be the return type of a function.
        match &mut item.sig.output {
            ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => {
                **ty = parse_quote!(::core::convert::Infallible);
            }
            _ => {}
        }
        Ok(Self {
            item,
            scope: marked,
            is_boxed,
        })
    }
}

/// Returns whether an attribute of a parameter is the mark `#[scope]`.
fn is_mark(attribute: &Attribute) -> bool {
    attribute.path().is_ident("scope")
}

/// Removes the marked parameter from the signature and returns it.
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
            _ if mark.meta.require_path_only().is_err() => "#[scope] takes no arguments",
            (FnArg::Receiver(_), _) => "self is an argument of the caller and cannot be the scope",
            (_, Some(_)) => "duplicate #[scope]: another parameter has this mark",
            (FnArg::Typed(typed), None) => {
                marked = Some(((*typed.pat).clone(), (*typed.ty).clone()));
                continue;
            }
        };
        return Err(syn::Error::new_spanned(mark, message));
    }
    Ok(marked)
}

/// Returns the async block in the call of `Box::pin` at the end of the function.
fn boxed(block: &mut Block) -> Option<&mut ExprAsync> {
    let Some(Stmt::Expr(Expr::Call(call), None)) = block.stmts.last_mut() else {
        return None;
    };
    let Expr::Path(function) = &*call.func else {
        return None;
    };
    let mut names = function.path.segments.iter().rev().map(|name| &name.ident);
    if !(names.next()? == "pin" && names.next()? == "Box") {
        return None;
    }
    match call.args.first_mut() {
        Some(Expr::Async(block)) => Some(block),
        _ => None,
    }
}

/// Returns the output type of the boxed future.
fn output(item: &mut ItemFn) -> Option<&mut Type> {
    let ReturnType::Type(_, ty) = &mut item.sig.output else {
        return None;
    };
    let Type::TraitObject(object) = argument(argument(ty, "Pin")?, "Box")? else {
        return None;
    };
    object.bounds.iter_mut().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let future = bound.path.segments.last_mut()?;
        let PathArguments::AngleBracketed(arguments) = &mut future.arguments else {
            return None;
        };
        arguments
            .args
            .iter_mut()
            .find_map(|argument| match argument {
                GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == "Output" => {
                    Some(ty)
                }
                _ => None,
            })
    })
}

/// Returns the first type argument of `name`.
fn argument<'a>(ty: &'a mut Type, name: &str) -> Option<&'a mut Type> {
    let Type::Path(path) = ty else { return None };
    let last = path
        .path
        .segments
        .last_mut()
        .filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &mut last.arguments else {
        return None;
    };
    arguments
        .args
        .iter_mut()
        .find_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
}

/// Removes the lifetimes that `#[async_trait]` has added to the signature for the removed parameter of type `ty`. The
/// lifetimes have to be equal to those of the trait's method.
fn remove_lifetimes(item: &mut ItemFn, ty: &mut Type) {
    let mut added = AddedLifetimes(Vec::new());
    added.visit_type_mut(ty);
    let is_added = |lifetime: &Lifetime| added.0.contains(lifetime);
    let generics = &mut item.sig.generics;
    let params = std::mem::take(&mut generics.params).into_iter();
    generics.params = params
        .filter(
            |param| !matches!(param, GenericParam::Lifetime(param) if is_added(&param.lifetime)),
        )
        .collect();
    if let Some(clause) = &mut generics.where_clause {
        let predicates = std::mem::take(&mut clause.predicates).into_iter();
        clause.predicates = predicates
            .filter(|predicate| {
                !matches!(predicate, WherePredicate::Lifetime(bound) if is_added(&bound.lifetime))
            })
            .collect();
    }
}

/// Removes the added lifetimes from a type and collects them.
struct AddedLifetimes(Vec<Lifetime>);

impl VisitMut for AddedLifetimes {
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        let is_added = |lifetime: &Lifetime| lifetime.ident.to_string().starts_with("life");
        if reference.lifetime.as_ref().is_some_and(is_added) {
            self.0.extend(reference.lifetime.take());
        }
        visit_mut::visit_type_reference_mut(self, reference);
    }
}

impl Function {
    /// Returns the written return type of the async function, if there is one.
    fn returned(&self) -> Option<Type> {
        if self.is_boxed {
            return output(&mut self.item.clone()).cloned();
        }
        match &self.item.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some((**ty).clone()),
        }
    }

    /// Returns the statements of the function.
    pub(crate) fn statements(&self) -> Vec<Stmt> {
        let mut block = (*self.item.block).clone();
        match boxed(&mut block).filter(|_| self.is_boxed) {
            Some(inner) => inner.block.stmts.clone(),
            None => block.stmts,
        }
    }

    /// Replaces the statements of the function with those of `block`.
    pub(crate) fn with_block(mut self, block: Block) -> ItemFn {
        match boxed(&mut self.item.block).filter(|_| self.is_boxed) {
            Some(inner) => inner.block = block,
            None => *self.item.block = block,
        }
        self.item
    }

    /// Returns the type of the body for an annotation, with `_` for each `impl Trait`.
    pub(crate) fn body_type(&self) -> TokenStream {
        let Some(mut ty) = self.returned() else {
            return quote!(());
        };
        InferImplTrait.visit_type_mut(&mut ty);
        ty.into_token_stream()
    }

    /// Returns whether the return type is called `Result`, by any path.
    pub(crate) fn is_fallible(&self) -> bool {
        let Some(Type::Path(path)) = self.returned() else {
            return false;
        };
        let last = path.path.segments.last();
        last.is_some_and(|last| last.ident == "Result")
    }

    /// Replaces the return type `T` by `Result<T, RunError>`.
    pub(crate) fn make_fallible(&mut self, krate: &syn::Path) {
        let span = self.item.sig.output.span();
        let ty = self.returned().unwrap_or_else(|| parse_quote!(()));
        let result =
            quote::quote_spanned!(span=> ::core::result::Result<#ty, #krate::scope::RunError>);
        match output(&mut self.item).filter(|_| self.is_boxed) {
            Some(output) => *output = parse_quote!(#result),
            None => {
                let output = quote::quote_spanned!(span=> -> #result);
                self.item.sig.output = parse_quote!(#output);
            }
        }
    }
}

/// Replaces each `impl Trait` by `_`, since `impl Trait` is allowed in signatures only.
struct InferImplTrait;

impl VisitMut for InferImplTrait {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = parse_quote!(_),
            ty => visit_mut::visit_type_mut(self, ty),
        }
    }
}

/// Returns the function without the attribute and its marks. The function is emitted together with the errors of
/// the attribute, so that calls of the function compile.
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
