//! The growth of a cost with the number of threads, of children, of levels: one series of points
//! for each library, in nanoseconds for one piece of work.

use crate::{once, registry, threads};
use cancelable_core::{CancellationToken as Ours, Scope};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use swansong::Swansong;
use tokio_util::sync::CancellationToken as TokioUtil;

/// The growth of one cost.
#[derive(Clone, Debug)]
pub struct Growth {
    /// The name of the plot's file, without its extension.
    pub name: &'static str,
    /// The measured work.
    pub work: &'static str,
    /// The quantity on the horizontal axis.
    pub over: &'static str,
    /// The libraries, and their points.
    pub series: Vec<Series>,
}

/// The points of one library.
#[derive(Clone, Debug)]
pub struct Series {
    /// The library.
    pub who: &'static str,
    /// The quantity, and the minimum of the rounds in nanoseconds for one piece.
    pub points: Vec<(u32, f64)>,
}

/// Returns the number of rounds for a point of `size`: fewer for a slow point.
fn rounds(size: u32) -> u32 {
    (3_000_000 / size).clamp(2, 200)
}

pub(crate) fn series(who: &'static str, sizes: &[u32], mut once: impl FnMut(u32) -> f64) -> Series {
    let point = |&size: &u32| {
        let times = (0..rounds(size)).map(|_| once(size));
        (size, times.fold(f64::INFINITY, f64::min))
    };
    Series {
        who,
        points: sizes.iter().map(point).collect(),
    }
}

/// Returns the powers of ten from 10 to `limit`.
pub(crate) fn tens(limit: u32) -> Vec<u32> {
    std::iter::successors(Some(10), |size: &u32| size.checked_mul(10))
        .take_while(|&size| size <= limit)
        .collect()
}

/// Returns every plot.
#[must_use]
pub fn all() -> Vec<Growth> {
    vec![
        children_by_threads(),
        is_cancelled_by_depth(),
        cancel_by_children(),
        cancel_by_depth(),
        poll_by_depth(),
        registry::scopes_by_open(),
    ]
}

fn children_by_threads() -> Growth {
    let (ours, tokio_util, swansong) = (Ours::new(), TokioUtil::new(), Swansong::new());
    let sizes = [1, 2, 4, 8];
    let few = |who, work: &dyn Fn(u32) -> f64| Series {
        who,
        points: sizes
            .iter()
            .map(|&size| {
                (
                    size,
                    (0..5).map(|_| work(size)).fold(f64::INFINITY, f64::min),
                )
            })
            .collect(),
    };
    Growth {
        name: "children-by-threads",
        work: "child + drop on one parent, for one child of one thread",
        over: "threads",
        series: vec![
            few("cancelable", &|threads| {
                threads::with_threads(threads, || drop(black_box(ours.child_token())))
            }),
            few("tokio-util", &|threads| {
                threads::with_threads(threads, || drop(black_box(tokio_util.child_token())))
            }),
            few("swansong", &|threads| {
                threads::with_threads(threads, || drop(black_box(swansong.child())))
            }),
        ],
    }
}

/// The cost does not grow with the depth, which is the quantity of each point.
fn is_cancelled_by_depth() -> Growth {
    const QUESTIONS: u32 = 100_000;
    macro_rules! ask {
        ($Token:ident) => {
            |depth| {
                let chain = chain_of(depth, $Token::new(), $Token::child_token);
                let leaf = &chain[chain.len() - 1];
                let time = once(QUESTIONS, || {
                    for _ in 0..QUESTIONS {
                        let _ = black_box(black_box(leaf).is_cancelled());
                    }
                });
                drop_upwards(chain);
                time
            }
        };
    }
    let sizes = tens(1_000_000);
    Growth {
        name: "is-cancelled-by-depth",
        work: "`is_cancelled()`",
        over: "ancestors",
        series: vec![
            series("cancelable", &sizes, ask!(Ours)),
            series("tokio-util", &sizes, ask!(TokioUtil)),
        ],
    }
}

fn cancel_by_children() -> Growth {
    macro_rules! cancel {
        ($Token:ident) => {
            |count| {
                let root = $Token::new();
                let children: Vec<$Token> = (0..count).map(|_| root.child_token()).collect();
                let time = once(count, || root.cancel());
                drop(children);
                time
            }
        };
    }
    let sizes = tens(10_000_000);
    Growth {
        name: "cancel-by-children",
        work: "`cancel()` over children without waiters, for one child",
        over: "children",
        series: vec![
            series("cancelable", &sizes, cancel!(Ours)),
            series("tokio-util", &sizes, cancel!(TokioUtil)),
            series("swansong", &tens(1_000_000), |count| {
                let root = Swansong::new();
                let children: Vec<Swansong> = (0..count).map(|_| root.child()).collect();
                let time = once(count, || root.shut_down());
                drop(children);
                time
            }),
        ],
    }
}

fn cancel_by_depth() -> Growth {
    macro_rules! cancel {
        ($Token:ident) => {
            |depth| {
                let chain = chain_of(depth, $Token::new(), $Token::child_token);
                let time = once(depth, || chain[0].cancel());
                drop_upwards(chain);
                time
            }
        };
    }
    let sizes = tens(1_000_000);
    Growth {
        name: "cancel-by-depth",
        work: "`cancel()` down a chain, for one level",
        over: "levels",
        series: vec![
            series("cancelable", &sizes, cancel!(Ours)),
            series("tokio-util", &sizes, cancel!(TokioUtil)),
        ],
    }
}

/// Polls nested runs, per level: each level is polled through all outer levels.
fn poll_by_depth() -> Growth {
    let sizes = [1, 10, 100, 1_000];
    Growth {
        name: "poll-by-depth",
        work: "a poll of scopes in scopes, for one level",
        over: "scopes",
        series: vec![Series {
            who: "cancelable",
            points: sizes
                .iter()
                .map(|&size| {
                    let times = (0..5).map(|_| poll_per_level(size));
                    (size, times.fold(f64::INFINITY, f64::min))
                })
                .collect(),
        }],
    }
}

/// Returns nanoseconds for one level of a poll of `depth` nested runs.
pub(crate) fn poll_per_level(depth: u32) -> f64 {
    let polls = 100_000 / depth;
    let mut run = pin!(nested(depth));
    let mut context = Context::from_waker(Waker::noop());
    let mut poll = || {
        let _ = black_box(run.as_mut().poll(&mut context));
    };
    poll();
    once(polls * depth, || (0..polls).for_each(|_| poll()))
}

/// Returns nested runs, the innermost of which never ends.
fn nested(depth: u32) -> Pin<Box<dyn Future<Output = ()>>> {
    (0..depth).fold(Box::pin(std::future::pending()), |inside, _| {
        let scope = Scope::builder("level").build();
        let scope = scope.expect("a scope without a limit is sound");
        Box::pin(async move { drop(scope.run(|_| inside).await) })
    })
}

fn chain_of<T>(depth: u32, root: T, child: impl Fn(&T) -> T) -> Vec<T> {
    let mut chain = vec![root];
    for level in 0..depth as usize {
        let next = child(&chain[level]);
        chain.push(next);
    }
    chain
}

/// From the leaf to the root: the peer drops the other way by recursion.
fn drop_upwards<T>(mut chain: Vec<T>) {
    while let Some(token) = chain.pop() {
        drop(token);
    }
}
