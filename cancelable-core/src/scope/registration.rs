//! What a scope says about being listed when it is built: its registry, its hooks, its metadata.

use super::ScopeBuilder;
use crate::cause::{Cause, OperationId};
use crate::operation::{Hooks, Observer, Operation, ProgressUpdate};
use crate::registry::Registry;
use std::borrow::Cow;
use std::mem;
use std::sync::Arc;

/// In which registry a scope will be.
pub(super) enum Registration {
    /// The one of what it is a part of.
    Inherited,
    In(Arc<dyn Observer>),
    Nowhere,
}

impl Registration {
    /// Returns the registry as the observer of the operation with this number.
    pub(super) fn observer(
        &self,
        id: OperationId,
        parent: Option<&Operation>,
    ) -> Option<Arc<dyn Observer>> {
        match self {
            Self::Inherited => parent?.record().registry.as_ref()?.of_inner(id),
            Self::In(registry) => registry.of_inner(id),
            Self::Nowhere => None,
        }
    }
}

impl ScopeBuilder {
    /// Lists the scope in the [global registry](Registry::global), from when it is built to its
    /// end, and with it what is opened as a part of it.
    ///
    /// A scope is in one registry. Unless it says otherwise that is the registry of what it is a
    /// part of, if there is one, so that a tree is listed whole.
    pub fn register(self) -> Self {
        self.register_in(Registry::global())
    }

    /// [`register`](Self::register) in a registry of the program's own.
    pub fn register_in(mut self, registry: &Registry) -> Self {
        self.registration = Registration::In(registry.observer());
        self
    }

    /// Lists neither the scope nor what is opened as a part of it, though what it is a part of is
    /// listed.
    pub fn unregistered(mut self) -> Self {
        self.registration = Registration::Nowhere;
        self
    }

    /// Notes `value` under `key`; see [`Operation::set_metadata`].
    pub fn metadata(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.rare().metadata.set(key.into(), value.into());
        self
    }

    /// Has `hooks` called as the scope goes on, after those that it has.
    pub fn hooks(self, hooks: Hooks) -> Self {
        self.hooked(|own| own.and_all(hooks))
    }

    /// Calls `hook` when the scope is entered; see [`Hooks::on_start`].
    pub fn on_start(self, hook: impl Fn(&Operation) + Send + Sync + 'static) -> Self {
        self.hooked(|hooks| hooks.on_start(hook))
    }

    /// Calls `hook` when the scope is asked to stop, at once and on the thread that asks; see
    /// [`Hooks::on_cancel_requested`].
    pub fn on_cancel_requested(
        self,
        hook: impl Fn(&Operation, &Cause) + Send + Sync + 'static,
    ) -> Self {
        self.hooked(|hooks| hooks.on_cancel_requested(hook))
    }

    /// Calls `hook` when the scope or something below it has made progress; see
    /// [`Hooks::on_progress`].
    pub fn on_progress(
        self,
        hook: impl Fn(&Operation, &ProgressUpdate) + Send + Sync + 'static,
    ) -> Self {
        self.hooked(|hooks| hooks.on_progress(hook))
    }

    /// Calls `hook` when the scope has completed.
    pub fn on_completed(self, hook: impl Fn(&Operation) + Send + Sync + 'static) -> Self {
        self.hooked(|hooks| hooks.on_completed(hook))
    }

    /// Calls `hook` when the scope has ended because it was cancelled.
    pub fn on_cancelled(self, hook: impl Fn(&Operation, &Cause) + Send + Sync + 'static) -> Self {
        self.hooked(|hooks| hooks.on_cancelled(hook))
    }

    /// Calls `hook` when the scope has failed, with [the error's text](Operation::error_text).
    pub fn on_failed(self, hook: impl Fn(&Operation, &str) + Send + Sync + 'static) -> Self {
        self.hooked(|hooks| hooks.on_failed(hook))
    }

    /// Calls `hook` when the scope has ended, in whichever way.
    pub fn on_end(self, hook: impl Fn(&Operation) + Send + Sync + 'static) -> Self {
        self.hooked(|hooks| hooks.on_end(hook))
    }

    fn hooked(mut self, add: impl FnOnce(Hooks) -> Hooks) -> Self {
        let hooks = &mut self.rare().hooks;
        *hooks = add(mem::take(hooks));
        self
    }
}
