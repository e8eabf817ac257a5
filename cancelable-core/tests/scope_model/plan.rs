//! A case as plain data: a tree of scopes with the steps of their bodies, and the events from outside. A case is
//! made from a seed, run by the library and by the model, and reduced if the two do not agree.

use std::sync::Arc;

/// The end of a body, a finalizer or a blocking call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Value,
    Error,
    Panic,
}

/// One scope. Spans are in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) id: usize,
    pub(crate) timeout: Option<u64>,
    pub(crate) grace: Option<u64>,
    pub(crate) budget: Option<u64>,
    pub(crate) watchdog: Option<u64>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) collect_all: bool,
    pub(crate) steps: Vec<Step>,
    pub(crate) ending: Ending,
}

/// The steps of a body, in order.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Sleep(u64),
    Check,
    Shield {
        within: Option<u64>,
        steps: Vec<Step>,
    },
    Defer(Finalizer),
    /// The number makes the cancel known again in the cause.
    Cancel {
        number: usize,
        target: usize,
        now: bool,
    },
    SetTimeout(u64),
    /// Opens a scope inside and awaits its run, which is dropped after the span.
    Run {
        plan: Arc<Plan>,
        dropped_after: Option<u64>,
    },
    Spawn(Arc<Plan>),
    /// A blocking call, which does nothing but to end.
    Block {
        id: usize,
        ending: Ending,
    },
    /// Awaits the child or the call with that id, if this scope has it.
    Join(usize),
    /// Opens a scope inside, defers to it, and drops it without running it.
    Abandon {
        id: usize,
        finalizer: Option<Finalizer>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Finalizer {
    pub(crate) id: usize,
    pub(crate) steps: Vec<FinalStep>,
    pub(crate) ending: Ending,
}

#[derive(Clone, Debug)]
pub(crate) enum FinalStep {
    Sleep(u64),
    Defer(Finalizer),
    Cancel {
        number: usize,
        target: usize,
    },
    /// The same as the step of a body.
    Abandon {
        id: usize,
        finalizer: Option<Finalizer>,
    },
}

/// A cancel that comes from no scope.
#[derive(Clone, Debug)]
pub(crate) struct Blow {
    /// After the blow before it.
    pub(crate) after: u64,
    pub(crate) number: usize,
    pub(crate) target: usize,
    pub(crate) now: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) root: Arc<Plan>,
    /// The bound on the number of scopes: ids are below this.
    pub(crate) scopes: usize,
    /// The time at which the run of the root is dropped from outside.
    pub(crate) dropped_after: Option<u64>,
    pub(crate) blows: Vec<Blow>,
    /// A task waits for the end of each scope.
    pub(crate) is_awaited: bool,
}

/// Numbers that look random and are the same in every run (SplitMix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

/// Makes a case of a seed.
pub(crate) struct Maker {
    numbers: Numbers,
    /// A few points in time, so that many events are simultaneous.
    coarse: bool,
    scopes: usize,
    finalizers: usize,
    cancels: usize,
    /// The number of scopes that may still be added.
    room: usize,
}

impl Maker {
    pub(crate) fn case(seed: u64) -> Case {
        let mut numbers = Numbers(seed);
        let coarse = numbers.one_in(6);
        let room = 1 + numbers.below(6);
        let mut maker = Self {
            numbers,
            coarse,
            scopes: 0,
            finalizers: 0,
            cancels: 0,
            room,
        };
        let root = Arc::new(maker.plan());
        let dropped_after = maker.rarely(5, Self::span);
        let blows = (0..maker.numbers.below(4)).map(|_| maker.blow()).collect();
        Case {
            root,
            scopes: maker.scopes,
            dropped_after,
            blows,
            is_awaited: maker.numbers.one_in(2),
        }
    }

    fn span(&mut self) -> u64 {
        let steps = match self.coarse {
            true => 1 + self.numbers.below(4) * 250_000,
            false => 1 + self.numbers.below(1_000_000),
        };
        u64::try_from(steps).unwrap_or(1)
    }

