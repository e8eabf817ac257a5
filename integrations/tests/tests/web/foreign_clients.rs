//! Clients that others have written: curl and nghttp.

use crate::support::{Running, soon, start};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use cancelable_core::{Reason, Status};
use futures_util::{StreamExt, stream};
use std::convert::Infallible;
use std::process::Output;
use std::time::Duration;
use tokio::process::Command;

const LIMIT: Duration = Duration::from_millis(500);

/// `/cut` streams a part and waits, and `/slow` waits.
fn app() -> Router {
    Router::new()
        .route(
            "/cut",
            get(async || {
                let part = stream::iter([Ok::<_, Infallible>("a part\n")]);
                Body::from_stream(part.chain(stream::pending()))
            }),
        )
        .route("/slow", get(async || std::future::pending::<()>().await))
        .route("/", get(async || "hello"))
}

/// Runs a client. `None`, with a line that says so, where the machine does not have it.
async fn client(program: &str, package: &str, arguments: &[&str]) -> Option<Output> {
    let output = Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .output();
    match soon(output).await {
        Ok(output) => Some(output),
        Err(error) => {
            #[allow(
                clippy::print_stdout,
                reason = "the log of the tests says what was skipped"
            )]
            {
                println!("skipped, {program}: {error}; `apt-get install {package}` gives it");
            }
            None
        }
    }
}

async fn curl(server: &Running, path: &str, arguments: &[&str]) -> Option<Output> {
    let url = format!("http://{}{path}", server.address);
    let all = [&["-sS", "--noproxy", "*", &url], arguments].concat();
    client("curl", "curl", &all).await
}

async fn serve() -> Running {
    start(app(), |layer| layer.timeout(LIMIT), |serve| serve).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_fails_on_a_body_that_is_cut() {
    let mut server = serve().await;
    let Some(one) = curl(&server, "/cut", &["--http1.1"]).await else {
        return;
    };
    assert_eq!(one.status.code(), Some(18), "{one:?}: a partial file");
    assert_eq!(one.stdout, b"a part\n");
    assert_eq!(
        server.ended().await.2,
        Some(Reason::TimedOut { limit: LIMIT })
    );
    let two = curl(&server, "/cut", &["--http2-prior-knowledge"]).await;
    let two = two.unwrap();
    // 92: a stream was not closed cleanly. 1 or 4: a curl without HTTP/2.
    assert!(matches!(two.status.code(), Some(92 | 1 | 4)), "{two:?}");
    let whole = curl(&server, "/", &[]).await.unwrap();
    assert!(
        whole.status.success() && whole.stdout == b"hello",
        "{whole:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_is_answered_by_504_and_is_noticed_when_it_gives_up() {
    let mut server = serve().await;
    let format = ["-w", "\n%{http_code} %{content_type}"];
    let Some(late) = curl(&server, "/slow", &format).await else {
        return;
    };
    let text = String::from_utf8_lossy(&late.stdout);
    assert!(text.ends_with("504 application/problem+json"), "{text}");
    assert_eq!(
        server.ended().await.2,
        Some(Reason::TimedOut { limit: LIMIT })
    );
    server.server.check().unwrap();
    let gives_up = curl(&server, "/slow", &["--max-time", "0.1"]).await;
    assert_eq!(gives_up.unwrap().status.code(), Some(28));
    let (name, status, reason) = server.ended().await;
    assert_eq!(
        (name.as_str(), status, reason),
        ("GET /slow", Status::Cancelled, Some(Reason::Disconnected))
    );
    // A deadline of its own.
    let header = ["-H", "x-request-timeout-ms: 20", "-w", "%{http_code}"];
    let own = curl(&server, "/slow", &header).await.unwrap();
    assert!(own.stdout.ends_with(b"504"), "{own:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nghttp_reports_a_stream_that_is_cut_as_reset() {
    let server = serve().await;
    let cut = format!("http://{}/cut", server.address);
    let Some(output) = client("nghttp", "nghttp2-client", &["-v", &cut]).await else {
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("recv RST_STREAM frame"), "{text}");
    assert!(text.contains("a part"), "{text}");
    let whole = format!("http://{}/", server.address);
    let output = client("nghttp", "nghttp2-client", &["-v", &whole]).await;
    let text = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
    assert!(
        text.contains("hello") && !text.contains("recv RST_STREAM"),
        "{text}"
    );
}
