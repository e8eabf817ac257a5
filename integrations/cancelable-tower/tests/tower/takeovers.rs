//! A request whose client has left waits for a later request with its key, which takes its response over.

use crate::support::{
    Answer, Bench, BoxFuture, Frames, Handler, SECOND, call, frame, frames, handler, now, poll,
    request, silent, text,
};
use bytes::Bytes;
use cancelable_core::registry::Filter;
use cancelable_core::{Reason, Status};
use cancelable_tower::{ClientGone, Keys, Requests, ResponseBody};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::Full;
use parking_lot::Mutex;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::task::Poll;
use std::time::Duration;

const KEY: &str = "kFcdLhJ5SbWg1yVY1mHb9Q";
const SPAN: Duration = Duration::from_secs(5);

fn keyed(path: &str) -> Request<Full<Bytes>> {
    let mut asked = request(path);
    asked
        .headers_mut()
        .insert("x-request-key", KEY.parse().unwrap());
    asked
}

fn from(offset: &str) -> Request<Full<Bytes>> {
    let mut asked = keyed("/job");
    asked
        .headers_mut()
        .insert("x-request-offset", offset.parse().unwrap());
    asked
}

fn waiting(bench: &Bench) -> Requests {
    let requests = bench.requests().outermost().keys(&Keys::new());
    requests.client_gone(ClientGone::Wait(SPAN))
}

/// A handler that is called once, and answers with these frames.
fn streamed() -> (Handler<Frames>, Sender<Frame<Bytes>>) {
    let (sender, body) = frames();
    let body = Mutex::new(Some(body));
    let service = handler(move |_| {
        let body = body.lock().take().expect("it is called once");
        async move { Ok(Response::new(body)) }
    });
    (service, sender)
}

fn send(sender: &Sender<Frame<Bytes>>, text: &'static str) {
    sender.send(Frame::data(text.into())).unwrap();
}

/// Answers a request whose response comes once the task with the work was polled.
fn taken<B>(
    bench: &mut Bench,
    mut response: BoxFuture<Answer<ResponseBody<B>>>,
) -> Response<ResponseBody<B>> {
    if let Poll::Ready(response) = poll(response.as_mut()) {
        return response.unwrap();
    }
    bench.advance(Duration::ZERO);
    match poll(response.as_mut()) {
        Poll::Ready(response) => response.unwrap(),
        Poll::Pending => panic!("it is pending"),
    }
}

fn ended(bench: &Bench) -> Vec<(Status, Option<Reason>)> {
    let list = bench.registry.history(&Filter::new().name("GET /job"));
    let reason = |one: &cancelable_core::operation::OperationSnapshot| {
        one.cause().map(|cause| cause.reason().clone())
    };
    list.iter().map(|one| (one.status(), reason(one))).collect()
}

#[test]
fn a_later_request_takes_the_stream_over_where_it_was_left() {
    let mut bench = Bench::new();
    let requests = waiting(&bench);
    let (service, sender) = streamed();
    let mut body = now(call(&requests, &service, keyed("/job")))
        .unwrap()
        .into_body();
    send(&sender, "one ");
    assert_eq!(text(&mut body).unwrap(), "one ");
    drop(body);
    bench.advance(SECOND * 3);
    send(&sender, "two ");
    bench.advance(SECOND);
    assert_eq!(bench.open(), 1);
    let response = call(&requests, &service, keyed("/job"));
    let response = taken(&mut bench, response);
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-request-key"], KEY);
    assert_eq!(response.headers()["x-request-offset"], "4");
    let mut body = response.into_body();
    assert_eq!(text(&mut body).unwrap(), "two ");
    assert!(frame(&mut body).is_pending());
    // The span has no meaning for a request that has a client.
    bench.advance(SPAN * 2);
    send(&sender, "three");
    assert_eq!(text(&mut body).unwrap(), "three");
    drop(sender);
    assert_eq!(text(&mut body), None);
    assert_eq!(ended(&bench), [(Status::Completed, None)], "one operation");
    assert_eq!(bench.open(), 0);
}

