//! Services, bodies and functions of the user that panic, and layers that are set up in an odd way.

use crate::support::{
    Bench, SECOND, call, frame, frames, handler, now, once, poll, request, silent, text,
    with_header,
};
use bytes::Bytes;
use cancelable_core::registry::Filter;
use cancelable_core::{Registry, Scope, Status};
use cancelable_tower::{Keys, Limits, Requests};
use http::{Response, Version};
use http_body::{Body, Frame};
use http_body_util::Full;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

fn ended(bench: &Bench) -> Vec<Status> {
    let ended = bench.registry.history(&Filter::new().name("GET /job"));
    ended.iter().map(|one| one.status()).collect()
}

const KEY: &str = "kFcdLhJ5SbWg1yVY1mHb9Q";

#[test]
fn a_service_that_panics_in_its_call_is_a_500() {
    let bench = Bench::new();
    let keys = Keys::new();
    let service = handler(
        |_| -> std::future::Ready<Result<Response<Full<Bytes>>, Infallible>> {
            panic!("in the call")
        },
    );
    let requests = bench.requests().keys(&keys);
    for _ in 0..2 {
        let request = with_header("x-request-key", KEY);
        let response = now(call(&requests, &service, request)).unwrap();
        assert_eq!(response.status(), 500);
    }
    assert_eq!(ended(&bench), [Status::Failed, Status::Failed]);
}

#[test]
fn a_function_of_the_settings_that_panics_is_a_500_and_frees_the_key() {
    let bench = Bench::new();
    let (keys, bad) = (Keys::new(), Keys::with_owner(|_| panic!("in the owner")));
    let of = |change: &dyn Fn(Requests) -> Requests| change(bench.requests().keys(&keys));
    for requests in [
        of(&|requests| requests.name(|_| panic!("in the name"))),
        of(&|requests| requests.peer(|_| panic!("in the peer"))),
        of(&|requests| requests.keys(&bad)),
    ] {
        let request = with_header("x-request-key", KEY);
        let response = now(call(&requests, &silent(), request)).unwrap();
        assert_eq!(response.status(), 500);
    }
    assert_eq!(bench.open(), 0);
    let requests = bench.requests().keys(&keys);
    let response = call(&requests, &silent(), with_header("x-request-key", KEY));
    assert!(
        poll(Box::pin(response).as_mut()).is_pending(),
        "the key is free"
    );
}

#[test]
fn an_answer_that_panics_is_that_of_the_table() {
    let bench = Bench::new();
    let requests = bench.requests().answer(|_| panic!("in the answer"));
    let request = with_header("x-request-timeout-ms", "0");
    let response = now(call(&requests, &silent(), request)).unwrap();
    assert_eq!(response.status(), 504);
}

#[test]
fn a_body_that_panics_fails_and_its_client_has_not_left() {
    struct Panics;
    impl Body for Panics {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("in the body")
        }
    }
    let bench = Bench::new();
    let service = once(Response::new(Panics));
    let requests = bench.requests().outermost();
    let mut body = now(call(&requests, &service, request("/job")))
        .unwrap()
        .into_body();
    assert!(matches!(frame(&mut body), Poll::Ready(Some(Err(_)))));
    assert!(matches!(frame(&mut body), Poll::Ready(None)));
    drop(body);
    assert_eq!(ended(&bench), [Status::Failed]);
}

