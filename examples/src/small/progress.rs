//! Progress: figures that the work sets, and that others read or listen to.
//!
//! A parent has the sum of everything below it. Without a listener an advance costs next to nothing.
//!
//! ```text
//! upload: 0 in all, last: false
//! upload: 50 in all, last: false
//! upload: 150 in all, last: false
//! Some("first file"): 150 of Some(200)
//! sync: 150 in all, last: true
//! 150 in all
//! ```

use cancelable_core::Scope;
use std::error::Error;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let sync = rt::scope("sync").build()?;
        // Called for each change here and below, and once more at the end. For a bar on a terminal, `on_progress_every`
        // limits the calls to one in an interval.
        let _registration = sync.on_progress(|update| {
            let overall = update.snapshot().overall().position();
            println!(
                "{}: {overall} in all, last: {}",
                update.made_by().name(),
                update.is_last()
            );
        });

        let run = sync.run(async |op: Scope| {
            let upload = op.child("upload").run(async |op: Scope| {
                let progress = op.progress();
                progress
                    .change()
                    .set_total(200)
                    .set_message("first file")
                    .apply();
                progress.advance(50);
                progress.advance(100);
                let snapshot = progress.snapshot();
                // It also has the rate and the time left.
                let (file, total) = (snapshot.message(), snapshot.total());
                println!("{file:?}: {} of {total:?}", snapshot.position());
            });
            upload.await.complete()
        });
        run.await.complete()??;
        println!("{} in all", sync.progress().snapshot().overall().position());
        Ok(())
    })
}
