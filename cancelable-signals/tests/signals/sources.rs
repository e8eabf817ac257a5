//! R30: signals are sources.

use cancelable_core::Source;
use cancelable_signals::{Signal, ctrl_c, shutdown, signal, signals};

#[test]
fn r30_a_source_is_called_by_the_names_of_its_signals() {
    assert_eq!(ctrl_c().name(), "SIGINT");
    assert_eq!(signal(Signal::INT).name(), ctrl_c().name());
    let wanted = if cfg!(windows) {
        "SIGINT"
    } else {
        "SIGINT or SIGTERM"
    };
    assert_eq!(shutdown().name(), wanted);
    assert_eq!(signals(Signal::shutdown()).unwrap().name(), wanted);
}
