//! A thread for each pipe, which reads until the pipe ends. On Windows nothing can stop it before.

use super::Captured;
use crate::watch::AtEnd;
use std::io::{self, Read};
use std::process::{ChildStderr, ChildStdout};
use std::sync::Arc;
use std::thread;

pub(crate) struct Capture;

impl Capture {
    pub(crate) fn new() -> io::Result<(Self, AtEnd)> {
        Ok((Self, Box::new(())))
    }

    pub(crate) fn begin(
        self,
        stdout: Option<ChildStdout>,
        stderr: Option<ChildStderr>,
    ) -> io::Result<Arc<Captured>> {
        let captured = Captured::new(2);
        read(0, stdout, &captured)?;
        read(1, stderr, &captured)?;
        Ok(captured)
    }
}

fn read(
    index: usize,
    pipe: Option<impl Read + Send + 'static>,
    captured: &Arc<Captured>,
) -> io::Result<()> {
    let captured = Arc::clone(captured);
    let reader = move || {
        let mut buffer = [0; 8192];
        if let Some(mut pipe) = pipe {
            // Ends: with the pipe, or with an error.
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                captured.add(index, &buffer[..count]);
            }
        }
        captured.close();
    };
    thread::Builder::new().name("output".into()).spawn(reader)?;
    Ok(())
}
