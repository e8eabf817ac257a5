//! Gauges whose reading a test sets.

use cancelable_core::error::InvalidArgument;
use cancelable_core::testing::ManualRuntime;
use cancelable_core::{Cause, Reason, Scope, Source, Status};
use cancelable_sources::{
    Gauge, GaugeUnit, ResourceSource, cpu_limit, disk_limit, gauge_limit, memory_limit,
    process_cpu_limit, process_memory_limit,
};
use std::borrow::Cow;
use std::future::pending;
use std::io;
use std::sync::mpsc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MIB: f64 = 1024.0 * 1024.0;

/// The value of a reading, by its number from 0.
struct Dial<F> {
    read: F,
    unit: GaugeUnit,
    turn: usize,
}

fn dial<F: FnMut(usize) -> io::Result<f64> + Send + 'static>(unit: GaugeUnit, read: F) -> Dial<F> {
    Dial {
        read,
        unit,
        turn: 0,
    }
}

impl<F: FnMut(usize) -> io::Result<f64> + Send + 'static> Gauge for Dial<F> {
    fn name(&self) -> Cow<'static, str> {
        "memory of the cache".into()
    }

    fn unit(&self) -> GaugeUnit {
        self.unit
    }

    fn read(&mut self) -> io::Result<f64> {
        self.turn += 1;
        (self.read)(self.turn - 1)
    }
}

/// The cause for which a body that never ends is cancelled, and after how long.
fn fires(source: impl Source) -> (Cause, Duration) {
    let manual = ManualRuntime::new();
    let start = manual.now();
    let builder = Scope::builder("watching").runtime(&manual.handle());
    let scope = builder.source(source).build().unwrap();
    let outcome = manual.block_on(scope.run(|_| pending::<()>()));
    assert_eq!(outcome.status(), Status::Cancelled);
    (outcome.cause().unwrap().clone(), manual.now() - start)
}

#[test]
fn r30_a_reading_at_the_limit_cancels_and_both_are_named() {
    let readings = [400.0 * MIB, 499.9 * MIB, 512.0 * MIB];
    let gauge = dial(GaugeUnit::Bytes, move |turn| Ok(readings[turn]));
    let source = gauge_limit(gauge, 500.0 * MIB).unwrap();
    let line = line!() - 1;
    let (cause, after) = fires(source);
    assert_eq!((cause.reason(), after), (&Reason::Resource, 2 * SECOND));
    assert_eq!(
        cause.message(),
        Some("memory of the cache at 512 MiB, limit 500 MiB")
    );
    assert_eq!(
        (cause.location().file(), cause.location().line()),
        (file!(), line)
    );
    let exactly = dial(GaugeUnit::Percent, |_| Ok(90.0));
    let (cause, after) = fires(gauge_limit(exactly, 90.0).unwrap());
    assert_eq!(after, Duration::ZERO);
    assert_eq!(
        cause.message(),
        Some("memory of the cache at 90 %, limit 90 %")
    );
}

#[test]
fn r30_values_read_as_people_write_them() {
    for (unit, value, words) in [
        (GaugeUnit::Bytes, 1023.0, "1023 B"),
        (GaugeUnit::Bytes, 1024.0, "1 KiB"),
        (GaugeUnit::Bytes, 1.5 * 1024.0 * MIB, "1.5 GiB"),
        (GaugeUnit::Bytes, 1e30, "888178419700125.2 PiB"),
        (GaugeUnit::Percent, 0.01, "0.01 %"),
        (GaugeUnit::Percent, 91.46, "91.5 %"),
        (GaugeUnit::Percent, 100.0, "100 %"),
        (GaugeUnit::Number, 1000.0, "1000"),
        (GaugeUnit::Number, 0.25, "0.25"),
    ] {
        let (cause, _) = fires(gauge_limit(dial(unit, move |_| Ok(value)), 1e-9).unwrap());
        let message = cause.message().unwrap();
        assert!(
            message.starts_with(&format!("memory of the cache at {words}, limit ")),
            "{message}"
        );
    }
}

#[test]
fn r30_it_looks_in_its_interval() {
    let gauge = dial(GaugeUnit::Number, |turn| Ok(turn as f64));
    let source = gauge_limit(gauge, 3.0).unwrap();
    let source = source.every(SECOND / 4).unwrap();
    assert_eq!(fires(source).1, SECOND * 3 / 4);
}