    fn rarely<T>(&mut self, one_in: usize, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.numbers.one_in(one_in).then(|| make(self))
    }

    fn id(&mut self) -> usize {
        self.scopes += 1;
        self.scopes - 1
    }

    fn cancel_number(&mut self) -> usize {
        self.cancels += 1;
        self.cancels
    }

    /// Any scope of the case, also a scope that is added later.
    fn target(&mut self) -> usize {
        let likely = self.scopes + 1;
        self.numbers.below(likely)
    }

    fn ending(&mut self) -> Ending {
        match self.numbers.below(8) {
            0 | 1 => Ending::Error,
            2 => Ending::Panic,
            _ => Ending::Value,
        }
    }

    fn blow(&mut self) -> Blow {
        Blow {
            after: self.span(),
            number: self.cancel_number(),
            target: self.target(),
            now: self.numbers.one_in(3),
        }
    }

    fn plan(&mut self) -> Plan {
        let id = self.id();
        let timeout = match self.numbers.below(12) {
            0 => Some(0),
            1..=4 => Some(self.span().saturating_mul(2)),
            _ => None,
        };
        let mut plan = Plan {
            id,
            timeout,
            grace: self.rarely(3, Self::span),
            budget: self.rarely(4, Self::span),
            watchdog: self.rarely(8, Self::span),
            concurrency: self.rarely(3, |maker| 1 + maker.numbers.below(2)),
            collect_all: self.numbers.one_in(4),
            steps: Vec::new(),
            ending: self.ending(),
        };
        let count = 1 + self.numbers.below(6);
        plan.steps = self.steps(id, count, 0);
        plan
    }

    fn steps(&mut self, scope: usize, count: usize, shields: usize) -> Vec<Step> {
        (0..count).map(|_| self.step(scope, shields)).collect()
    }

    fn step(&mut self, scope: usize, shields: usize) -> Step {
        match self.numbers.below(22) {
            0 => Step::Check,
            1 => Step::SetTimeout(self.span()),
            2..=3 if shields < 2 => {
                let within = self.rarely(3, Self::span);
                let count = 1 + self.numbers.below(3);
                let steps = self.steps(scope, count, shields + 1);
                Step::Shield { within, steps }
            }
            4..=6 => Step::Defer(self.finalizer(0)),
            7..=8 => Step::Cancel {
                number: self.cancel_number(),
                target: self.target(),
                now: self.numbers.one_in(4),
            },
            9..=11 if self.take_room() => Step::Run {
                plan: Arc::new(self.plan()),
                dropped_after: self.rarely(3, Self::span),
            },
            12..=15 if self.take_room() => Step::Spawn(Arc::new(self.plan())),
            16 if self.take_room() => Step::Block {
                id: self.id(),
                ending: self.ending(),
            },
            17 if self.take_room() => Step::Abandon {
                id: self.id(),
                finalizer: self.rarely(2, |maker| maker.finalizer(0)),
            },
            18 => {
                let newer = self.scopes.saturating_sub(scope + 1);
                Step::Join(scope + 1 + self.numbers.below(newer))
            }
            _ => Step::Sleep(self.span()),
        }
    }

    fn take_room(&mut self) -> bool {
        let left = self.room.checked_sub(1);
        self.room = left.unwrap_or(0);
        left.is_some()
    }

    fn finalizer(&mut self, depth: usize) -> Finalizer {
        let id = self.finalizers;
        self.finalizers += 1;
        let count = self.numbers.below(3);
        let steps = (0..count)
            .map(|_| match self.numbers.below(6) {
                0 if depth < 2 => FinalStep::Defer(self.finalizer(depth + 1)),
                1 => FinalStep::Cancel {
                    number: self.cancel_number(),
                    target: self.target(),
                },
                2 if depth < 2 && self.take_room() => FinalStep::Abandon {
                    id: self.id(),
                    finalizer: Some(self.finalizer(depth + 1)),
                },
                _ => FinalStep::Sleep(self.span()),
            })
            .collect();
        Finalizer {
            id,
            steps,
            ending: self.ending(),
        }
    }
}
