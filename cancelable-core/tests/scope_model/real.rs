//! The run of a case by the library, and the check for anything left behind.

use crate::counted::Counted;
use crate::plan::{Blow, Case, Ending, FinalStep, Finalizer, Plan, Step};
use crate::trace::{How, Last, Log, Ran, Seen, Trouble, What, Why};
use cancelable_core::operation::{CleanupError, StragglerKind};
use cancelable_core::runtime::RuntimeHandle;
use cancelable_core::scope::{ChildError, ChildHandle, RunError, ScopeBuilder};
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Cause, Operation, Outcome, Reason, Scope};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Children = BTreeMap<usize, ChildHandle<()>>;

/// Longer than any case.
const LONG: Duration = Duration::from_secs(60);

/// The error of a body or a finalizer.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

impl Ending {
    fn come(self) -> Result<(), Broken> {
        match self {
            Self::Value => Ok(()),
            Self::Error => Err(Broken),
            // Past the panic hook, which would print it.
            Self::Panic => resume_unwind(Box::new("broken")),
        }
    }
}

struct World {
    runtime: RuntimeHandle,
    start: Instant,
    ops: Mutex<Vec<Option<Operation>>>,
    is_awaited: bool,
    closed: Mutex<Vec<Option<u64>>>,
    logs: Mutex<Vec<Log>>,
}

impl World {
    fn log(&self, scope: usize, what: What) {
        let at = self.at(self.runtime.now());
        self.logs.lock()[scope].push((at, what));
    }

    fn at(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.start);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn opened(self: &Arc<Self>, id: usize, operation: &Operation) {
        self.ops.lock()[id] = Some(operation.clone());
        if self.is_awaited {
            let (world, closed) = (self.clone(), operation.finished());
            let wait = async move {
                closed.await;
                let now = world.at(world.runtime.now());
                world.closed.lock()[id] = Some(now);
            };
            self.runtime.spawn(wait).detach();
        }
    }

    fn op(&self, id: usize) -> Option<Operation> {
        self.ops.lock().get(id).cloned().flatten()
    }

    fn cancel(&self, target: usize, number: usize, now: bool) -> Option<bool> {
        let target = self.op(target)?;
        let cause = Cause::new(Reason::Requested).with_message(number.to_string());
        Some(match now {
            true => target.cancel_now(cause),
            false => target.cancel_with(cause),
        })
    }

    fn why(&self, cause: &Cause) -> Why {
        let asked = *cause.reason() == Reason::Requested;
        Why {
            reason: cause.reason().as_str(),
            number: cause.message().filter(|_| asked).map(str::to_owned),
            operation: cause.operation().map(|label| label.name().to_owned()),
            at: cause.time().map_or(u64::MAX, |at| self.at(at)),
            is_inherited: cause.is_inherited(),
        }
    }

    fn last(&self, id: usize, operation: &Operation) -> Last {
        Last {
            status: operation.status(),
            started: operation.started_at().map(|at| self.at(at)),
            ended: operation.ended_at().map(|at| self.at(at)),
            closed: self.closed.lock()[id],
            why: operation.cause().map(|cause| self.why(&cause)),
        }
    }

    fn ran(&self, id: usize, outcome: &Outcome<(), Broken>) -> Ran {
        let how = match outcome.error() {
            None => How::Value,
            Some(RunError::Failed(_)) => How::Error,
            Some(RunError::Cancelled(_)) => How::Cancelled,
            Some(RunError::ChildFailed(_)) => match outcome.value() {
                Some(()) => How::Late,
                None => How::ChildFailed,
            },
            Some(other) => panic!("no case leads to {other:?}"),
        };
        let trouble = |error: &CleanupError| {
            let kind = match (error.is_panic(), error.is_over_budget()) {
                (true, _) => Trouble::Panic,
                (_, true) => Trouble::OverBudget,
                _ => Trouble::Error,
            };
            (error.name().to_owned(), kind)
        };
        let name = id.to_string();
        let failures = outcome.child_failures().iter();
        Ran {
            how,
            status: outcome.status(),
            why: outcome.cause().map(|cause| self.why(cause)),
            failed: failures.map(|one| one.operation().name().into()).collect(),
            trouble: outcome.cleanup_errors().iter().map(trouble).collect(),
            is_straggler: outcome.stragglers().iter().any(|straggler| {
                straggler.name() == name && straggler.kind() != StragglerKind::Finalizer
            }),
        }
    }
}

