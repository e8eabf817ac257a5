//! What the work says of itself beside the position, and how that is changed.

use super::FieldValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What the work says of itself, beside the position.
#[derive(Clone, Default)]
pub(super) struct Notes {
    pub(super) total: Option<u64>,
    pub(super) message: Option<Cow<'static, str>>,
    pub(super) fields: BTreeMap<Cow<'static, str>, FieldValue>,
}

/// What is to be changed; what is none stays as it is.
#[derive(Debug, Default)]
pub(super) struct Edit {
    pub(super) start: Option<u64>,
    pub(super) position: Option<u64>,
    pub(super) total: Option<Option<u64>>,
    pub(super) message: Option<Option<Cow<'static, str>>>,
    pub(super) fields: BTreeMap<Cow<'static, str>, Option<FieldValue>>,
}

impl Notes {
    pub(super) fn apply(&mut self, edit: Edit) {
        if let Some(total) = edit.total {
            self.total = total;
        }
        if let Some(message) = edit.message {
            self.message = message;
        }
        for (key, value) in edit.fields {
            match value {
                Some(value) => self.fields.insert(key, value),
                None => self.fields.remove(&key),
            };
        }
    }
}
