//! The description of the work (total, message, fields), and an edit of the description and the position.

use super::FieldValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The description of the work, beside the position.
#[derive(Clone, Default)]
pub(super) struct Description {
    pub(super) total: Option<u64>,
    pub(super) message: Option<Cow<'static, str>>,
    pub(super) fields: BTreeMap<Cow<'static, str>, FieldValue>,
}

/// Changes of a position and a description. `None` leaves the value unchanged.
#[derive(Debug, Default)]
pub(super) struct Edit {
    pub(super) start: Option<u64>,
    pub(super) position: Option<u64>,
    pub(super) total: Option<Option<u64>>,
    pub(super) message: Option<Option<Cow<'static, str>>>,
    pub(super) fields: BTreeMap<Cow<'static, str>, Option<FieldValue>>,
}

impl Description {
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
