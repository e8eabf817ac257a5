//! The input as lines with their positions, in batches of all lines that are available.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;

use crate::checkpoint::Mark;

/// The approximate size of one read.
const PIECE: usize = 64 * 1024;

/// One line of a batch, without its newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The line number, from one.
    pub(crate) number: u64,
    /// The position in the input, and the length there.
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// The position in the batch; `None` for a line that is too long.
    place: Option<Range<usize>>,
}

/// A run of consecutive lines.
#[derive(Debug)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    pub(crate) lines: Vec<Line>,
    /// The mark after the last line.
    pub(crate) end: Mark,
}

impl Batch {
    pub(crate) fn text(&self, line: &Line) -> Option<&[u8]> {
        self.bytes.get(line.place.clone()?)
    }
}

/// The input. Reads may block the thread.
#[derive(Debug)]
pub(crate) struct Lines<R = File> {
    input: R,
    pub(crate) name: PathBuf,
    /// The bytes that were read. Bytes before `start` were returned and are not hashed yet. Bytes before
    /// `searched` were searched, and have no newline from `start` on.
    bytes: Vec<u8>,
    start: usize,
    searched: usize,
    hasher: blake3::Hasher,
    offset: u64,
    count: u64,
    ended: bool,
    /// The limit on the bytes of a line, and on the lines of a batch.
    max_line: usize,
    batch: usize,
    /// The length of the line that is being skipped, as far as it was read.
    skipping: Option<u64>,
}

