//! The answer of a language model, which its reader pauses, resumes and stops.
//!
//! The answer holds a lock for each word, and a pause holds the same lock. A paused answer reads nothing from the model,
//! and can be stopped. The partial result keeps the words so far, however the run ends.
//!
//! ```text
//! "A"
//! " model"
//! paused with "A model"
//! after the pause: "A model"
//! " that"
//! " never"
//! kept: Some("A model that never")
//! answer cancelled after 128.6 ms: cancel requested: the reader has read enough (at src/main.rs:75)
//! ```

use cancelable_core::{RuntimeHandle, Scope};
use futures_channel::mpsc;
use futures_util::future::join;
use futures_util::lock::Mutex;
use futures_util::{SinkExt, Stream, StreamExt, stream};
use std::error::Error;
use std::pin::pin;
use std::time::Duration;

const MOMENT: Duration = Duration::from_millis(20);

/// A model that never stops.
fn model(runtime: &RuntimeHandle) -> impl Stream<Item = &'static str> {
    let words = ["A", " model", " that", " never", " stops."];
    stream::iter(words.into_iter().cycle()).then(async |word| {
        runtime.sleep(MOMENT).await;
        word
    })
}

fn so_far(answer: &Scope) -> String {
    answer.partial().get().unwrap_or_default()
}

pub fn main() -> Result<(), Box<dyn Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let running = Mutex::new(());
        // Without a buffer: a word is sent when the reader has taken it.
        let (mut screen, mut shown) = mpsc::channel(0);

        let answer = rt::scope("answer").build()?;
        let run = answer.try_run(async |op: Scope| {
            let mut words = pin!(op.stream(model(&runtime)));
            loop {
                let word = {
                    let _running = running.lock().await;
                    words.next().await
                };
                let Some(word) = word else { break };
                op.partial()
                    .update(move |text: &mut String| text.push_str(word))?;
                screen.send(word).await?;
            }
            Ok::<_, Box<dyn Error>>(())
        });

        let reader = async {
            while let Some(word) = shown.next().await {
                println!("{word:?}");
                if word == " model" {
                    let pause = running.lock().await;
                    println!("paused with {:?}", so_far(&answer));
                    runtime.sleep(2 * MOMENT).await;
                    println!("after the pause: {:?}", so_far(&answer));
                    drop(pause);
                }
                if word == " never" {
                    answer.cancel_with("the reader has read enough");
                    break;
                }
            }
        };
        let (outcome, ()) = join(run, reader).await;
        println!("kept: {:?}", outcome.partial::<String>());
        if let Err(error) = outcome.complete() {
            println!("{error}");
        }
        Ok(())
    })
}
