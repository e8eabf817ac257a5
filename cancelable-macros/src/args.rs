//! The arguments of the attribute.

use crate::{signal, span};
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
    pub(crate) timeout: Option<Span>,
    pub(crate) deadline: Option<Expr>,
    pub(crate) grace: Option<Span>,
    pub(crate) cleanup_budget: Option<Span>,
    pub(crate) signals: Vec<Ident>,
    pub(crate) condition: Option<Expr>,
    pub(crate) every: Option<Span>,
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

/// A span of time: read here, or an expression of one.
pub(crate) enum Span {
    Known(Duration),
    Given(Expr),
}

impl ToTokens for Span {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Known(span) => {
                let (seconds, nanos) = (span.as_secs(), span.subsec_nanos());
                tokens.extend(quote!(::core::time::Duration::new(#seconds, #nanos)));
            }
            Self::Given(expr) => expr.to_tokens(tokens),
        }
    }
}

impl Parse for Span {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let expr: Expr = input.parse()?;
        let Expr::Lit(ExprLit { lit, .. }) = &expr else {
            return Ok(Self::Given(expr));
        };
        let Lit::Str(text) = lit else {
            let message =
                r#"a span of time is a text such as "30s", or an expression of a Duration"#;
            return Err(syn::Error::new_spanned(lit, message));
        };
        match span::parse(&text.value()) {
            Ok(span) => Ok(Self::Known(span)),
            Err(message) => Err(syn::Error::new_spanned(text, message)),
        }
    }
}

/// All that is wrong, of which the first one is told first.
#[derive(Default)]
struct Faults(Option<syn::Error>);

impl Faults {
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
        let mut faults = Faults::default();
        while !input.is_empty() {
            // `crate` is a keyword, so any word is taken for a key.
            let key = input.call(Ident::parse_any)?;
            if seen.contains(&key) {
                faults.add(&key, format_args!("{key} is said twice"));
            }
            args.value(&key, input, &mut faults)?;
            seen.push(key);
            if input.is_empty() {
                break;
            }
            input.parse::<Token![,]>()?;
        }
        args.agree(&seen, &mut faults);
        match faults.0 {
            None => Ok(args),
            Some(faults) => Err(faults),
        }
    }
}

impl Args {
    fn value(
        &mut self,
        key: &Ident,
        input: ParseStream<'_>,
        faults: &mut Faults,
    ) -> syn::Result<()> {
        match key.to_string().as_str() {
            "name" => self.name = Some(after_equals(input)?),
            "timeout" => self.timeout = Some(after_equals(input)?),
            "deadline" => self.deadline = Some(after_equals(input)?),
            "grace" => self.grace = Some(after_equals(input)?),
            "cleanup_budget" => self.cleanup_budget = Some(after_equals(input)?),
            "signals" => {
                self.signals = list(key, input, faults)?;
                for name in &self.signals {
                    if let Err(message) = signal::check(&name.to_string()) {
                        faults.add(name, message);
                    }
                }
            }
            "condition" => self.condition = Some(after_equals(input)?),
            "every" => self.every = Some(after_equals(input)?),
            "sources" => self.sources = list(key, input, faults)?,
            "token" => self.token = Some(after_equals(input)?),
            "parent" => self.parent = Some(after_equals(input)?),
            "detached" => self.detached = true,
            "register" => self.register = true,
            "rt" => self.rt = Some(path(input)?),
            "runtime" => self.runtime = Some(after_equals(input)?),
            "inherit_runtime" => self.inherit_runtime = true,
            "crate" => self.krate = Some(path(input)?),
            other => {
                let message = format!("unknown key {other}: there are {KEYS}");
                return Err(syn::Error::new_spanned(key, message));
            }
        }
        Ok(())
    }

    /// Finds keys that contradict each other.
    fn agree(&self, seen: &[Ident], faults: &mut Faults) {
        let find = |name: &str| seen.iter().find(|key| *key == name);
        for (one, other, message) in [
            (
                "parent",
                "detached",
                "detached is a part of nothing, and parent names what it is a part of",
            ),
            (
                "runtime",
                "inherit_runtime",
                "inherit_runtime takes the runtime from elsewhere than runtime",
            ),
            (
                "detached",
                "inherit_runtime",
                "what is detached has nothing to inherit a runtime from",
            ),
        ] {
            if let (Some(_), Some(key)) = (find(one), find(other)) {
                faults.add(key, message);
            }
        }
        if let (Some(key), None) = (find("every"), &self.condition) {
            faults.add(
                key,
                "every is how often a condition is asked, and there is none",
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

/// What is in the parentheses after a key, which is something.
fn list<T: Parse>(key: &Ident, input: ParseStream<'_>, faults: &mut Faults) -> syn::Result<Vec<T>> {
    let content;
    parenthesized!(content in input);
    let items = Punctuated::<T, Token![,]>::parse_terminated(&content)?;
    if items.is_empty() {
        faults.add(key, format_args!("{key} names none"));
    }
    Ok(items.into_iter().collect())
}
