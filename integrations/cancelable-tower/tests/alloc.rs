//! The cost of a request in memory: the allocations of the layer, exactly (R38). The counts are per thread. The binary is
//! its own because the counter is the global allocator.
#![allow(missing_docs)]

use allocation_counter::{AllocationInfo, measure};
use bytes::Bytes;
use cancelable_core::Scope;
use cancelable_core::testing::ManualRuntime;
use cancelable_tower::{ClientGone, Limits, Requests};
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use std::convert::Infallible;
use std::future::{Future, Ready, pending, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

/// A service that answers at once, and allocates nothing.
#[derive(Clone)]
struct Hello;

impl Service<Request<()>> for Hello {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(Full::from("hello"))))
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it is pending"),
    }
}

/// One request, from its head to the last byte of the response.
fn exchange<S, B>(service: &mut S)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes> + Unpin,
{
    let request = Request::new(());
    let Ok(response) = now(service.call(request));
    let mut body = response.into_body();
    let mut context = Context::from_waker(Waker::noop());
    // Ends: the body has one frame.
    while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut context) {
        assert!(frame.is_ok());
    }
}

/// The allocations of a request, of which nothing is left.
fn each(mut round: impl FnMut()) -> (u64, AllocationInfo) {
    const ROUNDS: u64 = 1000;
    (0..100).for_each(|_| round());
    let info = measure(|| (0..ROUNDS).for_each(|_| round()));
    assert_eq!((info.bytes_current, info.count_current), (0, 0), "{info:?}");
    assert_eq!(info.count_total % ROUNDS, 0, "{info:?}");
    (info.count_total / ROUNDS, info)
}

#[test]
fn r38_allocations_of_a_request() {
    let manual = ManualRuntime::new();
    let server = Scope::builder("server").runtime(&manual.handle()).build();
    let server = server.unwrap();
    let mut run = pin!(server.run(async |_| pending::<()>().await));
    assert!(
        run.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    let (bare, _) = each(|| exchange(&mut Hello));
    assert_eq!(bare, 0);
    let requests = Requests::of(&server).name(|_| "GET /".into());
    let limited = requests.clone().timeout(Duration::from_secs(30));
    let route = Limits::new().client_gone(ClientGone::Finish).layer(Hello);
    let mut plain = requests.layer(Hello);
    let mut limited = limited.layer(Hello);
    let mut routed = requests.layer(route);
    // Of the 16: the operation, its name and its metadata take 6, the extensions of the request 4, the exchange, the slot
    // of its response and the boxed run 3, and a run that is polled by a body and not by its parent 3.
    for (work, expected, (count, info)) in [
        ("a request", 16, each(|| exchange(&mut plain))),
        ("with a limit", 17, each(|| exchange(&mut limited))),
        ("with a policy", 16, each(|| exchange(&mut routed))),
    ] {
        println!(
            "{work}: {count} allocations, {} bytes, {} at once",
            info.bytes_total / 1000,
            info.bytes_max
        );
        assert_eq!(count, expected, "{work}");
        assert!(info.bytes_max <= 2304, "{work}: {info:?}");
    }
}
