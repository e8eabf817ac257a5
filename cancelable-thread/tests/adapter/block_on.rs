//! Waits of a thread by `block_on`.

use cancelable_core::Status;
use cancelable_thread as rt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::mpsc;
use std::thread;

#[test]
fn r14_a_thread_that_waits_for_the_end_of_an_operation_is_woken() {
    let scope = rt::scope("import").build().unwrap();
    let (asleep, fallen) = mpsc::channel();
    thread::scope(|threads| {
        let mut wait = scope.finished();
        let wait = poll_fn(move |cx| {
            let polled = Pin::new(&mut wait).poll(cx);
            let _ = asleep.send(());
            polled
        });
        let waits = threads.spawn(move || rt::block_on(wait));
        fallen.recv().unwrap();
        assert!(rt::block_on(scope.run(async |_| ())).is_completed());
        assert_eq!(waits.join().unwrap(), Status::Completed);
    });
}
