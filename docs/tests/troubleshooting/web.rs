//! A request whose client disconnects.

use crate::page::shows;
use crate::programs::printed;
use axum::Router;
use axum::routing::get;
use cancelable_axum::{RequestScope, requests, serve};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{CancellationToken, Reason, Scope, source};
use futures_util::future::join;
use std::future::pending;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

const DISCONNECT: &str = "A web request is not cancelled when its client disconnects (axum)";

/// A server whose client leaves.
pub(crate) fn program() {
    env_logger::init();
    rt::block_on(async {
        let server = rt::scope("server").build().unwrap();
        let (running, mut runs) = mpsc::unbounded_channel();
        let (ended, mut ends) = mpsc::unbounded_channel();
        let report = async move |RequestScope(request): RequestScope| {
            let ended = ended.clone();
            let told = request.defer(async move { ended.send(()).unwrap() });
            told.unwrap();
            running.send(()).unwrap();
            std::future::pending::<&str>().await
        };
        let app = Router::new()
            .route("/report", get(report))
            .layer(requests(&server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            let mut client = TcpStream::connect(address).await.unwrap();
            client
                .write_all(b"GET /report HTTP/1.1\r\nhost: a\r\n\r\n")
                .await
                .unwrap();
            runs.recv().await.unwrap();
            drop(client);
            ends.recv().await.unwrap();
            stop.cancel();
        });
        let drained = serve(listener, app, &server)
            .stop_on(move || source::token(&stopped))
            .await
            .unwrap();
        assert!(drained.is_clean(), "{drained}");
    });
}

#[test]
fn the_log_of_a_request_names_the_client_that_left() {
    // The target is below that of all other lines.
    for filter in ["cancelable::request=info", "cancelable=debug"] {
        let printed = printed("web", filter);
        let line = printed
            .lines()
            .find(|line| line.contains("GET /report 499"));
        shows(DISCONNECT, line.unwrap());
    }
}

#[test]
fn a_request_of_another_framework_ends_with_its_client() {
    let manual = ManualRuntime::new();
    let server = Scope::builder("server").runtime(&manual.handle());
    let outcome = manual.block_on(server.run(async |op: Scope| {
        let (leave, left) = oneshot::channel::<()>();
        let gone = async {
            // Ready when the client has left, and its half of the channel with it.
            let _ = left.await;
            Reason::Disconnected
        };
        let request = op.child("GET /report").source(source::future(gone));
        let handler = request.run(async |_| pending::<()>().await);
        join(handler, async { drop(leave) }).await.0
    }));
    let request = outcome.into_value().unwrap();
    assert!(request.is_cancelled());
    assert_eq!(request.cause().unwrap().reason(), &Reason::Disconnected);
}