/// The beginning of the input differs from the input of the checkpoint.
#[derive(Debug)]
pub(crate) enum Unfit {
    Io(io::Error),
    Changed(String),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R, name: PathBuf, max_line: usize, batch: usize) -> Self {
        Self {
            input,
            name,
            bytes: Vec::new(),
            start: 0,
            searched: 0,
            hasher: blake3::Hasher::new(),
            offset: 0,
            count: 0,
            ended: false,
            max_line,
            batch,
            skipping: None,
        }
    }

    /// Resumes at `mark`, if the input is the same up to there. The input is read for the
    /// comparison, so a pipe works too.
    pub(crate) fn resume_at(&mut self, mark: &Mark) -> Result<(), Unfit> {
        while self.offset < mark.offset {
            if self.rest().is_empty() && self.read()? == 0 {
                let (is, was) = (self.offset, mark.offset);
                return Err(Unfit::Changed(format!(
                    "the input ends at byte {is}, and {was} were done"
                )));
            }
            let left = usize::try_from(mark.offset - self.offset).unwrap_or(usize::MAX);
            self.forget(self.rest().len().min(left));
        }
        if self.digest() != mark.digest {
            return Err(Unfit::Changed(format!(
                "the first {} bytes of the input are not what they were",
                mark.offset
            )));
        }
        if mark.is_open && (!self.rest().is_empty() || self.read()? > 0) {
            return Err(Unfit::Changed(
                "the last line that was done had no newline, and goes on now".to_owned(),
            ));
        }
        self.count = mark.lines;
        Ok(())
    }

    /// Returns the available lines, or waits for the next. `None` at the end. Ends: each round
    /// reads bytes, or the input has ended.
    pub(crate) fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch {
            bytes: Vec::new(),
            lines: Vec::new(),
            end: Mark::default(),
        };
        loop {
            while batch.lines.len() < self.batch && self.take_line(&mut batch) {}
            let mut is_open = false;
            if batch.lines.is_empty() && self.ended {
                is_open = self.take_last(&mut batch);
            }
            if !batch.lines.is_empty() {
                batch.end = Mark {
                    offset: self.offset,
                    lines: self.count,
                    digest: self.digest(),
                    is_open,
                };
                return Ok(Some(batch));
            }
            if self.ended {
                return Ok(None);
            }
            let length = self.rest().len();
            if length > self.max_line {
                self.skipping = Some(self.skipping.unwrap_or(0) + length as u64);
                self.forget(length);
            }
            self.read()?;
        }
    }

    /// Moves the next line to the batch, if it is complete.
    fn take_line(&mut self, batch: &mut Batch) -> bool {
        let unsearched = self.bytes.get(self.searched..).unwrap_or_default();
        match unsearched.iter().position(|byte| *byte == b'\n') {
            Some(found) => {
                self.take(self.searched + found + 1 - self.start, batch);
                true
            }
            None => {
                self.searched = self.bytes.len();
                false
            }
        }
    }

    /// Moves the last line of the input, which has no newline.
    fn take_last(&mut self, batch: &mut Batch) -> bool {
        let length = self.rest().len();
        let is_line = length > 0 || self.skipping.is_some();
        if is_line {
            self.take(length, batch);
        }
        is_line
    }

    /// Moves a line of `length` bytes, newline included.
    fn take(&mut self, length: usize, batch: &mut Batch) {
        let skipped = self.skipping.take();
        let before = skipped.unwrap_or(0);
        let offset = self.offset - before;
        let text = without_end(&self.rest()[..length]);
        let shown = before + text.len() as u64;
        let place = (skipped.is_none() && text.len() <= self.max_line).then(|| {
            // A byte order mark is not part of the first record.
            let text = match offset {
                0 => text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text),
                _ => text,
            };
            let start = batch.bytes.len();
            batch.bytes.extend_from_slice(text);
            start..batch.bytes.len()
        });
        self.forget(length);
        self.count += 1;
        batch.lines.push(Line {
            number: self.count,
            offset,
            length: shown,
            place,
        });
    }

    /// Returns the bytes that were read and not returned yet.
    fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Counts the next bytes as processed.
    fn forget(&mut self, length: usize) {
        self.start += length;
        self.searched = self.start;
        self.offset += length as u64;
    }

    fn digest(&mut self) -> String {
        self.hash();
        self.hasher.finalize().to_hex().to_string()
    }

    /// Hashes the returned bytes, and makes room for more.
    fn hash(&mut self) {
        self.hasher.update(&self.bytes[..self.start]);
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
    }

    fn read(&mut self) -> io::Result<usize> {
        self.hash();
        let had = self.bytes.len();
        self.bytes.resize(had + PIECE, 0);
        let read = loop {
            match self.input.read(&mut self.bytes[had..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.bytes
            .truncate(had + read.as_ref().map_or(0, |count| *count));
        self.ended = matches!(read, Ok(0));
        read
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a few bytes at a time, as a pipe may.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(input: &[u8], drop: usize, max_line: usize, batch: usize) -> Lines<Drops<'_>> {
        Lines::new(Drops(input, drop), "test".into(), max_line, batch)
    }

    /// Returns the lines in words, and the last mark.
    fn all(mut lines: Lines<Drops<'_>>) -> (Vec<String>, Mark) {
        let (mut all, mut end) = (Vec::new(), Mark::default());
        while let Some(batch) = lines.next_batch().unwrap() {
            for line in &batch.lines {
                let text = match batch.text(line) {
                    Some(text) => String::from_utf8_lossy(text).into_owned(),
                    None => "too long".to_owned(),
                };
                let (number, offset, length) = (line.number, line.offset, line.length);
                all.push(format!("{number} {offset}+{length} {text}"));
            }
            end = batch.end;
        }
        (all, end)
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let input = b"one\r\n\nthree is long\nfour";
        let wanted = ["1 0+3 one", "2 5+0 ", "3 6+13 too long", "4 20+4 four"];
        for drop in [1, 2, 3, 7, 100] {
            for batch in [1, 2, 100] {
                let (lines, end) = all(lines(input, drop, 12, batch));
                assert_eq!(lines, wanted, "{drop} bytes, {batch} lines");
                assert_eq!((end.offset, end.lines, end.is_open), (24, 4, true));
                assert_eq!(end.digest, blake3::hash(input).to_hex().to_string());
            }
        }
    }

    #[test]
    fn an_empty_input_has_no_lines_and_a_mark_no_bytes() {
        assert_eq!(all(lines(b"", 1, 10, 10)), (vec![], Mark::default()));
        assert_eq!(all(lines(b"\n", 1, 10, 10)).0, ["1 0+0 "]);
        assert_eq!(all(lines(b"\xef\xbb\xbfx\n", 1, 10, 10)).0, ["1 0+4 x"]);
    }

    #[test]
    fn a_line_too_long_is_not_held() {
        let input = [vec![b'x'; 10 * PIECE], b"\nnext\n".to_vec()].concat();
        let mut lines = lines(&input, PIECE, 100, 10);
        let batch = lines.next_batch().unwrap().unwrap();
        assert_eq!(batch.lines[0].length, 10 * PIECE as u64);
        assert!(lines.bytes.capacity() <= 4 * PIECE);
    }

    #[test]
    fn it_goes_on_where_it_was() {
        let input = b"one\ntwo\nthree\n";
        for drop in [1, 5, 100] {
            let mark = lines(&input[..8], 3, 10, 10);
            let (_, mark) = all(mark);
            let mut resumed = lines(input, drop, 10, 10);
            resumed.resume_at(&mark).unwrap();
            assert_eq!(all(resumed).0, ["3 8+5 three"]);
        }
    }

    #[test]
    fn another_input_is_found_out() {
        let (_, whole) = all(lines(b"one\ntwo\n", 9, 10, 10));
        let (_, open) = all(lines(b"one\ntw", 9, 10, 10));
        for (input, mark, wanted) in [
            (&b"one\n"[..], &whole, "ends at byte 4, and 8 were done"),
            (b"one\ntwi\nthree\n", &whole, "are not what they were"),
            (b"one\ntwo\n", &open, "goes on now"),
        ] {
            let unfit = lines(input, 3, 10, 10).resume_at(mark).unwrap_err();
            let Unfit::Changed(why) = unfit else {
                panic!("{unfit:?}");
            };
            assert!(why.contains(wanted), "{why}");
        }
        // The same input, and the same with more at the end.
        lines(b"one\ntw", 3, 10, 10).resume_at(&open).unwrap();
        lines(b"one\ntwo\nthr", 3, 10, 10)
            .resume_at(&whole)
            .unwrap();
    }
}
