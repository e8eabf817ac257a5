//! The outputs and, after them, the checkpoint that makes them valid.

use std::path::{Path, PathBuf};

use common::shown;

use crate::checkpoint::{Checkpoint, Settings};
use crate::cli::Options;
use crate::failure::Failure;
use crate::stage::Done;
use crate::target::Target;

/// The last stage. One thread at a time uses it.
#[derive(Debug)]
pub(crate) struct Sink {
    output: Target,
    rejects: Option<Target>,
    /// The path of checkpoints, if the output can be resumed.
    path: Option<PathBuf>,
    /// The last checkpoint.
    checkpoint: Checkpoint,
    /// The outputs were truncated to the checkpoint. Until the first write they are unchanged.
    has_begun: bool,
}

impl Sink {
    /// Opens the outputs: at the end that the checkpoint has, if the run is resumed, or else empty.
    pub(crate) fn open(options: &Options) -> Result<Self, Failure> {
        let settings = Settings::of(options);
        let output = match &options.output {
            Some(path) => open(path)?,
            None => Target::stdout().map_err(Failure::other)?,
        };
        let mut sink = Self {
            path: None,
            checkpoint: Checkpoint::begin(settings),
            output,
            rejects: options.rejects.as_deref().map(open).transpose()?,
            has_begun: false,
        };
        if let (Some(path), Some(length)) = (&options.output, sink.output.written()) {
            let path = Checkpoint::path(path);
            sink.checkpoint = beginning(options, &path, length, sink.checkpoint)?;
            sink.path = Some(path);
        } else if options.resume {
            let name = shown(&sink.output.name);
            return Err(Failure::Files(format!(
                "{name} is no file that could be resumed"
            )));
        }
        sink.check_lengths()?;
        Ok(sink)
    }

    /// Returns the last checkpoint.
    pub(crate) fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Returns the path of checkpoints, if there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Writes finished work, and a checkpoint for it.
    pub(crate) fn commit(&mut self, chunk: &[Done]) -> Result<Checkpoint, Failure> {
        self.begin()?;
        let committed = self.append(chunk);
        if committed.is_err() {
            // The failure is reported either way; complete lines are a best effort.
            let _ = self.cut_to_checkpoint();
        }
        committed
    }

    /// Notes the end of the input.
    pub(crate) fn complete(&mut self) -> Result<Checkpoint, Failure> {
        self.begin()?;
        let mut next = self.checkpoint.clone();
        next.is_complete = true;
        self.keep(next)
    }

    fn append(&mut self, chunk: &[Done]) -> Result<Checkpoint, Failure> {
        let mut next = self.checkpoint.clone();
        next.is_complete = false;
        let (mut output, mut rejects) = (Vec::new(), Vec::new());
        for done in chunk {
            output.extend_from_slice(&done.output);
            rejects.extend_from_slice(&done.rejects);
            next.counts.written += done.counts.written;
            next.counts.rejected += done.counts.rejected;
            next.counts.empty += done.counts.empty;
            next.input = done.end.clone();
        }
        append(&mut self.output, &output)?;
        next.output = self.output.written().unwrap_or_default();
        if let Some(target) = &mut self.rejects {
            append(target, &rejects)?;
            next.rejects = target.written().unwrap_or_default();
        }
        self.keep(next)
    }

    /// Writes the checkpoint after the output that it describes: first the output is synced, and
    /// then the checkpoint.
    fn keep(&mut self, next: Checkpoint) -> Result<Checkpoint, Failure> {
        if let Some(path) = &self.path {
            for target in [Some(&self.output), self.rejects.as_ref()]
                .into_iter()
                .flatten()
            {
                target.sync().map_err(Failure::file(&target.name))?;
            }
            next.save(path).map_err(Failure::file(path))?;
        }
        self.checkpoint = next.clone();
        Ok(next)
    }

    /// Returns whether the next run can resume here: there is a checkpoint, or none is needed.
    pub(crate) fn is_resumable(&self) -> bool {
        let is_empty = self.output.written() == Some(0);
        self.path.is_some() && (self.has_begun || self.checkpoint.output > 0 || is_empty)
    }

    /// Checks that the outputs have all bytes of the checkpoint.
    fn check_lengths(&self) -> Result<(), Failure> {
        let lengths = [
            (Some(&self.output), self.checkpoint.output),
            (self.rejects.as_ref(), self.checkpoint.rejects),
        ];
        for (target, length) in lengths {
            let Some(target) = target else { continue };
            if let Some(written) = target.written().filter(|written| *written < length) {
                let name = shown(&target.name);
                return Err(Failure::NotResumable {
                    checkpoint: self.path.clone().unwrap_or_default(),
                    why: format!("{name} has {written} bytes, and {length} were written"),
                });
            }
        }
        Ok(())
    }

    /// Truncates the outputs to the checkpoint before the first write.
    fn begin(&mut self) -> Result<(), Failure> {
        if self.has_begun {
            return Ok(());
        }
        if let Some(path) = &self.path {
            // The checkpoint first, so that it never describes more than there is.
            self.checkpoint.save(path).map_err(Failure::file(path))?;
        }
        self.cut_to_checkpoint()?;
        self.has_begun = true;
        Ok(())
    }

    fn cut_to_checkpoint(&mut self) -> Result<(), Failure> {
        let Self {
            output,
            rejects,
            checkpoint,
            ..
        } = self;
        output
            .cut(checkpoint.output)
            .map_err(Failure::file(&output.name))?;
        match rejects {
            Some(target) => target
                .cut(checkpoint.rejects)
                .map_err(Failure::file(&target.name)),
            None => Ok(()),
        }
    }
}

/// Returns the checkpoint to start from: the present one, or `fresh`.
fn beginning(
    options: &Options,
    path: &Path,
    length: u64,
    fresh: Checkpoint,
) -> Result<Checkpoint, Failure> {
    if options.restart {
        return Ok(fresh);
    }
    let not_resumable = |why: String| Failure::NotResumable {
        checkpoint: path.to_owned(),
        why,
    };
    match Checkpoint::load(path)? {
        Some(old) if options.resume => match old.settings.differs(&fresh.settings) {
            None => Ok(old),
            Some(option) => Err(not_resumable(format!("{option} was another"))),
        },
        Some(old) if !old.is_complete => Err(Failure::Unfinished {
            checkpoint: path.to_owned(),
        }),
        None if options.resume && length > 0 => Err(not_resumable(
            "it is not there, and the output is not empty".to_owned(),
        )),
        Some(_) | None => Ok(fresh),
    }
}

fn open(path: &Path) -> Result<Target, Failure> {
    let target = Target::open(path).map_err(Failure::file(path))?;
    match target.lock().map_err(Failure::file(path))? {
        true => Ok(target),
        false => Err(Failure::Files(format!(
            "{}: another run is writing it",
            shown(path)
        ))),
    }
}

fn append(target: &mut Target, bytes: &[u8]) -> Result<(), Failure> {
    target.write(bytes).map_err(|error| Failure::File {
        name: target.name.clone(),
        error,
    })
}
