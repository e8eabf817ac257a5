//! Readers and writers that a cancel cuts: which steps fail and how, and that no byte is lost.

use crate::support::SECOND;
use crate::support::probe::Probe;
use cancelable_core::io::{AsyncRead, AsyncWrite, CopyError, UntilCancelled, copy};
use cancelable_core::testing::{ManualRuntime, cancel_token_at_every_await};
use cancelable_core::{CancellationToken, Cancelled, Scope};
use futures_util::future::{Either, join, select};
use futures_util::io::{BufReader, BufWriter, Cursor};
use futures_util::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, SeekFrom};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A pipe in memory with both its ends. Clones are handles to the same one.
#[derive(Clone, Debug, Default)]
struct Pipe(Rc<RefCell<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    bytes: VecDeque<u8>,
    /// The maximum number of bytes that it holds.
    room: usize,
    closed: bool,
    flushes: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    fn of(room: usize) -> Self {
        let pipe = Self::default();
        pipe.0.borrow_mut().room = room;
        pipe
    }

    fn with(bytes: &[u8]) -> Self {
        let pipe = Self::of(usize::MAX);
        pipe.put(bytes);
        pipe
    }

    fn put(&self, bytes: &[u8]) {
        let mut inner = self.0.borrow_mut();
        inner.bytes.extend(bytes);
        inner.reader.take().into_iter().for_each(Waker::wake);
    }

    fn end(&self) {
        let mut inner = self.0.borrow_mut();
        inner.closed = true;
        inner.reader.take().into_iter().for_each(Waker::wake);
    }

    fn drain(&self) -> Vec<u8> {
        let mut inner = self.0.borrow_mut();
        inner.writer.take().into_iter().for_each(Waker::wake);
        inner.bytes.drain(..).collect()
    }

    fn flushes(&self) -> usize {
        self.0.borrow().flushes
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.0.borrow_mut();
        if inner.bytes.is_empty() && !inner.closed {
            inner.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let read = inner.bytes.len().min(buffer.len());
        buffer
            .iter_mut()
            .zip(inner.bytes.drain(..read))
            .for_each(|(to, from)| *to = from);
        inner.writer.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(read))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.0.borrow_mut();
        let written = bytes.len().min(inner.room - inner.bytes.len());
        if written == 0 && !bytes.is_empty() {
            inner.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        inner.bytes.extend(&bytes[..written]);
        inner.reader.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

fn cancelled(error: &io::Error) -> &Cancelled {
    let inside = error.get_ref().and_then(|inside| inside.downcast_ref());
    inside.expect("it carries the cancel")
}

#[test]
fn r43_once_cancelled_each_step_fails_with_the_cause() {
    let token = CancellationToken::new();
    let pipe = Pipe::with(b"left");
    let mut both = UntilCancelled::new(pipe, &token);
    token.cancel_with("the client has left");
    ManualRuntime::new().block_on(async {
        let mut byte = [0];
        for _ in 0..3 {
            for error in [
                both.read(&mut byte).await.unwrap_err(),
                // Which would not end if the error told it to try again.
                both.read_exact(&mut byte).await.unwrap_err(),
                both.read_vectored(&mut [io::IoSliceMut::new(&mut byte)])
                    .await
                    .unwrap_err(),
                both.write(b"more").await.unwrap_err(),
                both.write_all(b"more").await.unwrap_err(),
                both.write_vectored(&[io::IoSlice::new(b"more")])
                    .await
                    .unwrap_err(),
                both.flush().await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Other);
                assert_eq!(
                    cancelled(&error).cause().message(),
                    Some("the client has left")
                );
            }
        }
    });
    assert_eq!(both.into_inner().drain(), b"left");
}

#[test]
fn r43_the_error_of_a_time_limit_is_a_timeout_and_names_the_operation() {
    let manual = ManualRuntime::new();
    let builder = Scope::builder("download").runtime(&manual.handle());
    let scope = builder.timeout(SECOND).build().unwrap();
    let run = scope.try_run(async |op: Scope| {
        let mut byte = [0];
        UntilCancelled::new(Pipe::of(1), &op).read(&mut byte).await
    });
    let outcome = manual.block_on(run);
    let error = outcome.into_result().unwrap_err().into_failed().unwrap();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(
        error
            .to_string()
            .starts_with("download cancelled after 1 s: timed out"),
        "{error}"
    );
}

#[test]
fn r43_a_read_that_was_ready_is_given_although_it_is_cancelled_by_then() {
    struct Cancels(CancellationToken);
    impl AsyncRead for Cancels {
        fn poll_read(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            self.0.cancel();
            buffer[0] = 7;
            Poll::Ready(Ok(1))
        }
    }
    let token = CancellationToken::new();
    let mut reader = UntilCancelled::new(Cancels(token.clone()), &token);
    ManualRuntime::new().block_on(async {
        let mut byte = [0];
        assert_eq!(reader.read(&mut byte).await.unwrap(), 1);
        assert_eq!(byte, [7]);
        assert!(reader.read(&mut byte).await.is_err());
    });
}

#[test]
fn r43_a_reader_and_a_writer_that_two_tasks_wait_for_are_both_woken() {
    let token = CancellationToken::new();
    // Nothing to read, and no room to write.
    let (incoming, outgoing) = (Pipe::of(0), Pipe::of(0));
    let both = UntilCancelled::new(Duplex { incoming, outgoing }, &token);
    let (mut reader, mut writer) = both.split();
    let (reads, writes) = (Probe::new(), Probe::new());
    let mut byte = [0];
    let mut read = pin!(reader.read(&mut byte));
    let mut write = pin!(writer.write(b"x"));
    for _ in 0..2 {
        assert!(reads.poll(read.as_mut()).is_pending());
        assert!(writes.poll(write.as_mut()).is_pending());
    }
    token.cancel();
    assert_eq!((reads.wakes(), writes.wakes()), (1, 1));
    assert!(matches!(reads.poll(read), Poll::Ready(Err(_))));
    assert!(matches!(writes.poll(write), Poll::Ready(Err(_))));
}

struct Duplex {
    incoming: Pipe,
    outgoing: Pipe,
}

impl AsyncRead for Duplex {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.incoming).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.outgoing).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn r43_lines_and_seeks_are_cut_too_and_nothing_of_the_buffer_is_lost() {
    let token = CancellationToken::new();
    let mut reader = UntilCancelled::new(BufReader::new(Cursor::new("one\ntwo\nthree\n")), &token);
    ManualRuntime::new().block_on(async {
        let mut line = String::new();
        assert_eq!(reader.read_line(&mut line).await.unwrap(), 4);
        token.cancel();
        assert!(reader.read_line(&mut line).await.is_err());
        assert!(reader.seek(SeekFrom::Start(0)).await.is_err());
        assert_eq!(line, "one\n");
        // It continues at the same position.
        reader.get_mut().read_line(&mut line).await.unwrap();
        assert_eq!(line, "one\ntwo\n");
    });
}

#[test]
fn r43_a_writer_is_closed_after_the_cancel_with_all_that_it_has_accepted() {
    let token = CancellationToken::new();
    let pipe = Pipe::of(100);
    let mut writer = UntilCancelled::new(BufWriter::new(pipe.clone()), &token);
    ManualRuntime::new().block_on(async {
        writer.write_all(b"accepted").await.unwrap();
        token.cancel();
        assert!(writer.write_all(b"refused").await.is_err());
        assert_eq!(pipe.drain(), b"");
        writer.close().await.unwrap();
    });
    assert_eq!(pipe.drain(), b"accepted");
}

#[test]
fn r22_r43_inside_a_shield_reads_go_on() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("s").grace(SECOND).runtime(&manual.handle());
    let scope = scope.build().unwrap();
    let outcome = manual.block_on(scope.run(async |op: Scope| {
        let mut reader = UntilCancelled::new(Pipe::with(b"abc"), &op);
        let mut bytes = [0; 2];
        op.cancel();
        op.shield(reader.read_exact(&mut bytes)).await.unwrap();
        (bytes, reader.read(&mut [0]).await.is_err())
    }));
    assert_eq!(outcome.into_value(), Some((*b"ab", true)));
}