/// Says that a body is over when it is dropped.
struct BodyOver {
    world: Arc<World>,
    id: usize,
    at_its_end: bool,
}

impl Drop for BodyOver {
    fn drop(&mut self) {
        let at_its_end = self.at_its_end;
        self.world.log(self.id, What::BodyOver { at_its_end });
    }
}

struct FinalizerOver {
    world: Arc<World>,
    scope: usize,
    finalizer: usize,
    at_its_end: bool,
}

impl Drop for FinalizerOver {
    fn drop(&mut self) {
        let over = What::FinalizerOver {
            finalizer: self.finalizer,
            at_its_end: self.at_its_end,
        };
        self.world.log(self.scope, over);
    }
}

fn described<P>(mut builder: ScopeBuilder<P>, plan: &Plan) -> ScopeBuilder<P> {
    let span = Duration::from_nanos;
    if let Some(timeout) = plan.timeout {
        builder = builder.timeout(span(timeout));
    }
    if let Some(grace) = plan.grace {
        builder = builder.grace(span(grace));
    }
    if let Some(budget) = plan.budget {
        builder = builder.cleanup_budget(span(budget));
    }
    if let Some(after) = plan.watchdog {
        builder = builder.watchdog(span(after));
    }
    if let Some(limit) = plan.concurrency {
        builder =
            builder.concurrency(NonZeroUsize::new(limit).expect("a plan has no limit of zero"));
    }
    match plan.collect_all {
        true => builder.collect_all(),
        false => builder,
    }
}

fn body(
    world: Arc<World>,
    plan: Arc<Plan>,
) -> impl FnOnce(Scope) -> Boxed<'static, Result<(), Broken>> + Send {
    move |op| {
        Box::pin(async move {
            let mut over = BodyOver {
                world: world.clone(),
                id: plan.id,
                at_its_end: false,
            };
            world.log(plan.id, What::Began);
            let mut children = Children::new();
            walk(&world, &op, plan.id, &plan.steps, &mut children).await;
            over.at_its_end = true;
            plan.ending.come()
        })
    }
}

fn walk<'a>(
    world: &'a Arc<World>,
    op: &'a Scope,
    id: usize,
    steps: &'a [Step],
    children: &'a mut Children,
) -> Boxed<'a, ()> {
    Box::pin(async move {
        for step in steps {
            let what = take(world, op, id, step, children).await;
            if let Some(what) = what {
                world.log(id, what);
            }
        }
    })
}

