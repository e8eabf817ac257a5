//! Readers and writers of Tokio that a cancel ends: files, pipes, buffers.

use cancelable_core::{CancellationToken, Cancelled, Scope};
use cancelable_tokio as rt;
use rt::io::{UntilCancelled, copy};
use std::io::{self, ErrorKind, SeekFrom};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, BufWriter, duplex, split,
};

const HOUR: Duration = Duration::from_secs(3600);

fn cancelled(error: &io::Error) -> &Cancelled {
    let inside = error.get_ref().and_then(|inside| inside.downcast_ref());
    inside.expect("it carries the cancel")
}

#[test]
fn r43_once_cancelled_each_step_fails_with_the_cause() {
    rt::block_on(async {
        let token = CancellationToken::new();
        let (mut near, far) = duplex(64);
        near.write_all(b"left").await.unwrap();
        let mut far = UntilCancelled::new(far, &token);
        token.cancel_with("the client has left");
        let mut bytes = [0; 4];
        for _ in 0..2 {
            for error in [
                far.read(&mut bytes).await.unwrap_err(),
                far.read_exact(&mut bytes).await.unwrap_err(),
                far.write(b"more").await.unwrap_err(),
                far.write_all(b"more").await.unwrap_err(),
                far.write_vectored(&[io::IoSlice::new(b"more")])
                    .await
                    .unwrap_err(),
                far.flush().await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Other);
                assert_eq!(
                    cancelled(&error).cause().message(),
                    Some("the client has left")
                );
            }
        }
        // The bytes that were not read are still there.
        far.into_inner().read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"left");
    });
}

#[tokio::test(start_paused = true)]
async fn r43_a_read_from_a_pipe_that_nobody_writes_ends_at_the_deadline() {
    let (_near, far) = duplex(64);
    let scope = Scope::builder("download")
        .runtime(&rt::current().unwrap())
        .timeout(HOUR);
    let scope = scope.build().unwrap();
    let run = scope.try_run(async |op: Scope| UntilCancelled::new(far, &op).read_u8().await);
    let error = run.await.into_result().unwrap_err().into_failed().unwrap();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(cancelled(&error).elapsed(), Some(HOUR));
}

#[tokio::test(start_paused = true)]
async fn r43_a_reader_and_a_writer_of_two_tasks_are_both_woken() {
    let token = CancellationToken::new();
    let (_near, far) = duplex(1);
    let (mut reader, mut writer) = split(UntilCancelled::new(far, &token));
    let reads = tokio::spawn(async move { reader.read_u8().await.is_err() });
    let writes = tokio::spawn(async move { writer.write_all(b"too long").await.is_err() });
    tokio::time::sleep(HOUR).await;
    assert!(!reads.is_finished() && !writes.is_finished());
    token.cancel();
    assert!(reads.await.unwrap() && writes.await.unwrap());
}

#[test]
fn r43_lines_and_seeks_of_a_file_are_cut_and_go_on_where_they_were() {
    rt::block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        let token = CancellationToken::new();
        let file = BufReader::new(File::open(&path).await.unwrap());
        let mut file = UntilCancelled::new(file, &token);
        let mut line = String::new();
        file.read_line(&mut line).await.unwrap();
        assert_eq!(file.stream_position().await.unwrap(), 4);
        token.cancel();
        assert!(file.read_line(&mut line).await.is_err());
        assert!(file.seek(SeekFrom::Start(0)).await.is_err());
        file.get_mut().read_line(&mut line).await.unwrap();
        assert_eq!(line, "one\ntwo\n");
    });
}

#[test]
fn r43_a_file_is_shut_down_after_the_cancel_with_all_that_it_has_accepted() {
    rt::block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accepted");
        let token = CancellationToken::new();
        let file = BufWriter::new(File::create(&path).await.unwrap());
        let mut file = UntilCancelled::new(file, &token);
        file.write_all(b"accepted").await.unwrap();
        token.cancel();
        assert!(file.write_all(b"refused").await.is_err());
        file.shutdown().await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"accepted");
    });
}

#[test]
fn r43_a_file_is_copied_and_the_bytes_are_told_to_the_progress() {
    rt::block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let bytes = Vec::from_iter((0..300_000_u32).map(|number| number as u8));
        std::fs::write(folder.path().join("from"), &bytes).unwrap();
        let from = File::open(folder.path().join("from")).await.unwrap();
        let to = File::create(folder.path().join("to")).await.unwrap();
        let scope = Scope::builder("copy").build().unwrap();
        let outcome = scope
            .try_run(async |op: Scope| copy(from, to, &op).await)
            .await;
        assert_eq!(outcome.into_result().unwrap(), 300_000);
        assert_eq!(scope.progress().position(), 300_000);
        assert_eq!(std::fs::read(folder.path().join("to")).unwrap(), bytes);
    });
}

#[tokio::test(start_paused = true)]
async fn r43_a_copy_into_a_pipe_that_is_full_says_how_far_it_came() {
    let (near, mut far) = duplex(4);
    let scope = Scope::builder("upload")
        .runtime(&rt::current().unwrap())
        .timeout(HOUR);
    let scope = scope.build().unwrap();
    let run = scope.try_run(async |op: Scope| copy(&b"abcdef"[..], near, &op).await);
    let error = run.await.into_result().unwrap_err().into_failed().unwrap();
    assert_eq!((error.copied(), error.unwritten()), (4, &b"ef"[..]));
    assert!(error.cancellation().unwrap().is_timeout());
    let mut arrived = Vec::new();
    far.read_to_end(&mut arrived).await.unwrap();
    assert_eq!(arrived, b"abcd");
}
