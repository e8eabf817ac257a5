//! The log on standard error: one line for each request, and for each phase of the stop.

use common::message;
use log::{LevelFilter, Log, Metadata, Record};

struct Lines;

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("cancelable")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            message(format_args!("{} {}", record.level(), record.args()));
        }
    }

    fn flush(&self) {}
}

pub(crate) fn start() {
    // Fails only if there is a logger.
    if log::set_logger(&Lines).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}
