//! The policies for a client that leaves: the response is dropped before it is complete.

use crate::support::{
    Bench, SECOND, call, frames, handler, now, poll, request, silent, until_dropped,
};
use bytes::Bytes;
use cancelable_core::registry::Filter;
use cancelable_core::{CancellationToken, Reason, Scope, Status, current};
use cancelable_tower::{Client, ClientGone, Limits};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::Full;
use parking_lot::Mutex;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use tower_layer::Layer;
use tower_service::Service;

/// A handler that takes `seconds`, and notes that it has ended, and whether it was cancelled by then.
fn slow(
    bench: &Bench,
    seconds: u32,
) -> (
    crate::support::Handler<Full<Bytes>>,
    Arc<Mutex<Option<bool>>>,
) {
    let (runtime, ended) = (bench.manual.handle(), Arc::<Mutex<Option<bool>>>::default());
    let note = ended.clone();
    let service = handler(move |_| {
        let (runtime, note) = (runtime.clone(), note.clone());
        async move {
            runtime.sleep(SECOND * seconds).await;
            let is_cancelled = current().unwrap().is_cancelled();
            *note.lock() = Some(is_cancelled);
            Ok(Response::new(Full::default()))
        }
    });
    (service, ended)
}

#[test]
fn r16_by_default_the_handler_is_dropped_where_it_awaits() {
    for (is_outermost, reason) in [(true, Reason::Disconnected), (false, Reason::RunDropped)] {
        let bench = Bench::new();
        let mut requests = bench.requests();
        if is_outermost {
            requests = requests.outermost();
        }
        let (is_dropped, wait) = until_dropped();
        let wait = Mutex::new(Some(wait));
        let service = handler(move |_| {
            let wait = wait.lock().take().unwrap();
            async move {
                wait.await;
                Ok(Response::new(Full::<Bytes>::default()))
            }
        });
        let mut response = call(&requests, &service, request("/job"));
        assert!(poll(response.as_mut()).is_pending());
        drop(response);
        assert!(is_dropped.load(Ordering::Relaxed));
        let ended = bench.registry.history(&Filter::new());
        assert_eq!(ended[0].status(), Status::Cancelled);
        assert_eq!(
            ended[0].cause().map(|cause| cause.reason().clone()),
            Some(reason)
        );
    }
}

#[test]
fn r23_a_handler_that_is_told_has_its_grace() {
    for (seconds, end) in [(3, Some(true)), (9, None)] {
        let mut bench = Bench::new();
        let tell = ClientGone::Tell(SECOND * 5);
        let requests = bench.requests().outermost().client_gone(tell);
        let (service, ended) = slow(&bench, seconds);
        let mut response = call(&requests, &service, request("/job"));
        assert!(poll(response.as_mut()).is_pending());
        drop(response);
        assert_eq!(bench.open(), 1, "it runs on");
        bench.advance(SECOND * 4);
        bench.advance(SECOND * 2);
        assert_eq!(*ended.lock(), end, "{seconds}");
        assert_eq!(bench.open(), 0);
        let ended = bench.registry.history(&Filter::new().name("GET /job"));
        let cause = ended[0].cause().map(|cause| cause.reason().clone());
        assert_eq!(cause, Some(Reason::Disconnected));
    }
}

#[test]
fn a_payment_is_finished_although_its_client_leaves() {
    let mut bench = Bench::new();
    let requests = bench.requests().outermost();
    let (service, ended) = slow(&bench, 3);
    let service = Limits::new().client_gone(ClientGone::Finish).layer(service);
    let mut response = Box::pin(requests.layer(service).call(request("/pay")));
    assert!(poll(response.as_mut()).is_pending());
    drop(response);
    bench.advance(SECOND * 3);
    assert_eq!(*ended.lock(), Some(false));
    let ended = bench.registry.history(&Filter::new().name("GET /job"));
    assert_eq!(ended[0].status(), Status::Completed);
}

