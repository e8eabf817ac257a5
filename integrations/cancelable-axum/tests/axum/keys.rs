//! The routes that list and stop requests by key.

use crate::support::{read, start};
use axum::Router;
use axum::routing::get;
use cancelable_axum::{Keys, key_routes};
use cancelable_core::{Reason, Status};
use tokio::sync::mpsc;

const KEY: &str = "kFcdLhJ5SbWg1yVY1mHb9Q";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_connection_lists_a_request_and_stops_it() {
    let (sender, mut running) = mpsc::unbounded_channel();
    let keys = Keys::with_owner(|head| Some(head.headers.get("x-user")?.to_str().ok()?.to_owned()));
    let slow = get(async move || {
        let _ = sender.send(());
        std::future::pending::<()>().await;
    });
    let app = Router::new().route("/slow", slow).merge(key_routes(&keys));
    let mut server = start(app, move |layer| layer.keys(&keys), |serve| serve).await;
    let head =
        |line: &str| format!("{line} HTTP/1.1\r\nhost: a\r\nx-user: ada\r\nconnection: close\r\n");
    let slow = format!("{}x-request-key: {KEY}\r\n\r\n", head("GET /slow"));
    let mut slow = server.send(&slow).await;
    running.recv().await.unwrap();
    let ask = async |line: &str| {
        let mut stream = server.send(&format!("{}\r\n", head(line))).await;
        read(&mut stream).await
    };
    let list = ask("GET /requests").await;
    assert!(
        list.contains(&format!(
            r#"{{"key":"{KEY}","name":"GET /slow","elapsed_seconds":"#
        )),
        "{list}"
    );
    let unknown = ask("POST /requests/unknown/stop").await;
    assert!(unknown.starts_with("HTTP/1.1 404"), "{unknown}");
    let stopped = ask(&format!("POST /requests/{KEY}/stop")).await;
    assert!(stopped.starts_with("HTTP/1.1 204"), "{stopped}");
    let response = read(&mut slow).await;
    assert!(response.starts_with("HTTP/1.1 503"), "{response}");
    loop {
        let (name, status, reason) = server.ended().await;
        if name == "GET /slow" {
            assert_eq!(
                (status, reason),
                (Status::Cancelled, Some(Reason::Requested))
            );
            break;
        }
    }
    assert!(server.drain().await.is_clean());
}
