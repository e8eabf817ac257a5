//! Queries of PostgreSQL that end on the server when their scope is cancelled.
//!
//! `pool.rs` is the part to copy. Here are four uses of it:
//!
//! ```text
//! $ cargo run -p examples-database -- 'host=/run/postgresql user=postgres'
//! report: cancel requested: the user has left
//!   queries that run on: 0
//! the run of a report was dropped
//!   queries that run on: 0
//! 50 queries were cancelled, at any point; the next query was answered 50 times
//!   queries that run on: 0
//! a cancel request for a query that has ended
//!   the next query: canceling statement due to user request
//! ```

#[expect(unreachable_pub, reason = "the file is written as one of a reader")]
mod pool;

use cancelable_core::Scope;
use clap::Parser;
use common::{Exit, announce, announced};
use futures_util::future::{join, select};
use pool::Pool;
use std::error::Error;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::{Config, NoTls};

type AnyError = Box<dyn Error + Send + Sync>;

/// A query that takes an hour.
const REPORT: &str = "SELECT 'report', pg_sleep(3600)";

/// Cancel queries of PostgreSQL on the server
#[derive(Debug, Parser)]
#[command(name = "database", version)]
struct Options {
    /// The server, such as "host=/run/postgresql user=postgres"
    server: Config,
}

fn main() -> ExitCode {
    let exit = match common::options::<Options>() {
        Err(exit) => exit,
        Ok(options) => match rt::block_on(work(options.server)) {
            Ok(()) => Exit::SUCCESS,
            Err(error) => Exit::failed("database", error),
        },
    };
    exit.leave()
}

async fn work(server: Config) -> Result<(), AnyError> {
    let pool = Pool::new(server);
    cancelled(&pool).await?;
    dropped(&pool).await?;
    at_any_point(&pool).await?;
    late(&pool).await?;
    Ok(announced()?)
}

/// A cancel ends the query on the server.
async fn cancelled(pool: &Arc<Pool>) -> Result<(), AnyError> {
    let scope = rt::scope("report").build()?;
    let report = scope.try_run(async |op: Scope| pool.query(&op, REPORT).await);
    let user = async {
        until_report_runs(pool).await?;
        scope.cancel_with("the user has left");
        Ok::<_, AnyError>(())
    };
    let (outcome, watched) = join(report, user).await;
    watched?;
    if let Some(cause) = outcome.cause() {
        announce(format_args!("report: {}", cause.without_location()));
    }
    announce_reports(pool).await
}

/// A run that is dropped ends its query too. The scope around it waits for that.
async fn dropped(pool: &Arc<Pool>) -> Result<(), AnyError> {
    let request = rt::scope("request").try_run(async |op: Scope| {
        let report = op.child("report");
        let report = report.try_run(async |op: Scope| pool.query(&op, REPORT).await);
        select(pin!(report), pin!(until_report_runs(pool))).await;
        announce("the run of a report was dropped");
        Ok::<_, AnyError>(())
    });
    request
        .await
        .complete()
        .map_err(|error| error.to_string())?;
    announce_reports(pool).await
}

/// The cancel may come before the query has arrived at the server, and hits no other query.
async fn at_any_point(pool: &Arc<Pool>) -> Result<(), AnyError> {
    let (mut cancelled, mut answered) = (0, 0);
    for number in 0..50 {
        let limit = Duration::from_micros(number * 100);
        let report = rt::scope("report").timeout(limit);
        let report = report.try_run(async |op: Scope| pool.query(&op, REPORT).await);
        cancelled += u32::from(report.await.is_timeout());
        let next = rt::scope("next").try_run(async |op: Scope| pool.query(&op, "SELECT 1").await);
        answered += u32::from(next.await.is_completed());
    }
    announce(format_args!(
        "{cancelled} queries were cancelled, at any point; the next query was answered {answered} times"
    ));
    announce_reports(pool).await
}

/// The trap: a request names a connection and no query.
async fn late(pool: &Arc<Pool>) -> Result<(), AnyError> {
    let client = pool.connection().await?;
    let request = client.cancel_token();
    client.query("SELECT 1", &[]).await?; // the query that was to be cancelled
    let late = async {
        until_report_runs(pool).await?;
        Ok::<_, AnyError>(request.cancel_query(NoTls).await?)
    };
    let (next, sent) = join(client.query(REPORT, &[]), late).await;
    sent?;
    announce("a cancel request for a query that has ended");
    if let Some(error) = next.err().as_ref().and_then(|error| error.as_db_error()) {
        announce(format_args!("  the next query: {}", error.message()));
    }
    Ok(())
}

async fn announce_reports(pool: &Arc<Pool>) -> Result<(), AnyError> {
    announce(format_args!(
        "  queries that run on: {}",
        reports(pool).await?
    ));
    Ok(())
}

/// Waits until the server runs a report.
async fn until_report_runs(pool: &Arc<Pool>) -> Result<(), AnyError> {
    while reports(pool).await? == 0 {}
    Ok(())
}

/// Returns how many reports the server runs.
async fn reports(pool: &Arc<Pool>) -> Result<i64, AnyError> {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    let watch = rt::scope("watch")
        .detached()
        .try_run(async |op: Scope| pool.query(&op, sql).await);
    let rows = watch.await.complete().map_err(|error| error.to_string())?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}
