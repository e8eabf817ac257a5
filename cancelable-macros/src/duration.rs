//! A duration in the notation of the attribute: `"1m30s"`.

use std::time::Duration;

const SHAPE: &str = r#"such as "30s", "1m30s" or "250ms""#;

/// The units in nanoseconds, from large to small.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Parses a duration.
///
/// # Errors
///
/// The message for the user of the attribute.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(format!("empty duration: write one {SHAPE}"));
    }
    let mut total: u128 = 0;
    let mut units = UNITS.as_slice();
    // Ends: each turn takes a number and a unit off the rest.
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        if number.is_empty() {
            return Err(format!(
                "expected a number at {rest:?}: write a duration {SHAPE}"
            ));
        }
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        if unit.is_empty() {
            return Err(match after.chars().next() {
                None => format!("{number} has no unit: write a duration {SHAPE}"),
                Some(other) => format!("unexpected {other:?}: write a duration {SHAPE}"),
            });
        }
        let Some(at) = units.iter().position(|(name, _)| *name == unit) else {
            return Err(match UNITS.iter().any(|(name, _)| *name == unit) {
                true => {
                    format!("{unit:?} is out of order: write large units first, and each unit once")
                }
                false => {
                    format!(
                        "{unit:?} is not a unit of time: the units are d, h, m, s, ms, us and ns"
                    )
                }
            });
        };
        let nanos = number.parse::<u64>().ok();
        let nanos = nanos.map(|number| u128::from(number) * units[at].1);
        total = nanos
            .and_then(|nanos| total.checked_add(nanos))
            .filter(|total| total / UNITS[3].1 <= u128::from(u64::MAX))
            .ok_or_else(|| format!("{text:?} is too long for a Duration"))?;
        units = &units[at + 1..];
        rest = after.trim_start();
    }
    match total {
        0 => Err("a duration of zero would cancel the scope at once".into()),
        total => Ok(Duration::new(
            (total / UNITS[3].1) as u64,
            (total % UNITS[3].1) as u32,
        )),
    }
}

/// Splits `text` after its longest prefix of characters for which `is` holds.
fn split(text: &str, is: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !is(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn r20_durations_are_parsed() {
        for (text, millis) in [
            ("30s", 30_000),
            ("1m30s", 90_000),
            (" 1h 2m 3s 4ms ", 3_723_004),
            ("250ms", 250),
            ("1d", 86_400_000),
            ("90 s", 90_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("1us5ns"), Ok(Duration::from_nanos(1_005)));
        assert_eq!(
            parse("18446744073709551615s"),
            Ok(Duration::from_secs(u64::MAX))
        );
    }

    #[test]
    fn r20_a_text_that_is_no_duration_gives_the_reason() {
        for (text, why) in [
            ("", "empty"),
            ("  ", "empty"),
            ("30", "30 has no unit"),
            ("s", "expected a number at \"s\""),
            ("-3s", "expected a number at \"-3s\""),
            ("1.5s", "unexpected '.'"),
            ("3 sec", "\"sec\" is not a unit"),
            ("30s1m", "\"m\" is out of order"),
            ("1s1s", "\"s\" is out of order"),
            ("18446744073709551616s", "too long"),
            ("999999999999999999d", "too long"),
            ("0s", "zero"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
