//! The text of a query.
//!
//! The parser reads one term after another and calls no user code. A term is the name of a criterion, a separator and
//! a value. In a value, a backslash makes the next character literal, and quotation marks make all characters between
//! them literal; only a name has characters that are not literal, the star and the question mark.

use super::query::Query;
use super::query_error::{QueryError, QueryErrorKind as Kind};
use crate::cause::OperationId;
use crate::operation::Status;
use std::fmt::{self, Write};
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

const CRITERION: &str = "status:, name:, age>, age<, meta., parent:, after: or limit:";
const STATUS: &str = "a status: pending, running, completed, cancelled, failed or never_run";
const NAME: &str = "a name pattern; \"\" is the empty name";
const TIME: &str = "a time, such as 30s";
const SHORTER: &str = "a time of at most 584 billion years";
const KEY: &str = "a metadata key; \"\" is the empty key";
const VALUE: &str = "a metadata value; \"\" is the empty value";
const ID: &str = "the number of an operation, from 1 on";
const COUNT: &str = "a number";
const SMALLER: &str = "a smaller number";
const QUOTE: &str = "a closing quotation mark";
const ONCE: &str = "another criterion, because this one is given already";

/// The units of time, the shortest first, in nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("h", 3600 * NANOS_PER_SECOND),
    ("d", 86_400 * NANOS_PER_SECOND),
];
const NANOS_PER_SECOND: u128 = 1_000_000_000;

fn error(kind: Kind, position: usize, expected: &'static str) -> QueryError {
    QueryError {
        kind,
        position,
        expected,
    }
}

/// Reads a query.
///
/// Ends: each turn reads a term, which has at least one character.
fn parse(text: &str) -> Result<Query, QueryError> {
    let mut query = Query::new();
    let mut rest = Rest { text, at: 0 };
    loop {
        rest.skip_spaces();
        let start = rest.at;
        if rest.left().is_empty() {
            return Ok(query);
        }
        if rest.take("status:") {
            let word = rest.plain_word(STATUS)?;
            let mut all = Status::ALL.into_iter();
            let status = all.find(|status| status.as_str() == word.text);
            query = query.status(status.ok_or(error(Kind::Value, word.at, STATUS))?);
        } else if rest.take("name:") {
            once(query.name.is_none(), start)?;
            let mut pattern = Pattern(String::new());
            rest.value(NAME, false, &mut pattern)?;
            query = query.name(pattern.0);
        } else if rest.take("age>") {
            once(query.min_age.is_none(), start)?;
            query = query.min_age(time(&rest.plain_word(TIME)?)?);
        } else if rest.take("age<") {
            once(query.max_age.is_none(), start)?;
            query = query.max_age(time(&rest.plain_word(TIME)?)?);
        } else if rest.take("meta.") {
            let (mut key, mut value) = (String::new(), String::new());
            rest.value(KEY, true, &mut key)?;
            if rest.take("=") {
                rest.value(VALUE, false, &mut value)?;
                query = query.metadata(key, value);
            } else {
                query = query.has_metadata(key);
            }
        } else if rest.take("parent:") {
            once(query.parent.is_none(), start)?;
            query = query.parent(id(&rest.plain_word(ID)?)?);
        } else if rest.take("after:") {
            once(query.after.is_none(), start)?;
            query = query.after(id(&rest.plain_word(ID)?)?);
        } else if rest.take("limit:") {
            once(query.limit.is_none(), start)?;
            let word = rest.plain_word(COUNT)?;
            let limit = usize::try_from(number(&word, COUNT)?);
            query = query.limit(limit.map_err(|_| error(Kind::TooLarge, word.at, SMALLER))?);
        } else {
            return Err(error(Kind::Criterion, start, CRITERION));
        }
    }
}

fn once(is_first: bool, start: usize) -> Result<(), QueryError> {
    match is_first {
        true => Ok(()),
        false => Err(error(Kind::Repeated, start, ONCE)),
    }
}

/// The text that is not read yet.
struct Rest<'a> {
    text: &'a str,
    /// The position in bytes, between two characters.
    at: usize,
}

/// A word without quoting.
struct Word<'a> {
    text: &'a str,
    at: usize,
}

/// The characters of a value.
trait Value {
    fn literal(&mut self, character: char);

    /// Adds a character that is neither quoted nor escaped.
    fn bare(&mut self, character: char) {
        self.literal(character);
    }
}

impl Value for String {
    fn literal(&mut self, character: char) {
        self.push(character);
    }
}

/// A name pattern.
struct Pattern(String);

impl Value for Pattern {
    fn literal(&mut self, character: char) {
        self.0.extend(['\\', character]);
    }

    fn bare(&mut self, character: char) {
        match character {
            '*' | '?' => self.0.push(character),
            _ => self.literal(character),
        }
    }
}

