//! Transfers between accounts in an SQLite database: the work under a timeout, the commit under a
//! shield, the rollback deferred. Whatever stops a transfer, at whatever point, the books balance.
//!
//! ```text
//! transaction books.db             a hundred transfers, and an audit of the books
//! transaction books.db 5           five
//! transaction books.db 900 --torment 7   each stopped at some point, as the seed 7 says
//! ```

mod bank;
mod torment;
mod transfer;

use bank::{ACCOUNTS, Bank};
use cancelable_core::{Cause, Reason};
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;
use torment::Torment;
use transfer::{Transfer, Truth};

pub(crate) type AnyError = Box<dyn Error + Send + Sync>;

/// How long a transfer may take.
const LIMIT: Duration = Duration::from_secs(30);

struct Order {
    database: String,
    transfers: u32,
    torment: Option<u64>,
}

fn order() -> Result<Order, AnyError> {
    let mut order = Order {
        database: String::new(),
        transfers: 100,
        torment: None,
    };
    let mut args = std::env::args().skip(1);
    order.database = args.next().ok_or("say which database")?;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--torment" => order.torment = Some(args.next().ok_or("say which seed")?.parse()?),
            number => order.transfers = number.parse()?,
        }
    }
    Ok(order)
}

fn main() -> ExitCode {
    match order().and_then(|order| rt::block_on(work(&order))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("transaction: {error}");
            ExitCode::FAILURE
        }
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
        // The run has it now. One that is dropped before it began is over then, too.
        drop(scope);
        let said = match &mut torment {
            None => run.await.into_result().err().map(|error| error.to_string()),
            Some(torment) => {
                let stop = || {
                    let cause = Cause::new(Reason::Requested);
                    operation.cancel_with(cause.with_message("the tormentor came"));
                };
                let outcome = torment.run(run, stop).await;
                outcome.map_or(Some("dropped half-way".into()), |outcome| {
                    outcome.into_result().err().map(|error| error.to_string())
                })
            }
        };
        // The run may have been dropped, and then the runtime undoes what it left.
        operation.closed().await;
        // A transfer that was stopped while it committed is cancelled and has committed: what the
        // shield protects says what is true, and not the outcome.
        match truth.is_committed() {
            true => {
                committed += 1;
                println!("transfer {number}: committed");
            }
            false => {
                undone += 1;
                println!("transfer {number}: undone, {}", said.unwrap_or_default());
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
    println!("{committed} committed, {undone} undone, the books balance");
    Ok(())
}
