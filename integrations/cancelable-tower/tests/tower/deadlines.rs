//! One deadline over the handler and the body: of the server, the route, the caller and the handler.

use crate::support::{
    Bench, SECOND, call, frame, frames, handler, now, once, poll, request, silent, text,
    until_dropped, with_header,
};
use bytes::Bytes;
use cancelable_core::registry::Filter;
use cancelable_core::{Cause, Reason, current};
use cancelable_tower::{BodyCut, DeadlineHeaders, Limits};
use http::{Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::Full;
use parking_lot::Mutex;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

#[test]
fn r20_a_request_whose_limit_passes_is_answered_with_504_and_its_handler_is_dropped() {
    let mut bench = Bench::new();
    let requests = bench.requests().timeout(SECOND);
    let (is_dropped, wait) = until_dropped();
    let wait = Mutex::new(Some(wait));
    let service = handler(move |_| {
        let wait = wait.lock().take().unwrap();
        async move {
            wait.await;
            Ok(Response::new(Full::<Bytes>::default()))
        }
    });
    let mut response = call(&requests, &service, request("/job?secret=1"));
    assert!(poll(response.as_mut()).is_pending());
    assert_eq!(bench.open(), 1);
    let list = bench.registry.list(&Filter::new().name("GET /job"));
    assert_eq!(list[0].metadata().get("path"), Some("/job"), "and no query");
    bench.advance(SECOND);
    let Poll::Ready(Ok(response)) = poll(response.as_mut()) else {
        panic!("it is pending");
    };
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(is_dropped.load(Ordering::Relaxed));
    assert_eq!(bench.open(), 0);
    let text = text(&mut response.into_body()).unwrap();
    assert!(text.contains("urn:cancelable:timed_out"), "{text}");
}

#[test]
fn r20_an_expired_deadline_answers_without_a_poll_of_the_handler() {
    let bench = Bench::new();
    let requests = bench.requests().timeout(SECOND);
    let service =
        handler(|_| async { panic!("it is polled") as crate::support::Answer<Full<Bytes>> });
    let expired = with_header("grpc-timeout", "0n");
    let response = now(call(&requests, &service, expired)).unwrap();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    // gRPC reads the status in the head.
    let mut expired = request("/job");
    let headers = expired.headers_mut();
    headers.insert("grpc-timeout", "0S".parse().unwrap());
    headers.insert("content-type", "application/grpc+proto".parse().unwrap());
    let response = now(call(&requests, &service, expired)).unwrap();
    assert_eq!(
        (response.status(), &response.headers()["grpc-status"]),
        (StatusCode::OK, &"4".parse().unwrap())
    );
}

#[test]
fn r20_a_header_shortens_the_limit_and_never_extends_it() {
    let mut bench = Bench::new();
    let requests = bench.requests().timeout(SECOND * 10);
    let service = silent();
    for (value, seconds) in [("3000", 3), ("60000", 10)] {
        let asked = with_header("x-request-timeout-ms", value);
        let mut response = call(&requests, &service, asked);
        assert!(poll(response.as_mut()).is_pending());
        bench.advance(SECOND * seconds - Duration::from_millis(1));
        assert!(poll(response.as_mut()).is_pending(), "{value}");
        bench.advance(Duration::from_millis(1));
        assert!(poll(response.as_mut()).is_ready(), "{value}");
    }
    let asked = with_header("x-request-timeout-ms", "soon");
    let response = now(call(&requests, &service, asked)).unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let lax = requests.clone().ignore_malformed_deadlines();
    let asked = with_header("x-request-timeout-ms", "soon");
    assert!(poll(call(&lax, &service, asked).as_mut()).is_pending());
    let deaf = requests.deadline_headers(DeadlineHeaders::NONE);
    let asked = with_header("x-request-timeout-ms", "0");
    assert!(poll(call(&deaf, &service, asked).as_mut()).is_pending());
}

#[test]
fn r20_a_route_has_its_own_limit_and_the_callers_still_holds() {
    let mut bench = Bench::new();
    let requests = bench.requests().timeout(SECOND).longest(SECOND * 20);
    let service = silent();
    let table = [
        (5, None, 5),
        (60, None, 20),
        (5, Some("2000"), 2),
        (5, Some("9000"), 5),
    ];
    for (route, header, ends_after) in table {
        let limited = Limits::new().timeout(SECOND * route).layer(service.clone());
        let mut asked = request("/job");
        if let Some(header) = header {
            asked
                .headers_mut()
                .insert("x-request-timeout-ms", header.parse().unwrap());
        }
        let mut response = Box::pin(requests.layer(limited).call(asked));
        assert!(poll(response.as_mut()).is_pending());
        bench.advance(SECOND * ends_after - Duration::from_millis(1));
        assert!(poll(response.as_mut()).is_pending(), "{route} {header:?}");
        bench.advance(Duration::from_millis(1));
        let Poll::Ready(Ok(response)) = poll(response.as_mut()) else {
            panic!("{route} {header:?}");
        };
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    }
}

#[test]
fn r20_the_deadline_holds_for_the_body_and_what_is_cut_never_looks_complete() {
    let mut bench = Bench::new();
    let requests = bench.requests().timeout(SECOND);
    for kind in ["text/plain", "text/event-stream", "application/grpc"] {
        let (sender, body) = frames();
        let body = Mutex::new(Some(body));
        let service = handler(move |_| {
            let body = body.lock().take().unwrap();
            async move {
                Ok(Response::builder()
                    .header("content-type", kind)
                    .body(body)
                    .unwrap())
            }
        });
        let mut request = request("/job");
        *request.version_mut() = Version::HTTP_2;
        let response = now(call(&requests, &service, request)).unwrap();
        assert_eq!((response.status(), bench.open()), (StatusCode::OK, 1));
        let mut body = response.into_body();
        sender.send(Frame::data("one\n\n".into())).unwrap();
        assert_eq!(text(&mut body).as_deref(), Some("one\n\n"));
        assert!(frame(&mut body).is_pending());
        bench.advance(SECOND);
        sender.send(Frame::data("two".into())).unwrap();
        let Poll::Ready(Some(last)) = frame(&mut body) else {
            panic!("{kind}: it is pending");
        };
        match kind {
            "text/plain" => {
                let error = last.unwrap_err();
                let cut = error.downcast_ref::<BodyCut>().unwrap();
                assert!(cut.cause().is_timeout());
            }
            "text/event-stream" => {
                let event = last.unwrap().into_data().unwrap();
                assert_eq!(event, "event: cancelled\ndata: timed_out\n\n");
            }
            _ => {
                let trailers = last.unwrap().into_trailers().unwrap();
                assert_eq!(trailers["grpc-status"], "4");
            }
        }
        assert!(matches!(frame(&mut body), Poll::Ready(None)));
        assert_eq!(bench.open(), 0, "{kind}");
    }
}

#[test]
fn r17_a_body_that_is_complete_when_the_limit_passes_is_delivered() {
    let mut bench = Bench::new();
    let requests = bench.requests().timeout(SECOND);
    let (sender, body) = frames();
    let service = once(Response::new(body));
    let mut body = now(call(&requests, &service, request("/job")))
        .unwrap()
        .into_body();
    drop(sender);
    bench.advance(SECOND);
    assert!(matches!(frame(&mut body), Poll::Ready(None)));
}

#[test]
fn r27_the_operation_is_the_current_one_in_the_handler_and_in_the_body() {
    struct Asks;
    impl http_body::Body for Asks {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            let name = current().map(|operation| operation.name().to_owned());
            Poll::Ready(Some(Ok(Frame::data(name.unwrap_or_default().into()))))
        }
    }
    let bench = Bench::new();
    let service = handler(|request: http::Request<Full<Bytes>>| async move {
        let given = request
            .extensions()
            .get::<cancelable_core::Scope>()
            .cloned();
        assert_eq!(
            given.map(|given| given.id()),
            current().map(|current| current.id())
        );
        Ok(Response::new(Asks))
    });
    let mut body = now(call(&bench.requests(), &service, request("/job")))
        .unwrap()
        .into_body();
    assert_eq!(text(&mut body).as_deref(), Some("GET /job"));
}

