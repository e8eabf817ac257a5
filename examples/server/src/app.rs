//! The routes, and the limits of each.

use crate::{events, operations, pay, report, tokens, upload};
use axum::Router;
use axum::routing::{get, post, put};
use cancelable_axum::{ClientGone, Keys, Limits, Readiness, key_routes};
use std::time::Duration;

pub(crate) fn routes(readiness: &Readiness, keys: &Keys) -> Router {
    // The report sees the cancellation in its loop, and has 5 seconds to end.
    let slow = Limits::new()
        .timeout(Duration::from_secs(120))
        .client_gone(ClientGone::Tell(Duration::from_secs(5)));
    // A client that leaves does not stop its payment.
    let must_finish = Limits::new().client_gone(ClientGone::Finish);
    // A client that loses its connection to the token stream comes back for the rest.
    let comes_back = Limits::new().client_gone(ClientGone::Wait(Duration::from_secs(30)));
    let readiness = readiness.clone();
    let app = Router::new()
        .route("/report", get(report::report).layer(slow))
        .route("/upload", put(upload::upload))
        .route("/events", get(events::events))
        .route("/pay/{order}", post(pay::pay).layer(must_finish))
        .route("/tokens", get(tokens::tokens).layer(comes_back))
        .route("/operations", get(operations::operations))
        .route("/ready", get(async move || readiness.status()))
        .merge(key_routes(keys));
    #[cfg(feature = "ws")]
    let app = app.route("/socket", axum::routing::any(crate::socket::socket));
    app
}
