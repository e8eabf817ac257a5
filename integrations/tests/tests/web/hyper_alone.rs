//! The layer under hyper, with neither axum nor `serve`.

use crate::alone::{self, Alone, http2};
use crate::support::{close, read, read_until, soon};
use bytes::Bytes;
use cancelable_core::registry::Filter;
use cancelable_core::{Reason, Status};
use cancelable_tower::{ClientGone, Requests};
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

type Answer = Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible>;

const SHORT: Duration = Duration::from_millis(300);

/// `/slow` waits for ever, `/cut` streams a part and waits, and all else is answered at once.
async fn handler(request: Request<Incoming>) -> Answer {
    let body = match request.uri().path() {
        "/slow" => std::future::pending().await,
        "/cut" => {
            let part = stream::iter([Ok(Frame::data(Bytes::from_static(b"a part")))]);
            StreamBody::new(part.chain(stream::pending())).boxed_unsync()
        }
        _ => Full::from("hello").boxed_unsync(),
    };
    Ok(Response::new(body))
}

async fn start(layer: impl FnOnce(Requests) -> Requests) -> Alone {
    alone::start(tower::service_fn(handler), layer).await
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://a{path}"))
        .body(Empty::new())
        .unwrap()
}

fn head(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")
}

fn reached_limit() -> Option<Reason> {
    Some(Reason::TimedOut { limit: SHORT })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_a_deadline_is_answered_by_504_on_both_versions() {
    let mut server = start(|layer| layer.timeout(SHORT)).await;
    let mut one = server.connect().await;
    one.write_all(head("/slow").as_bytes()).await.unwrap();
    let response = read_until(&mut one, "504").await;
    assert!(response.starts_with("HTTP/1.1 504"), "{response}");
    assert_eq!(
        server.ended().await,
        ("/slow".to_owned(), Status::Cancelled, reached_limit())
    );
    let mut two = http2(server.connect().await).await;
    let response = soon(two.send_request(get("/slow"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(
        server.ended().await,
        ("/slow".to_owned(), Status::Cancelled, reached_limit())
    );
    // The connections live on.
    let response = soon(two.send_request(get("/"))).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "hello");
    assert_eq!(server.ended().await.1, Status::Completed);
    one.write_all(head("/").as_bytes()).await.unwrap();
    read_until(&mut one, "hello").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_cancels_its_request_and_no_cause_is_guessed() {
    let mut server = start(|layer| layer).await;
    for is_reset in [false, true] {
        let mut one = server.connect().await;
        one.write_all(head("/slow").as_bytes()).await.unwrap();
        until(&server, 1).await;
        close(one, is_reset);
        let ended = server.ended().await;
        assert_eq!(
            ended,
            (
                "/slow".to_owned(),
                Status::Cancelled,
                Some(Reason::RunDropped)
            )
        );
    }
    let mut two = http2(server.connect().await).await;
    let response = tokio::spawn(two.send_request(get("/slow")));
    until(&server, 1).await;
    response.abort();
    let ended = server.ended().await;
    assert_eq!(ended.2, Some(Reason::RunDropped));
    // The stream was reset, and not the connection.
    assert!(soon(two.send_request(get("/"))).await.is_ok());
    assert_eq!(server.ended().await.1, Status::Completed);
    until(&server, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_an_outermost_layer_is_named() {
    let mut server = start(|layer| layer.outermost().client_gone(ClientGone::Tell(SHORT))).await;
    let mut one = server.connect().await;
    one.write_all(head("/cut").as_bytes()).await.unwrap();
    read_until(&mut one, "a part").await;
    close(one, false);
    assert_eq!(
        server.ended().await,
        (
            "/cut".to_owned(),
            Status::Cancelled,
            Some(Reason::Disconnected)
        )
    );
    until(&server, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_cut_never_looks_complete_on_either_version() {
    let mut server = start(|layer| layer).await;
    let mut one = server.connect().await;
    one.write_all(head("/cut").as_bytes()).await.unwrap();
    let mut text = read_until(&mut one, "a part").await;
    let mut two = http2(server.connect().await).await;
    let response = soon(two.send_request(get("/cut"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let first = soon(body.frame()).await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "a part");
    // hyper looks at a body when its run wakes it: here the cancel does.
    assert_eq!(
        server
            .registry
            .cancel_all_with(&Filter::new().name("/cut"), "a test"),
        2
    );
    text.push_str(&read(&mut one).await);
    assert!(text.contains("transfer-encoding: chunked"), "{text}");
    assert!(!text.ends_with("0\r\n\r\n"), "{text}");
    let error = soon(body.frame()).await.unwrap().unwrap_err();
    let reset = std::error::Error::source(&error)
        .and_then(|error| error.downcast_ref::<h2::Error>())
        .unwrap();
    assert!(reset.is_reset(), "{error:?}");
    for _ in 0..2 {
        assert_eq!(server.ended().await.1, Status::Cancelled);
    }
}

/// Waits until this many requests are open.
async fn until(server: &Alone, open: usize) {
    soon(async {
        while server.registry.len() != open + 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