#[test]
fn r43_all_bytes_are_copied_and_told_to_the_progress() {
    let manual = ManualRuntime::new();
    let scope = Scope::builder("copy").build().unwrap();
    let bytes = Vec::from_iter((0..100_000_u32).map(|number| number as u8));
    let (source, target) = (Pipe::with(&bytes), Pipe::of(usize::MAX));
    source.end();
    let copied = manual.block_on(copy(source, target.clone(), &scope));
    assert_eq!(copied.unwrap(), 100_000);
    assert_eq!((target.flushes(), target.drain()), (1, bytes));
    assert_eq!(scope.progress().position(), 100_000);
    scope.cancel();
}

#[test]
fn r43_a_copy_that_is_cancelled_says_how_far_it_came() {
    let probe = Probe::new();
    let scope = Scope::builder("copy").build().unwrap();
    let (source, target) = (Pipe::with(b"abcdef"), Pipe::of(4));
    let mut copying = pin!(copy(source, target.clone(), &scope));
    assert!(probe.poll(copying.as_mut()).is_pending());
    scope.cancel_with("enough");
    assert_eq!(probe.wakes(), 1);
    let Poll::Ready(Err(error)) = probe.poll(copying) else {
        panic!("it is cancelled")
    };
    assert_eq!((error.copied(), error.unwritten()), (4, &b"ef"[..]));
    assert_eq!(
        error.cancellation().unwrap().cause().message(),
        Some("enough")
    );
    assert!(
        error
            .to_string()
            .starts_with("copy ended after 4 bytes: copy cancelled: ")
    );
    assert_eq!(target.drain(), b"abcd");
    assert_eq!(scope.progress().position(), 4);
    let error = io::Error::from(error);
    assert!(cancelled(&error).operation().is_some());
}

