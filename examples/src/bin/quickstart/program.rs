use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rt::block_on(async {
        let runtime = rt::current()?;
        let import = rt::scope("import")
            .timeout(Duration::from_secs(3))
            .source(rt::ctrl_c())
            .run(async |_| {
                for row in 1..=10 {
                    println!("row {row}");
                    runtime.sleep(Duration::from_millis(1200)).await;
                }
            });
        import.await.complete()?;
        println!("all rows imported");
        Ok(())
    })
}
