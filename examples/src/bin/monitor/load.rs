//! The generated load: runs the plan as nested scopes.

use std::future;
use std::time::Duration;

use cancelable_core::Scope;

use crate::plan::{Job, Kind, Part, Plan};

/// The number of progress steps of an operation.
const STEPS: u32 = 100;

/// Opens the planned operations inside `op`, and waits for their end.
pub(crate) async fn run(op: &Scope, plan: Plan) {
    for job in plan.jobs {
        let mut scope = op.child(job.name.clone()).collect_all();
        if let Some(limit) = job.limit {
            scope = scope.timeout(limit);
        }
        if let Some(limit) = job.at_once {
            scope = scope.concurrency(limit);
        }
        // Refused after a cancel, and then there is nothing to open.
        let _ = scope.spawn(|op| async move { all_parts(&op, job) });
    }
}

/// The scope of a job joins them.
fn all_parts(op: &Scope, job: Job) {
    for part in job.parts {
        let mut scope = op.child(part.name.clone());
        if part.kind == Kind::Hangs {
            scope = scope.timeout(part.span);
        }
        let _ = scope.try_spawn(|op| async move { one(&op, &part).await });
    }
}

async fn one(op: &Scope, part: &Part) -> Result<(), String> {
    match part.kind {
        Kind::Transfer => steps(op, part.span, STEPS).await,
        Kind::Breaks => {
            steps(op, part.span, STEPS / 2).await;
            return Err(format!("byte {} is none of a record", STEPS / 2));
        }
        Kind::Hangs => future::pending().await,
        Kind::Commits => {
            steps(op, part.span / 2, STEPS / 2).await;
            op.progress().set_message("commits");
            op.shield(steps(op, part.span / 20, STEPS / 2)).await;
        }
    }
    Ok(())
}

/// Takes this number of steps in this time.
async fn steps(op: &Scope, span: Duration, steps: u32) {
    let Some(runtime) = op.runtime() else { return };
    op.progress().set_total(u64::from(STEPS));
    for _ in 0..steps {
        runtime.sleep(span / steps.max(1)).await;
        op.progress().advance(1);
    }
}
