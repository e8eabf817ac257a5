//! Snapshots of operations for `serde`.

use super::OperationSnapshot;
use crate::cause::serial::{location_text, seconds};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

impl Serialize for OperationSnapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut operation = serializer.serialize_struct("OperationSnapshot", 14)?;
        operation.serialize_field("id", &self.id())?;
        operation.serialize_field("name", self.name())?;
        operation.serialize_field("parent", &self.parent())?;
        operation.serialize_field("status", &self.status())?;
        operation.serialize_field("location", &location_text(self.location()))?;
        operation.serialize_field("age_seconds", &seconds(self.age()))?;
        operation.serialize_field("elapsed_seconds", &seconds(self.elapsed()))?;
        operation.serialize_field("remaining_seconds", &seconds(self.remaining()))?;
        operation.serialize_field("stopping_seconds", &seconds(self.stopping_for()))?;
        operation.serialize_field("cause", &self.cause())?;
        operation.serialize_field("error", &self.error())?;
        operation.serialize_field("progress", &self.progress())?;
        operation.serialize_field("partial", &self.partial())?;
        operation.serialize_field("metadata", self.metadata())?;
        operation.end()
    }
}
