//! One of the parts of a registry: the operations that are open, by number, and counts of those
//! that were.

use super::Event;
use super::hub::Hub;
use super::page::{Page, Row};
use super::pages::Pages;
use super::tally::Tally;
use crate::cause::{Cause, OperationId};
use crate::operation::{Observer, Operation, OperationSnapshot, ProgressUpdate, Record, Status};
use crate::sync::unmodelled::AtomicUsize;
use crate::sync::{AtomicU64, Mutex, Ordering};
use std::cell::Cell;
use std::ops::Range;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How many shards a registry has. A power of two, so that a number's place is a mask.
#[cfg(not(cancelable_loom))]
pub(super) const SHARDS: usize = 32;
/// One, as a model must do the same in each run, and numbers of operations go on from run to run.
#[cfg(cancelable_loom)]
pub(super) const SHARDS: usize = 1;

/// On cache lines of its own, so that the shards are apart for the processor too.
#[repr(align(128))]
pub(super) struct Shard {
    part: Mutex<Part>,
    /// How many were ever entered, less those forgotten. Raised before the end of such an operation
    /// is counted under the lock, so under the lock it is never below the ends.
    entered: AtomicU64,
    hub: Arc<Hub>,
}

#[derive(Default)]
struct Part {
    live: Pages,
    tally: Tally,
}

/// The place of the shard of an operation.
pub(super) fn place(id: OperationId) -> usize {
    // The remainder is below the number of shards, so nothing is cut off.
    (id.get() % SHARDS as u64) as usize
}

/// A shard that is this thread's for as long as it lives.
pub(super) fn of_thread(shards: &[Arc<Shard>]) -> &Arc<Shard> {
    /// Not loom's: which one it is has no meaning.
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let own = OWN.try_with(|own| {
        own.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
            own.set(Some(next));
            next
        })
    });
    // In range: there are `SHARDS` of them.
    &shards[own.unwrap_or(0)]
}

impl Shard {
    /// The shards of one registry.
    pub(super) fn all(hub: &Arc<Hub>) -> Box<[Arc<Self>]> {
        let shards: Box<[_]> = (0..SHARDS).map(|_| Self::new(hub)).collect();
        hub.introduce(shards.iter().map(Arc::downgrade).collect());
        shards
    }

    fn new(hub: &Arc<Hub>) -> Arc<Self> {
        Arc::new(Self {
            part: Mutex::new(Part::default()),
            entered: AtomicU64::new(0),
            hub: Arc::clone(hub),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.part.lock().live.len()
    }

    pub(super) fn get(&self, id: OperationId) -> Option<Arc<Record>> {
        self.part.lock().live.get(id).cloned()
    }

    /// Reads the list: the pages of these numbers that have a row. `give` is called under the lock.
    pub(super) fn read(&self, numbers: Range<u64>, mut give: impl FnMut(u64, Arc<Page>)) {
        let part = self.part.lock();
        part.live
            .read(numbers)
            .for_each(|(number, page)| give(number, page));
    }

    /// The first number from this one on whose page has a row.
    pub(super) fn next_page(&self, number: u64) -> Option<u64> {
        self.part.lock().live.next_from(number)
    }

    /// The counts, and how many of the operations were entered.
    pub(super) fn tally(&self) -> (Tally, u64) {
        let part = self.part.lock();
        // Relaxed: see the field.
        (part.tally.clone(), self.entered.load(Ordering::Relaxed))
    }

    pub(super) fn forget_ended(&self) {
        let forgotten = {
            let mut part = self.part.lock();
            let open = part.tally.open();
            let entered = part.tally.entered_and_ended();
            self.entered.fetch_sub(entered, Ordering::Relaxed);
            std::mem::replace(&mut part.tally, Tally::of_open(open))
        };
        drop(forgotten);
    }
}

impl Observer for Shard {
    /// Where the last handle of the registry is gone and with it the shard, nobody can read a list any
    /// more, and an empty one serves as well: hooks are in the hub, and those that are left in place
    /// hear of all parts of what is open.
    fn of_inner(&self, id: OperationId) -> Option<Arc<dyn Observer>> {
        let shard = self.hub.shards().get(place(id)).and_then(Weak::upgrade);
        Some(shard.unwrap_or_else(|| Self::new(&self.hub)))
    }

    /// Who begins to listen says so, and then looks through the shards. Either it looked at this one
    /// after the record was listed and found it, or its word is seen here, where `opened` has listed it.
    fn wants_cancels(&self, _: &Record) -> bool {
        self.hub.wants_cancels()
    }

    fn wants_progress(&self) -> bool {
        self.hub.wants_progress()
    }

    /// Told before it is listed: a cancel is told only of what is listed, and so after this.
    fn opened(&self, record: &Arc<Record>) {
        self.hub
            .tell(|| Event::Opened(Operation::new(Arc::clone(record))));
        let row = Row::of(record);
        let mut part = self.part.lock();
        part.live.insert(record.label.id(), row);
        part.tally.opened += 1;
    }

    fn entered(&self, record: &Arc<Record>) {
        self.entered.fetch_add(1, Ordering::Relaxed);
        self.hub
            .tell(|| Event::Started(Operation::new(Arc::clone(record))));
        self.hub.hooked(|hooks| hooks.entered(record));
    }

    fn queue_cancel(
        &self,
        record: &Arc<Record>,
        cause: &Cause,
        publish: &mut dyn FnMut(&mut dyn FnMut()),
    ) {
        self.hub.tell_under(
            |push| publish(push),
            || Event::CancelRequested(Operation::new(Arc::clone(record)), cause.clone()),
        );
    }

    fn cancel_requested(&self, record: &Arc<Record>, cause: &Cause) {
        self.hub
            .hooked(|hooks| hooks.cancel_requested(record, cause));
    }

    fn progressed(&self, record: &Arc<Record>, update: &ProgressUpdate) {
        // What is below tells of its own, and the end has an event of its own.
        if update.is_last() || update.made_by().id() != record.label.id() {
            return;
        }
        self.hub.tell_under(
            |tell| record.while_open(tell),
            || Event::Progress(Operation::new(Arc::clone(record))),
        );
        self.hub.hooked(|hooks| hooks.progressed(record, update));
    }

    fn closed(&self, record: &Arc<Record>, end: Status, elapsed: Option<Duration>) {
        // First, so that it is never in neither place.
        self.hub
            .history
            .keep(|| OperationSnapshot::of(record, None));
        let gone = {
            let mut part = self.part.lock();
            part.tally.end(end, elapsed);
            part.live.remove(record.label.id())
        };
        drop(gone);
        self.hub
            .tell(|| Event::Ended(Operation::new(Arc::clone(record))));
        self.hub.hooked(|hooks| hooks.closed(record, end, elapsed));
    }
}
