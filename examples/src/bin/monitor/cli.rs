//! The command line.

use std::num::NonZeroU32;

use clap::Parser;

use crate::keys::HELP;

/// Watch operations in the terminal, and stop them: one, all, or those with a name.
#[derive(Clone, Debug, Parser)]
#[command(name = "monitor", version, after_help = HELP)]
pub(crate) struct Options {
    /// How many operations the load has
    #[arg(short = 'n', long, value_name = "N", default_value = "1000")]
    operations: NonZeroU32,

    /// What decides which of them do what
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) seed: u32,

    /// How much faster than usual they are
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) speed: NonZeroU32,

    /// Print one picture as text when all are open, end them, and exit; so it is where standard
    /// output is no terminal
    #[arg(long, visible_alias = "headless")]
    pub(crate) once: bool,
}

impl Options {
    pub(crate) fn operations(&self) -> usize {
        usize::try_from(self.operations.get()).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            ["monitor", "-n", "0"],
            ["monitor", "--speed", "0"],
            ["monitor", "--seed", "x"],
        ] {
            assert!(Options::try_parse_from(line).is_err(), "{line:?}");
        }
    }
}
