use cancelable_core::Scope;
use futures_util::future::{Either, select};
use parking_lot::Mutex;
use std::error::Error;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::{Client, Config, NoTls, Row};

type AnyError = Box<dyn Error + Send + Sync>;

/// How long the server has to end a cancelled query. After that, only the connection is closed.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// How long a cancelled query is waited for before the request is repeated.
const REPEAT: Duration = Duration::from_millis(20);

/// Connections to one server.
pub struct Pool {
    config: Config,
    free: Mutex<Vec<Client>>,
}

impl Pool {
    pub fn new(config: Config) -> Arc<Self> {
        let free = Mutex::default();
        Arc::new(Self { config, free })
    }

    /// Returns a free connection, or a new one.
    pub async fn connection(&self) -> Result<Client, AnyError> {
        let free = self.free.lock().pop();
        if let Some(client) = free.filter(|client| !client.is_closed()) {
            return Ok(client);
        }
        let (client, connection) = self.config.connect(NoTls).await?;
        // This task ends when the client is dropped.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Runs a query. A cancel of `op` cancels the query on the server, and `op` waits until the query has ended.
    pub async fn query(
        self: &Arc<Self>,
        op: &Scope,
        sql: &'static str,
    ) -> Result<Vec<Row>, AnyError> {
        let client = self.connection().await?;
        let pool = Arc::clone(self);
        // A child is joined even if the run of `op` is dropped.
        let query = op.child("query").try_spawn(async move |op: Scope| {
            // Without the shield, a cancel would drop the future, and the query would run on.
            op.shield(pool.rows(&op, client, sql)).await
        })?;
        Ok(query.await?)
    }

    async fn rows(&self, op: &Scope, client: Client, sql: &str) -> Result<Vec<Row>, AnyError> {
        let rows = match select(pin!(client.query(sql, &[])), pin!(op.cancelled())).await {
            Either::Left((rows, _)) => rows,
            // The connection is not used again: a late cancel request would hit its next query.
            Either::Right((_, query)) => return timeout(STOP_LIMIT, stop(&client, query)).await?,
        };
        self.free.lock().push(client);
        Ok(rows?)
    }
}

/// Cancels a query on the server, and waits for its end.
async fn stop<F>(client: &Client, mut query: Pin<&mut F>) -> Result<Vec<Row>, AnyError>
where
    F: Future<Output = Result<Vec<Row>, tokio_postgres::Error>>,
{
    loop {
        client.cancel_token().cancel_query(NoTls).await?;
        // A request that arrives before its query has no effect, and is repeated.
        if let Ok(rows) = timeout(REPEAT, &mut query).await {
            return Ok(rows?);
        }
    }
}