#[test]
fn r20_the_deadline_holds_for_what_a_client_left_behind() {
    let mut bench = Bench::new();
    let finish = bench.requests().outermost().timeout(SECOND * 2);
    let finish = finish.client_gone(ClientGone::Finish);
    let (service, ended) = slow(&bench, 3);
    let mut response = call(&finish, &service, request("/job"));
    assert!(poll(response.as_mut()).is_pending());
    drop(response);
    bench.advance(SECOND * 2);
    bench.advance(SECOND * 2);
    assert_eq!((*ended.lock(), bench.open()), (None, 0));
}

#[test]
fn a_request_that_waits_for_its_client_is_cancelled_when_the_span_is_over() {
    for (seconds, end) in [(3, Some(false)), (9, None)] {
        let mut bench = Bench::new();
        let requests = bench
            .requests()
            .outermost()
            .client_gone(ClientGone::Wait(SECOND * 5));
        let (service, ended) = slow(&bench, seconds);
        let mut response = call(&requests, &service, request("/job"));
        assert!(poll(response.as_mut()).is_pending());
        drop(response);
        bench.advance(SECOND * 5);
        bench.advance(SECOND * 5);
        assert_eq!(*ended.lock(), end);
        let list = bench.registry.history(&Filter::new().name("GET /job"));
        let status = if end.is_some() {
            Status::Completed
        } else {
            Status::Cancelled
        };
        assert_eq!(list[0].status(), status);
    }
}

#[test]
fn r25_the_server_waits_for_what_was_left_behind() {
    let mut bench = Bench::with_grace(SECOND * 10);
    let requests = bench
        .requests()
        .outermost()
        .client_gone(ClientGone::Finish)
        .grace(SECOND * 10);
    let (service, ended) = slow(&bench, 3);
    let mut response = call(&requests, &service, request("/job"));
    assert!(poll(response.as_mut()).is_pending());
    drop(response);
    bench.server.cancel_with(Reason::ShuttingDown);
    assert!(!bench.advance(SECOND));
    bench.advance(SECOND * 2);
    assert_eq!(*ended.lock(), Some(true));
}

#[test]
fn work_that_is_left_behind_is_bounded() {
    let mut bench = Bench::new();
    let most = NonZeroUsize::new(3).unwrap();
    let requests = bench
        .requests()
        .outermost()
        .client_gone(ClientGone::Finish)
        .most_left_behind(most);
    let (service, _) = slow(&bench, 1);
    for _ in 0..3 {
        let mut response = call(&requests, &service, request("/job"));
        assert!(poll(response.as_mut()).is_pending());
    }
    assert_eq!(bench.open(), 3);
    let response = now(call(&requests, &service, request("/job"))).unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    bench.advance(SECOND);
    assert_eq!(bench.open(), 0);
    assert!(poll(call(&requests, &service, request("/job")).as_mut()).is_pending());
}

#[test]
fn a_body_that_is_dropped_before_its_end_was_left_and_one_that_is_complete_was_not() {
    // Frames that are read, the length that the head promises, and whether the response is whole.
    let table = [
        (0, None, Status::Cancelled),
        (1, None, Status::Cancelled),
        (1, Some("6"), Status::Cancelled),
        (2, Some("6"), Status::Completed),
        (0, Some("0"), Status::Completed),
    ];
    for (read, length, status) in table {
        let bench = Bench::new();
        let requests = bench.requests().outermost();
        let (sender, body) = frames();
        for word in ["one", "two"] {
            sender.send(Frame::data(word.into())).unwrap();
        }
        let body = Mutex::new(Some(body));
        let service = handler(move |_| {
            let body = body.lock().take().unwrap();
            async move {
                let mut response = Response::new(body);
                if let Some(length) = length {
                    response
                        .headers_mut()
                        .insert("content-length", length.parse().unwrap());
                }
                Ok(response)
            }
        });
        let mut body = now(call(&requests, &service, request("/job")))
            .unwrap()
            .into_body();
        for _ in 0..read {
            assert!(crate::support::text(&mut body).is_some());
        }
        drop(body);
        let ended = bench.registry.history(&Filter::new().name("GET /job"));
        assert_eq!(ended[0].status(), status, "{read} {length:?}");
    }
}

