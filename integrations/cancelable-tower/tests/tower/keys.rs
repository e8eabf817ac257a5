//! Keys, with which another connection stops a request.

use crate::support::{Bench, call, frames, handler, now, once, poll, request, silent, with_header};
use bytes::Bytes;
use cancelable_core::Status;
use cancelable_core::registry::Filter;
use cancelable_tower::Keys;
use http::{Response, StatusCode};
use http_body_util::Full;
use std::task::Poll;

const KEY: &str = "kFcdLhJ5SbWg1yVY1mHb9Q";

fn with_key(key: &str) -> http::Request<Full<Bytes>> {
    with_header("x-request-key", key)
}

#[test]
fn a_request_is_stopped_by_its_key() {
    let bench = Bench::new();
    let keys = Keys::new();
    let requests = bench.requests().keys(&keys);
    let service = silent();
    let mut response = call(&requests, &service, with_key(KEY));
    assert!(poll(response.as_mut()).is_pending());
    let second = now(call(&requests, &service, with_key(KEY))).unwrap();
    assert_eq!(second.status(), StatusCode::CONFLICT);
    assert!(!keys.stop("another-key-of-the-same-size"));
    assert!(keys.stop(KEY));
    let Poll::Ready(Ok(response)) = poll(response.as_mut()) else {
        panic!("it is pending");
    };
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(response);
    let ended = bench.registry.history(&Filter::new());
    assert_eq!(ended[0].status(), Status::Cancelled);
    assert!(
        !keys.stop(KEY),
        "the request has ended, and the key is free"
    );
    let mut again = call(&requests, &service, with_key(KEY));
    assert!(poll(again.as_mut()).is_pending());
}

#[test]
fn a_response_that_is_streamed_has_its_key_in_the_head() {
    let bench = Bench::new();
    let keys = Keys::new();
    let requests = bench.requests().keys(&keys);
    let (_sender, body) = frames();
    let service = once(Response::new(body));
    let response = now(call(&requests, &service, request("/job"))).unwrap();
    let key = response.headers()["x-request-key"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(key.len(), 32, "128 bits");
    let mut body = response.into_body();
    assert!(crate::support::frame(&mut body).is_pending());
    assert!(keys.stop(&key));
    assert!(matches!(
        crate::support::frame(&mut body),
        Poll::Ready(Some(Err(_)))
    ));
}

#[test]
fn a_key_that_can_be_guessed_is_refused() {
    let bench = Bench::new();
    let requests = bench.requests().keys(&Keys::new());
    let service = handler(|_| async { Ok(Response::new(Full::<Bytes>::default())) });
    let long = "a".repeat(129);
    for key in [
        "",
        "7",
        "short-key",
        "has spaces in it, which is long",
        &long,
    ] {
        let response = now(call(&requests, &service, with_key(key))).unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{key}");
    }
    assert_eq!(bench.open(), 0);
}

#[test]
fn a_caller_lists_its_own_requests_and_no_others() {
    let bench = Bench::new();
    let owner = |head: &http::request::Parts| {
        let user = head.headers.get("x-user")?;
        Some(user.to_str().ok()?.to_owned())
    };
    let keys = Keys::with_owner(owner);
    let requests = bench.requests().keys(&keys);
    let service = silent();
    let mut open = Vec::new();
    for user in ["ada", "bob", "ada"] {
        let asked = with_header("x-user", user);
        let mut response = call(&requests, &service, asked);
        assert!(poll(response.as_mut()).is_pending());
        open.push(response);
    }
    let list = |user: Option<&str>| {
        let mut asked = request("/requests");
        if let Some(user) = user {
            asked.headers_mut().insert("x-user", user.parse().unwrap());
        }
        keys.owned(&asked.into_parts().0).len()
    };
    assert_eq!(
        [
            list(Some("ada")),
            list(Some("bob")),
            list(Some("eve")),
            list(None)
        ],
        [2, 1, 0, 0]
    );
    assert!(Keys::new().owned(&request("/").into_parts().0).is_empty());
}
