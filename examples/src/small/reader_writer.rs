//! Readers and writers that fail at a cancel, so code in between needs to know nothing of scopes.
//!
//! These are for the traits of `futures`. With the feature `io` an adapter has the same for the traits of its runtime.
//!
//! ```text
//! 9 bytes copied
//! progress: 9
//! TimedOut: receive cancelled after 22.5 ms: timed out (limit 20 ms counted from 5.7 us on, set at src/main.rs:37)
//! timed out: Some(true)
//! completed
//! ```

use cancelable_core::io::{UntilCancelled, copy};
use cancelable_core::{Cancelled, Scope};
use futures_util::io::{AsyncReadExt, Cursor};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::error::Error;
use std::io;
use std::time::Duration;

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        // A copy, which counts the bytes as progress.
        let mut target = Cursor::new(Vec::new());
        let save = rt::scope("save").build()?;
        let run = save.try_run(async |op: Scope| copy(&b"all of it"[..], &mut target, &op).await);
        println!("{} bytes copied", run.await.complete()?);
        println!("progress: {}", save.progress().position());

        // A peer that sends five bytes, and then nothing for ever.
        let peer = stream::iter([io::Result::Ok("hello")]).chain(stream::pending());
        let peer = peer.into_async_read();
        let receive = rt::scope("receive").try_run(async |op: Scope| {
            let mut reader = UntilCancelled::new(peer, &op);
            let mut text = String::new();
            // The peer has 20 ms from here on.
            op.set_timeout(Duration::from_millis(20))?;
            if let Err(error) = reader.read_to_string(&mut text).await {
                println!("{:?}: {error}", error.kind());
                let inner = error
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<Cancelled>());
                println!("timed out: {:?}", inner.map(Cancelled::is_timeout));
            }
            Ok::<_, Box<dyn Error>>(())
        });
        println!("{}", receive.await.status());
        Ok(())
    })
}
