//! Progress for `serde`.

use super::{FieldValue, ProgressFigures, ProgressSnapshot};
use crate::cause::serial::seconds;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

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