async fn take(
    world: &Arc<World>,
    op: &Scope,
    id: usize,
    step: &Step,
    children: &mut Children,
) -> Option<What> {
    let span = Duration::from_nanos;
    Some(match step {
        Step::Sleep(time) => {
            world.runtime.sleep(span(*time)).await;
            What::Slept
        }
        Step::Check => What::Checked {
            is_cancelled: op.check().is_err(),
        },
        Step::Shield { within, steps } => {
            let shield = op.shield(walk(world, op, id, steps, children));
            let in_time = match within {
                None => {
                    shield.await;
                    true
                }
                Some(within) => {
                    let limited = shield.within(span(*within));
                    limited.expect("it has a runtime").await.is_ok()
                }
            };
            What::Shielded { in_time }
        }
        Step::Defer(finalizer) => {
            defer(world, op, id, finalizer);
            return None;
        }
        Step::Cancel {
            number,
            target,
            now,
        } => What::Asked {
            first: world.cancel(*target, *number, *now),
        },
        Step::SetTimeout(time) => What::Moved {
            done: op.set_timeout(span(*time)).is_ok(),
        },
        Step::Run {
            plan,
            dropped_after,
        } => {
            let scope = described(op.child(plan.id.to_string()), plan);
            let scope = scope.build().expect("it is sound");
            world.opened(plan.id, &scope);
            let run = scope.try_run(body(world.clone(), plan.clone()));
            let outcome = match dropped_after {
                None => Ok(run.await),
                Some(after) => world.runtime.timeout(span(*after), run).await,
            };
            What::Ran(
                plan.id,
                outcome.ok().map(|outcome| world.ran(plan.id, &outcome)),
            )
        }
        Step::Spawn(plan) => {
            let builder = described(op.child(plan.id.to_string()), plan);
            let child = builder.try_spawn(body(world.clone(), plan.clone()));
            spawned(world, plan.id, child.ok(), children)
        }
        Step::Block { id, ending } => {
            let (inside, id, ending) = (world.clone(), *id, *ending);
            let call = op.child(id.to_string()).try_spawn_blocking(move |_| {
                inside.log(id, What::Began);
                ending.come()
            });
            spawned(world, id, call.ok(), children)
        }
        Step::Join(child) => {
            // By reference: where this is dropped half-way, the child can be joined again.
            let how = how(children.get_mut(child)?.await);
            children.remove(child);
            What::Joined { child: *child, how }
        }
        Step::Abandon { id, finalizer } => abandon(world, op, *id, finalizer.as_ref()),
    })
}

fn abandon(world: &Arc<World>, op: &Operation, id: usize, finalizer: Option<&Finalizer>) -> What {
    let scope = Scope::builder(id.to_string()).parent(op).build();
    let scope = scope.expect("it is sound");
    world.opened(id, &scope);
    if let Some(finalizer) = finalizer {
        defer(world, &scope, id, finalizer);
    }
    What::Abandoned(id)
}

fn spawned(
    world: &Arc<World>,
    id: usize,
    child: Option<ChildHandle<()>>,
    children: &mut Children,
) -> What {
    let done = child.is_some();
    if let Some(child) = child {
        world.opened(id, &child);
        children.insert(id, child);
    }
    What::Spawned { child: id, done }
}

fn how(joined: Result<(), ChildError>) -> How {
    match joined {
        Ok(()) => How::Value,
        Err(error) if error.is_cancelled() => How::Cancelled,
        Err(error) if error.is_panic() => How::Panic,
        Err(error) => match error.failure() {
            Some(failure) if failure.is::<Broken>() => How::Error,
            Some(_) => How::ChildFailed,
            None => panic!("no case leads to {error:?}"),
        },
    }
}

fn defer(world: &Arc<World>, op: &Operation, scope: usize, finalizer: &Finalizer) {
    let id = finalizer.id;
    let future = finalize(world.clone(), scope, finalizer.clone());
    if op.defer_named(id.to_string(), future).is_ok() {
        world.log(scope, What::Deferred { finalizer: id });
    }
}

fn finalize(
    world: Arc<World>,
    scope: usize,
    finalizer: Finalizer,
) -> Boxed<'static, Result<(), Broken>> {
    Box::pin(async move {
        let mut over = FinalizerOver {
            world: world.clone(),
            scope,
            finalizer: finalizer.id,
            at_its_end: false,
        };
        world.log(scope, What::FinalizerBegan(finalizer.id));
        for step in &finalizer.steps {
            match step {
                FinalStep::Sleep(time) => {
                    world.runtime.sleep(Duration::from_nanos(*time)).await;
                    world.log(scope, What::FinalizerSlept(finalizer.id));
                }
                FinalStep::Defer(another) => {
                    let op = world.op(scope).expect("it is open");
                    defer(&world, &op, scope, another);
                }
                FinalStep::Cancel { number, target } => {
                    let first = world.cancel(*target, *number, false);
                    world.log(scope, What::Asked { first });
                }
                FinalStep::Abandon { id, finalizer } => {
                    let op = world.op(scope).expect("it is open");
                    let what = abandon(&world, &op, *id, finalizer.as_ref());
                    world.log(scope, what);
                }
            }
        }
        over.at_its_end = true;
        finalizer.ending.come()
    })
}

