//! The arguments of the attribute.

use crate::{duration, signal};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use std::time::Duration;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, Path, Token, parenthesized};

const KEYS: &str = "name, timeout, deadline, grace, cleanup_budget, signals, condition, every, sources, \
                    token, parent, detached, register, rt, runtime, inherit_runtime and crate";

#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Option<Expr>,
    pub(crate) timeout: Option<DurationArg>,
    pub(crate) deadline: Option<Expr>,
    pub(crate) grace: Option<DurationArg>,
    pub(crate) cleanup_budget: Option<DurationArg>,
    pub(crate) signals: Vec<Ident>,
    pub(crate) condition: Option<Expr>,
    pub(crate) every: Option<DurationArg>,
    pub(crate) sources: Vec<Expr>,
    pub(crate) token: Option<Expr>,
    pub(crate) parent: Option<Expr>,
    pub(crate) detached: bool,
    pub(crate) register: bool,
    pub(crate) rt: Option<Path>,
    pub(crate) runtime: Option<Expr>,
    pub(crate) inherit_runtime: bool,
    pub(crate) krate: Option<Path>,
}

/// A duration: a literal that is parsed here, or an expression.
pub(crate) enum DurationArg {
    Literal(Duration),
    Expr(Expr),
}

impl ToTokens for DurationArg {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(duration) => {
                let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
                tokens.extend(quote!(::core::time::Duration::new(#seconds, #nanos)));
            }
            Self::Expr(expr) => expr.to_tokens(tokens),
        }
    }
}

impl Parse for DurationArg {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let expr: Expr = input.parse()?;
        let Expr::Lit(ExprLit { lit, .. }) = &expr else {
            return Ok(Self::Expr(expr));
        };
        let Lit::Str(text) = lit else {
            let message =
                r#"expected a duration: a text such as "30s", or an expression of type Duration"#;
            return Err(syn::Error::new_spanned(lit, message));
        };
        match duration::parse(&text.value()) {
            Ok(duration) => Ok(Self::Literal(duration)),
            Err(message) => Err(syn::Error::new_spanned(text, message)),
        }
    }
}

/// The errors of all arguments, in their order.
#[derive(Default)]
struct Errors(Option<syn::Error>);

impl Errors {
    fn add(&mut self, at: &impl ToTokens, message: impl std::fmt::Display) {
        let error = syn::Error::new_spanned(at, message);
        match &mut self.0 {
            None => self.0 = Some(error),
            Some(first) => first.combine(error),
        }
    }
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut args = Self::default();
        let mut seen: Vec<Ident> = Vec::new();
        let mut errors = Errors::default();
        while !input.is_empty() {
            // `parse_any`, since `crate` is a keyword.
            let key = input.call(Ident::parse_any)?;
            if seen.contains(&key) {
                errors.add(&key, format_args!("duplicate key {key}"));
            }
            args.value(&key, input, &mut errors)?;
            seen.push(key);
            if input.is_empty() {
                break;
            }
            input.parse::<Token![,]>()?;
        }
        args.check_conflicts(&seen, &mut errors);
        match errors.0 {
            None => Ok(args),
            Some(errors) => Err(errors),
        }
    }
}

impl Args {
    fn value(
        &mut self,
        key: &Ident,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        match key.to_string().as_str() {
            "name" => self.name = Some(after_equals(input)?),
            "timeout" => self.timeout = Some(after_equals(input)?),
            "deadline" => self.deadline = Some(after_equals(input)?),
            "grace" => self.grace = Some(after_equals(input)?),
            "cleanup_budget" => self.cleanup_budget = Some(after_equals(input)?),
            "signals" => {
                self.signals = list(key, input, errors)?;
                for name in &self.signals {
                    if let Err(message) = signal::check(&name.to_string()) {
                        errors.add(name, message);
                    }
                }
            }
            "condition" => self.condition = Some(after_equals(input)?),
            "every" => self.every = Some(after_equals(input)?),
            "sources" => self.sources = list(key, input, errors)?,
            "token" => self.token = Some(after_equals(input)?),
            "parent" => self.parent = Some(after_equals(input)?),
            "detached" => self.detached = true,
            "register" => self.register = true,
            "rt" => self.rt = Some(path(input)?),
            "runtime" => self.runtime = Some(after_equals(input)?),
            "inherit_runtime" => self.inherit_runtime = true,
            "crate" => self.krate = Some(path(input)?),
            other => {
                let message = format!("unknown key {other}: the keys are {KEYS}");
                return Err(syn::Error::new_spanned(key, message));
            }
        }
        Ok(())
    }

    /// Adds an error for each pair of keys that contradict each other.
    fn check_conflicts(&self, seen: &[Ident], errors: &mut Errors) {
        let find = |name: &str| seen.iter().find(|key| *key == name);
        for (one, other, message) in [
            (
                "parent",
                "detached",
                "parent and detached contradict each other: a detached scope has no parent",
            ),
            (
                "runtime",
                "inherit_runtime",
                "runtime and inherit_runtime contradict each other: each sets the runtime",
            ),
            (
                "detached",
                "inherit_runtime",
                "detached and inherit_runtime contradict each other: a detached scope has no parent",
            ),
        ] {
            if let (Some(_), Some(key)) = (find(one), find(other)) {
                errors.add(key, message);
            }
        }
        if let (Some(key), None) = (find("every"), &self.condition) {
            errors.add(
                key,
                "every is the interval of a condition, and there is no condition",
            );
        }
    }
}

fn after_equals<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

fn path(input: ParseStream<'_>) -> syn::Result<Path> {
    input.parse::<Token![=]>()?;
    input.call(Path::parse_mod_style)
}

/// Parses the list in parentheses after a key. An empty list is an error.
fn list<T: Parse>(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Vec<T>> {
    let content;
    parenthesized!(content in input);
    let items = Punctuated::<T, Token![,]>::parse_terminated(&content)?;
    if items.is_empty() {
        errors.add(key, format_args!("{key} is empty"));
    }
    Ok(items.into_iter().collect())
}
