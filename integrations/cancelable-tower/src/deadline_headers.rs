//! Request headers that carry the deadline of a caller.

use cancelable_core::cause::escaped;
use http::header::{HeaderMap, HeaderName};
use std::error::Error;
use std::fmt;
use std::ops::BitOr;
use std::time::Duration;

/// A set of request headers that carry the deadline of a caller.
///
/// Every header holds a span, which counts from the arrival of the request. Clocks differ between machines, so no
/// header with a point in time is read. If there are several headers, or a header is repeated, the shortest span
/// counts.
///
/// # Examples
///
/// ```
/// use cancelable_tower::DeadlineHeaders;
/// use http::HeaderMap;
/// use std::time::Duration;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("grpc-timeout", "250m".parse()?);
/// headers.insert("x-request-timeout-ms", "1500".parse()?);
/// let both = DeadlineHeaders::GRPC | DeadlineHeaders::REQUEST_TIMEOUT_MS;
/// assert_eq!(both.read(&headers)?, Some(Duration::from_millis(250)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadlineHeaders(u8);

/// A header of the set: its bit, its name, and its parser.
struct Header {
    set: DeadlineHeaders,
    name: HeaderName,
    parse: fn(&[u8]) -> Option<Duration>,
}

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const REQUEST_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-request-timeout-ms");

const HEADERS: [Header; 5] = [
    Header {
        set: DeadlineHeaders::GRPC,
        name: GRPC_TIMEOUT,
        parse: grpc_timeout,
    },
    Header {
        set: DeadlineHeaders::REQUEST_TIMEOUT_MS,
        name: REQUEST_TIMEOUT_MS,
        parse: millis,
    },
    Header {
        set: DeadlineHeaders::ENVOY,
        name: HeaderName::from_static("x-envoy-expected-rq-timeout-ms"),
        parse: millis,
    },
    Header {
        set: DeadlineHeaders::CONNECT,
        name: HeaderName::from_static("connect-timeout-ms"),
        parse: millis,
    },
    Header {
        set: DeadlineHeaders::REQUEST_TIMEOUT,
        name: HeaderName::from_static("request-timeout"),
        parse: seconds,
    },
];

impl DeadlineHeaders {
    /// The empty set: the deadline of a caller is ignored.
    pub const NONE: Self = Self(0);
    /// `grpc-timeout`: 1 to 8 digits and a unit out of `H`, `M`, `S`, `m`, `u`, `n`, as the gRPC specification has it.
    pub const GRPC: Self = Self(1);
    /// `x-request-timeout-ms`: milliseconds, 1 to 10 digits.
    pub const REQUEST_TIMEOUT_MS: Self = Self(2);
    /// `x-envoy-expected-rq-timeout-ms`, which Envoy adds to the requests that it forwards: milliseconds, 1 to 10
    /// digits.
    pub const ENVOY: Self = Self(4);
    /// `connect-timeout-ms` of the Connect protocol: milliseconds, 1 to 10 digits.
    pub const CONNECT: Self = Self(8);
    /// `request-timeout`: seconds, 1 to 10 digits. No default set contains this header, since its unit is not
    /// standardised.
    pub const REQUEST_TIMEOUT: Self = Self(16);

