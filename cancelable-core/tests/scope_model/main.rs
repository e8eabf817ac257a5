//! Random trees of scopes, run by the library on a `ManualRuntime` and by a model. Both must agree on everything
//! visible, and nothing may be left behind.
//!
//! A case follows from its seed. `CANCELABLE_SEED=n` runs only that case, and prints it.
#![cfg(feature = "testing")]

mod counted;
mod model;
mod plan;
mod real;
mod reduce;
mod trace;

use model::{Model, Order};
use plan::{Case, Maker, Numbers};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use trace::Seen;

const CASES: u64 = 100_000;

/// The number of orders of simultaneous events that are tried.
const ORDERS: u64 = 2000;

fn orders() -> impl Iterator<Item = Order> {
    let shuffled = (0..ORDERS).map(|seed| Order::Shuffled(Numbers(seed)));
    [Order::OldestFirst, Order::NewestFirst]
        .into_iter()
        .chain(shuffled)
}

/// In what the library and the model differ, or what was left behind.
fn differs(case: &Case) -> Option<String> {
    // Unwind safe: nothing of the case outlives it.
    let seen = match catch_unwind(AssertUnwindSafe(|| real::run(case))) {
        Ok(Ok(seen)) => seen,
        Ok(Err(left_behind)) => return Some(left_behind),
        Err(_) => return Some("a panic came out".into()),
    };
    let agrees = orders().any(|order| Model::predict(case, order) == seen);
    (!agrees).then(|| compared(&seen, &Model::predict(case, Order::OldestFirst)))
}

fn compared(seen: &Seen, expected: &Seen) -> String {
    let logs = seen.logs.iter().zip(&expected.logs).enumerate();
    let mut text: String = logs
        .filter(|(_, (seen, expected))| seen != expected)
        .map(|(id, (seen, expected))| {
            let (seen, expected) = (lines(seen), lines(expected));
            format!("scope {id}\nthe library:\n{seen}the model, oldest first:\n{expected}")
        })
        .collect();
    if seen.last != expected.last {
        let (seen, expected) = (lines(&seen.last), lines(&expected.last));
        text += &format!("at the end\nthe library:\n{seen}the model, oldest first:\n{expected}");
    }
    text
}

fn lines<T: Debug>(list: &[T]) -> String {
    list.iter().map(|one| format!("  {one:?}\n")).collect()
}

/// The smallest case that still differs, as far as leaving things out leads.
fn reduced(mut case: Case) -> Case {
    // Ends: each turn takes something away.
    loop {
        let smaller = reduce::smaller(&case).find(|case| differs(case).is_some());
        match smaller {
            Some(smaller) => case = smaller,
            None => return case,
        }
    }
}

fn report(seed: u64) -> ! {
    let case = reduced(Maker::case(seed));
    let how = differs(&case).unwrap_or_default();
    panic!(
        "seed {seed}: the library and the model do not agree\n{case:#?}\n{how}\n\
         again with CANCELABLE_SEED={seed}"
    );
}

#[test]
fn r16_to_r29_random_trees_of_scopes_agree_with_the_model_and_leave_nothing_behind() {
    if let Ok(seed) = std::env::var("CANCELABLE_SEED") {
        let seed = seed.parse().expect("a seed is a number");
        println!("{:#?}", Maker::case(seed));
        if differs(&Maker::case(seed)).is_some() {
            report(seed);
        }
        return;
    }
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let walk = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= CASES {
                return None;
            }
            if differs(&Maker::case(seed)).is_some() {
                next.store(CASES, Ordering::Relaxed);
                return Some(seed);
            }
        }
    };
    let failed = thread::scope(|scope| {
        let walks: Vec<_> = (0..threads).map(|_| scope.spawn(walk)).collect();
        let ends = walks.into_iter().map(|walk| walk.join());
        ends.filter_map(|end| end.expect("a walk does not panic"))
            .min()
    });
    if let Some(seed) = failed {
        report(seed);
    }
}
