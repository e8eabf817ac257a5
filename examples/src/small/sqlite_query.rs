//! A query of SQLite that ends when its scope is cancelled, and why it does so by the progress handler.
//!
//! SQLite calls the progress handler while the query runs, and the handler checks the token of that query. An interrupt
//! names the connection and no query: before the query it has no effect, and after the query it hits the next one.
//!
//! ```text
//! count: timed out (limit 50 ms, set at src/main.rs:41 by count)
//! interrupted too early: Ok(1)
//! interrupted too late, the next query: interrupted
//! ```

use cancelable_core::{CancellationToken, Scope};
use parking_lot::Mutex;
use rusqlite::Connection;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

type AnyError = Box<dyn Error + Send + Sync>;

const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

/// Runs a query for one number. A cancel of the token ends the query.
fn number(connection: &Connection, sql: &str, token: &CancellationToken) -> Result<i64, AnyError> {
    // Every 1000 instructions of SQLite. The query ends if the handler returns true.
    let watched = token.clone();
    connection.progress_handler(1000, Some(move || watched.check().is_err()))?;
    let number = connection.query_row(sql, [], |row| row.get(0));
    // The next query has a handler of its own, or none.
    connection.progress_handler(0, None::<fn() -> bool>)?;
    if number.is_err() {
        token.check()?; // not a failure of the query
    }
    Ok(number?)
}

pub fn main() -> Result<(), Box<dyn Error>> {
    let connection = Arc::new(Mutex::new(Connection::open_in_memory()?));
    rt::block_on(async {
        let count = rt::scope("count").timeout(Duration::from_millis(50));
        let outcome = count.try_run(async |op: Scope| {
            let connection = connection.clone();
            let query =
                op.try_spawn_blocking(move |token| number(&connection.lock(), ENDLESS, &token))?;
            Ok::<_, AnyError>(query.await?)
        });
        if let Some(cause) = outcome.await.cause() {
            println!("count: {cause}");
        }
    });

    // The scope has waited for the query, so the connection is free.
    let connection = connection.lock();
    let interrupt = connection.get_interrupt_handle();
    interrupt.interrupt(); // before the query
    let one = number(&connection, "SELECT 1", &CancellationToken::new());
    println!("interrupted too early: {one:?}");

    let mut statement = connection.prepare("SELECT 2 UNION ALL SELECT 3")?;
    let mut rows = statement.query([])?;
    rows.next()?;
    interrupt.interrupt(); // meant for the query before this one
    if let Err(error) = rows.next() {
        println!("interrupted too late, the next query: {error}");
    }
    Ok(())
}
