//! The responses to requests that were cancelled before their head was sent.
//!
//! | cause | HTTP | gRPC |
//! |---|---|---|
//! | a limit has passed | 504 | 4, deadline exceeded |
//! | the server shuts down | 503 with `retry-after`, `connection: close` | 14, unavailable |
//! | an operator asked | 503 | 1, cancelled |
//! | a resource is over its limit, or too much work was left behind | 503 | 8, resource exhausted |
//! | a child failed, the service panicked | 500 | 13, internal |
//! | a header with a deadline, a key or an offset is malformed | 400 | 13, internal |
//! | a key is in use | 409 | 6, already exists |
//! | the offset of a later request is not kept | 416 | 11, out of range |

use bytes::Bytes;
use cancelable_core::{Cause, Reason};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};

/// Returns whether a request or a response with these headers is one of gRPC.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// A problem that a response reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    grpc_status: u8,
    /// The last segment of the URI in the field `type` of the problem document.
    word: &'static str,
    detail: &'static str,
    /// True if the client should try another server.
    is_leaving: bool,
}

const fn problem(
    status: StatusCode,
    grpc_status: u8,
    word: &'static str,
    detail: &'static str,
) -> Problem {
    Problem {
        status,
        grpc_status,
        word,
        detail,
        is_leaving: false,
    }
}

