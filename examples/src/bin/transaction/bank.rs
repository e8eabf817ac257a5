//! The database: accounts, and a ledger with one entry for each transfer.

use crate::AnyError;
use crate::transfer::Truth;
use cancelable_core::Scope;
use parking_lot::Mutex;
use rusqlite::{Connection, Params};
use std::path::Path;
use std::sync::Arc;

pub(crate) const ACCOUNTS: i64 = 10;
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS ledger (id INTEGER PRIMARY KEY, payer INTEGER NOT NULL,
        payee INTEGER NOT NULL, amount INTEGER NOT NULL);
    INSERT OR IGNORE INTO account (id, balance)
        WITH RECURSIVE ids(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM ids WHERE id < 9)
        SELECT id, 1000 FROM ids;
    COMMIT;";

/// One connection. Clones share it.
#[derive(Clone)]
pub(crate) struct Bank {
    connection: Arc<Mutex<Connection>>,
}

/// The result of a successful audit.
pub(crate) struct Books {
    pub(crate) entries: i64,
}

impl Bank {
    pub(crate) fn open(path: impl AsRef<Path>) -> Result<Self, AnyError> {
        let connection = Connection::open(path)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Executes a statement on a blocking thread, as a child of `op`. `op` joins the thread even if
    /// the run of the transfer is dropped, so no statement runs after the rollback.
    pub(crate) async fn execute<P>(
        &self,
        op: &Scope,
        sql: &'static str,
        values: P,
    ) -> Result<(), AnyError>
    where
        P: Params + Send + Sync + 'static,
    {
        let bank = self.clone();
        let statement = op
            .child("statement")
            .try_spawn_blocking(move |_| bank.connection.lock().execute(sql, values))?;
        statement.await?;
        Ok(())
    }

    /// Commits, and notes the commit on the same thread: the future that waits for the thread may
    /// be dropped.
    pub(crate) async fn commit(&self, op: &Scope, truth: Truth) -> Result<(), AnyError> {
        let bank = self.clone();
        let commit = op.child("commit").try_spawn_blocking(move |_| {
            bank.connection.lock().execute_batch("COMMIT")?;
            truth.note_commit();
            Ok::<_, rusqlite::Error>(())
        })?;
        commit.await?;
        Ok(())
    }

    /// Rolls back an open transaction, if there is one.
    pub(crate) fn roll_back(&self) -> Result<(), AnyError> {
        let connection = self.connection.lock();
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }

    /// Checks every account against the ledger, and the integrity of the file.
    pub(crate) fn audit(&self) -> Result<Books, AnyError> {
        let connection = self.connection.lock();
        let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let verdict = "PRAGMA integrity_check";
        let verdict: String = connection.query_row(verdict, [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(format!("the file is damaged: {verdict}").into());
        }
        let wrong = number(
            "SELECT COUNT(*) FROM account WHERE balance != 1000
                - (SELECT TOTAL(amount) FROM ledger WHERE payer = account.id)
                + (SELECT TOTAL(amount) FROM ledger WHERE payee = account.id)",
        )?;
        let sum = number("SELECT SUM(balance) FROM account")?;
        if wrong > 0 || sum != ACCOUNTS * 1000 {
            return Err(format!("the books do not balance: {wrong} accounts, sum {sum}").into());
        }
        Ok(Books {
            entries: number("SELECT COUNT(*) FROM ledger")?,
        })
    }
}