#[test]
fn a_response_without_a_body_is_complete_with_its_head() {
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304), ("CONNECT", 200)] {
        let bench = Bench::new();
        let requests = bench.requests().outermost();
        let (sender, body) = frames();
        let body = Mutex::new(Some(body));
        let service = handler(move |_| {
            let body = body.lock().take().unwrap();
            async move { Ok(Response::builder().status(status).body(body).unwrap()) }
        });
        let mut asked = request("/job");
        *asked.method_mut() = method.parse().unwrap();
        let response = now(call(&requests, &service, asked)).unwrap();
        drop(response);
        drop(sender);
        let ended = bench.registry.history(&Filter::new().name("GET /job"));
        assert_eq!(ended[0].status(), Status::Completed, "{method} {status}");
    }
}

#[test]
fn r25_children_of_a_complete_response_are_waited_for() {
    let mut bench = Bench::new();
    let is_done = Arc::new(AtomicBool::new(false));
    let (runtime, note) = (bench.manual.handle(), is_done.clone());
    let service = handler(move |request: http::Request<Full<Bytes>>| {
        let (runtime, note) = (runtime.clone(), note.clone());
        async move {
            let scope = request.extensions().get::<Scope>().unwrap();
            let child = scope.spawn(async move {
                runtime.sleep(SECOND).await;
                note.store(!current().unwrap().is_cancelled(), Ordering::Relaxed);
            });
            drop(child.unwrap());
            Ok(Response::new(Full::<Bytes>::default()))
        }
    });
    let response = now(call(&bench.requests(), &service, request("/job"))).unwrap();
    drop(response);
    assert_eq!(bench.open(), 2, "the request and its child");
    bench.advance(SECOND);
    assert!(is_done.load(Ordering::Relaxed));
    let ended = bench.registry.history(&Filter::new().name("GET /job"));
    assert_eq!(ended[0].status(), Status::Completed);
}

#[test]
fn a_server_that_tells_the_client_ends_a_request_before_its_response_is_dropped() {
    for is_in_body in [false, true] {
        let bench = Bench::new();
        let connection = CancellationToken::new();
        let (sender, body) = frames();
        let body = Mutex::new(Some(body));
        let service = handler(move |_| {
            let body = body.lock().take().unwrap();
            async move {
                if !is_in_body {
                    std::future::pending::<()>().await;
                }
                Ok(Response::new(body))
            }
        });
        let mut asked = request("/job");
        asked.extensions_mut().insert(Client::below(&connection));
        let mut response = call(&bench.requests(), &service, asked);
        match is_in_body {
            false => {
                assert!(poll(response.as_mut()).is_pending());
                connection.cancel();
                assert!(poll(response.as_mut()).is_ready());
            }
            true => {
                let mut body = now(response).unwrap().into_body();
                assert!(crate::support::frame(&mut body).is_pending());
                connection.cancel();
                let Poll::Ready(Some(Err(error))) = crate::support::frame(&mut body) else {
                    panic!("it is no error");
                };
                assert!(error.to_string().contains("the client left"), "{error}");
            }
        }
        drop(sender);
        let ended = bench.registry.history(&Filter::new().name("GET /job"));
        let cause = ended[0].cause().map(|cause| cause.reason().clone());
        assert_eq!(cause, Some(Reason::Disconnected), "{is_in_body}");
    }
}

#[test]
fn a_drop_by_a_layer_in_between_is_not_taken_for_the_client() {
    let bench = Bench::new();
    let connection = CancellationToken::new();
    let service = silent();
    let mut asked = request("/job");
    asked.extensions_mut().insert(Client::below(&connection));
    let mut response = call(&bench.requests().outermost(), &service, asked);
    assert!(poll(response.as_mut()).is_pending());
    drop(response);
    let ended = bench.registry.history(&Filter::new().name("GET /job"));
    let cause = ended[0].cause().map(|cause| cause.reason().clone());
    assert_eq!(cause, Some(Reason::RunDropped));
}
