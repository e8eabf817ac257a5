//! The client's side: a request carries the remaining time of the deadline, and ends with its operation.

use crate::support::{Answer, Bench, Handler, SECOND, handler, now, poll, request, silent};
use bytes::Bytes;
use cancelable_core::Scope;
use cancelable_tower::{OutgoingDeadline, OutgoingError};
use http::{Request, Response};
use http_body_util::Full;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// A client whose response has the deadline header of the request for its body.
fn echo() -> Handler<Full<Bytes>> {
    handler(|request: Request<Full<Bytes>>| async move {
        let headers = ["x-request-timeout-ms", "grpc-timeout"];
        let value = headers.iter().find_map(|name| request.headers().get(*name));
        let value = value.map_or(Bytes::new(), |value| {
            Bytes::copy_from_slice(value.as_bytes())
        });
        Ok(Response::new(Full::new(value)))
    })
}

fn deadline(answer: Answer<Full<Bytes>>) -> String {
    crate::support::text(&mut answer.unwrap().into_body()).unwrap_or_default()
}

fn open(bench: &Bench, limit: Duration) -> Scope {
    Scope::builder("caller")
        .runtime(&bench.manual.handle())
        .timeout(limit)
        .build()
        .unwrap()
}

#[test]
fn r20_what_remains_is_written_rounded_down() {
    let bench = Bench::new();
    let scope = open(&bench, SECOND * 2);
    let outcome = now(scope.run(async |_| {
        let mut client = OutgoingDeadline::new().layer(echo());
        let plain = client.call(request("/")).await.map_err(|_| ()).unwrap();
        let mut asked = request("/");
        asked
            .headers_mut()
            .insert("content-type", "application/grpc".parse().unwrap());
        let grpc = client.call(asked).await.map_err(|_| ()).unwrap();
        let mut shorter = request("/");
        shorter
            .headers_mut()
            .insert("x-request-timeout-ms", "5".parse().unwrap());
        let shorter = client.call(shorter).await.map_err(|_| ()).unwrap();
        [plain, grpc, shorter].map(|response| deadline(Ok(response)))
    }));
    let written = outcome.into_value().unwrap();
    assert_eq!(written, ["2000", "2000m", "5"]);
    // Outside of operations the request goes as it is.
    let plain = now(OutgoingDeadline::new().layer(echo()).call(request("/")));
    assert_eq!(deadline(Ok(plain.map_err(|_| ()).unwrap())), "");
}

#[test]
fn r20_a_request_with_too_little_time_is_not_sent() {
    let bench = Bench::new();
    let scope = open(&bench, Duration::from_millis(15));
    let outcome = now(scope.run(async |_| {
        let silent = handler(|_| async { panic!("it is sent") as Answer<Full<Bytes>> });
        let layer = OutgoingDeadline::new().floor(Duration::from_millis(20));
        layer.layer(silent).call(request("/")).await.map(drop)
    }));
    let error = outcome.into_value().unwrap().unwrap_err();
    assert!(matches!(error, OutgoingError::TooLate { left } if left == Duration::from_millis(15)));
}

#[test]
fn r19_a_request_ends_with_the_operation_that_makes_it() {
    let bench = Bench::new();
    let scope = Scope::builder("caller")
        .runtime(&bench.manual.handle())
        .grace(SECOND)
        .build()
        .unwrap();
    let silent = silent();
    let mut client = OutgoingDeadline::new().layer(silent);
    let mut run = pin!(scope.run(async |_| client.call(request("/")).await.map(drop)));
    assert!(poll(run.as_mut()).is_pending());
    scope.cancel_with("enough");
    let Poll::Ready(outcome) = poll(run.as_mut()) else {
        panic!("it is pending");
    };
    let error = outcome.into_value().unwrap().unwrap_err();
    assert!(matches!(&error, OutgoingError::Cancelled(_)));
    assert!(error.to_string().contains("enough"), "{error}");
}