#[test]
fn r43_what_was_read_before_the_cancel_is_written_where_the_writer_takes_it() {
    let probe = Probe::new();
    let scope = Scope::builder("copy").build().unwrap();
    let (source, target) = (Pipe::with(b"abcdef"), Pipe::of(4));
    let mut copying = pin!(copy(source.clone(), target.clone(), &scope));
    assert!(probe.poll(copying.as_mut()).is_pending());
    source.put(b"not read any more");
    scope.cancel();
    assert_eq!(target.drain(), b"abcd");
    let Poll::Ready(Err(error)) = probe.poll(copying) else {
        panic!("it is cancelled")
    };
    assert_eq!((error.copied(), error.unwritten()), (6, &b""[..]));
    assert_eq!(target.drain(), b"ef");
    assert_eq!(source.drain(), b"not read any more");
}

#[test]
fn r43_errors_of_the_two_sides_come_through_with_the_count() {
    struct Full;
    impl AsyncWrite for Full {
        fn poll_write(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            _bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(0))
        }
        fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    struct Torn;
    impl AsyncRead for Torn {
        fn poll_read(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            _buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(ErrorKind::ConnectionReset.into()))
        }
    }
    let manual = ManualRuntime::new();
    let scope = Scope::builder("copy").build().unwrap();
    let error = manual
        .block_on(copy(&b"abc"[..], Full, &scope))
        .unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::WriteZero);
    assert_eq!((error.copied(), error.unwritten()), (0, &b"abc"[..]));
    let source = (&b"abc"[..]).chain(Torn);
    let error = manual
        .block_on(copy(source, Vec::new(), &scope))
        .unwrap_err();
    assert!(error.cancellation().is_none());
    assert_eq!(
        (error.copied(), error.error().kind()),
        (3, ErrorKind::ConnectionReset)
    );
    scope.cancel();
}

#[test]
fn r43_a_copy_that_waits_has_flushed_and_one_that_does_not_lets_others_run() {
    let probe = Probe::new();
    let scope = Scope::builder("copy").build().unwrap();
    let (source, target) = (Pipe::with(b"hello"), Pipe::of(100));
    let mut copying = pin!(copy(source, target.clone(), &scope));
    for _ in 0..3 {
        assert!(probe.poll(copying.as_mut()).is_pending());
        assert_eq!(target.flushes(), 1);
    }
    assert_eq!(probe.wakes(), 0);
    let mut endless = pin!(copy(
        futures_util::io::repeat(1),
        futures_util::io::sink(),
        &scope
    ));
    for polls in 1..4 {
        assert!(probe.poll(endless.as_mut()).is_pending());
        assert_eq!(probe.wakes(), polls);
    }
    scope.cancel();
    assert!(matches!(probe.poll(endless), Poll::Ready(Err(_))));
}

/// Copies through two small pipes, with somebody who feeds the one and drains the other.
#[test]
fn r43_wherever_a_copy_is_cancelled_every_byte_is_accounted_for() {
    const BYTES: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
    let pipes = RefCell::new((Pipe::default(), Pipe::default()));
    let drained = RefCell::new(Vec::new());
    let report = cancel_token_at_every_await(
        |runtime, token| {
            let (source, target) = (Pipe::of(7), Pipe::of(3));
            pipes.replace((source.clone(), target.clone()));
            drained.borrow_mut().clear();
            let drained = &drained;
            let scope = Scope::builder("copy")
                .runtime(&runtime)
                .token(&token)
                .grace(SECOND);
            let scope = scope.build().unwrap();
            async move {
                let feed = async {
                    for chunk in BYTES.chunks(5) {
                        runtime.sleep(SECOND).await;
                        source.put(chunk);
                    }
                    source.end();
                };
                let drain = async {
                    loop {
                        runtime.sleep(SECOND / 2).await;
                        drained.borrow_mut().extend(target.drain());
                    }
                };
                let beside = pin!(join(feed, drain));
                let copied = pin!(scope.run(|op| copy(source.clone(), target.clone(), &op)));
                match select(copied, beside).await {
                    Either::Left((outcome, _)) => outcome.into_value(),
                    Either::Right(_) => unreachable!("it has no end"),
                }
            }
        },
        |_, output: Option<Option<Result<u64, CopyError>>>| {
            let (source, target) = &*pipes.borrow();
            let mut bytes = drained.borrow().clone();
            bytes.extend(target.drain());
            // None where the scope was cancelled before it began.
            match output.expect("it ends") {
                Some(Ok(copied)) => assert_eq!((copied, &bytes[..]), (26, BYTES)),
                None => assert_eq!(bytes, b""),
                Some(Err(error)) => {
                    assert_eq!(error.copied(), bytes.len() as u64);
                    bytes.extend(error.unwritten());
                    bytes.extend(source.drain());
                    assert!(BYTES.starts_with(&bytes), "{bytes:?}");
                    // All that was fed.
                    assert!(bytes.len() % 5 == 0 || bytes.len() == 26, "{bytes:?}");
                }
            }
        },
    );
    assert!(report.into_result().unwrap().points() >= 10);
}