#[test]
fn a_handler_answers_the_request_that_has_taken_it_over() {
    let mut bench = Bench::new();
    let requests = waiting(&bench);
    let (runtime, calls) = (bench.manual.handle(), Arc::<AtomicUsize>::default());
    let counts = calls.clone();
    let service = handler(move |_| {
        counts.fetch_add(1, Ordering::Relaxed);
        let runtime = runtime.clone();
        async move {
            runtime.sleep(SECOND * 3).await;
            Ok(Response::new(Full::<Bytes>::from("done")))
        }
    });
    let mut first = call(&requests, &service, keyed("/job"));
    assert!(poll(first.as_mut()).is_pending());
    drop(first);
    bench.advance(SECOND);
    let mut second = call(&requests, &service, keyed("/job"));
    assert!(poll(second.as_mut()).is_pending());
    bench.advance(SECOND);
    assert!(poll(second.as_mut()).is_pending());
    bench.advance(SECOND);
    let response = taken(&mut bench, second);
    assert_eq!(response.headers()["x-request-offset"], "0");
    assert_eq!(text(&mut response.into_body()).unwrap(), "done");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(ended(&bench), [(Status::Completed, None)]);
}

#[test]
fn a_stream_that_nobody_takes_over_is_cancelled_as_left_by_its_client() {
    for has_key in [true, false] {
        let mut bench = Bench::new();
        let requests = waiting(&bench);
        let (service, sender) = streamed();
        let asked = if has_key {
            keyed("/job")
        } else {
            request("/job")
        };
        let mut body = now(call(&requests, &service, asked)).unwrap().into_body();
        send(&sender, "one");
        assert_eq!(text(&mut body).unwrap(), "one");
        drop(body);
        bench.advance(SPAN - SECOND);
        assert_eq!(bench.open(), 1);
        bench.advance(SECOND);
        assert_eq!(
            ended(&bench),
            [(Status::Cancelled, Some(Reason::Disconnected))]
        );
        assert!(
            sender.send(Frame::data("two".into())).is_err(),
            "the body is dropped"
        );
    }
}

#[test]
fn a_response_that_is_whole_waits_and_then_its_key_is_free() {
    let mut bench = Bench::new();
    let requests = waiting(&bench);
    let service = handler(|_| async { Ok(Response::new(Full::<Bytes>::from("done"))) });
    // Nobody reads the body.
    drop(now(call(&requests, &service, keyed("/job"))).unwrap());
    bench.advance(SECOND);
    let response = call(&requests, &service, keyed("/job"));
    let response = taken(&mut bench, response);
    assert_eq!(response.headers()["x-request-offset"], "0");
    drop(response);
    bench.advance(SPAN);
    assert_eq!(ended(&bench), [(Status::Completed, None)]);
    let response = now(call(&requests, &service, keyed("/job"))).unwrap();
    assert!(
        !response.headers().contains_key("x-request-offset"),
        "a new request"
    );
}

#[test]
fn a_key_gives_nothing_to_another_owner_or_another_request() {
    let mut bench = Bench::new();
    let owner =
        |head: &http::request::Parts| Some(head.headers.get("x-user")?.to_str().ok()?.to_owned());
    let requests = waiting(&bench).keys(&Keys::with_owner(owner));
    let (service, sender) = streamed();
    let by = |user: &str, path: &str| {
        let mut asked = keyed(path);
        asked.headers_mut().insert("x-user", user.parse().unwrap());
        asked
    };
    let body = now(call(&requests, &service, by("ada", "/job")));
    let status = |asked| now(call(&requests, &service, asked)).unwrap().status();
    assert_eq!(
        status(by("ada", "/job")),
        StatusCode::CONFLICT,
        "its client is there"
    );
    drop(body);
    bench.advance(SECOND);
    let mut put = by("ada", "/job");
    *put.method_mut() = http::Method::PUT;
    for asked in [
        by("eve", "/job"),
        keyed("/job"),
        by("ada", "/job?page=2"),
        put,
    ] {
        assert_eq!(status(asked), StatusCode::CONFLICT);
    }
    let response = call(&requests, &service, by("ada", "/job"));
    assert_eq!(taken(&mut bench, response).status(), StatusCode::OK);
    drop(sender);
}

