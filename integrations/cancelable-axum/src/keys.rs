//! The routes by which clients list and stop their requests.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cancelable_tower::Keys;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use std::fmt::Write;

/// Returns the routes for [`Keys`]: `POST /requests/{key}/stop` stops the request with the key, and `GET /requests` lists
/// the open requests of the caller.
///
/// A stop answers with 204, or with 404 if no open request has the key. The list is JSON: `key`, `name`, and
/// `elapsed_seconds` of each request. Without an owner ([`Keys::with_owner`]) the list is empty.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use cancelable_axum::{Keys, key_routes, requests};
/// use cancelable_core::Scope;
///
/// fn stoppable(app: Router, server: &Scope) -> Router {
///     let keys = Keys::with_owner(|head| Some(head.headers.get("x-user")?.to_str().ok()?.to_owned()));
///     app.layer(requests(server).keys(&keys)).merge(key_routes(&keys))
/// }
/// ```
pub fn key_routes(keys: &Keys) -> Router {
    Router::new()
        .route("/requests/{key}/stop", post(stop))
        .route("/requests", get(list))
        .with_state(keys.clone())
}

async fn stop(State(keys): State<Keys>, Path(key): Path<String>) -> StatusCode {
    match keys.stop(&key) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}

async fn list(State(keys): State<Keys>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut json = String::from("[");
    for (key, operation) in keys.owned(&parts) {
        let separator = if json.len() > 1 { "," } else { "" };
        let elapsed = operation.elapsed().unwrap_or_default().as_secs_f64();
        // Writing to a string cannot fail. Keys have no character to escape.
        let _ = write!(
            json,
            r#"{separator}{{"key":"{key}","name":{},"elapsed_seconds":{elapsed}}}"#,
            quoted(operation.name())
        );
    }
    json.push(']');
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

/// A string of JSON.
fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control < ' ' => {
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}
