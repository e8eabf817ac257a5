//! The grace period of a blocking call: starts at the cancel of the call, and ends early at a hard cancel.

use super::child_exit::Admitted;
use crate::record::blocking_call::BlockingCall;
use crate::record::grace;
use crate::token::CallbackRegistration;
use std::sync::Arc;

/// The callbacks that time the abandonment of a call. Both callbacks are kept until the thread of the call is
/// done.
pub(super) struct GraceWatch {
    call: Arc<BlockingCall>,
    _on_cancel: [CallbackRegistration; 2],
}

impl GraceWatch {
    /// Returns `None` for a call that is never abandoned.
    pub(super) fn new(admitted: &Admitted) -> Option<Self> {
        let call = admitted.call.as_ref()?;
        call.grace()?;
        let record = admitted.scope.record();
        let (label, owner) = (record.label.clone(), admitted.admission.owner());
        let on_cancel = {
            let (call, owner) = (Arc::clone(call), Arc::clone(owner));
            record.token().on_cancel(move |cause| {
                if cause.is_end_of(&label) {
                    return;
                }
                call.note_cancel();
                owner.children.wake_joiner();
            })
        };
        let on_hard_cancel = {
            let (call, owner) = (Arc::clone(call), Arc::clone(owner));
            grace::hard_token(record).on_cancel(move |_| {
                call.end_grace();
                owner.children.wake_joiner();
            })
        };
        Some(Self {
            call: Arc::clone(call),
            _on_cancel: [on_cancel, on_hard_cancel],
        })
    }
}

/// The thread is done, so the call is not abandoned any more.
impl Drop for GraceWatch {
    fn drop(&mut self) {
        self.call.end();
    }
}
