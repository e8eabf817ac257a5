//! The function that bears the attribute.

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

/// An async function, or what `#[async_trait]` has made of one before this attribute had its turn:
/// `fn f(..) -> Pin<Box<dyn Future<Output = T> + ..>> { Box::pin(async move { .. }) }`.
pub(crate) struct Function {
    pub(crate) item: ItemFn,
    /// The parameter that is to be filled in.
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
                "only an async fn can be dropped half-way: for blocking work there is `Scope::run_blocking`",
            ));
        }
        let mut marked = take_scope(&mut item)?;
        if let (true, Some((_, ty))) = (is_boxed, &mut marked) {
            forget_lifetimes(&mut item, ty);
        }
        // On stable Rust this type is written as what a function returns and nowhere else.
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

/// The block that `Box::pin` is given at the end of the function.
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

/// The type that the boxed future of the function has as its output.
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

/// The first type in the angle brackets after `name`.
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

/// Takes out of the signature the lifetimes that `#[async_trait]` has made for a parameter of type `ty`,
/// which is no parameter any more: those of the trait's function have to be the same.
fn forget_lifetimes(item: &mut ItemFn, ty: &mut Type) {
    let mut made = Made(Vec::new());
    made.visit_type_mut(ty);
    let is_made = |lifetime: &Lifetime| made.0.contains(lifetime);
    let generics = &mut item.sig.generics;
    let params = std::mem::take(&mut generics.params).into_iter();
    generics.params = params
        .filter(|param| !matches!(param, GenericParam::Lifetime(param) if is_made(&param.lifetime)))
        .collect();
    if let Some(clause) = &mut generics.where_clause {
        let predicates = std::mem::take(&mut clause.predicates).into_iter();
        clause.predicates = predicates
            .filter(|predicate| {
                !matches!(predicate, WherePredicate::Lifetime(bound) if is_made(&bound.lifetime))
            })
            .collect();
    }
}

/// Takes the lifetimes that have been made out of a type, and notes them.
struct Made(Vec<Lifetime>);

impl VisitMut for Made {
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        let made = |lifetime: &Lifetime| lifetime.ident.to_string().starts_with("life");
        if reference.lifetime.as_ref().is_some_and(made) {
            self.0.extend(reference.lifetime.take());
        }
        visit_mut::visit_type_reference_mut(self, reference);
    }
}

impl Function {
    /// The type that is written after the arrow of the async function, if one is.
    fn returned(&self) -> Option<Type> {
        if self.is_boxed {
            return output(&mut self.item.clone()).cloned();
        }
        match &self.item.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some((**ty).clone()),
        }
    }

    /// What the function does.
    pub(crate) fn statements(&self) -> Vec<Stmt> {
        let mut block = (*self.item.block).clone();
        match boxed(&mut block).filter(|_| self.is_boxed) {
            Some(inner) => inner.block.stmts.clone(),
            None => block.stmts,
        }
    }

    /// The function with another block in the place of what it does.
    pub(crate) fn with_block(mut self, block: Block) -> ItemFn {
        match boxed(&mut self.item.block).filter(|_| self.is_boxed) {
            Some(inner) => inner.block = block,
            None => *self.item.block = block,
        }
        self.item
    }

    /// The type that the body has, for an annotation: where it is not named it is left to be found.
    pub(crate) fn body_type(&self) -> TokenStream {
        let Some(mut ty) = self.returned() else {
            return quote!(());
        };
        Unnamed.visit_type_mut(&mut ty);
        ty.into_token_stream()
    }

    /// Whether it returns a `Result`, by whatever path.
    pub(crate) fn is_fallible(&self) -> bool {
        let Some(Type::Path(path)) = self.returned() else {
            return false;
        };
        let last = path.path.segments.last();
        last.is_some_and(|last| last.ident == "Result")
    }

    /// Has it return a `Result` of what it returned.
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
