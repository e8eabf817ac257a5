//! A payment that finishes once it has begun.

use axum::extract::Path;
use cancelable_axum::{HandlerError, RequestScope};
use common::message;
use std::time::Duration;

pub(crate) async fn pay(
    RequestScope(request): RequestScope,
    Path(order): Path<u32>,
) -> Result<String, HandlerError> {
    // Runs at the end of the request, also if the request fails, panics or is cancelled.
    request.defer(async move { message(format_args!("order {order} is unlocked")) })?;
    // The deadline of the request and the stop of the server wait for the charge.
    let receipt = request.shield(charge(order)).await;
    Ok(receipt)
}

async fn charge(order: u32) -> String {
    tokio::time::sleep(Duration::from_secs(1)).await;
    message(format_args!("order {order} is paid"));
    format!("receipt of order {order}\n")
}