/// The end of a body with this head, of which `sent` was sent when the limit passed: the text of the last event, or
/// `None` for an error.
fn last_event(head: &[(&'static str, &'static str)], sent: &'static str) -> Option<String> {
    let bench = Bench::new();
    let (sender, body) = frames();
    let mut response = Response::new(body);
    for (name, value) in head {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    let service = once(response);
    let mut body = now(call(
        &bench.requests().timeout(SECOND),
        &service,
        request("/job"),
    ))
    .unwrap()
    .into_body();
    sender.send(Frame::data(sent.into())).unwrap();
    assert_eq!(text(&mut body).as_deref(), Some(sent));
    assert!(frame(&mut body).is_pending());
    bench.manual.advance(SECOND);
    match frame(&mut body) {
        Poll::Ready(Some(Ok(frame))) => {
            Some(String::from_utf8(frame.into_data().ok()?.to_vec()).unwrap())
        }
        Poll::Ready(Some(Err(_))) => None,
        _ => panic!("it is not cut"),
    }
}

#[test]
fn an_event_of_the_layer_is_not_written_into_other_bytes() {
    let events = ("content-type", "text/event-stream; charset=utf-8");
    let last = last_event(&[events], "data: 1\n\n");
    assert_eq!(
        last.as_deref(),
        Some("event: cancelled\ndata: timed_out\n\n")
    );
    for end in ["data: 1\r\n\r\n", "data: 1\r\r", ":\n\n"] {
        assert!(last_event(&[events], end).is_some(), "{end:?}");
    }
    assert_eq!(last_event(&[events], "data: half"), None);
    assert_eq!(last_event(&[events], "data: half\n"), None);
    let compressed = ("content-encoding", "gzip");
    assert_eq!(last_event(&[events, compressed], "data: 1\n\n"), None);
    let length = ("content-length", "20");
    assert_eq!(
        last_event(&[events, length], "data: 1\n\n"),
        None,
        "it would look whole"
    );
}

#[test]
fn trailers_end_a_stream_of_grpc_over_http2_alone() {
    let kinds = [
        ("application/grpc+proto", Version::HTTP_2, true),
        ("application/grpc", Version::HTTP_11, false),
        ("application/grpc-web", Version::HTTP_2, false),
        ("application/grpc-web-text+proto", Version::HTTP_2, false),
    ];
    for (kind, version, is_trailers) in kinds {
        let bench = Bench::new();
        let (_sender, body) = frames();
        let mut response = Response::new(body);
        response
            .headers_mut()
            .insert("content-type", kind.parse().unwrap());
        let service = once(response);
        let mut request = request("/job");
        *request.version_mut() = version;
        let mut body = now(call(&bench.requests().timeout(SECOND), &service, request))
            .unwrap()
            .into_body();
        assert!(frame(&mut body).is_pending());
        bench.manual.advance(SECOND);
        let Poll::Ready(Some(last)) = frame(&mut body) else {
            panic!("{kind} is not cut");
        };
        assert_eq!(
            last.is_ok_and(|last| last.is_trailers()),
            is_trailers,
            "{kind} {version:?}"
        );
    }
}

#[test]
fn r20_a_route_with_no_time_answers_without_a_poll_of_its_handler() {
    let bench = Bench::new();
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = polls.clone();
    let service = handler(move |_| {
        let polls = counted.clone();
        async move {
            polls.fetch_add(1, Ordering::Relaxed);
            Ok(Response::new(Full::<Bytes>::default()))
        }
    });
    let route = Limits::new().timeout(Duration::ZERO).layer(service);
    let mut service = bench.requests().layer(route);
    let response = now(service.call(request("/job"))).unwrap();
    assert_eq!(response.status(), 504);
    assert_eq!(polls.load(Ordering::Relaxed), 0);
}

#[test]
fn a_layer_that_is_applied_twice_takes_the_key_once() {
    let bench = Bench::new();
    let keys = Keys::new();
    let requests = bench.requests().keys(&keys).outermost().timeout(SECOND);
    let mut service = requests.layer(requests.layer(silent()));
    let mut response = Box::pin(service.call(with_header("x-request-key", KEY)));
    assert!(
        poll(response.as_mut()).is_pending(),
        "the key is not taken twice"
    );
    assert_eq!(bench.open(), 2);
    bench.manual.advance(SECOND);
    assert_eq!(now(response).unwrap().status(), 504);
    assert_eq!(bench.open(), 0);
}

#[test]
fn a_server_without_a_runtime_does_not_pretend_to_stop() {
    let server = Scope::builder("server").build().unwrap();
    let requests = Requests::of(&server);
    let request = with_header("x-request-timeout-ms", "1000");
    let response = now(call(
        &requests,
        &once(Response::new(Full::<Bytes>::default())),
        request,
    ));
    assert_eq!(response.unwrap().status(), 500);
}

#[test]
fn a_registry_that_is_gone_does_not_matter() {
    let bench = Bench::new();
    let registry = Registry::new();
    let server = Scope::builder("server")
        .runtime(&bench.manual.handle())
        .register_in(&registry)
        .build()
        .unwrap();
    drop(registry);
    let service = handler(|_| async { Ok(Response::new(Full::from("hello"))) });
    let response = now(call(&Requests::of(&server), &service, request("/job"))).unwrap();
    assert_eq!(response.status(), 200);
}

#[test]
fn spans_that_no_clock_holds_mean_never() {
    let bench = Bench::new();
    let requests = bench
        .requests()
        .timeout(Duration::MAX)
        .grace(Duration::MAX)
        .client_gone(cancelable_tower::ClientGone::Tell(Duration::MAX));
    for value in ["99999999H", "00000001n", "99999999n"] {
        let response = call(&requests, &silent(), with_header("grpc-timeout", value));
        let mut response = Box::pin(response);
        assert!(poll(response.as_mut()).is_pending(), "{value}");
        bench.manual.advance(SECOND);
        assert_eq!(
            poll(response.as_mut()).is_pending(),
            value.ends_with('H'),
            "{value}"
        );
    }
    for value in ["99999999999999S", "-1S", "", "1", "S", "1S, 2S"] {
        let response = now(call(
            &requests,
            &silent(),
            with_header("grpc-timeout", value),
        ));
        assert_eq!(response.unwrap().status(), 400, "{value}");
    }
}
