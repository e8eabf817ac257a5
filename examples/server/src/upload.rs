//! An upload that is hashed while it arrives. The server cuts a client that stalls.

use axum::body::Body;
use cancelable_axum::{HandlerError, RequestScope};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

pub(crate) async fn upload(
    RequestScope(request): RequestScope,
    body: Body,
) -> Result<String, HandlerError> {
    let mut hash = Sha256::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        hash.update(&chunk);
        request.progress().advance(chunk.len() as u64);
    }
    let hex: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(format!("{hex}  {} bytes\n", request.progress().position()))
}
