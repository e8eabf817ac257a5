//! Random walks over every operation on tokens, compared with a simple model: a list of tokens, each with its parents,
//! its cause, its waits and its callbacks.

use crate::support::hand::{Numbers, Sleeper};
use cancelable_core::CancellationToken;
use cancelable_core::token::CallbackRegistration;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// A token in the model.
struct Fact {
    /// The tokens above, and the number of them that must be cancelled: one, or all for an all-of.
    above: BTreeSet<usize>,
    needed: usize,
    /// The number of the cancel that reached the token; true if the cancel came from above.
    cause: Option<(usize, bool)>,
}

struct Wait {
    token: usize,
    sleeper: Sleeper,
}

struct Registered {
    token: usize,
    registration: CallbackRegistration,
    runs: Arc<AtomicUsize>,
}

struct Walk {
    facts: Vec<Fact>,
    /// The handles of each token that are not dropped.
    handles: Vec<Vec<CancellationToken>>,
    waits: Vec<Wait>,
    registered: Vec<Registered>,
    cancels: usize,
    numbers: Numbers,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut walk = Self {
            facts: Vec::new(),
            handles: Vec::new(),
            waits: Vec::new(),
            registered: Vec::new(),
            cancels: 0,
            numbers: Numbers::from_seed(seed),
        };
        for _ in 0..2 {
            walk.add(CancellationToken::new(), [], 1);
        }
        walk
    }

    fn add<const N: usize>(&mut self, token: CancellationToken, above: [usize; N], needed: usize) {
        self.facts.push(Fact {
            above: above.into(),
            needed,
            cause: None,
        });
        self.handles.push(vec![token]);
        self.settle();
    }

    /// Picks a token that has a handle, and one of its handles.
    fn pick(&mut self) -> Option<(usize, CancellationToken)> {
        let live: Vec<usize> = (0..self.handles.len())
            .filter(|token| !self.handles[*token].is_empty())
            .collect();
        let token = *live.get(self.numbers.below(live.len().max(1)))?;
        Some((token, self.handles[token][0].clone()))
    }

    /// Cancels each token that is below enough cancelled tokens: the model's whole theory of cancellation.
    fn settle(&mut self) {
        loop {
            let mut changed = false;
            for token in 0..self.facts.len() {
                let fact = &self.facts[token];
                let above = || {
                    fact.above
                        .iter()
                        .filter_map(|above| self.facts[*above].cause)
                };
                if fact.cause.is_none() && fact.needed > 0 && above().count() >= fact.needed {
                    // A join may have several tokens above: the latest cancel counts.
                    let cancel = above().map(|(cancel, _)| cancel).max();
                    self.facts[token].cause = cancel.map(|cancel| (cancel, true));
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    fn step(&mut self) {
        let Some((token, handle)) = self.pick() else {
            return self.add(CancellationToken::new(), [], 1);
        };
        match self.numbers.below(20) {
            0..=4 => self.add(handle.child_token(), [token], 1),
            5 => self.handles[token].push(handle),
            6..=8 => {
                let last = self.handles[token].len() - 1;
                self.handles[token].remove(self.numbers.below(last + 1));
            }
            9 => {
                let won = handle.cancel_with(format!("{}", self.cancels));
                assert_eq!(won, self.facts[token].cause.is_none());
                if won {
                    self.facts[token].cause = Some((self.cancels, false));
                    self.settle();
                }
                self.cancels += 1;
            }
            10..=12 => {
                let mut wait = handle.clone().cancelled_owned();
                if self.facts[token].cause.is_some() {
                    assert!(
                        crate::support::hand::poll(&mut wait, std::task::Waker::noop()).is_ready()
                    );
                } else {
                    let sleeper = Sleeper::on(&handle);
                    self.waits.push(Wait { token, sleeper });
                }
            }
            13..=14 if !self.waits.is_empty() => {
                let which = self.numbers.below(self.waits.len());
                self.waits.swap_remove(which);
            }
            15 if !self.waits.is_empty() => {
                let which = self.numbers.below(self.waits.len());
                let wait = &mut self.waits[which];
                let ready = wait.sleeper.poll().is_ready();
                assert_eq!(ready, self.facts[wait.token].cause.is_some());
            }
            16..=17 => {
                let runs = Arc::new(AtomicUsize::new(0));
                let registration = handle.on_cancel({
                    let runs = runs.clone();
                    move |_| {
                        runs.fetch_add(1, SeqCst);
                    }
                });
                self.registered.push(Registered {
                    token,
                    registration,
                    runs,
                });
            }
            18 if !self.registered.is_empty() => {
                let which = self.numbers.below(self.registered.len());
                let Registered {
                    token,
                    registration,
                    runs,
                } = self.registered.swap_remove(which);
                let never = registration.unregister();
                assert_eq!(never, self.facts[token].cause.is_none());
                assert_eq!(runs.load(SeqCst), usize::from(!never));
            }
            19 => {
                let Some((other, second)) = self.pick() else {
                    return;
                };
                let both = [&handle, &second];
                match self.numbers.below(2) {
                    0 => self.add(
                        CancellationToken::any_of(both).expect("two tokens"),
                        [token, other],
                        1,
                    ),
                    _ => {
                        let needed = if token == other { 1 } else { 2 };
                        let all = CancellationToken::all_of(both).expect("two tokens");
                        self.add(all, [token, other], needed);
                    }
                }
            }
            _ => {}
        }
    }

    fn check(&mut self) {
        for (token, handles) in self.handles.iter().enumerate() {
            let Some(handle) = handles.first() else {
                continue;
            };
            let fact = &self.facts[token];
            assert_eq!(handle.is_cancelled(), fact.cause.is_some(), "token {token}");
            let cause = handle.cause();
            assert_eq!(cause.is_some(), fact.cause.is_some());
            let (Some(cause), Some((cancel, inherited))) = (cause, fact.cause) else {
                continue;
            };
            assert_eq!(cause.is_inherited(), inherited, "token {token}");
            // A join made from several cancelled tokens has the cause of any of them.
            if fact.above.len() < 2 && !self.below_join(token) {
                assert_eq!(cause.message(), Some(&*cancel.to_string()), "token {token}");
            }
        }
        for wait in &self.waits {
            let cancelled = self.facts[wait.token].cause.is_some();
            assert_eq!(wait.sleeper.wakes(), usize::from(cancelled));
        }
        for one in &self.registered {
            let cancelled = self.facts[one.token].cause.is_some();
            assert_eq!(one.runs.load(SeqCst), usize::from(cancelled));
        }
    }

    fn below_join(&self, token: usize) -> bool {
        let above = &self.facts[token].above;
        above.len() > 1 || above.iter().any(|above| self.below_join(*above))
    }
}

#[test]
fn r01_to_r13_a_thousand_random_walks_agree_with_the_model() {
    for seed in 0..1000 {
        let walked = std::panic::catch_unwind(|| {
            let mut walk = Walk::new(seed);
            for _ in 0..150 {
                walk.step();
                walk.check();
            }
        });
        if let Err(panic) = walked {
            eprintln!("the walk with seed {seed} does not agree with the model");
            std::panic::resume_unwind(panic);
        }
    }
}