    /// Returns whether the set has every header of `other`.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::DeadlineHeaders;
    ///
    /// let set = DeadlineHeaders::GRPC | DeadlineHeaders::ENVOY;
    /// assert!(set.contains(DeadlineHeaders::ENVOY));
    /// assert!(!set.contains(DeadlineHeaders::CONNECT));
    /// ```
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the shortest span in the headers of the set; `None` without such a header.
    ///
    /// # Errors
    ///
    /// A header of the set is malformed.
    ///
    /// # Examples
    ///
    /// ```
    /// use cancelable_tower::DeadlineHeaders;
    /// use http::HeaderMap;
    /// use std::time::Duration;
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert("grpc-timeout", "250m".parse()?);
    /// assert_eq!(DeadlineHeaders::GRPC.read(&headers)?, Some(Duration::from_millis(250)));
    /// assert_eq!(DeadlineHeaders::CONNECT.read(&headers)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(self, headers: &HeaderMap) -> Result<Option<Duration>, InvalidDeadline> {
        let mut shortest: Option<Duration> = None;
        for header in HEADERS.iter().filter(|header| self.contains(header.set)) {
            for value in headers.get_all(&header.name) {
                let span = (header.parse)(value.as_bytes()).ok_or_else(|| InvalidDeadline {
                    header: header.name.clone(),
                    value: String::from_utf8_lossy(value.as_bytes()).into(),
                })?;
                shortest = Some(shortest.map_or(span, |shortest| shortest.min(span)));
            }
        }
        Ok(shortest)
    }

    /// Returns the header that [`OutgoingDeadline`](crate::OutgoingDeadline) writes, and its value for `span`, rounded
    /// down to milliseconds.
    pub(crate) fn write(is_grpc: bool, span: Duration) -> (HeaderName, String) {
        // 8 digits of milliseconds last for a day; beyond that, seconds are exact enough.
        const EIGHT_DIGITS: u128 = 99_999_999;
        const TEN_DIGITS: u128 = 9_999_999_999;
        let millis = span.as_millis();
        match is_grpc {
            true if millis <= EIGHT_DIGITS => (GRPC_TIMEOUT, format!("{millis}m")),
            true => {
                let seconds = u128::from(span.as_secs()).min(EIGHT_DIGITS);
                (GRPC_TIMEOUT, format!("{seconds}S"))
            }
            false => (REQUEST_TIMEOUT_MS, millis.min(TEN_DIGITS).to_string()),
        }
    }
}

/// The headers whose unit is agreed on: all but [`REQUEST_TIMEOUT`](Self::REQUEST_TIMEOUT).
impl Default for DeadlineHeaders {
    fn default() -> Self {
        Self::GRPC | Self::REQUEST_TIMEOUT_MS | Self::ENVOY | Self::CONNECT
    }
}

impl BitOr for DeadlineHeaders {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Returns the number that 1 to `most` digits make, and nothing else: no sign, no space.
fn digits(text: &[u8], most: usize) -> Option<u64> {
    if text.is_empty() || text.len() > most {
        return None;
    }
    let mut number = 0_u64;
    for digit in text {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u64::from(digit - b'0');
    }
    Some(number)
}

fn grpc_timeout(text: &[u8]) -> Option<Duration> {
    let (unit, number) = text.split_last()?;
    let number = digits(number, 8)?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

fn millis(text: &[u8]) -> Option<Duration> {
    digits(text, 10).map(Duration::from_millis)
}

fn seconds(text: &[u8]) -> Option<Duration> {
    digits(text, 10).map(Duration::from_secs)
}

/// A deadline header that is malformed.
///
/// # Examples
///
/// ```
/// use cancelable_tower::DeadlineHeaders;
/// use http::HeaderMap;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("grpc-timeout", "1 hour".parse()?);
/// match DeadlineHeaders::GRPC.read(&headers) {
///     Err(invalid) => assert_eq!(invalid.to_string(), "the deadline header grpc-timeout is malformed: `1 hour`"),
///     Ok(_) => unreachable!("`1 hour` is malformed"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDeadline {
    header: HeaderName,
    value: Box<str>,
}

impl InvalidDeadline {
    /// The header.
    #[must_use]
    pub fn header(&self) -> &HeaderName {
        &self.header
    }

    /// The value, with replacements for bytes that are no UTF-8.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for InvalidDeadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the deadline header {} is malformed: `{}`",
            self.header,
            escaped(&self.value)
        )
    }
}

impl Error for InvalidDeadline {}

#[cfg(test)]
mod tests {
    use super::{DeadlineHeaders, HEADERS};
    use http::{HeaderMap, HeaderValue};
    use std::time::Duration;