#[test]
fn r48_a_client_that_missed_bytes_goes_back_or_is_refused() {
    let mut bench = Bench::new();
    let requests = waiting(&bench);
    let (service, sender) = streamed();
    let mut body = now(call(&requests, &service, keyed("/job")))
        .unwrap()
        .into_body();
    for word in ["one ", "two ", "three "] {
        send(&sender, word);
        assert_eq!(text(&mut body).unwrap(), word);
    }
    drop(body);
    for offset in ["15", "99999999999999999999", "-1", "", "a"] {
        let response = call(&requests, &service, from(offset));
        let refused = taken(&mut bench, response);
        let status = refused.status();
        let is_number = offset == "15";
        let expected = if is_number {
            StatusCode::RANGE_NOT_SATISFIABLE
        } else {
            StatusCode::BAD_REQUEST
        };
        assert_eq!(status, expected, "{offset}");
        if is_number {
            assert_eq!(refused.headers()["x-request-offset"], "14", "what was sent");
        }
        bench.advance(Duration::ZERO);
    }
    for (offset, words) in [
        ("14", &[][..]),
        ("5", &["wo ", "three "][..]),
        ("0", &["one ", "two ", "three "]),
    ] {
        let response = call(&requests, &service, from(offset));
        let response = taken(&mut bench, response);
        assert_eq!(response.headers()["x-request-offset"], offset);
        let mut body = response.into_body();
        let mut read = String::new();
        while let Poll::Ready(Some(frame)) = frame(&mut body) {
            read += std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap();
        }
        assert_eq!(read, words.concat(), "{offset}");
        drop(body);
    }
    // What is longer ago than 64 KiB is not kept.
    let response = call(&requests, &service, keyed("/job"));
    let mut body = taken(&mut bench, response).into_body();
    for _ in 0..16 {
        sender
            .send(Frame::data(vec![b'x'; 8 * 1024].into()))
            .unwrap();
        assert!(frame(&mut body).is_ready());
    }
    drop(body);
    let response = call(&requests, &service, from("0"));
    let status = taken(&mut bench, response).status();
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    bench.advance(Duration::ZERO);
    let response = call(&requests, &service, from("100000"));
    assert_eq!(
        taken(&mut bench, response).headers()["x-request-offset"],
        "100000"
    );
}

#[test]
fn the_end_of_a_large_frame_can_be_had_again() {
    const KEPT: usize = 64 * 1024;
    let mut bench = Bench::new();
    let requests = waiting(&bench);
    let (service, sender) = streamed();
    let mut body = now(call(&requests, &service, keyed("/job")))
        .unwrap()
        .into_body();
    send(&sender, "small");
    let large: Vec<u8> = (0..=250).cycle().take(3 * KEPT).collect();
    sender.send(Frame::data(large.clone().into())).unwrap();
    assert_eq!(text(&mut body).unwrap(), "small");
    assert!(matches!(frame(&mut body), Poll::Ready(Some(Ok(_)))));
    drop(body);

    let sent = "small".len() + large.len();
    let response = call(&requests, &service, from(&(sent - KEPT - 1).to_string()));
    let status = taken(&mut bench, response).status();
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    let response = call(&requests, &service, from(&(sent - KEPT).to_string()));
    let response = taken(&mut bench, response);
    assert_eq!(response.status(), StatusCode::OK);
    let Poll::Ready(Some(Ok(again))) = frame(&mut response.into_body()) else {
        panic!("no frame");
    };
    assert!(again.into_data().unwrap() == large[large.len() - KEPT..]);
}

#[test]
fn a_length_in_the_head_is_that_of_the_rest() {
    let mut bench = Bench::new();
    let requests = waiting(&bench);
    let (sender, body) = frames();
    let body = Mutex::new(Some(body));
    let service = handler(move |_| {
        let mut response = Response::new(body.lock().take().unwrap());
        response.headers_mut().insert("content-length", 6.into());
        async move { Ok(response) }
    });
    let mut body = now(call(&requests, &service, keyed("/job")))
        .unwrap()
        .into_body();
    send(&sender, "one");
    assert_eq!(text(&mut body).unwrap(), "one");
    drop(body);
    let response = call(&requests, &service, keyed("/job"));
    let response = taken(&mut bench, response);
    assert_eq!(response.headers()["content-length"], "3");
    let mut body = response.into_body();
    send(&sender, "two");
    assert_eq!(text(&mut body).unwrap(), "two");
    assert_eq!(ended(&bench), [(Status::Completed, None)]);
}

