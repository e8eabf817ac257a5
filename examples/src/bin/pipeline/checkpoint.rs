//! The checkpoint of a run, from which the next run resumes.
//!
//! A checkpoint describes a prefix of the input, and the prefix of each output that has exactly the
//! results of it. A checkpoint replaces the previous one in one step, after the outputs are synced
//! to the disk. So after a kill at any moment the present checkpoint is valid. Output beyond it is
//! truncated and written again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::Options;
use crate::failure::Failure;

/// The version of the file format. Other versions are refused.
const FORM: u32 = 1;

/// A position in the input, between two lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The number of bytes before it, and of lines.
    pub(crate) offset: u64,
    pub(crate) lines: u64,
    /// A hash of these bytes.
    pub(crate) digest: String,
    /// The last line has no newline, so it may be incomplete.
    pub(crate) is_open: bool,
}

/// The results of the lines before a mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) written: u64,
    pub(crate) rejected: u64,
    pub(crate) empty: u64,
}

/// The options that affect the output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    fields: Vec<String>,
    /// A hash of the salt, which must stay secret.
    salt: String,
    require: Vec<String>,
    max_line: u64,
    rejects: bool,
}

/// The progress of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    form: u32,
    pub(crate) settings: Settings,
    pub(crate) input: Mark,
    pub(crate) counts: Counts,
    /// The number of valid bytes of each output.
    pub(crate) output: u64,
    pub(crate) rejects: u64,
    /// The input was read to its end.
    pub(crate) is_complete: bool,
}

impl Settings {
    pub(crate) fn of(options: &Options) -> Self {
        let salt = blake3::derive_key("cancelable pipeline salt", options.salt.as_bytes());
        let mut fields = options.fields.clone();
        fields.sort_unstable();
        fields.dedup();
        Self {
            fields,
            salt: blake3::hash(&salt).to_hex()[..16].to_owned(),
            require: options.require.clone(),
            max_line: options.max_line.get() as u64,
            rejects: options.rejects.is_some(),
        }
    }

    /// Returns the name of an option that differs between the two.
    pub(crate) fn differs(&self, other: &Self) -> Option<&'static str> {
        let table = [
            ("--field", self.fields == other.fields),
            ("--salt", self.salt == other.salt),
            ("--require", self.require == other.require),
            ("--max-line", self.max_line == other.max_line),
            ("--rejects", self.rejects == other.rejects),
        ];
        let mut differing = table.into_iter().filter(|(_, equal)| !equal);
        differing.next().map(|(option, _)| option)
    }
}

impl Checkpoint {
    /// Returns the checkpoint of a run without any work.
    pub(crate) fn begin(settings: Settings) -> Self {
        Self {
            form: FORM,
            settings,
            input: Mark {
                digest: blake3::hash(b"").to_hex().to_string(),
                ..Mark::default()
            },
            counts: Counts::default(),
            output: 0,
            rejects: 0,
            is_complete: false,
        }
    }

    /// Returns the path of the checkpoint of an output.
    pub(crate) fn path(output: &Path) -> PathBuf {
        let mut path = output.as_os_str().to_owned();
        path.push(".checkpoint");
        path.into()
    }

    /// Reads the checkpoint at `path`, if there is one.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, Failure> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(path)(error)),
        };
        let unreadable = |why: String| Failure::NotResumable {
            checkpoint: path.to_owned(),
            why,
        };
        let checkpoint: Self = serde_json::from_slice(&text)
            .map_err(|error| unreadable(format!("it is no checkpoint: {error}")))?;
        match checkpoint.form {
            FORM => Ok(Some(checkpoint)),
            form => Err(unreadable(format!(
                "it is of form {form}, which is unknown"
            ))),
        }
    }

    /// Replaces the checkpoint at `path`. A reader finds the old or the new checkpoint, complete.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let mut file = File::create(&new)?;
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        file.write_all(&text)?;
        file.sync_data()?;
        drop(file);
        fs::rename(&new, path)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn settings(args: &[&str]) -> Settings {
        Settings::of(&Options::parse_from([&["pipeline"], args].concat()))
    }

    #[test]
    fn what_is_saved_is_what_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = Checkpoint::path(&dir.path().join("out"));
        assert!(path.ends_with("out.checkpoint"));
        assert_eq!(Checkpoint::load(&path).unwrap(), None);
        let mut checkpoint = Checkpoint::begin(settings(&["-f", "ip", "--salt", "s3cret"]));
        checkpoint.counts.written = 7;
        checkpoint.save(&path).unwrap();
        checkpoint.input.offset = 70;
        checkpoint.save(&path).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), Some(checkpoint));
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.checkpoint");
        let checkpoint = Checkpoint::begin(settings(&[]));
        let other = serde_json::to_string(&checkpoint).unwrap();
        let other = other.replace("\"form\":1", "\"form\":2");
        for text in ["", "{", "[]", "{\"form\":1}", &other] {
            fs::write(&path, text).unwrap();
            let failure = Checkpoint::load(&path).unwrap_err();
            assert_eq!(failure.exit_code(), 65, "{text}: {failure}");
        }
    }

    #[test]
    fn the_option_is_named_that_is_another() {
        let old = settings(&["-f", "ip", "-f", "user"]);
        assert_eq!(old.differs(&settings(&["-f", "user", "-f", "ip"])), None);
        for (args, option) in [
            (&["-f", "ip"][..], "--field"),
            (&["-f", "ip", "-f", "user", "--salt", "x"], "--salt"),
            (&["-f", "ip", "-f", "user", "--require", "ip"], "--require"),
            (&["-f", "ip", "-f", "user", "--max-line", "1"], "--max-line"),
            (&["-f", "ip", "-f", "user", "--rejects", "r"], "--rejects"),
        ] {
            assert_eq!(old.differs(&settings(args)), Some(option));
        }
    }
}
