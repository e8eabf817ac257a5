//! The log lines of a thread under the crate's target. One logger for the binary keeps the lines of each thread
//! apart, so that parallel tests do not read each other's lines.

use log::kv::{self, Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Once;

/// One line of the log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) level: Level,
    pub(crate) text: String,
    pub(crate) operation: Option<String>,
    pub(crate) status: Option<String>,
    /// All key-values.
    pub(crate) values: BTreeMap<String, String>,
}

struct Values(BTreeMap<String, String>);

impl<'kvs> VisitSource<'kvs> for Values {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        self.0.insert(key.to_string(), value.to_string());
        Ok(())
    }
}

thread_local! {
    static LINES: RefCell<Option<Vec<Line>>> = const { RefCell::new(None) };
}

struct PerThread;

impl Log for PerThread {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "cancelable"
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut values = Values(BTreeMap::new());
        let visited = record.key_values().visit(&mut values);
        visited.expect("they can be read");
        let Values(values) = values;
        let line = Line {
            level: record.level(),
            text: record.args().to_string(),
            operation: values.get("operation").cloned(),
            status: values.get("status").cloned(),
            values,
        };
        let _ = LINES.try_with(|lines| {
            if let Some(lines) = &mut *lines.borrow_mut() {
                lines.push(line);
            }
        });
    }

    fn flush(&self) {}
}

/// Returns the lines that `code` logs on this thread.
pub(crate) fn lines_of(code: impl FnOnce()) -> Vec<Line> {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        log::set_logger(&PerThread).expect("this binary has one logger");
        log::set_max_level(LevelFilter::Debug);
    });
    LINES.with(|lines| *lines.borrow_mut() = Some(Vec::new()));
    code();
    LINES
        .with(|lines| lines.borrow_mut().take())
        .unwrap_or_default()
}
