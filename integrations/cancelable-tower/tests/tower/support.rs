//! Services that do what a test says, below the layer, on the manual runtime.

use bytes::Bytes;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Registry, Scope};
use cancelable_tower::{Requests, ResponseBody};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
pub(crate) type Answer<B> = Result<Response<B>, Infallible>;

type Function<B> = dyn Fn(Request<Full<Bytes>>) -> BoxFuture<Answer<B>> + Send + Sync;

/// A service of one function.
pub(crate) struct Handler<B> {
    function: Arc<Function<B>>,
}

pub(crate) fn handler<B, F>(
    function: impl Fn(Request<Full<Bytes>>) -> F + Send + Sync + 'static,
) -> Handler<B>
where
    F: Future<Output = Answer<B>> + Send + 'static,
{
    Handler {
        function: Arc::new(move |request| Box::pin(function(request))),
    }
}

/// A handler that never answers.
pub(crate) fn silent() -> Handler<Full<Bytes>> {
    handler(|_| std::future::pending())
}

/// A handler that is called once, and answers with this response.
pub(crate) fn once<B: Send + 'static>(response: Response<B>) -> Handler<B> {
    let response = parking_lot::Mutex::new(Some(response));
    handler(move |_| {
        let response = response.lock().take().expect("it is called once");
        std::future::ready(Ok(response))
    })
}

impl<B> Service<Request<Full<Bytes>>> for Handler<B> {
    type Response = Response<B>;
    type Error = Infallible;
    type Future = BoxFuture<Answer<B>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        (self.function)(request)
    }
}

/// A runtime whose time the test moves, and an open scope of a server that a registry lists.
pub(crate) struct Bench {
    pub(crate) manual: ManualRuntime,
    pub(crate) registry: Registry,
    pub(crate) server: Scope,
    run: Pin<Box<dyn Future<Output = cancelable_core::Outcome<()>>>>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_grace(Duration::ZERO)
    }

    pub(crate) fn with_grace(grace: Duration) -> Self {
        let manual = ManualRuntime::new();
        let registry = Registry::new();
        let server = Scope::builder("server")
            .runtime(&manual.handle())
            .grace(grace)
            .register_in(&registry)
            .build()
            .unwrap();
        let mut run: Pin<Box<dyn Future<Output = _>>> =
            Box::pin(server.run(async |_| std::future::pending::<()>().await));
        assert!(poll(run.as_mut()).is_pending());
        Self {
            manual,
            registry,
            server,
            run,
        }
    }

    pub(crate) fn requests(&self) -> Requests {
        Requests::of(&self.server).name(|_| "GET /job".into())
    }

    /// The number of requests that have not ended.
    pub(crate) fn open(&self) -> usize {
        self.registry.len() - 1
    }

    /// Moves the time, polls the run of the server, and returns whether that has ended.
    pub(crate) fn advance(&mut self, by: Duration) -> bool {
        self.manual.advance(by);
        poll(self.run.as_mut()).is_ready()
    }
}

pub(crate) fn request(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

/// A request with this header.
pub(crate) fn with_header(name: &'static str, value: &str) -> Request<Full<Bytes>> {
    let mut request = request("/job");
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// Calls a service below the layer.
pub(crate) fn call<B>(
    requests: &Requests,
    service: &Handler<B>,
    request: Request<Full<Bytes>>,
) -> BoxFuture<Answer<ResponseBody<B>>>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    Box::pin(requests.layer(service.clone()).call(request))
}

pub(crate) fn poll<T>(mut future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

/// The output of a future that is ready at once.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match poll(pin!(future)) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it is pending"),
    }
}

/// Polls the next frame of a body.
pub(crate) fn frame<B>(body: &mut B) -> Poll<Option<Result<Frame<Bytes>, B::Error>>>
where
    B: Body<Data = Bytes> + Unpin,
{
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

/// The text of the next frame, which is there.
pub(crate) fn text<B>(body: &mut B) -> Option<String>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Debug,
{
    match frame(body) {
        Poll::Ready(Some(frame)) => {
            let data = frame.unwrap().into_data().unwrap();
            Some(String::from_utf8(data.to_vec()).unwrap())
        }
        Poll::Ready(None) => None,
        Poll::Pending => panic!("it is pending"),
    }
}

/// A body that yields what a channel has.
pub(crate) struct Frames {
    pub(crate) frames: std::sync::mpsc::Receiver<Frame<Bytes>>,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.frames.try_recv() {
            Ok(frame) => Poll::Ready(Some(Ok(frame))),
            Err(std::sync::mpsc::TryRecvError::Empty) => Poll::Pending,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => Poll::Ready(None),
        }
    }
}

/// A body that the test feeds.
pub(crate) fn frames() -> (std::sync::mpsc::Sender<Frame<Bytes>>, Frames) {
    let (sender, frames) = std::sync::mpsc::channel();
    (sender, Frames { frames })
}

/// Waits for ever, and sets a flag when it is dropped.
pub(crate) fn until_dropped() -> (
    Arc<std::sync::atomic::AtomicBool>,
    impl Future<Output = ()> + Send,
) {
    struct SetsFlag(Arc<std::sync::atomic::AtomicBool>);
    impl Drop for SetsFlag {
        fn drop(&mut self) {
            self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let flag = Arc::<std::sync::atomic::AtomicBool>::default();
    let guard = SetsFlag(flag.clone());
    let wait = async move {
        let _guard = guard;
        poll_fn(|_| Poll::<()>::Pending).await;
    };
    (flag, wait)
}

impl<B> Clone for Handler<B> {
    fn clone(&self) -> Self {
        Self {
            function: self.function.clone(),
        }
    }
}
