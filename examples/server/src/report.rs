//! A slow report, which ends when its client leaves.

use cancelable_axum::{HandlerError, RequestScope};
use std::time::Duration;

const PAGES: u64 = 20;

pub(crate) async fn report(RequestScope(request): RequestScope) -> Result<String, HandlerError> {
    request.progress().set_total(PAGES);
    let mut report = String::new();
    for page in 1..=PAGES {
        request.check()?;
        report += &render(page).await;
        request.progress().advance(1);
    }
    Ok(report)
}

async fn render(page: u64) -> String {
    tokio::time::sleep(Duration::from_millis(100)).await;
    format!("page {page}\n")
}
