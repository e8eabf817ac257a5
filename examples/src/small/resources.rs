//! Limits of memory, CPU and disks, and of a figure of one's own.
//!
//! A limit is for work that would take down the machine. The cause names the reading and the limit.
//!
//! ```text
//! done within the limits
//! greedy cancelled after 1.1 ms: a resource went over its limit: memory of the process at 8.3 MiB, limit 1 B (set at src/main.rs:42)
//! import cancelled after 60 us: a resource went over its limit: queue at 12, limit 10 (set at src/main.rs:47)
//! ```

use rt::Gauge;
use std::borrow::Cow;
use std::error::Error;
use std::future::pending;
use std::io;
use std::time::Duration;

/// The length of a queue, which is read on a thread of its own.
struct QueueLength;

impl Gauge for QueueLength {
    fn name(&self) -> Cow<'static, str> {
        "queue".into()
    }

    fn read(&mut self) -> io::Result<f64> {
        Ok(12.0)
    }
}

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        // Of the container, if there is one with a limit, or else of the machine. A short peak does no harm.
        let guarded = rt::scope("guarded")
            .source(rt::memory_limit(98.0)?.sustained(Duration::from_secs(60)))
            .source(rt::cpu_limit(100.0)?.sustained(Duration::from_secs(60)))
            .source(rt::disk_limit(".", 100.0)?.sustained(Duration::from_secs(60)))
            .run(async |_| "done within the limits");
        println!("{}", guarded.await.complete()?);

        // Of this process, which has more than one byte.
        let greedy = rt::scope("greedy").source(rt::process_memory_limit(1)?);
        if let Err(error) = greedy.run(async |_| pending::<()>().await).await.complete() {
            println!("{error}");
        }

        let queue = rt::gauge_limit(QueueLength, 10.0)?.every(Duration::from_millis(100))?;
        let import = rt::scope("import").source(queue);
        if let Err(error) = import.run(async |_| pending::<()>().await).await.complete() {
            println!("{error}");
        }
        Ok(())
    })
}