    fn read(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        let all = HEADERS
            .iter()
            .fold(DeadlineHeaders::NONE, |all, one| all | one.set);
        all.read(&headers).ok().flatten()
    }

    #[test]
    fn r20_a_grpc_timeout_is_digits_and_a_unit() {
        let right = [
            ("1H", 3_600_000_000_000),
            ("2M", 120_000_000_000),
            ("3S", 3_000_000_000),
            ("00000004m", 4_000_000),
            ("5u", 5_000),
            ("6n", 6),
            ("0n", 0),
            ("99999999H", 99_999_999 * 3_600_000_000_000),
        ];
        for (text, nanos) in right {
            let span = read("grpc-timeout", text).map(|span| span.as_nanos());
            assert_eq!(span, Some(nanos), "{text}");
        }
        let wrong = [
            "",
            "m",
            "1",
            "123456789m",
            "1h",
            "1s",
            "+1m",
            "-1m",
            " 1m",
            "1m ",
            "1 m",
            "1.5S",
            "0x1m",
            "1mm",
            "１m",
        ];
        for text in wrong {
            assert_eq!(read("grpc-timeout", text), None, "{text:?}");
        }
    }

    #[test]
    fn r20_the_other_headers_are_digits_alone() {
        let milliseconds = [
            "x-request-timeout-ms",
            "x-envoy-expected-rq-timeout-ms",
            "connect-timeout-ms",
        ];
        for name in milliseconds {
            assert_eq!(read(name, "0"), Some(Duration::ZERO));
            assert_eq!(
                read(name, "9999999999"),
                Some(Duration::from_millis(9_999_999_999))
            );
            for text in ["", "+1", "1 ", "1.5", "1s", "12345678901"] {
                assert_eq!(read(name, text), None, "{name}: {text:?}");
            }
        }
        assert_eq!(read("request-timeout", "30"), Some(Duration::from_secs(30)));
    }

    #[test]
    fn r20_the_shortest_counts_and_one_that_is_malformed_is_an_error() {
        let mut headers = HeaderMap::new();
        let all = DeadlineHeaders::default();
        assert_eq!(all.read(&headers), Ok(None));
        headers.append("x-request-timeout-ms", HeaderValue::from_static("500"));
        headers.append("x-request-timeout-ms", HeaderValue::from_static("300"));
        headers.append("grpc-timeout", HeaderValue::from_static("1S"));
        headers.append("request-timeout", HeaderValue::from_static("0"));
        assert_eq!(all.read(&headers), Ok(Some(Duration::from_millis(300))));
        assert_eq!(DeadlineHeaders::NONE.read(&headers), Ok(None));
        headers.append("grpc-timeout", HeaderValue::from_static("1\u{20}S"));
        let error = all.read(&headers).unwrap_err();
        assert_eq!(
            (error.header().as_str(), error.value()),
            ("grpc-timeout", "1 S")
        );
        assert_eq!(
            error.to_string(),
            "the deadline header grpc-timeout is malformed: `1 S`"
        );
    }

    #[test]
    fn r20_what_is_written_is_rounded_down_and_can_be_read() {
        let long = Duration::from_micros(1_234_567);
        let (name, value) = DeadlineHeaders::write(true, long);
        assert_eq!((name.as_str(), value.as_str()), ("grpc-timeout", "1234m"));
        let (name, value) = DeadlineHeaders::write(false, long);
        assert_eq!(
            (name.as_str(), value.as_str()),
            ("x-request-timeout-ms", "1234")
        );
        for span in [Duration::from_secs(100_001), Duration::MAX] {
            for is_grpc in [true, false] {
                let (name, value) = DeadlineHeaders::write(is_grpc, span);
                let read = read(
                    if is_grpc {
                        "grpc-timeout"
                    } else {
                        "x-request-timeout-ms"
                    },
                    &value,
                );
                assert!(read.is_some_and(|read| read <= span), "{name}: {value}");
            }
        }
    }
}
