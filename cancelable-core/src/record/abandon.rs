//! Giving up on blocking calls that have not ended in time after their cancel.
//!
//! The wait of the run does that here; a handle that is awaited while the body still runs does it
//! too, so whoever is first abandons the call and the other finds it abandoned.

use super::blocking_call::Call;
use super::children::{Nursery, Yard};
use crate::cause::OperationId;
use crate::runtime::RuntimeHandle;
use crate::sync::log;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

impl Nursery {
    /// Abandons the calls whose time is up, and has the task woken when the next one's is.
    pub(crate) fn abandon_overdue(&self, cx: &mut Context<'_>) {
        // Ends: each turn after the first follows a timer that has passed the earliest time, so it
        // abandons one call at least.
        loop {
            let mut earliest: Option<(Instant, RuntimeHandle)> = None;
            for (id, call) in self.awaited_calls() {
                match call.due() {
                    Some(due) if due <= call.runtime().now() => self.abandon(id),
                    Some(due) if earliest.as_ref().is_none_or(|(at, _)| due < *at) => {
                        earliest = Some((due, call.runtime().clone()));
                    }
                    _ => {}
                }
            }
            let Some((due, runtime)) = earliest else {
                return;
            };
            // Taken out for the poll, which is code of the runtime. Nobody else polls it.
            let mut sleep = match self.with_yard(|yard| yard.patience.take()).flatten() {
                Some(sleep) => sleep,
                None => runtime.sleep_until(due),
            };
            if sleep.deadline() != Some(due) {
                sleep.reset(due);
            }
            let polled = Pin::new(&mut sleep).poll(cx);
            self.with_yard(|yard| yard.patience = Some(sleep));
            if polled.is_pending() {
                return;
            }
        }
    }

    fn awaited_calls(&self) -> Vec<(OperationId, Arc<Call>)> {
        self.with_yard(|yard| {
            let awaited = yard.members.iter().filter(|(_, member)| !member.abandoned);
            awaited
                .filter_map(|(id, member)| Some((*id, Arc::clone(member.call.as_ref()?))))
                .collect()
        })
        .unwrap_or_default()
    }

    pub(crate) fn is_abandoned(&self, id: OperationId) -> bool {
        let member = |yard: &mut Yard| yard.members.get(&id).is_some_and(|member| member.abandoned);
        self.with_yard(member).unwrap_or(false)
    }

    /// Waits no longer for a blocking call, and tells whoever joins it.
    pub(crate) fn abandon(&self, id: OperationId) {
        let abandoned = self.with_yard(|yard| {
            let member = yard.members.get_mut(&id)?;
            let call = member.call.as_ref().filter(|_| !member.abandoned)?;
            let found = (member.record.upgrade(), Arc::clone(call));
            member.abandoned = true;
            yard.abandoned += 1;
            Some(found)
        });
        let Some((record, call)) = abandoned.flatten() else {
            return;
        };
        if let Some(record) = record {
            log!(
                Warn,
                operation = &*record.label.shown_name(), id = record.label.id().get(),
                opened_at:% = record.opened_at;
                "{} was abandoned: it has not ended after its cancel, and its thread goes on; \
                 it was opened at {}", record.label, record.opened_at
            );
        }
        call.abandon();
        self.wake_joiner();
    }
}
