//! Body properties that the layer passes through: sizes, ends, trailers, errors.

use crate::support::{Bench, call, frame, frames, handler, now, request, text};
use bytes::Bytes;
use cancelable_core::Status;
use cancelable_core::registry::Filter;
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use parking_lot::Mutex;
use std::task::Poll;

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
    let body = Mutex::new(Some(body));
    let service = handler(move |_| {
        let body = body.lock().take().unwrap();
        async move { Ok(Response::new(body)) }
    });
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
}
