//! The fields with a format of their own, and their normal forms.

use serde_json::Value;
use serde_json::value::RawValue;

/// The reason why a field is invalid.
pub(crate) type Wrong = String;

/// Normalises `get` to `GET`.
pub(crate) fn method(raw: &RawValue) -> Result<String, Wrong> {
    let text = string(raw)?;
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        true => Ok(text.to_ascii_uppercase()),
        false => Err("is no method".to_owned()),
    }
}

/// Splits `/a?b=c` into `/a` and `b=c`.
pub(crate) fn path(raw: &RawValue) -> Result<(String, Option<String>), Wrong> {
    let text = string(raw)?;
    if !text.starts_with('/') {
        return Err("does not begin with /".to_owned());
    }
    Ok(match text.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (text, None),
    })
}

/// Normalises `"404"` to 404, and its class.
pub(crate) fn status(raw: &RawValue) -> Result<(u64, &'static str), Wrong> {
    let status = number(raw)?;
    let class = match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500..600 => "5xx",
        _ => return Err("is not from 100 to 599".to_owned()),
    };
    Ok((status, class))
}

/// Normalises `"-"` to 0, which servers write for an empty response.
pub(crate) fn bytes(raw: &RawValue) -> Result<u64, Wrong> {
    match raw.get() {
        r#""-""# => Ok(0),
        _ => number(raw),
    }
}

/// Returns the hashed text of a field: the content of a string, or the JSON of any other value.
pub(crate) fn content(raw: &RawValue) -> String {
    string(raw).unwrap_or_else(|_| raw.get().to_owned())
}

fn string(raw: &RawValue) -> Result<String, Wrong> {
    serde_json::from_str(raw.get()).map_err(|_| "is no string".to_owned())
}

fn number(raw: &RawValue) -> Result<u64, Wrong> {
    let number = match serde_json::from_str(raw.get()) {
        Ok(Value::Number(number)) => number.as_u64(),
        Ok(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| "is no number from 0 on".to_owned())
}
