//! One transfer: the part that may be cancelled, the part that may not, and the rollback.

use crate::AnyError;
use crate::bank::Bank;
use cancelable_core::scope::BuildError;
use cancelable_core::{RuntimeHandle, Scope};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Clone, Copy)]
pub(crate) struct Transfer {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) amount: i64,
}

/// True if the transfer was committed, as the committing thread has recorded. The output of a shield is dropped
/// if a cancel is pending.
#[derive(Clone, Default)]
pub(crate) struct Truth(Arc<AtomicBool>);

impl Truth {
    pub(crate) fn note_commit(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_committed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

type Body = Pin<Box<dyn Future<Output = Result<(), AnyError>> + Send>>;

impl Transfer {
    /// Returns the scope of the transfer, with its timeout.
    pub(crate) fn scope(
        self,
        runtime: &RuntimeHandle,
        limit: Duration,
    ) -> Result<Scope, BuildError> {
        Scope::builder("transfer")
            .runtime(runtime)
            .timeout(limit)
            .build()
    }

    pub(crate) fn body(self, bank: Bank, truth: Truth) -> impl FnOnce(Scope) -> Body {
        move |op| Box::pin(async move { self.perform(&op, &bank, &truth).await })
    }

    async fn perform(self, op: &Scope, bank: &Bank, truth: &Truth) -> Result<(), AnyError> {
        let Self { from, to, amount } = self;
        // Deferred before the first change. The rollback runs after every ending, and after the
        // running statements.
        let undo = bank.clone();
        op.defer_named("rollback", async move { undo.roll_back() })?;

        bank.execute(op, "BEGIN IMMEDIATE", ()).await?;
        let take = "UPDATE account SET balance = balance - ?2 WHERE id = ?1";
        bank.execute(op, take, (from, amount)).await?;
        let give = "UPDATE account SET balance = balance + ?2 WHERE id = ?1";
        bank.execute(op, give, (to, amount)).await?;
        // From here on the transfer is committed whole or not at all.
        op.shield(async {
            // A scope that is opened inside a shield is not cancelled by an ancestor.
            let commit = op.child("commit").build()?;
            let outcome = commit.try_run(async |op| {
                let entry = "INSERT INTO ledger (payer, payee, amount) VALUES (?1, ?2, ?3)";
                bank.execute(&op, entry, (from, to, amount)).await?;
                bank.commit(&op, truth.clone()).await
            });
            match outcome.await.into_result() {
                Ok(()) => Ok(()),
                Err(error) => Err(error.to_string().into()),
            }
        })
        .await
    }
}