#[test]
fn an_operator_stops_a_request_and_the_answer_can_be_replaced() {
    let bench = Bench::new();
    let service = silent();
    let own = bench.requests().answer(|cause: &Cause| {
        (*cause.reason() == Reason::Requested).then(|| {
            let mut response = Response::new(Bytes::from_static(b"stopped"));
            *response.status_mut() = StatusCode::IM_A_TEAPOT;
            response
        })
    });
    for (requests, status) in [
        (bench.requests(), StatusCode::SERVICE_UNAVAILABLE),
        (own, StatusCode::IM_A_TEAPOT),
    ] {
        let mut response = call(&requests, &service, request("/job"));
        assert!(poll(response.as_mut()).is_pending());
        let filter = cancelable_core::registry::Filter::new().name("GET /job");
        assert_eq!(bench.registry.cancel_all(&filter), 1);
        let Poll::Ready(Ok(response)) = poll(response.as_mut()) else {
            panic!("it is pending");
        };
        assert_eq!(response.status(), status);
        assert_eq!(bench.open(), 0);
    }
}

#[test]
fn a_panic_of_the_handler_is_a_500_and_the_server_lives() {
    let bench = Bench::new();
    let service = handler(|_| async { panic!("a bug") as crate::support::Answer<Full<Bytes>> });
    let response = now(call(&bench.requests(), &service, request("/job"))).unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let ended = bench
        .registry
        .history(&cancelable_core::registry::Filter::new());
    assert_eq!(ended[0].status(), cancelable_core::Status::Failed);
    assert!(!bench.server.is_cancelled());
}

#[test]
fn r21_limits_and_scopes_name_the_place_where_the_user_set_them() {
    let mut bench = Bench::new();
    let made = line!() + 1;
    let requests = cancelable_tower::Requests::of(&bench.server).timeout(SECOND);
    let route_set = line!() + 1;
    let route = Limits::new().timeout(SECOND / 2);
    let service = silent();
    let place = |of: &std::panic::Location<'_>| (of.file().ends_with("deadlines.rs"), of.line());
    let mut by_header = request("/job");
    let header = "x-request-timeout-ms";
    by_header.headers_mut().insert(header, 100.into());
    for (asked, is_routed, line) in [
        (request("/job"), false, made),
        (request("/job"), true, route_set),
        (by_header, false, made),
    ] {
        let mut response: std::pin::Pin<Box<dyn Future<Output = _>>> = match is_routed {
            true => Box::pin(requests.layer(route.layer(service.clone())).call(asked)),
            false => Box::pin(requests.layer(service.clone()).call(asked)),
        };
        assert!(poll(response.as_mut()).is_pending());
        let open = bench.registry.list(&Filter::new().name("GET"));
        assert_eq!(place(open[0].location()), (true, made));
        bench.advance(SECOND);
        assert!(poll(response.as_mut()).is_ready());
        let ended = bench.registry.history(&Filter::new());
        let cause = ended.first().and_then(|newest| newest.cause()).unwrap();
        assert_eq!(place(cause.location()), (true, line));
    }
}