/// Under the limit once, and the span begins anew.
#[test]
fn r30_a_sustained_limit_is_reached_at_every_look_of_its_span() {
    let readings = [9.0, 9.0, 1.0, 9.0, 9.0, 9.0, 9.0];
    let gauge = dial(GaugeUnit::Number, move |turn| Ok(readings[turn]));
    let source = gauge_limit(gauge, 5.0).unwrap().sustained(3 * SECOND);
    assert_eq!(fires(source).1, 6 * SECOND);
}

#[test]
fn r31_a_gauge_that_fails_or_panics_is_read_again() {
    let gauge = dial(GaugeUnit::Number, |turn| match turn {
        0 => Err(io::Error::other("not there")),
        1 => panic!("a gauge"),
        2 => Ok(f64::NAN),
        _ => Ok(1.0),
    });
    let (cause, after) = fires(gauge_limit(gauge, 1.0).unwrap());
    assert_eq!((cause.reason(), after), (&Reason::Resource, 3 * SECOND));
}

/// A failure neither counts as under the limit nor as over it.
#[test]
fn r31_a_failure_does_not_begin_the_span_anew() {
    let gauge = dial(GaugeUnit::Number, |turn| match turn {
        1 => Err(io::Error::other("not there")),
        _ => Ok(1.0),
    });
    let source = gauge_limit(gauge, 1.0).unwrap().sustained(2 * SECOND);
    assert_eq!(fires(source).1, 2 * SECOND);
}

/// The scope ends while the reading hangs, which it does until the scope has ended.
#[test]
fn r31_a_gauge_that_hangs_delays_nobody() {
    let (release, released) = mpsc::channel::<()>();
    let (enter, entered) = mpsc::channel();
    let gauge = dial(GaugeUnit::Number, move |_| {
        enter.send(()).unwrap();
        Err(io::Error::other(released.recv().unwrap_err()))
    });
    let manual = ManualRuntime::with_threads();
    let runtime = manual.handle();
    let builder = Scope::builder("watching").runtime(&runtime);
    let builder = builder.source(gauge_limit(gauge, 1.0).unwrap());
    let scope = builder.build().unwrap();
    let outcome = manual.block_on(scope.run(async |_| {
        let begun = runtime.spawn_blocking(move || entered.recv().unwrap());
        begun.await.unwrap();
        7
    }));
    assert_eq!(outcome.into_value(), Some(7));
    drop(release);
}

#[test]
fn r30_a_limit_that_makes_no_sense_is_refused() {
    type Make = fn(f64) -> Result<ResourceSource, InvalidArgument>;
    let percents: [Make; 4] = [memory_limit, cpu_limit, process_cpu_limit, |percent| {
        disk_limit("/", percent)
    }];
    for make in percents {
        const ABOVE: &str = "is more than 100: no reading reaches such a limit";
        const BELOW: &str = "is not above zero: every reading reaches such a limit";
        for (limit, problem) in [
            (f64::NAN, "is not a number"),
            (f64::INFINITY, ABOVE),
            (100.000001, ABOVE),
            (-1.0, BELOW),
            (0.0, BELOW),
            (100.5, ABOVE),
        ] {
            let error = make(limit).unwrap_err();
            assert_eq!(error, InvalidArgument::new("percent", problem));
        }
        assert!(make(100.0).is_ok());
    }
    assert_eq!(
        process_memory_limit(0).unwrap_err().to_string(),
        "the argument `bytes` is not above zero: every reading reaches such a limit"
    );
    let plain = dial(GaugeUnit::Number, |_| Ok(0.0));
    assert!(gauge_limit(plain, 1e9).is_ok());
    let plain = dial(GaugeUnit::Number, |_| Ok(0.0));
    assert_eq!(
        gauge_limit(plain, f64::INFINITY).unwrap_err().to_string(),
        "the argument `limit` is infinite: no reading reaches such a limit"
    );
    let error = disk_limit("", 90.0).unwrap_err();
    assert_eq!(error.argument(), "path");
    let error = memory_limit(90.0)
        .unwrap()
        .every(Duration::ZERO)
        .unwrap_err();
    assert_eq!(error.argument(), "interval");
}

#[test]
fn r30_a_scope_without_a_runtime_cannot_have_it() {
    let source = process_memory_limit(1).unwrap();
    let error = Scope::builder("watching").source(source).build();
    assert_eq!(
        error.unwrap_err().to_string(),
        "scope watching has no runtime for the source memory of the process: set one by \
         `runtime(&handle)`"
    );
}
