//! Snapshots of operations for `serde`.

use super::progress::FieldValue;
use super::{
    Metadata, OperationSnapshot, PartialSnapshot, ProgressFigures, ProgressSnapshot, Status,
};
use crate::cause::serial::place;
use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

fn seconds(span: Option<Duration>) -> Option<f64> {
    span.map(|span| span.as_secs_f64())
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<'de, str>::deserialize(deserializer)?;
        let mut all = Self::ALL.into_iter();
        all.find(|status| status.as_str() == word)
            .ok_or_else(|| D::Error::custom(format!("{word:?} is no status of an operation")))
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut metadata = Self::default();
        for (key, value) in BTreeMap::<String, String>::deserialize(deserializer)? {
            metadata.set(key.into(), value.into());
        }
        Ok(metadata)
    }
}

impl Serialize for FieldValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::I64(number) => serializer.serialize_i64(*number),
            Self::U64(number) => serializer.serialize_u64(*number),
            Self::F64(number) => serializer.serialize_f64(*number),
            Self::Bool(answer) => serializer.serialize_bool(*answer),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl Serialize for ProgressFigures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut figures = serializer.serialize_struct("ProgressFigures", 5)?;
        figures.serialize_field("position", &self.position())?;
        figures.serialize_field("total", &self.total())?;
        figures.serialize_field("fraction", &self.fraction())?;
        figures.serialize_field("per_second", &self.rate())?;
        figures.serialize_field("eta_seconds", &seconds(self.eta()))?;
        figures.end()
    }
}

impl Serialize for ProgressSnapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut progress = serializer.serialize_struct("ProgressSnapshot", 4)?;
        progress.serialize_field("own", self.own())?;
        progress.serialize_field("overall", self.overall())?;
        progress.serialize_field("message", &self.message())?;
        progress.serialize_field("fields", &self.fields().collect::<BTreeMap<_, _>>())?;
        progress.end()
    }
}

impl Serialize for PartialSnapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut partial = serializer.serialize_struct("PartialSnapshot", 2)?;
        partial.serialize_field("type_name", self.type_name())?;
        partial.serialize_field("text", &self.text())?;
        partial.end()
    }
}

impl Serialize for OperationSnapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut operation = serializer.serialize_struct("OperationSnapshot", 13)?;
        operation.serialize_field("id", &self.id())?;
        operation.serialize_field("name", self.name())?;
        operation.serialize_field("parent", &self.parent())?;
        operation.serialize_field("status", &self.status())?;
        operation.serialize_field("opened_at", &place(self.opened_at()))?;
        operation.serialize_field("age_seconds", &seconds(self.age()))?;
        operation.serialize_field("elapsed_seconds", &seconds(self.elapsed()))?;
        operation.serialize_field("remaining_seconds", &seconds(self.remaining()))?;
        operation.serialize_field("cause", &self.cause())?;
        operation.serialize_field("error", &self.error())?;
        operation.serialize_field("progress", &self.progress())?;
        operation.serialize_field("partial", &self.partial())?;
        operation.serialize_field("metadata", self.metadata())?;
        operation.end()
    }
}
