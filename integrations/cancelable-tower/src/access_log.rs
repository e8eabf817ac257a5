//! One log line for each exchange, under the target `cancelable::request`.

use crate::exchange::Limited;
use cancelable_core::cause::escaped;
use cancelable_core::{Cause, Operation, Reason};
use http::request::Parts;
use http::{Method, StatusCode};
use log::{Level, log};
use std::time::Duration;

const TARGET: &str = "cancelable::request";

/// The status in the log of a request whose client left before the head of the response, as in nginx.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The facts of a request that the log line has.
pub(crate) struct Request {
    method: Method,
    /// `None` where no request is logged, unless it is cut. The operation has the path, too.
    path: Option<Box<str>>,
}

impl Request {
    pub(crate) fn of(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            path: (Level::Info <= log::max_level()).then(|| parts.uri.path().into()),
        }
    }
}

/// The end of an exchange.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The response was handed to the server whole.
    Complete,
    /// The response was dropped before it was complete.
    Left {
        /// True if only the connection can have dropped the exchange.
        is_client: bool,
    },
    Cancelled(Option<Cause>),
    /// The body of the response failed, or the service did.
    Failed,
    Panicked,
}

pub(crate) fn exchange(
    operation: &Operation,
    request: &Request,
    ending: &Ending,
    status: Option<StatusCode>,
    head_after: Option<Duration>,
    sent: u64,
    limit: Limited,
) {
    let level = level(ending, limit);
    if level > log::max_level() {
        return;
    }
    let words = match ending {
        Ending::Complete => "complete".to_owned(),
        Ending::Left { is_client: true } => "the client left".to_owned(),
        Ending::Left { is_client: false } => "the response was dropped".to_owned(),
        Ending::Cancelled(Some(cause)) => cause.without_location().to_string(),
        Ending::Cancelled(None) => "cancelled".to_owned(),
        Ending::Failed => "failed".to_owned(),
        Ending::Panicked => "panicked".to_owned(),
    };
    let status = match (status, ending) {
        (Some(status), _) => status.as_u16(),
        (None, Ending::Left { .. }) => CLIENT_CLOSED_REQUEST,
        (None, _) => StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
    };
    let millis = |span: Option<Duration>| span.map_or(-1.0, |span| span.as_secs_f64() * 1000.0);
    let own = request.path.is_none().then(|| operation.snapshot());
    let own = own.as_ref().and_then(|own| own.metadata().get("path"));
    let path = request.path.as_deref().or(own).unwrap_or_default();
    let (method, path) = (request.method.as_str(), escaped(path));
    log!(
        target: TARGET,
        level,
        operation = operation.id().get(),
        method = method,
        path:% = path,
        status = status,
        bytes = sent,
        head_ms = millis(head_after),
        elapsed_ms = millis(operation.elapsed());
        "{method} {path} {status}: {words}"
    );
}

fn level(ending: &Ending, limit: Limited) -> Level {
    match ending {
        Ending::Panicked | Ending::Failed => Level::Error,
        Ending::Cancelled(Some(cause)) => match cause.reason() {
            Reason::TimedOut { .. } | Reason::DeadlineReached if limit != Limited::Caller => {
                Level::Warn
            }
            Reason::Resource => Level::Warn,
            Reason::ChildFailed => Level::Error,
            _ => Level::Info,
        },
        Ending::Complete | Ending::Left { .. } | Ending::Cancelled(None) => Level::Info,
    }
}