impl Problem {
    pub(crate) const TOO_MUCH_LEFT_BEHIND: Self = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        8,
        "busy",
        "too much work for clients that left is still running",
    );
    pub(crate) const PANIC: Self = problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        13,
        "panic",
        "the handler panicked",
    );
    pub(crate) const MALFORMED_DEADLINE: Self = problem(
        StatusCode::BAD_REQUEST,
        13,
        "malformed_deadline",
        "a deadline header is malformed",
    );
    pub(crate) const MALFORMED_KEY: Self = problem(
        StatusCode::BAD_REQUEST,
        13,
        "malformed_key",
        "the key of the request is malformed",
    );
    pub(crate) const KEY_IN_USE: Self = problem(
        StatusCode::CONFLICT,
        6,
        "key_in_use",
        "another open request has the key",
    );
    pub(crate) const MALFORMED_OFFSET: Self = problem(
        StatusCode::BAD_REQUEST,
        13,
        "malformed_offset",
        "the offset of the request is malformed",
    );
    /// The response to a request that goes back further than the body is kept.
    pub(crate) const NOT_KEPT: Self = problem(
        StatusCode::RANGE_NOT_SATISFIABLE,
        11,
        "not_kept",
        "the response is not kept from this offset on",
    );
    pub(crate) const SHUTTING_DOWN: Self = Self {
        is_leaving: true,
        ..problem(
            StatusCode::SERVICE_UNAVAILABLE,
            14,
            "shutting_down",
            "the server is shutting down",
        )
    };
    pub(crate) const INTERNAL: Self = problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        13,
        "failed",
        "work for the request failed",
    );

    /// The response for a client that has left. The client does not read the response, which ends the connection.
    pub(crate) const CLIENT_LEFT: Self = Self {
        is_leaving: true,
        ..problem(
            StatusCode::SERVICE_UNAVAILABLE,
            1,
            "disconnected",
            "the client left",
        )
    };

    /// The problem of a cancelled request. Its text has the reason alone: a cause may name files of the server.
    pub(crate) fn of(cause: Option<&Cause>) -> Self {
        match cause.map(Cause::reason) {
            Some(Reason::TimedOut { .. } | Reason::DeadlineReached) => problem(
                StatusCode::GATEWAY_TIMEOUT,
                4,
                "timed_out",
                "the time limit of the request has passed",
            ),
            Some(Reason::ShuttingDown | Reason::Signal { .. } | Reason::ScopeEnded) => {
                Self::SHUTTING_DOWN
            }
            Some(Reason::Resource) => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                8,
                "resource",
                "a resource of the server is over its limit",
            ),
            Some(Reason::ChildFailed) => Self::INTERNAL,
            _ => problem(
                StatusCode::SERVICE_UNAVAILABLE,
                1,
                "cancelled",
                "the request was cancelled",
            ),
        }
    }

    pub(crate) fn word(self) -> &'static str {
        self.word
    }

    pub(crate) fn grpc_status(self) -> u8 {
        self.grpc_status
    }

    pub(crate) fn detail(self) -> &'static str {
        self.detail
    }

    pub(crate) fn response(self, is_grpc: bool) -> Response<Bytes> {
        match is_grpc {
            true => self.grpc_response(),
            false => self.http_response(),
        }
    }

    /// A response of gRPC without a message: its status is in the head.
    fn grpc_response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(
            "grpc-status",
            HeaderValue::from(u16::from(self.grpc_status)),
        );
        headers.insert("grpc-message", HeaderValue::from_static(self.detail));
        response
    }

    /// A problem document of RFC 9457.
    fn http_response(self) -> Response<Bytes> {
        let Self {
            status,
            word,
            detail,
            ..
        } = self;
        let title = status.canonical_reason().unwrap_or("Error");
        let number = status.as_u16();
        let body = format!(
            r#"{{"type":"urn:cancelable:{word}","title":"{title}","status":{number},"detail":"{detail}"}}"#
        );
        let body = Bytes::from(body);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let length = HeaderValue::from(response.body().len());
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CONTENT_LENGTH, length);
        if self.is_leaving {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// An extension of a response: the handler ended because its request was cancelled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswersCancel;

/// Returns the response of the [table](crate#answers) to a request that was cancelled for `cause`, for a handler that
/// ends because of the cancellation.
///
/// Below the layer [`Requests`](crate::Requests) the operation of the request ends as cancelled then, and
/// [`Requests::answer`](crate::Requests::answer) holds.
///
/// # Examples
///
/// ```
/// use cancelable_core::{Cause, Reason};
/// use cancelable_tower::cancelled_response;
///
/// let response = cancelled_response(&Cause::new(Reason::ShuttingDown));
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[must_use]
pub fn cancelled_response(cause: &Cause) -> Response<Bytes> {
    let mut response = Problem::of(Some(cause)).response(false);
    response.extensions_mut().insert(AnswersCancel);
    response
}

#[cfg(test)]
mod tests {
    use super::Problem;
    use cancelable_core::{Cause, Reason};
    use std::time::Duration;

    #[test]
    fn every_cause_has_its_status() {
        let limit = Duration::from_secs(1);
        let table = [
            (Reason::TimedOut { limit }, 504, "4"),
            (Reason::DeadlineReached, 504, "4"),
            (Reason::ShuttingDown, 503, "14"),
            (Reason::Requested, 503, "1"),
            (Reason::Resource, 503, "8"),
            (Reason::ChildFailed, 500, "13"),
            (Reason::Source, 503, "1"),
        ];
        for (reason, status, grpc) in table {
            let cause = Cause::new(reason.clone()).with_message("secret");
            let problem = Problem::of(Some(&cause));
            let response = problem.response(false);
            assert_eq!(response.status().as_u16(), status, "{reason}");
            let body = String::from_utf8(response.body().to_vec()).unwrap();
            assert!(!body.contains("secret") && !body.contains(".rs"), "{body}");
            assert!(body.contains(&format!("\"status\":{status}")), "{body}");
            let response = problem.response(true);
            assert_eq!(
                (
                    response.status().as_u16(),
                    &response.headers()["grpc-status"]
                ),
                (200, &grpc.parse().unwrap())
            );
            assert!(!response.headers().contains_key("retry-after"));
        }
        let leaving = Problem::SHUTTING_DOWN.response(false);
        assert_eq!(leaving.headers()["retry-after"], "1");
        assert_eq!(leaving.headers()["connection"], "close");
    }
}
