//! A batch of changes of an operation's progress.

use super::FieldValue;
use super::edit::Edit;
use super::meter::Meter;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A batch of changes of an operation's progress, from [`Progress::change`](super::Progress::change).
///
/// A reader sees none of the changes or all, and a hook is called once for them. Each method does the same as the
/// method of that name of [`Progress`](super::Progress). If two calls set the same value, the last call counts.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = Scope::builder("import").build()?;
/// let progress = scope.progress();
/// progress.change().start_at(40).set_total(120).set_message("copying").apply();
/// assert_eq!(progress.snapshot().to_string(), "40 of 120 (33 %): copying");
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is changed until `apply()`"]
pub struct ProgressChange<'a> {
    meter: &'a Arc<Meter>,
    edit: Edit,
}

impl<'a> ProgressChange<'a> {
    pub(super) fn new(meter: &'a Arc<Meter>) -> Self {
        Self {
            meter,
            edit: Edit::default(),
        }
    }

    /// Starts at `position`, with steps that were done before.
    pub fn start_at(mut self, position: u64) -> Self {
        self.edit.start = Some(position);
        self.edit.position = Some(position);
        self
    }

    /// Sets the position.
    pub fn set_position(mut self, position: u64) -> Self {
        self.edit.position = Some(position);
        self
    }

    /// Sets the total.
    pub fn set_total(mut self, total: u64) -> Self {
        self.edit.total = Some(Some(total));
        self
    }

    /// Removes the total.
    pub fn clear_total(mut self) -> Self {
        self.edit.total = Some(None);
        self
    }

    /// Sets the message.
    pub fn set_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.edit.message = Some(Some(message.into()));
        self
    }

    /// Removes the message.
    pub fn clear_message(mut self) -> Self {
        self.edit.message = Some(None);
        self
    }

    /// Sets a field.
    pub fn set_field(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<FieldValue>,
    ) -> Self {
        self.edit.fields.insert(key.into(), Some(value.into()));
        self
    }

    /// Removes a field.
    pub fn remove_field(mut self, key: impl Into<Cow<'static, str>>) -> Self {
        self.edit.fields.insert(key.into(), None);
        self
    }

    /// Applies the changes, unless the operation has ended.
    pub fn apply(self) {
        self.meter.apply(self.edit);
    }
}

impl fmt::Debug for ProgressChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressChange")
            .field("operation", &self.meter.label)
            .field("edit", &self.edit)
            .finish()
    }
}
