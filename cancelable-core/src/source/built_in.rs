//! The content of the sources that a scope does not start.
//!
//! A time limit becomes part of the scope's own deadline, a token becomes a parent of the scope's token, and each member
//! of an any-of becomes a source of the scope. Only core can make a [`BuiltIn`], and no other crate can name it, so a
//! source of a user is always started.

use super::{Limit, Source};
use crate::token::CancellationToken;

/// The content of a source that a scope does not start.
#[allow(
    missing_debug_implementations,
    unnameable_types,
    reason = "no part of the API: a crate that can name the type can override the method"
)]
pub struct BuiltIn(Kind);

pub(crate) enum Kind {
    Limit(Limit),
    Token(CancellationToken),
    /// The members of an any-of.
    Members(Vec<Box<dyn Source>>),
}

impl BuiltIn {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(kind)
    }

    pub(crate) fn into_kind(self) -> Kind {
        self.0
    }
}
