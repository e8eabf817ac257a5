//! Transfers between accounts in an SQLite database: the work under a timeout, the commit under a
//! shield, the rollback deferred. The books balance after a cancel at any point.
//!
//! ```text
//! transaction books.db             a hundred transfers, and an audit of the books
//! transaction books.db 5           five transfers
//! transaction books.db 900 --torment 7   stops each at a random point, from the seed 7
//! ```

mod bank;
mod torment;
mod transfer;

use bank::{ACCOUNTS, Bank};
use cancelable_core::scope::RunError;
use cancelable_core::{Cause, Reason};
use clap::Parser;
use common::{Exit, announce, announced};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use torment::Torment;
use transfer::{Transfer, Truth};

pub(crate) type AnyError = Box<dyn Error + Send + Sync>;

/// The time limit of a transfer.
const LIMIT: Duration = Duration::from_secs(30);

const EXIT_CODES: &str = "\
Exit codes:
    0  every transfer was committed or undone, the books balance, and all was printed
    1  the database failed, the books do not balance, or not all could be printed
    2  the command line was wrong";

/// Transfer money between the accounts of a database, and audit the books.
#[derive(Debug, Parser)]
#[command(name = "transaction", version, after_help = EXIT_CODES)]
struct Order {
    /// The SQLite database, which is made if it is not there
    database: PathBuf,

    /// How many transfers are made
    #[arg(default_value = "100")]
    transfers: u32,

    /// Stop each transfer at some point, which this number decides
    #[arg(long, value_name = "SEED")]
    torment: Option<u64>,
}

fn main() -> ExitCode {
    let exit = match common::options() {
        Err(exit) => exit,
        Ok(order) => match rt::block_on(work(&order)) {
            Ok(()) => Exit::SUCCESS,
            Err(error) => Exit::failed("transaction", error),
        },
    };
    exit.leave()
}

/// Returns why a transfer was undone, for people.
fn words(error: &RunError<AnyError>) -> String {
    match error.cancellation() {
        Some(cancelled) => cancelled.without_location().to_string(),
        None => error.to_string(),
    }
}

async fn work(order: &Order) -> Result<(), AnyError> {
    let runtime = rt::current()?;
    let bank = Bank::open(&order.database)?;
    let before = bank.audit()?;
    let mut torment = order.torment.map(Torment::new);
    let (mut committed, mut undone) = (0, 0);
    for number in 0..order.transfers {
        let transfer = Transfer {
            from: i64::from(number) % ACCOUNTS,
            to: i64::from(number * 7 + 1) % ACCOUNTS,
            amount: 1 + i64::from(number % 9),
        };
        let truth = Truth::default();
        let limit = torment
            .as_mut()
            .map_or(LIMIT, |torment| torment.limit(LIMIT));
        let scope = transfer.scope(&runtime, limit)?;
        let operation = scope.operation().clone();
        let run = scope.try_run(transfer.body(bank.clone(), truth.clone()));
        // The run has the last handle now. If it is dropped before its start, the operation is over
        // too.
        drop(scope);
        let said = match &mut torment {
            None => run.await.into_result().err().map(|error| words(&error)),
            Some(torment) => {
                let stop = || {
                    let cause = Cause::new(Reason::Requested);
                    operation.cancel_with(cause.with_message("the tormentor came"));
                };
                let outcome = torment.run(run, stop).await;
                outcome.map_or(Some("dropped half-way".into()), |outcome| {
                    outcome.into_result().err().map(|error| words(&error))
                })
            }
        };
        // The run may have been dropped; then the runtime runs the rollback.
        operation.finished().await;
        // A transfer that was cancelled during its commit is cancelled and committed. The note of
        // the shielded commit is the truth, and not the outcome.
        match truth.is_committed() {
            true => {
                committed += 1;
                announce(format_args!("transfer {number}: committed"));
            }
            false => {
                undone += 1;
                let why = said.unwrap_or_default();
                announce(format_args!("transfer {number}: undone, {why}"));
            }
        }
    }
    let after = bank.audit()?;
    if after.entries != before.entries + committed {
        return Err(format!(
            "{committed} transfers were committed, and the ledger has {} more",
            after.entries - before.entries
        )
        .into());
    }
    announce(format_args!(
        "{committed} committed, {undone} undone, the books balance"
    ));
    Ok(announced()?)
}