async fn strike(world: Arc<World>, blows: Vec<Blow>) {
    for blow in blows {
        world.runtime.sleep(Duration::from_nanos(blow.after)).await;
        let _ = world.cancel(blow.target, blow.number, blow.now);
    }
}

async fn root(world: Arc<World>, plan: Arc<Plan>, dropped_after: Option<u64>) {
    let scope = Scope::builder(plan.id.to_string()).detached();
    let scope = described(scope.runtime(&world.runtime), &plan);
    let scope = scope.build().expect("it is sound");
    world.opened(plan.id, &scope);
    let run = scope.try_run(body(world.clone(), plan.clone()));
    let outcome = match dropped_after {
        None => Ok(run.await),
        Some(after) => {
            world
                .runtime
                .timeout(Duration::from_nanos(after), run)
                .await
        }
    };
    let ran = outcome.ok().map(|outcome| world.ran(plan.id, &outcome));
    world.log(plan.id, What::Ran(plan.id, ran));
}

/// Walks the case to its end, in which nothing moves any more.
///
/// # Errors
///
/// Returns the objects that were left behind.
pub(crate) fn run(case: &Case) -> Result<Seen, String> {
    let manual = ManualRuntime::new();
    let counted = Counted::over(&manual.handle());
    let world = Arc::new(World {
        runtime: counted.handle(),
        start: manual.now(),
        ops: Mutex::new(vec![None; case.scopes]),
        is_awaited: case.is_awaited,
        closed: Mutex::new(vec![None; case.scopes]),
        logs: Mutex::new(vec![Log::new(); case.scopes]),
    });
    let walk = root(world.clone(), case.root.clone(), case.dropped_after);
    world.runtime.spawn(walk).detach();
    let blows = strike(world.clone(), case.blows.clone());
    world.runtime.spawn(blows).detach();
    manual.advance(LONG);

    let ops: Vec<_> = std::mem::take(&mut *world.ops.lock());
    let last = ops.iter().enumerate();
    let last = last.map(|(id, op)| Some(world.last(id, op.as_ref()?)));
    let seen = Seen {
        last: last.collect(),
        logs: std::mem::take(&mut *world.logs.lock()),
    };
    let ops: Vec<_> = ops.into_iter().flatten().collect();
    match left_behind(&manual, &counted, &ops) {
        Some(what) => return Err(what),
        None => Ok(seen),
    }
    .and_then(|seen| {
        let tokens: Vec<_> = ops.iter().map(|op| op.token().downgrade()).collect();
        drop(ops);
        match tokens.iter().any(|token| token.upgrade().is_some()) {
            true => Err("a token is alive without a handle, and with it its record".into()),
            false => Ok(seen),
        }
    })
}

/// Returns the unexpected state, while every operation still has a handle.
fn left_behind(manual: &ManualRuntime, counted: &Counted, ops: &[Operation]) -> Option<String> {
    let tasks = manual.live_tasks();
    if tasks > 0 {
        return Some(format!("{tasks} tasks are alive"));
    }
    let timers = manual.pending_timers();
    if timers > 0 {
        return Some(format!("{timers} timers are pending"));
    }
    let wakers = counted.live_wakers();
    if wakers > 0 {
        return Some(format!(
            "{wakers} tasks that have ended are still waited with"
        ));
    }
    for op in ops {
        if !op.status().is_terminal() {
            return Some(format!("{op:?} has not ended"));
        }
        if let Some(straggler) = op.unfinished().first() {
            return Some(format!("{straggler} is still listed"));
        }
    }
    // A callback that is still registered would start a watchdog now.
    for op in ops {
        let _ = op.cancel_with(Cause::new(Reason::Requested).with_location(Location::caller()));
    }
    (manual.live_tasks() > 0).then(|| "a callback of a scope that has ended was run".into())
}