impl<'a> Rest<'a> {
    fn left(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_spaces(&mut self) {
        let left = self.left();
        self.at += left.len() - left.trim_start().len();
    }

    fn take(&mut self, prefix: &str) -> bool {
        let is_there = self.left().starts_with(prefix);
        if is_there {
            self.at += prefix.len();
        }
        is_there
    }

    fn next(&mut self) -> Option<char> {
        let character = self.left().chars().next()?;
        self.at += character.len_utf8();
        Some(character)
    }

    /// Reads a word up to the next space.
    fn plain_word(&mut self, expected: &'static str) -> Result<Word<'a>, QueryError> {
        let (left, at) = (self.left(), self.at);
        let end = left.find(char::is_whitespace).unwrap_or(left.len());
        if end == 0 {
            return Err(error(Kind::Value, at, expected));
        }
        self.at += end;
        let text = left.get(..end).unwrap_or_default();
        Ok(Word { text, at })
    }

    /// Reads a value up to the next space, and a key also up to the next equals sign.
    ///
    /// Ends: each turn reads a character.
    fn value(
        &mut self,
        expected: &'static str,
        is_key: bool,
        value: &mut impl Value,
    ) -> Result<(), QueryError> {
        let start = self.at;
        while let Some(next) = self.left().chars().next() {
            if next.is_whitespace() || (is_key && next == '=') {
                break;
            }
            let at = self.at;
            self.next();
            match next {
                '"' => self.quoted(at, value)?,
                // A backslash at the end stands for itself, as in a pattern.
                '\\' => value.literal(self.next().unwrap_or('\\')),
                _ => value.bare(next),
            }
        }
        match self.at == start {
            true => Err(error(Kind::Value, start, expected)),
            false => Ok(()),
        }
    }

    /// Reads characters up to the closing quotation mark; `opened` is the position of the opening one.
    ///
    /// Ends: each turn reads a character.
    fn quoted(&mut self, opened: usize, value: &mut impl Value) -> Result<(), QueryError> {
        loop {
            let character = match self.next() {
                Some('"') => return Ok(()),
                Some('\\') => self.next(),
                other => other,
            };
            match character {
                Some(character) => value.literal(character),
                None => return Err(error(Kind::Unclosed, opened, QUOTE)),
            }
        }
    }
}

/// Returns the number that a word is.
fn number(word: &Word<'_>, expected: &'static str) -> Result<u64, QueryError> {
    // A sign is no digit.
    if !word.text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error(Kind::Value, word.at, expected));
    }
    let number = word.text.parse();
    number.map_err(|_| error(Kind::TooLarge, word.at, SMALLER))
}

fn id(word: &Word<'_>) -> Result<OperationId, QueryError> {
    let number = NonZeroU64::new(number(word, ID)?);
    let id = number.map(OperationId::from);
    id.ok_or(error(Kind::Value, word.at, ID))
}

fn time(word: &Word<'_>) -> Result<Duration, QueryError> {
    let is_unit = |found: char| !found.is_ascii_digit();
    let end = word.text.find(is_unit).unwrap_or(word.text.len());
    let (digits, unit) = word.text.split_at(end);
    let unit = UNITS.iter().find(|(name, _)| *name == unit);
    let Some((_, nanos)) = unit.filter(|_| !digits.is_empty()) else {
        return Err(error(Kind::Value, word.at, TIME));
    };
    let count = digits.parse::<u128>().ok();
    let total = count.and_then(|count| count.checked_mul(*nanos));
    let time = total.and_then(|total| {
        let seconds = u64::try_from(total / NANOS_PER_SECOND).ok()?;
        let nanos = u32::try_from(total % NANOS_PER_SECOND).ok()?;
        Some(Duration::new(seconds, nanos))
    });
    time.ok_or(error(Kind::TooLarge, word.at, SHORTER))
}

/// Writes a query in the form that [`parse`] reads.
fn write(query: &Query, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut separator = "";
    let mut term = |f: &mut fmt::Formatter<'_>, name: &str| {
        f.write_str(std::mem::replace(&mut separator, " "))?;
        f.write_str(name)
    };
    for status in &query.statuses {
        term(f, "status:")?;
        f.write_str(status.as_str())?;
    }
    if let Some(pattern) = &query.name {
        term(f, "name:")?;
        write_pattern(pattern, f)?;
    }
    if let Some(age) = query.min_age {
        term(f, "age>")?;
        write_time(age, f)?;
    }
    if let Some(age) = query.max_age {
        term(f, "age<")?;
        write_time(age, f)?;
    }
    for (key, value) in &query.metadata {
        term(f, "meta.")?;
        write_value(key, true, f)?;
        if let Some(value) = value {
            f.write_str("=")?;
            write_value(value, false, f)?;
        }
    }
    if let Some(id) = query.parent {
        term(f, "parent:")?;
        write!(f, "{}", id.get())?;
    }
    if let Some(id) = query.after {
        term(f, "after:")?;
        write!(f, "{}", id.get())?;
    }
    if let Some(limit) = query.limit {
        term(f, "limit:")?;
        write!(f, "{limit}")?;
    }
    Ok(())
}

fn is_special(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\\')
}

fn write_value(value: &str, is_key: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if value.is_empty() {
        return f.write_str("\"\"");
    }
    for character in value.chars() {
        if is_special(character) || (is_key && character == '=') {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    Ok(())
}

/// Writes a canonical pattern, which has no backslash at its end.
fn write_pattern(pattern: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if pattern.is_empty() {
        return f.write_str("\"\"");
    }
    let mut is_escaped = false;
    for character in pattern.chars() {
        // A backslash of the pattern is one of the text too.
        if !is_escaped && character != '\\' && is_special(character) {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
        is_escaped = !is_escaped && character == '\\';
    }
    Ok(())
}

/// Writes a time in its longest unit that needs no fraction.
fn write_time(time: Duration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let nanos = time.as_nanos();
    let mut units = UNITS.iter().rev();
    let unit = match nanos {
        0 => Some(&("s", NANOS_PER_SECOND)),
        _ => units.find(|(_, unit)| nanos % unit == 0),
    };
    match unit {
        Some((name, unit)) => write!(f, "{}{name}", nanos / unit),
        None => write!(f, "{nanos}ns"),
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        parse(text)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self, f)
    }
}
