//! The routes by which clients list and stop their requests.

use axum::extract::{Path, Request, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use cancelable_tower::Keys;
use http::StatusCode;
use serde::Serialize;

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

/// A request in the list of its owner.
#[derive(Serialize)]
struct Listed {
    key: String,
    name: String,
    elapsed_seconds: f64,
}

async fn list(State(keys): State<Keys>, request: Request) -> Json<Vec<Listed>> {
    let (parts, _) = request.into_parts();
    let own = keys.owned(&parts).into_iter();
    let listed = own.map(|(key, operation)| Listed {
        key,
        name: operation.name().to_owned(),
        elapsed_seconds: operation.elapsed().unwrap_or_default().as_secs_f64(),
    });
    Json(listed.collect())
}
