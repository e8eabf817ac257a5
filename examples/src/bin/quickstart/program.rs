use cancelable_core::Scope;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let scope = Scope::builder("import")
            .runtime(&runtime)
            .timeout(Duration::from_secs(3))
            .source(rt::ctrl_c())
            .build()?;
        let outcome = scope.run(async |_| {
            for row in 1..=10 {
                println!("row {row}");
                runtime.sleep(Duration::from_millis(1200)).await;
            }
        });
        match outcome.await.into_result() {
            Ok(()) => println!("all rows imported"),
            Err(error) => println!("{error}"),
        }
        Ok(())
    })
}
