//! Body properties that the layer passes through: sizes, ends, trailers, errors.

use crate::support::{Bench, SECOND, call, frame, frames, handler, now, once, request, text};
use bytes::Bytes;
use cancelable_core::registry::Filter;
use cancelable_core::{Reason, Status};
use cancelable_tower::ClientGone;
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use parking_lot::Mutex;
use std::task::Poll;
use std::time::Duration;

#[test]
fn the_size_and_the_end_of_a_body_are_passed_through() {
    let bench = Bench::new();
    let service = handler(|_| async { Ok(Response::new(Full::from("hello"))) });
    let mut body = now(call(&bench.requests(), &service, request("/job")))
        .unwrap()
        .into_body();
    assert_eq!(body.size_hint().exact(), Some(5));
    assert!(!body.is_end_stream());
    assert_eq!(text(&mut body).as_deref(), Some("hello"));
    assert!(body.is_end_stream());
    assert!(matches!(frame(&mut body), Poll::Ready(None)));
    let empty = handler(|_| async { Ok(Response::new(Full::<Bytes>::default())) });
    let body = now(call(&bench.requests(), &empty, request("/job")))
        .unwrap()
        .into_body();
    assert!(body.is_end_stream());
    assert_eq!(
        bench.open(),
        0,
        "a response without bytes is complete with its head"
    );
}

#[test]
fn trailers_are_the_end_of_a_body() {
    let bench = Bench::new();
    let (sender, body) = frames();
    let service = once(Response::new(body));
    let mut body = now(call(
        &bench.requests().outermost(),
        &service,
        request("/job"),
    ))
    .unwrap()
    .into_body();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    sender.send(Frame::trailers(trailers)).unwrap();
    let Poll::Ready(Some(Ok(last))) = frame(&mut body) else {
        panic!("it is pending");
    };
    assert!(last.is_trailers());
    drop(body);
    let ended = bench.registry.history(&Filter::new().name("GET /job"));
    assert_eq!(ended[0].status(), Status::Completed);
}

#[test]
fn a_body_that_fails_fails_as_before() {
    struct Fails;
    impl Body for Fails {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            Poll::Ready(Some(Err(std::io::Error::other("the disk is gone"))))
        }
    }
    let bench = Bench::new();
    let service = handler(|_| async { Ok(Response::new(Fails)) });
    let mut body = now(call(&bench.requests(), &service, request("/job")))
        .unwrap()
        .into_body();
    let Poll::Ready(Some(Err(error))) = frame(&mut body) else {
        panic!("it is no error");
    };
    assert_eq!(error.to_string(), "the disk is gone");
    assert_eq!(bench.open(), 0);
    let ended = bench.registry.history(&Filter::new().name("GET /job"));
    assert_eq!(ended[0].status(), Status::Failed);
}

#[test]
fn r18_a_body_that_is_cut_ends_as_cancelled_although_its_handler_has_ended() {
    for is_left in [true, false] {
        let mut bench = Bench::new();
        let requests = bench.requests().outermost().timeout(SECOND);
        let requests = requests.client_gone(ClientGone::Tell(SECOND * 9));
        let (_sender, body) = frames();
        let body = Mutex::new(Some(body));
        let service = handler(move |_| {
            let body = body.lock().take().unwrap();
            async { Ok(Response::new(body)) }
        });
        let mut body = now(call(&requests, &service, request("/job")))
            .unwrap()
            .into_body();
        assert!(frame(&mut body).is_pending());
        if is_left {
            drop(body);
        } else {
            bench.manual.advance(SECOND);
            assert!(matches!(frame(&mut body), Poll::Ready(Some(Err(_)))));
        }
        bench.advance(Duration::ZERO);
        assert_eq!(bench.open(), 0, "nothing runs on in the grace");
        let ended = bench.registry.history(&Filter::new().name("GET /job"));
        assert_eq!(ended[0].status(), Status::Cancelled);
        let cause = ended[0].cause().unwrap();
        let is_disconnect = *cause.reason() == Reason::Disconnected;
        assert_eq!((is_disconnect, cause.is_timeout()), (is_left, !is_left));
    }
}
