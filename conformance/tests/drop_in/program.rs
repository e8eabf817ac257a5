// A program that uses the whole surface of `tokio_util::sync::CancellationToken`. It is included
// twice and names no crate that the token may come from.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::future::{Future, pending, poll_fn, ready};
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use tokio::sync::{mpsc, oneshot};

/// Holds every nameable type in a struct, as a program does that keeps them.
struct Server<'a> {
    token: CancellationToken,
    guard: Option<DropGuard>,
    guard_ref: Option<DropGuardRef<'a>>,
    waits: Vec<WaitForCancellationFuture<'a>>,
    owned: Pin<Box<WaitForCancellationFutureOwned>>,
    by_connection: HashMap<u32, CancellationToken>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Settings {
    stop: CancellationToken,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime can be started")
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn r15_the_types_have_the_same_traits() {
    fn shared<T: Send + Sync + std::fmt::Debug>() {}
    fn unwinds<T: UnwindSafe + RefUnwindSafe>() {}
    fn token<T: Clone + Default + Eq + std::hash::Hash + 'static>() {}
    fn future<T: Future<Output = ()>>() {}
    token::<CancellationToken>();
    shared::<CancellationToken>();
    shared::<DropGuard>();
    shared::<DropGuardRef<'_>>();
    shared::<WaitForCancellationFuture<'_>>();
    shared::<WaitForCancellationFutureOwned>();
    unwinds::<CancellationToken>();
    unwinds::<DropGuard>();
    unwinds::<DropGuardRef<'_>>();
    future::<WaitForCancellationFuture<'_>>();
    future::<WaitForCancellationFutureOwned>();
}

#[test]
fn r15_the_types_can_be_named_and_kept() {
    let outer = CancellationToken::new();
    let borrowed = CancellationToken::new();
    {
        let mut server = Server {
            token: outer.clone(),
            guard: Some(outer.child_token().drop_guard()),
            guard_ref: Some(borrowed.drop_guard_ref()),
            waits: vec![borrowed.cancelled(), borrowed.cancelled()],
            owned: Box::pin(outer.child_token().cancelled_owned()),
            by_connection: HashMap::from([(1, outer.child_token())]),
        };
        let inner: CancellationToken = server.guard.take().unwrap().disarm();
        assert!(!inner.is_cancelled());
        let still: &CancellationToken = server.guard_ref.as_ref().unwrap().token();
        assert!(*still == borrowed);
        assert_eq!(server.waits.len(), 2);
        assert!(poll_once(server.owned.as_mut()).is_pending());
        server.token.cancel();
        assert!(poll_once(server.owned.as_mut()).is_ready());
        assert!(server.by_connection[&1].is_cancelled());
        assert!(!borrowed.is_cancelled());
    }
    assert!(borrowed.is_cancelled());
}

#[test]
#[allow(clippy::mutable_key_type)] // The hash is of the identity, which does not change.
fn r15_identity_is_what_is_compared_and_hashed() {
    let token = CancellationToken::new();
    let settings = Settings {
        stop: token.clone(),
    };
    assert_eq!(settings, settings.clone());
    assert_ne!(settings, Settings::default());
    assert_ne!(token, token.child_token());
    let set: HashSet<CancellationToken> = [token.clone(), token.clone()].into_iter().collect();
    assert!(set.len() == 1 && set.contains(&token));
    assert_eq!(
        format!("{token:?}"),
        "CancellationToken { is_cancelled: false }"
    );
}

#[test]
fn r15_cancel_reaches_descendants_and_not_ancestors() {
    let parent = CancellationToken::new();
    let child = parent.child_token();
    let grandchild = child.child_token();
    let sibling = parent.child_token();
    child.cancel();
    child.cancel();
    assert!(child.is_cancelled() && grandchild.is_cancelled());
    assert!(!parent.is_cancelled() && !sibling.is_cancelled());
    assert!(child.child_token().is_cancelled());
    drop(child);
    parent.cancel();
    assert!(sibling.is_cancelled() && parent.child_token().is_cancelled());
}

#[test]
fn r15_descendants_are_reached_past_dropped_tokens() {
    let root = CancellationToken::new();
    let middle = root.child_token();
    let leaf = middle.child_token();
    drop(middle);
    let below = leaf.child_token();
    root.cancel();
    assert!(leaf.is_cancelled() && below.is_cancelled());

    let root = CancellationToken::new();
    let middle = root.child_token();
    let leaf = middle.child_token();
    middle.cancel();
    drop(middle);
    assert!(leaf.child_token().is_cancelled() && !root.is_cancelled());
}

#[test]
fn r15_each_waiter_is_woken_once() {
    let token = CancellationToken::new();
    let wakes: Vec<_> = (0..3).map(|_| Arc::new(Wakes::default())).collect();
    let mut waits: Vec<_> = wakes
        .iter()
        .map(|_| Box::pin(token.child_token().cancelled_owned()))
        .collect();
    for (wait, wakes) in waits.iter_mut().zip(&wakes) {
        let waker = Waker::from(wakes.clone());
        assert!(
            wait.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        assert!(
            wait.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    drop(waits.pop());
    token.cancel();
    let counts: Vec<_> = wakes.iter().map(|wakes| wakes.0.load(SeqCst)).collect();
    assert_eq!(counts, [1, 1, 0]);
    for wait in &mut waits {
        assert!(poll_once(wait.as_mut()).is_ready());
        assert!(poll_once(wait.as_mut()).is_ready());
    }
}

#[test]
fn r15_a_wait_made_before_the_cancel_is_ready_at_its_first_poll() {
    let token = CancellationToken::new();
    let wait = token.cancelled();
    token.cancel();
    assert!(poll_once(pin!(wait)).is_ready());
    assert!(poll_once(pin!(token.cancelled())).is_ready());
}

#[test]
fn r15_tasks_stop_in_select_when_they_are_asked() {
    runtime().block_on(async {
        let root = CancellationToken::new();
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let token = root.child_token();
                tokio::spawn(async move {
                    tokio::select! {
                        () = token.cancelled() => number,
                        () = pending() => unreachable!(),
                    }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        root.cancel();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), number);
        }
    });
}

#[test]
fn r15_an_owned_wait_is_a_task_of_its_own() {
    runtime().block_on(async {
        let token = CancellationToken::new();
        let task = tokio::spawn(token.clone().cancelled_owned());
        let both = async { tokio::join!(token.cancelled(), token.clone().cancelled_owned()) };
        let canceller = async {
            tokio::task::yield_now().await;
            token.cancel();
        };
        tokio::join!(both, canceller);
        task.await.unwrap();
    });
}

#[test]
fn r15_a_loop_may_poll_one_wait_again_and_again() {
    runtime().block_on(async {
        let token = CancellationToken::new();
        let mut cancelled = pin!(token.cancelled());
        let mut rounds = 0;
        loop {
            tokio::select! {
                biased;
                () = &mut cancelled => break,
                () = tokio::task::yield_now() => rounds += 1,
            }
            if rounds == 10 {
                token.cancel();
            }
        }
        assert_eq!(rounds, 10);
    });
}

#[test]
fn r15_work_that_is_ready_wins_over_a_later_cancel() {
    let token = CancellationToken::new();
    // Cancels and is ready in the same poll.
    let work = || {
        poll_fn(|_| {
            token.cancel();
            Poll::Ready(7)
        })
    };
    assert_eq!(
        poll_once(pin!(token.run_until_cancelled(work()))),
        Poll::Ready(Some(7))
    );
    // Cancelled already: the work is not polled at all.
    let never_polled = || poll_fn(|_| -> Poll<()> { unreachable!() });
    assert_eq!(
        poll_once(pin!(token.run_until_cancelled(never_polled()))),
        Poll::Ready(None)
    );
    let owned = token.clone().run_until_cancelled_owned(never_polled());
    assert_eq!(poll_once(pin!(owned)), Poll::Ready(None));
    assert_eq!(
        poll_once(pin!(never_polled().with_cancellation_token(&token))),
        Poll::Ready(None)
    );
    let owned = never_polled().with_cancellation_token_owned(token.clone());
    assert_eq!(poll_once(pin!(owned)), Poll::Ready(None));
}

#[test]
fn r15_work_is_polled_first_and_its_output_kept_in_every_form() {
    let token = CancellationToken::new();
    assert_eq!(
        poll_once(pin!(token.run_until_cancelled(ready(1)))),
        Poll::Ready(Some(1))
    );
    let owned = token.clone().run_until_cancelled_owned(ready(2));
    assert_eq!(poll_once(pin!(owned)), Poll::Ready(Some(2)));
    assert_eq!(
        poll_once(pin!(ready(3).with_cancellation_token(&token))),
        Poll::Ready(Some(3))
    );
    let owned = ready(4).with_cancellation_token_owned(token.clone());
    assert_eq!(poll_once(pin!(owned)), Poll::Ready(Some(4)));

    // The cancel and the value arrive between two polls: the value wins.
    let (sender, receiver) = oneshot::channel();
    let mut run = pin!(token.run_until_cancelled(receiver));
    assert!(poll_once(run.as_mut()).is_pending());
    sender.send(5).unwrap();
    token.cancel();
    assert_eq!(poll_once(run), Poll::Ready(Some(Ok(5))));
}

/// Says that it was dropped.
struct Noisy(Rc<Cell<bool>>);

impl Drop for Noisy {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// Work that holds something until it is dropped, and whether it was.
fn noisy<F: Future>(work: F) -> (impl Future<Output = F::Output>, Rc<Cell<bool>>) {
    let dropped = Rc::new(Cell::new(false));
    let noisy = Noisy(dropped.clone());
    let work = async move {
        let _noisy = noisy;
        work.await
    };
    (work, dropped)
}

#[test]
fn r15_work_is_dropped_when_its_run_is_over() {
    let token = CancellationToken::new();
    let owner = || token.clone();
    let (first, first_dropped) = noisy(ready(1));
    let (second, second_dropped) = noisy(ready(2));
    let mut run = pin!(token.run_until_cancelled(first));
    let mut owned = pin!(owner().run_until_cancelled_owned(second));
    assert_eq!(poll_once(run.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(poll_once(owned.as_mut()), Poll::Ready(Some(2)));
    assert!(first_dropped.get() && second_dropped.get());

    let (first, first_dropped) = noisy(pending::<()>());
    let (second, second_dropped) = noisy(pending::<()>());
    let mut run = pin!(token.run_until_cancelled(first));
    let mut owned = pin!(owner().run_until_cancelled_owned(second));
    assert!(poll_once(run.as_mut()).is_pending() && poll_once(owned.as_mut()).is_pending());
    token.cancel();
    assert!(!first_dropped.get() && !second_dropped.get());
    assert_eq!(poll_once(run.as_mut()), Poll::Ready(None));
    assert_eq!(poll_once(owned.as_mut()), Poll::Ready(None));
    assert!(first_dropped.get() && second_dropped.get());

    // Cancelled before: the first poll drops it, or the call where that looks already.
    let (first, first_dropped) = noisy(pending::<()>());
    let (second, second_dropped) = noisy(pending::<()>());
    let mut run = pin!(token.run_until_cancelled(first));
    let mut owned = pin!(owner().run_until_cancelled_owned(second));
    assert!(!first_dropped.get() && !second_dropped.get());
    assert_eq!(poll_once(run.as_mut()), Poll::Ready(None));
    assert_eq!(poll_once(owned.as_mut()), Poll::Ready(None));
    assert!(first_dropped.get() && second_dropped.get());
    let (first, first_dropped) = noisy(pending::<()>());
    let (second, second_dropped) = noisy(pending::<()>());
    let run = pin!(first.with_cancellation_token(&token));
    let owned = pin!(second.with_cancellation_token_owned(owner()));
    assert!(first_dropped.get() && second_dropped.get());
    assert_eq!(poll_once(run), Poll::Ready(None));
    assert_eq!(poll_once(owned), Poll::Ready(None));
}

#[test]
fn r15_a_run_that_is_over_and_kept_holds_up_nobody() {
    let token = CancellationToken::new();
    let (sender, mut receiver) = mpsc::channel::<u32>(1);
    let mut run = pin!(token.run_until_cancelled(async move {
        let _sender = sender;
        pending::<()>().await;
    }));
    assert!(poll_once(run.as_mut()).is_pending());
    token.cancel();
    assert_eq!(poll_once(run.as_mut()), Poll::Ready(None));
    let received = pin!(receiver.recv());
    assert_eq!(poll_once(received), Poll::Ready(None), "the sender is gone");
}

#[test]
fn r15_the_extension_looks_at_the_token_when_it_is_called_and_the_method_when_it_is_polled() {
    let token = CancellationToken::new();
    let owner = || token.clone();
    let extended = ready(1).with_cancellation_token(&token);
    let extended_owned = ready(2).with_cancellation_token_owned(owner());
    let waits = pending::<()>().with_cancellation_token(&token);
    let waits_owned = pending::<()>().with_cancellation_token_owned(owner());
    let run = token.run_until_cancelled(ready(3));
    let run_owned = owner().run_until_cancelled_owned(ready(4));
    token.cancel();
    assert_eq!(poll_once(pin!(extended)), Poll::Ready(Some(1)));
    assert_eq!(poll_once(pin!(extended_owned)), Poll::Ready(Some(2)));
    assert_eq!(poll_once(pin!(waits)), Poll::Ready(None));
    assert_eq!(poll_once(pin!(waits_owned)), Poll::Ready(None));
    assert_eq!(poll_once(pin!(run)), Poll::Ready(None));
    assert_eq!(poll_once(pin!(run_owned)), Poll::Ready(None));
}

/// The lints of a crate that denies warnings.
#[test]
#[deny(warnings)]
fn r15_an_answer_that_nobody_wants_is_no_warning() {
    let token = CancellationToken::new();
    CancellationToken::new();
    CancellationToken::default();
    token.child_token();
    token.is_cancelled();
    let guard = token.drop_guard_ref();
    guard.token();
    guard.disarm();
    let guard = token.clone().drop_guard();
    guard.token();
    guard.disarm();
    assert!(!token.is_cancelled());
    token.child_token().drop_guard();
    token.drop_guard_ref();
    assert!(token.is_cancelled());
    token.cancel();
}

#[test]
fn r15_work_that_is_not_ready_is_given_up() {
    runtime().block_on(async {
        let token = CancellationToken::new();
        let borrowed = token.clone();
        let tasks = [
            tokio::spawn(async move { borrowed.run_until_cancelled(pending::<()>()).await }),
            tokio::spawn(token.clone().run_until_cancelled_owned(pending::<()>())),
            tokio::spawn(pending::<()>().with_cancellation_token_owned(token.clone())),
        ];
        let here = pending::<()>().with_cancellation_token(&token);
        let (outcome, ()) = tokio::join!(here, async {
            tokio::task::yield_now().await;
            token.cancel();
        });
        assert_eq!(outcome, None);
        for task in tasks {
            assert_eq!(task.await.unwrap(), None);
        }
    });
}

#[test]
fn r15_work_may_borrow_and_need_not_be_send() {
    let token = CancellationToken::new();
    let text = std::rc::Rc::new(String::from("here"));
    let borrowed = &text;
    let length = async move { borrowed.len() };
    let run = async { length.with_cancellation_token(&token).await };
    assert_eq!(poll_once(pin!(run)), Poll::Ready(Some(4)));
}

#[test]
fn r15_drop_guards_cancel_unless_they_are_disarmed() {
    let token = CancellationToken::new();
    let guard = token.clone().drop_guard();
    assert_eq!(guard.token(), &token);
    let same = guard.disarm();
    assert!(!token.is_cancelled() && same == token);

    let guard = token.drop_guard_ref();
    assert_eq!(guard.token(), &token);
    let same: &CancellationToken = guard.disarm();
    assert!(!same.is_cancelled());
    // A statement that does not use the returned token.
    token.clone().drop_guard().disarm();
    token.drop_guard_ref().disarm();
    assert!(!token.is_cancelled());

    let child = token.child_token();
    drop(child.drop_guard_ref());
    assert!(child.is_cancelled() && !token.is_cancelled());
    {
        let _guard = token.clone().drop_guard();
        assert!(!token.is_cancelled());
    }
    assert!(token.is_cancelled());
}

#[test]
fn r15_a_drop_guard_cancels_on_panic_and_on_a_dropped_future() {
    let token = CancellationToken::new();
    let caught = catch_unwind(|| {
        let _guard = token.clone().drop_guard();
        panic!("the work fails");
    });
    assert!(caught.is_err() && token.is_cancelled());

    let token = CancellationToken::new();
    let mut work = Box::pin(async {
        let _guard = token.drop_guard_ref();
        pending::<()>().await;
    });
    assert!(poll_once(work.as_mut()).is_pending());
    assert!(!token.is_cancelled());
    drop(work);
    assert!(token.is_cancelled());
}

#[test]
fn r15_threads_and_tasks_share_a_token() {
    let token = CancellationToken::new();
    let runtime = runtime();
    let task = runtime.spawn({
        let token = token.clone();
        async move { token.cancelled().await }
    });
    let canceller = std::thread::spawn(move || token.cancel());
    canceller.join().unwrap();
    runtime.block_on(task).unwrap();
}

#[test]
fn r15_every_function_has_its_exact_type() {
    let _: fn() -> CancellationToken = CancellationToken::new;
    let _: fn() -> CancellationToken = CancellationToken::default;
    let _: fn(&CancellationToken) -> CancellationToken = CancellationToken::clone;
    let _: fn(&CancellationToken) -> CancellationToken = CancellationToken::child_token;
    let _: fn(&CancellationToken) = CancellationToken::cancel;
    let _: fn(&CancellationToken) -> bool = CancellationToken::is_cancelled;
    let _: for<'a> fn(&'a CancellationToken) -> WaitForCancellationFuture<'a> =
        CancellationToken::cancelled;
    let _: fn(CancellationToken) -> WaitForCancellationFutureOwned =
        CancellationToken::cancelled_owned;
    let _: fn(CancellationToken) -> DropGuard = CancellationToken::drop_guard;
    let _: for<'a> fn(&'a CancellationToken) -> DropGuardRef<'a> =
        CancellationToken::drop_guard_ref;
    let _: fn(&DropGuard) -> &CancellationToken = DropGuard::token;
    let _: fn(DropGuard) -> CancellationToken = DropGuard::disarm;
    fn borrowed<'a>(_: &'a CancellationToken) {
        let _: for<'s> fn(&'s DropGuardRef<'a>) -> &'s CancellationToken = DropGuardRef::<'a>::token;
        let _: fn(DropGuardRef<'a>) -> &'a CancellationToken = DropGuardRef::<'a>::disarm;
    }
    borrowed(&CancellationToken::new());

    // The types of these futures have no name in both crates, so the call is typed.
    fn outputs<T>(_: &impl Future<Output = Option<T>>) {}
    let token = CancellationToken::new();
    outputs::<u8>(&token.run_until_cancelled::<std::future::Ready<u8>>(ready(1)));
    outputs::<u8>(&token.clone().run_until_cancelled_owned::<std::future::Ready<u8>>(ready(1)));
    outputs::<u8>(&ready(1).with_cancellation_token(&token));
    outputs::<u8>(&ready(1).with_cancellation_token_owned(token));
}

/// A shutdown handle as applications write it: the call is the tail of a method.
struct Shutdown(CancellationToken);

#[allow(clippy::semicolon_if_nothing_returned, reason = "the tail is what is tested")]
impl Shutdown {
    fn stop(&self) {
        self.0.cancel()
    }
}

#[allow(clippy::semicolon_if_nothing_returned, reason = "the tail is what is tested")]
impl Drop for Shutdown {
    fn drop(&mut self) {
        self.0.cancel()
    }
}

#[test]
#[deny(unused_results, unused_must_use)]
#[allow(
    clippy::semicolon_if_nothing_returned,
    clippy::single_match,
    reason = "the positions are what is tested"
)]
fn r15_cancel_stands_wherever_a_caller_writes_it() {
    fn set_handler(mut handler: impl FnMut() + Send + 'static) {
        handler();
    }
    fn at_exit(hook: impl FnOnce() + Send + 'static) {
        hook();
    }
    fn fresh(all: &mut Vec<CancellationToken>) -> CancellationToken {
        all.push(CancellationToken::new());
        all[all.len() - 1].clone()
    }
    let mut all = Vec::new();

    // A statement, where no result may be left unused.
    fresh(&mut all).cancel();
    // The tail of a method, and of a drop.
    Shutdown(fresh(&mut all)).stop();
    drop(Shutdown(fresh(&mut all)));
    // An arm beside one of type `()`, and a branch without `else`.
    match Some(fresh(&mut all)) {
        Some(token) => token.cancel(),
        None => (),
    }
    let late = fresh(&mut all);
    if !late.is_cancelled() {
        late.cancel()
    }
    let Some(late) = Some(fresh(&mut all)) else {
        return late.cancel();
    };
    late.cancel();
    // Closures of every kind, and a boxed one.
    let token = fresh(&mut all);
    set_handler(move || token.cancel());
    let token = fresh(&mut all);
    at_exit(move || token.cancel());
    let token = fresh(&mut all);
    let boxed: Box<dyn Fn() + Send + Sync> = Box::new(move || token.cancel());
    boxed();
    // The function itself as a value.
    let tokens = [fresh(&mut all), fresh(&mut all)];
    tokens.iter().for_each(CancellationToken::cancel);
    let by_name: HashMap<&str, CancellationToken> = HashMap::from([("a", fresh(&mut all))]);
    by_name.values().for_each(CancellationToken::cancel);
    Some(fresh(&mut all)).iter().for_each(CancellationToken::cancel);
    let () = fresh(&mut all).cancel();
    // A thread, a task and an arm of `select!`.
    let token = fresh(&mut all);
    let thread: std::thread::JoinHandle<()> = std::thread::spawn(move || token.cancel());
    thread.join().unwrap();
    let (token, selected) = (fresh(&mut all), fresh(&mut all));
    runtime().block_on(async move {
        let task: tokio::task::JoinHandle<()> = tokio::spawn(async move { token.cancel() });
        task.await.unwrap();
        tokio::select! {
            biased;
            () = ready(()) => selected.cancel(),
            () = pending() => {}
        }
    });

    assert!(all.iter().all(CancellationToken::is_cancelled));
    assert_eq!(all.len(), 17);
}
