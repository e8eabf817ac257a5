//! Invalid names of signals are errors at once, with the reason.

use cancelable_signals::{InvalidSignal, Signal, WatchError, cancel_on_signal};

fn refused(text: &str) -> InvalidSignal {
    text.parse::<Signal>().expect_err(text)
}

#[test]
fn r33_a_signal_has_one_name_however_it_is_written() {
    for text in ["SIGINT", "INT", "int", " SigInt ", "2"] {
        let signal: Signal = text.parse().unwrap();
        assert_eq!(
            (signal, signal.number(), signal.name()),
            (Signal::INT, 2, "SIGINT")
        );
        assert_eq!(Signal::try_from(text), Ok(signal));
    }
    assert_eq!(Signal::try_from(2), Ok(Signal::INT));
    assert_eq!(Signal::INT.to_string(), "SIGINT");
    assert!(Signal::shutdown().contains(&Signal::INT));
}

#[test]
fn r33_an_unknown_signal_is_a_typed_error() {
    for text in ["SIGFOO", "", "SIG", "0", "-1", "4096", "é"] {
        let error = refused(text);
        assert!(
            error.is_unknown() != cfg!(windows) && error.is_unsupported() == cfg!(windows),
            "{error}"
        );
        assert!(!error.is_uncatchable());
    }
    assert!(refused("SIGFOO").to_string().contains("\"SIGFOO\""));
    assert_eq!(refused("99999").given(), "number 99999");
    let error = refused("SIGFOO");
    assert_eq!(format!("{error:?}"), error.to_string());
    assert!(format!("{error:#?}").starts_with("InvalidSignal {\n"));
}

#[cfg(unix)]
#[test]
fn r33_a_signal_that_nobody_may_catch_is_a_typed_error() {
    for name in ["SIGKILL", "SIGSTOP", "SIGSEGV", "SIGILL", "SIGFPE"] {
        let error = refused(name);
        assert!(error.is_uncatchable() && !error.is_unknown() && !error.is_unsupported());
        assert!(
            error
                .to_string()
                .starts_with(&format!("{name} cannot be watched")),
            "{error}"
        );
    }
    assert_eq!(refused("9").given(), "SIGKILL");
}

#[cfg(unix)]
#[test]
fn r33_every_signal_is_found_by_its_name_and_its_number() {
    for signal in (1..128).filter_map(|number| Signal::try_from(number).ok()) {
        assert_eq!(signal.name().parse(), Ok(signal));
        assert_eq!(signal.number().to_string().parse(), Ok(signal));
    }
    assert_eq!(Signal::term().unwrap().number(), 15);
    assert_eq!(Signal::shutdown().len(), 2);
}

#[cfg(windows)]
#[test]
fn r33_another_signal_than_ctrl_c_is_a_typed_error_on_windows() {
    for text in ["SIGTERM", "TERM", "15", "SIGKILL"] {
        let error = refused(text);
        assert!(error.is_unsupported());
        assert!(
            error
                .to_string()
                .ends_with("cannot be watched on Windows, which has SIGINT (Ctrl+C) only"),
            "{error}"
        );
    }
    assert!(Signal::term().is_err() && cancelable_signals::terminate().is_err());
    assert_eq!(Signal::shutdown(), [Signal::INT]);
}

#[test]
fn r33_to_watch_nothing_is_a_typed_error() {
    let token = cancelable_core::CancellationToken::new();
    let expected = "the argument `signals` is empty: give at least one";
    let error = cancel_on_signal(&token, []).unwrap_err();
    assert!(error.is_empty() && error.signal().is_none(), "{error}");
    assert_eq!(error.to_string(), expected);
    let error = cancelable_signals::signals([]).unwrap_err();
    assert_eq!(error.to_string(), expected);
    let _: fn(WatchError) -> Box<dyn std::error::Error + Send + Sync> = Into::into;
}
