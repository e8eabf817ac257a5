//! The value of a field of progress.

use crate::sync::escape;
use std::borrow::Cow;
use std::fmt;

/// The value of a [field](super::Progress::set_field) of an operation's progress.
///
/// # Examples
///
/// ```
/// use cancelable_core::Scope;
/// use cancelable_core::operation::FieldValue;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scope = Scope::builder("import").build()?;
/// scope.progress().set_field("file", "a.csv");
/// scope.progress().set_field("retries", 2_u8);
/// let snapshot = scope.progress().snapshot();
/// assert_eq!(snapshot.field("file").and_then(FieldValue::as_str), Some("a.csv"));
/// assert_eq!(snapshot.field("retries").and_then(FieldValue::as_u64), Some(2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
#[non_exhaustive]
pub enum FieldValue {
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A floating-point number.
    F64(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(Cow<'static, str>),
}

impl FieldValue {
    /// The text, if it is a text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is an integer in the range of `u64`.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::U64(number) => Some(number),
            Self::I64(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    /// The number, if it is an integer in the range of `i64`.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::I64(number) => Some(number),
            Self::U64(number) => i64::try_from(number).ok(),
            _ => None,
        }
    }

    /// The number, if it is a floating-point number.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::F64(number) => Some(number),
            _ => None,
        }
    }

    /// The truth value, if it is a truth value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(answer) => Some(answer),
            _ => None,
        }
    }
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::I64(number) => number.fmt(f),
            Self::U64(number) => number.fmt(f),
            Self::F64(number) => number.fmt(f),
            Self::Bool(answer) => answer.fmt(f),
            Self::Text(text) => escape(text).fmt(f),
        }
    }
}

macro_rules! from {
    ($($kind:ident: $($source:ty),+;)+) => {
        $($(
            impl From<$source> for FieldValue {
                fn from(value: $source) -> Self {
                    Self::$kind(value.into())
                }
            }
        )+)+
    };
}

from! {
    I64: i8, i16, i32, i64;
    U64: u8, u16, u32, u64;
    F64: f32, f64;
    Bool: bool;
    Text: &'static str, String, Cow<'static, str>;
}

impl From<usize> for FieldValue {
    fn from(value: usize) -> Self {
        // No platform has more than 64 bits.
        Self::U64(value as u64)
    }
}

impl From<isize> for FieldValue {
    fn from(value: isize) -> Self {
        // As above.
        Self::I64(value as i64)
    }
}
