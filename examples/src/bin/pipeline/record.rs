//! The work on one record: parse, normalise, check, write.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str;

use serde_json::value::{RawValue, to_raw_value};

use crate::cli::Options;
use crate::value::{self, Wrong};

/// The configuration of the work on records.
#[derive(Debug)]
pub(crate) struct Recipe {
    fields: Vec<String>,
    require: Vec<String>,
    key: [u8; blake3::KEY_LEN],
}

/// The fields in the order of their names. Other fields stay as they were written.
type Record<'a> = BTreeMap<Cow<'a, str>, Cow<'a, RawValue>>;

impl Recipe {
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            fields: options.fields.clone(),
            require: options.require.clone(),
            key: blake3::derive_key("cancelable pipeline field", options.salt.as_bytes()),
        }
    }

    /// Appends the result for the line with this number, with its newline.
    ///
    /// # Errors
    ///
    /// The line is no record, or the record is rejected; nothing is appended then.
    pub(crate) fn apply(
        &self,
        number: u64,
        text: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), Wrong> {
        let text = str::from_utf8(text)
            .map_err(|error| format!("not UTF-8 at byte {}", error.valid_up_to()))?;
        let mut record = parse(text)?;
        if let Some(missing) = self
            .require
            .iter()
            .find(|name| !record.contains_key(name.as_str()))
        {
            return Err(format!("`{missing}` is missing"));
        }
        normalise(&mut record)?;
        for name in &self.fields {
            if let Some(field) = record.get_mut(name.as_str()) {
                let hash = blake3::keyed_hash(&self.key, value::content(field).as_bytes());
                *field = raw(&hash.to_hex()[..32])?;
            }
        }
        record.insert("line".into(), raw(&number)?);
        let start = output.len();
        serde_json::to_writer(&mut *output, &record).map_err(|error| {
            output.truncate(start);
            error.to_string()
        })?;
        output.push(b'\n');
        Ok(())
    }
}

fn parse(text: &str) -> Result<Record<'_>, Wrong> {
    let fields: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "no JSON object".to_owned(),
            _ => format!("not JSON at column {}", error.column()),
        })?;
    let fields = fields.into_iter();
    Ok(fields
        .map(|(name, field)| (name, Cow::Borrowed(field)))
        .collect())
}

fn normalise(record: &mut Record<'_>) -> Result<(), Wrong> {
    if let Some(method) = known(record, "method", value::method)? {
        put(record, "method", &method)?;
    }
    if let Some((path, query)) = known(record, "path", value::path)? {
        put(record, "path", &path)?;
        if let Some(query) = query {
            put(record, "query", &query)?;
        }
    }
    if let Some((status, class)) = known(record, "status", value::status)? {
        put(record, "status", &status)?;
        put(record, "status_class", class)?;
    }
    if let Some(bytes) = known(record, "bytes", value::bytes)? {
        put(record, "bytes", &bytes)?;
    }
    Ok(())
}

/// Returns the normal form of a field, if the record has the field.
fn known<T>(
    record: &Record<'_>,
    name: &str,
    form: impl FnOnce(&RawValue) -> Result<T, Wrong>,
) -> Result<Option<T>, Wrong> {
    let Some(field) = record.get(name) else {
        return Ok(None);
    };
    let normal = form(field).map_err(|why| format!("`{name}` {why}"))?;
    Ok(Some(normal))
}

fn put(
    record: &mut Record<'_>,
    name: &'static str,
    field: &(impl serde::Serialize + ?Sized),
) -> Result<(), Wrong> {
    record.insert(name.into(), raw(field)?);
    Ok(())
}

