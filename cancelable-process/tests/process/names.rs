//! Stop signals by their names.

use cancelable_process::StopSignal;

#[test]
fn a_name_stands_for_its_signal() {
    assert_eq!(StopSignal::default(), StopSignal::TERM);
    assert_eq!("2".parse::<StopSignal>().unwrap().name(), "SIGINT");
    for nonsense in ["", "SIG", "NOPE", "-9", "0", "KILLER", "9.5"] {
        assert!(nonsense.parse::<StopSignal>().is_err(), "{nonsense:?}");
    }
    if cfg!(unix) {
        for text in ["KILL", "kill", "SIGKILL", "sigkill", " 9 "] {
            let signal: StopSignal = text.parse().unwrap();
            assert_eq!((signal.number(), signal.name()), (9, "SIGKILL"), "{text:?}");
        }
        for text in ["TERM", "STOP", "SEGV", "HUP", "USR1"] {
            let signal: StopSignal = text.parse().unwrap();
            assert_eq!(signal.name(), format!("SIG{text}"));
        }
        assert_eq!("TERM".parse(), Ok(StopSignal::TERM));
    }
}