#[test]
fn a_body_without_a_client_is_polled_until_its_buffer_is_full() {
    const KIB: usize = 1024;
    let mut bench = Bench::new();
    let requests = waiting(&bench);
    let polled = Arc::<AtomicUsize>::default();
    let counts = polled.clone();
    let service = handler(move |_| {
        let counts = counts.clone();
        async move {
            Ok(Response::new(Endless {
                polled: counts,
                frame: vec![b'x'; KIB].into(),
            }))
        }
    });
    drop(now(call(&requests, &service, keyed("/job"))).unwrap());
    bench.advance(SECOND);
    bench.advance(SECOND);
    assert_eq!(polled.load(Ordering::Relaxed), 64);
    let response = call(&requests, &service, keyed("/job"));
    let mut body = taken(&mut bench, response).into_body();
    for _ in 0..65 {
        assert!(frame(&mut body).is_ready());
    }
    assert_eq!(polled.load(Ordering::Relaxed), 65);
}

struct Endless {
    polled: Arc<AtomicUsize>,
    frame: Bytes,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.polled.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(self.frame.clone()))))
    }
}

#[test]
fn work_is_taken_over_although_as_much_is_left_behind_as_may_be() {
    let mut bench = Bench::new();
    let requests = waiting(&bench).most_left_behind(NonZeroUsize::MIN);
    let (service, sender) = streamed();
    drop(now(call(&requests, &service, keyed("/job"))));
    let refused = now(call(&requests, &service, request("/job"))).unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let response = call(&requests, &service, keyed("/job"));
    let response = taken(&mut bench, response);
    assert_eq!(response.status(), StatusCode::OK);
    bench.advance(Duration::ZERO);
    let (other, _sender) = streamed();
    assert!(
        now(call(&requests, &other, request("/job")))
            .unwrap()
            .status()
            .is_success()
    );
    drop(sender);
}

#[test]
fn a_request_that_leaves_while_it_takes_over_leaves_the_work_to_the_next() {
    let mut bench = Bench::new();
    let requests = waiting(&bench);
    let (service, sender) = streamed();
    send(&sender, "one");
    drop(now(call(&requests, &service, keyed("/job"))));
    // Before the task has heard of the request, and after it has sent the work.
    for is_sent in [false, true] {
        let mut gone = call(&requests, &service, keyed("/job"));
        assert!(poll(gone.as_mut()).is_pending());
        if is_sent {
            bench.advance(Duration::ZERO);
        }
        drop(gone);
        bench.advance(Duration::ZERO);
    }
    let response = call(&requests, &service, keyed("/job"));
    let mut body = taken(&mut bench, response).into_body();
    assert_eq!(text(&mut body).unwrap(), "one");
    drop(sender);
    assert_eq!(text(&mut body), None);
    assert_eq!(ended(&bench), [(Status::Completed, None)]);
}

#[test]
fn r20_the_deadlines_of_both_requests_hold() {
    for (second, seconds) in [("2000", 2), ("60000", 9)] {
        let mut bench = Bench::new();
        let requests = waiting(&bench).timeout(SECOND * 10);
        let service = silent();
        let mut first = call(&requests, &service, keyed("/job"));
        assert!(poll(first.as_mut()).is_pending());
        drop(first);
        bench.advance(SECOND);
        let mut asked = keyed("/job");
        asked
            .headers_mut()
            .insert("x-request-timeout-ms", second.parse().unwrap());
        let mut later = call(&requests, &service, asked);
        assert!(poll(later.as_mut()).is_pending());
        bench.advance(Duration::ZERO);
        assert!(poll(later.as_mut()).is_pending());
        bench.advance(SECOND * seconds - Duration::from_millis(1));
        assert!(poll(later.as_mut()).is_pending(), "{second}");
        bench.advance(Duration::from_millis(1));
        let Poll::Ready(Ok(response)) = poll(later.as_mut()) else {
            panic!("it is pending");
        };
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    }
}

#[test]
fn r19_work_that_waits_is_stopped_by_its_key() {
    let mut bench = Bench::new();
    let keys = Keys::new();
    // The handler has ended, so there is nothing that needs the grace.
    let requests = waiting(&bench).keys(&keys).grace(SECOND * 5);
    let (service, sender) = streamed();
    drop(now(call(&requests, &service, keyed("/job"))));
    bench.advance(SECOND);
    assert!(keys.stop(KEY));
    bench.advance(Duration::ZERO);
    assert_eq!(
        ended(&bench),
        [(Status::Cancelled, Some(Reason::Requested))]
    );
    assert!(!keys.stop(KEY));
    drop(sender);
}