fn raw(field: &(impl serde::Serialize + ?Sized)) -> Result<Cow<'static, RawValue>, Wrong> {
    let raw = to_raw_value(field).map_err(|error| error.to_string())?;
    Ok(Cow::Owned(raw))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn apply(args: &[&str], text: impl AsRef<[u8]>) -> Result<String, Wrong> {
        let recipe = Recipe::of(&Options::parse_from([&["pipeline"], args].concat()));
        let mut output = b"before\n".to_vec();
        let applied = recipe.apply(7, text.as_ref(), &mut output);
        let output = String::from_utf8(output).unwrap();
        let output = output.strip_prefix("before\n").unwrap();
        match applied {
            Ok(()) => Ok(output.strip_suffix('\n').unwrap().to_owned()),
            Err(why) => {
                assert_eq!(output, "", "nothing of a rejected line is written");
                Err(why)
            }
        }
    }

    #[test]
    fn a_record_is_normalised() {
        let line = r#"{"path":"/a?b=c&d","method":"get","status":"404","bytes":"-"}"#;
        assert_eq!(
            apply(&[], line).unwrap(),
            r#"{"bytes":0,"line":7,"method":"GET","path":"/a","query":"b=c&d","status":404,"status_class":"4xx"}"#
        );
    }

    #[test]
    fn what_it_does_not_know_stays_as_it_is_written() {
        let line = r#"{"n":123456789012345678901234567890.10, "deep":[ {"é":null} ],"s":"\u00e9"}"#;
        assert_eq!(
            apply(&[], line).unwrap(),
            r#"{"deep":[ {"é":null} ],"line":7,"n":123456789012345678901234567890.10,"s":"\u00e9"}"#
        );
    }

    #[test]
    fn a_field_is_replaced_by_a_hash_that_depends_on_the_salt() {
        let hash = |args: &[&str], line: &str| {
            let record = apply(args, line).unwrap();
            let record: serde_json::Value = serde_json::from_str(&record).unwrap();
            record["ip"].as_str().unwrap().to_owned()
        };
        let one = hash(&["-f", "ip", "-f", "absent"], r#"{"ip":"192.0.2.1"}"#);
        assert_eq!(one.len(), 32);
        assert_eq!(one, hash(&["-f", "ip"], r#"{"ip":"192.0.2.\u0031"}"#));
        assert_ne!(one, hash(&["-f", "ip"], r#"{"ip":"192.0.2.2"}"#));
        assert_ne!(
            one,
            hash(&["-f", "ip", "--salt", "x"], r#"{"ip":"192.0.2.1"}"#)
        );
    }

    #[test]
    fn a_line_that_is_no_record_is_rejected_and_it_is_said_why() {
        for (line, why) in [
            (&b"{"[..], "not JSON at column 1"),
            (b"{} {}", "not JSON at column 4"),
            (b"[1]", "no JSON object"),
            (b"7", "no JSON object"),
            (b"{\"a\":\"\xff\"}", "not UTF-8 at byte 6"),
            (b"{\"method\":7}", "`method` is no string"),
            (b"{\"method\":\"G T\"}", "`method` is no method"),
            (b"{\"path\":\"a\"}", "`path` does not begin with /"),
            (b"{\"status\":99}", "`status` is not from 100 to 599"),
            (b"{\"status\":600}", "`status` is not from 100 to 599"),
            (b"{\"status\":2e2}", "`status` is no number from 0 on"),
            (b"{\"bytes\":-1}", "`bytes` is no number from 0 on"),
            (b"{\"bytes\":null}", "`bytes` is no number from 0 on"),
        ] {
            let text = String::from_utf8_lossy(line);
            assert_eq!(apply(&[], line).unwrap_err(), why, "{text}");
        }
        assert_eq!(
            apply(&["--require", "ip"], "{}").unwrap_err(),
            "`ip` is missing"
        );
    }

    #[test]
    fn depth_takes_no_stack() {
        let deep = "[".repeat(1 << 20) + &"]".repeat(1 << 20);
        assert!(apply(&[], format!("{{\"deep\":{deep}}}")).is_ok());
        assert!(apply(&[], format!("{{\"deep\":{}", &deep[..1 << 20])).is_err());
        assert!(apply(&[], format!("{{\"method\":{deep}}}")).is_err());
    }
}
