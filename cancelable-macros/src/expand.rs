//! The expansion of the attribute.

use crate::args::Args;
use crate::function::{Function, unmarked};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Ident, Path, Type, parse_quote};

/// Returns the function with its body in a scope, or the errors of the attribute beside the function.
pub(crate) fn cancelable(args: TokenStream, item: TokenStream) -> TokenStream {
    let args = syn::parse2::<Args>(args);
    let function = syn::parse2::<Function>(item.clone());
    let error = match (args, function) {
        (Ok(args), Ok(function)) => return expand(&args, function),
        (Err(mut error), Err(other)) => {
            error.combine(other);
            error
        }
        (Err(error), _) | (_, Err(error)) => error,
    };
    let error = error.into_compile_error();
    let item = unmarked(item);
    quote!(#error #item)
}

fn expand(args: &Args, mut function: Function) -> TokenStream {
    let krate = args.krate.clone();
    let krate: Path = krate.unwrap_or_else(|| parse_quote!(::cancelable_core));
    // A name that the body cannot see.
    let scope = Ident::new("scope", Span::mixed_site());

    let builder = builder(args, &function, &krate);
    let body = body(&function);
    // The temporaries of the builder are dropped before the body moves its captures.
    let block = match function.is_fallible() {
        true => quote!({
            let #scope = #builder;
            let outcome = #scope.try_run(#body).await;
            outcome.into_result().map_err(#krate::scope::RunError::flatten)
        }),
        false => {
            function.make_fallible(&krate);
            quote!({
                let #scope = #builder;
                #scope.run(#body).await.into_result()
            })
        }
    };
    function
        .with_block(parse_quote!(#block))
        .into_token_stream()
}

/// Returns the body as a closure for the scope.
fn body(function: &Function) -> TokenStream {
    let run = Ident::new("run", Span::mixed_site());
    let returned = Ident::new("returned", Span::mixed_site());
    let given = match &function.scope {
        None => quote!(let _ = #run;),
        Some((pattern, ty)) => {
            let given = match ty {
                Type::Reference(_) => quote!(&#run),
                _ => quote!(#run),
            };
            quote!(let #pattern: #ty = #given;)
        }
    };
    // A return that never happens gives the type to which other returns are coerced, as the signature of a function
    // does. The return type of an async closure does not.
    let ty = function.body_type();
    let statements = function.statements();
    quote!(async move |#run| {
        #given
        #[allow(unknown_lints, unreachable_code, clippy::all)]
        if false {
            let #returned: #ty = loop {};
            return #returned;
        }
        #(#statements)*
    })
}

/// Returns the expression that builds the builder.
fn builder(args: &Args, function: &Function, krate: &Path) -> TokenStream {
    let rt = args.rt.clone().unwrap_or_else(|| parse_quote!(::rt));
    let name = match &args.name {
        Some(name) => name.to_token_stream(),
        None => function
            .item
            .sig
            .ident
            .to_string()
            .trim_start_matches("r#")
            .to_token_stream(),
    };
    let mut calls = quote!(#krate::Scope::builder(#name));
    let mut add = |call: TokenStream| calls.extend(call);
    if let Some(parent) = &args.parent {
        add(quote!(.parent(#parent)));
    }
    if args.detached {
        add(quote!(.detached()));
    }
    if args.register {
        add(quote!(.register()));
    }
    if let Some(runtime) = &args.runtime {
        add(quote!(.runtime(#runtime)));
    } else if needs_runtime(args) && !args.inherit_runtime {
        add(quote!(.default_runtime(#rt::current)));
    }
    for (name, span) in [
        ("timeout", &args.timeout),
        ("grace", &args.grace),
        ("cleanup_budget", &args.cleanup_budget),
    ] {
        let method = Ident::new(name, Span::call_site());
        if let Some(span) = span {
            add(quote!(.#method(#span)));
        }
    }
    if let Some(deadline) = &args.deadline {
        add(quote!(.deadline(#deadline)));
    }
    if let Some(token) = &args.token {
        add(quote!(.token(#token)));
    }
    if !args.signals.is_empty() {
        let names = args.signals.iter().map(ToString::to_string);
        // The name of a signal that this platform lacks is an error at the entry of the scope.
        add(quote!(.source((|| {
            ::core::result::Result::<_, #rt::InvalidSignal>::Ok(
                #rt::signals([#(#names.parse::<#rt::Signal>()?),*])
            )
        })())));
    }
    if let Some(condition) = &args.condition {
        let every = match &args.every {
            Some(every) => every.to_token_stream(),
            None => quote!(::core::time::Duration::from_secs(1)),
        };
        add(quote!(.source(#krate::source::condition(#every, #condition))));
    }
    for source in &args.sources {
        add(quote!(.source(#source)));
    }
    calls
}

/// Returns whether the scope may need a runtime.
fn needs_runtime(args: &Args) -> bool {
    args.timeout.is_some()
        || args.deadline.is_some()
        || args.grace.is_some()
        || args.cleanup_budget.is_some()
        || args.condition.is_some()
        || !args.sources.is_empty()
        || !args.signals.is_empty()
}
