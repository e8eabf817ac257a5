//! Tasks that block their thread: another thread runs the awaited tasks.

use cancelable_smol as rt;
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::Duration;

/// As many tasks block as there are threads, so that only stand-ins are left.
#[test]
fn r14_every_thread_may_be_blocked_on_a_task() {
    let blocked = 2 * thread::available_parallelism().unwrap().get();
    let all_block = &*Box::leak(Box::new(Barrier::new(blocked)));
    rt::block_on(async {
        let runtime = rt::current().unwrap();
        let tasks: Vec<_> = (0..blocked)
            .map(|n| {
                let inner = runtime.clone();
                runtime.spawn(async move {
                    // In `block_on`, so that each waiting thread has a stand-in, which runs the next task.
                    rt::block_on(async {
                        all_block.wait();
                        inner.spawn(async move { n }).await.unwrap()
                    })
                })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n);
        }
    });
}

/// A stand-in may be blocked too, like any other worker.
#[test]
fn r14_a_task_on_a_stand_in_may_block() {
    fn nested(depth: u32) -> u32 {
        if depth == 0 {
            return 0;
        }
        rt::block_on(async {
            let runtime = rt::current().unwrap();
            runtime
                .spawn(async move { nested(depth - 1) })
                .await
                .unwrap()
                + 1
        })
    }
    assert_eq!(nested(16), 16);
}

/// A future may block the thread of its `block_on`. That thread runs no tasks, so the executor never wakes that
/// thread for a task.
#[test]
fn r14_a_future_that_blocks_its_own_thread_keeps_no_task_waiting() {
    rt::block_on(async {
        let runtime = rt::current().unwrap();
        // Many times, because the thread that gets a task depends on the order in which threads went to sleep.
        for n in 0..200 {
            runtime.sleep(Duration::from_millis(1)).await;
            let (send, receive) = mpsc::channel();
            let task = runtime.spawn(async move { send.send(n).unwrap() });
            assert_eq!(receive.recv(), Ok(n));
            task.await.unwrap();
        }
    });
}
