//! The programs that are signalled in ways that only Unix has.

use super::{block_on, listen, name_of, once, say, scope_on, stay, watch};
use cancelable_core::{CancellationToken, Registry, Scope};
use cancelable_signals::{Disposition, Escalation, Signal, SignalGuard, Step};
use cancelable_signals::{cancel_on_signal, dump_on_signal_to, exit_by, signal};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

pub(super) fn run(program: &str) {
    match program {
        "shutdown" => once(&Signal::shutdown()),
        "every_one" => every_one(),
        "raises" => raises(),
        "many" => many(),
        "in_part" => in_part(),
        "counts" => counts(),
        "churn" => churn(),
        "race" => race(),
        "ignored" => ignored(),
        "ignored_asked" => ignored_asked(),
        "handled" => handled(),
        "handled_later" => handled_later(),
        "dumps" => dumps(),
        "doubled" => doubled(),
        "doubled_later" => doubled_later(),
        "hung_action" => hung_action(),
        "forked" => forked(),
        "custom_steps" => custom_steps(),
        "panicking_step" => panicking_step(),
        "panicking_logger" => panicking_logger(),
        "logs" => logs(),
        "exits_by" => exits_by(),
        "exits_by_other" => exits_by_other(),
        "exits_by_hanging" => exits_by_hanging(),
        "take_default" => takes_default(),
        "unemulated" => restored_of(number_from_parent()),
        other => panic!("no program {other}"),
    }
}

/// Prints what is open, without numbers and places, until it is told that that is enough.
fn dumps() {
    let registry = Registry::new();
    let open = Scope::builder("outer")
        .register_in(&registry)
        .build()
        .unwrap();
    let inside = open.child("inner").build().unwrap();
    let signal = "SIGUSR1".parse();
    let guard = dump_on_signal_to(&registry, signal, |dump| {
        for line in dump.to_string().lines() {
            let line = line.split("; opened at").next().unwrap_or_default();
            match line.split_once('#') {
                Some((indent, rest)) => say(format!("{indent}{}", rest.split_once(' ').unwrap().1)),
                None => say(line),
            }
        }
        panic!("a writer's own affair");
    });
    let guard = guard.unwrap();
    say("ready");
    listen();
    drop((open, inside, guard));
    say("dropped");
    stay();
}

fn number_from_parent() -> Signal {
    say("which");
    listen().parse().unwrap()
}

fn restored_of(signal: Signal) {
    let (_token, guard) = watch(&[signal]);
    drop(guard);
    say("ready");
    stay();
}

#[allow(clippy::print_stdout)] // The parent listens, and it is not flushed here.
fn clean_up_and_die_of(signal: Signal) -> ! {
    // Without the newline, so that it is still in the buffer.
    print!("\nchild: cleaned up");
    exit_by(signal)
}

fn exits_by() {
    let signal = number_from_parent();
    let (token, _guard) = watch(&[signal]);
    signal_hook::low_level::raise(signal.number()).unwrap();
    token.wait();
    clean_up_and_die_of(Signal::from_cause(&token.cause().unwrap()).unwrap());
}

/// Dies of a signal that it has not received.
fn exits_by_other() {
    clean_up_and_die_of(number_from_parent());
}

fn exits_by_hanging() {
    let signal = number_from_parent();
    let (locked, is_locked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _lock = std::io::stdout().lock();
        locked.send(()).unwrap();
        stay();
    });
    is_locked.recv().unwrap();
    exit_by(signal);
}

fn takes_default() {
    let signal = number_from_parent();
    let steps = Escalation::new(&CancellationToken::never()).signals([signal]);
    let _guard = steps.first(Step::take_default()).start().unwrap();
    signal_hook::low_level::raise(signal.number()).unwrap();
    stay();
}

/// Without a watcher, a signal takes its default action at once.
fn raises() {
    let (_token, guard) = watch(&[Signal::INT]);
    drop(guard);
    signal_hook::low_level::raise(Signal::INT.number()).unwrap();
    say("lived on");
}

/// Watches each signal that the parent names, one after another, until it names none.
fn every_one() {
    loop {
        say("which");
        let name = listen();
        if name.is_empty() {
            return;
        }
        // Some are ignored from the start.
        let token = CancellationToken::new();
        let watching = Escalation::new(&token)
            .signals([name.parse().unwrap()])
            .even_if_ignored();
        let _guard = watching.start().unwrap();
        say("ready");
        token.wait();
        say(name_of(&token));
    }
}

/// Four watchers of one signal, registered by two threads at once.
fn many() {
    let start = Arc::new(std::sync::Barrier::new(2));
    let register = |_| {
        let start = Arc::clone(&start);
        std::thread::spawn(move || {
            start.wait();
            [watch(&[Signal::INT]), watch(&Signal::shutdown())]
        })
    };
    let threads: Vec<_> = (0..2).map(register).collect();
    let watchers: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    say("ready");
    for (token, _) in &watchers {
        token.wait();
    }
    say(watchers.len());
    #[cfg(target_os = "linux")]
    {
        let readers = || {
            let threads = std::fs::read_dir("/proc/self/task").unwrap();
            let names = threads.map(|task| {
                std::fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default()
            });
            names.filter(|name| name.trim() == "signals").count()
        };
        // A thread has the name of the one that started it, until it has given itself its own.
        while readers() != 1 {
            std::thread::yield_now();
        }
    }
}

/// One of two watchers is dropped: the other still has the signal, and after that nobody.
fn in_part() {
    let (gone, guard) = watch(&[Signal::INT]);
    let (token, _kept) = watch(&[Signal::INT]);
    drop(guard);
    say("ready");
    token.wait();
    assert!(!gone.is_cancelled());
    say("kept");
    say("ready");
    stay();
}

/// A watcher that is never spent, and says how many signals it has had.
fn counting() -> SignalGuard {
    let count = AtomicUsize::new(0);
    let step = Step::call(move |_| say(count.fetch_add(1, Ordering::SeqCst) + 1));
    let escalation = Escalation::new(&CancellationToken::new()).signals([Signal::INT]);
    escalation
        .first(step.clone())
        .second(step.clone())
        .third(step)
        .merge_within(Duration::ZERO)
        .start()
        .unwrap()
}

fn counts() {
    let _guard = counting();
    say("ready");
    listen();
}

/// Watchers come and go all the time beside one that stays.
fn churn() {
    let _guard = counting();
    let stop = CancellationToken::new();
    let churning = stop.clone();
    let thread = std::thread::spawn(move || {
        while !churning.is_cancelled() {
            drop(watch(&[Signal::INT]));
        }
    });
    say("ready");
    listen();
    stop.cancel();
    thread.join().unwrap();
}

/// The last watcher goes while the signal is on its way.
fn race() {
    let (token, guard) = watch(&[Signal::INT]);
    token
        .on_cancel(|_| {
            say("delivered");
            std::process::exit(0);
        })
        .detach();
    say("ready");
    let spins: u32 = listen().parse().unwrap();
    (0..spins).for_each(|_| std::hint::spin_loop());
    drop(guard);
    stay();
}

/// Raised by this thread, so that a signal has had its handler when the next line runs.
fn raise_int() {
    signal_hook::low_level::raise(Signal::INT.number()).unwrap();
}

/// Each way to watch receives a signal that comes twice, and is gone when it comes again.
fn doubled() {
    let (token, guard) = (CancellationToken::new(), CancellationToken::new());
    let guarded = cancel_on_signal(&guard, [Signal::INT]).unwrap();
    let guarded = guarded.merge_within(Duration::MAX);
    let escalation = Escalation::new(&token).merge_within(Duration::MAX);
    let escalation = escalation.start().unwrap();
    let source = signal(Signal::INT).merge_within(Duration::MAX);
    let scope = Scope::builder("import").source(source).build().unwrap();
    let outcome = block_on(scope.run(|_| async {
        raise_int();
        raise_int();
        std::future::pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    token.wait();
    guard.wait();
    // The escalation would take the default action as its second step.
    raise_int();
    drop((guarded, escalation));
    raise_int();
    say("lived on");
    say("ready");
    listen();
}

/// The second signal comes when the time of the first is over: at some time it is.
fn doubled_later() {
    let token = CancellationToken::new();
    let guard = cancel_on_signal(&token, [Signal::INT]).unwrap();
    let _guard = guard.merge_within(Duration::from_millis(1));
    raise_int();
    token.wait();
    loop {
        raise_int();
        std::thread::yield_now();
    }
}

fn threads() -> usize {
    #[cfg(target_os = "linux")]
    return std::fs::read_dir("/proc/self/task").unwrap().count();
    #[cfg(not(target_os = "linux"))]
    return 1;
}

/// An action that never comes to its end, beside a watcher that says how many signals there were.
fn hung_action() {
    let hangs = Step::call(|_| stay());
    let escalation = Escalation::new(&CancellationToken::new()).signals([Signal::INT]);
    let _hung = escalation
        .first(hangs.clone())
        .second(hangs.clone())
        .third(hangs)
        .merge_within(Duration::ZERO)
        .start()
        .unwrap();
    let _guard = counting();
    say("ready");
    listen();
    say(threads());
}

/// A signal that comes to a process which was forked from this one and has not executed a program yet.
///
/// It is in that state for as long as it looks for a program that is in none of the millions of
/// folders in which it may be.
fn forked() {
    let usr1: Signal = "SIGUSR1".parse().unwrap();
    let _guard = Escalation::new(&CancellationToken::new())
        .signals([Signal::INT, usr1])
        .first(Step::call(|first| say(format_args!("first: {first}"))))
        .start()
        .unwrap();
    let spawning = std::thread::spawn(|| {
        let mut command = std::process::Command::new("cancelable-no-such-program");
        command.env("PATH", "/x:".repeat(4 << 20));
        command.spawn().map(|mut forked| forked.wait())
    });
    let forked = loop {
        match forked_from(std::process::id()) {
            Some(forked) => break forked,
            None => std::thread::yield_now(),
        }
    };
    say(forked);
    // The parent has signalled it by now.
    listen();
    // Of what has come by now the reader takes the lower number first.
    signal_hook::low_level::raise(usr1.number()).unwrap();
    listen();
    let _ = spawning.join();
}

/// The child of that process, if there is one.
fn forked_from(parent: u32) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.find(|number: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map(|(_, fields)| fields);
        let above = fields.and_then(|fields| fields.split(' ').nth(1)?.parse().ok());
        above == Some(parent)
    })
}

fn ignored() {
    say(format_args!("{:?}", Disposition::of(Signal::INT)));
    let (token, guard) = watch(&Signal::shutdown());
    say("ready");
    token.wait();
    say(name_of(&token));
    drop(guard);
    say(format_args!("{:?}", Disposition::of(Signal::INT)));
    say("ready");
    stay();
}

fn ignored_asked() {
    let token = CancellationToken::new();
    let watching = Escalation::new(&token).even_if_ignored();
    let guard = watching.start().unwrap();
    say("ready");
    token.wait();
    say(name_of(&token));
    drop(guard);
    say("ready");
    stay();
}

fn other_handler() -> Arc<AtomicBool> {
    let seen = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(Signal::INT.number(), Arc::clone(&seen)).unwrap();
    seen
}

/// The signal may be handled on any thread, at any time after it was sent.
fn wait_for(seen: &AtomicBool) {
    while !seen.swap(false, Ordering::SeqCst) {
        std::thread::yield_now();
    }
}

fn handled() {
    let seen = other_handler();
    say(format_args!("{:?}", Disposition::of(Signal::INT)));
    let (token, guard) = watch(&[Signal::INT]);
    say("ready");
    token.wait();
    wait_for(&seen);
    say("both");
    drop(guard);
    say("ready");
    wait_for(&seen);
    say("left alone");
}

fn handled_later() {
    let (_token, guard) = watch(&[Signal::INT]);
    let seen = other_handler();
    Disposition::Handled.assume(Signal::INT);
    drop(guard);
    say("ready");
    wait_for(&seen);
    say("left alone");
}

fn custom_steps() {
    let token = CancellationToken::new();
    let said = |text: &'static str| {
        Step::call(move |signal| {
            say(format_args!("{text}-{signal}"));
            say("ready");
        })
    };
    let escalation = Escalation::new(&token)
        .first(said("one"))
        .second(Step::ignore())
        .third(said("more"))
        .merge_within(Duration::ZERO);
    let _guard = escalation.start().unwrap();
    say("ready");
    listen();
    assert!(!token.is_cancelled());
}

fn panicking_step() {
    std::panic::set_hook(Box::new(|_| {}));
    let token = CancellationToken::new();
    let panics = Step::call(|_| panic!("on purpose"));
    let _guard = Escalation::new(&token)
        .first(panics)
        .second(Step::cancel(&token))
        .merge_within(Duration::ZERO)
        .start()
        .unwrap();
    say("ready");
    while cancelable_core::token::isolated_panics() == 0 {
        std::thread::yield_now();
    }
    say("ready");
    token.wait();
    say("served");
}

fn panicking_logger() {
    struct Panics;

    impl log::Log for Panics {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, _: &log::Record<'_>) {
            panic!("on purpose");
        }

        fn flush(&self) {}
    }

    std::panic::set_hook(Box::new(|_| {}));
    log::set_logger(&Panics).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    once(&[Signal::INT]);
}

/// Says whether the lines of the log that name a place name the one where the signal was asked for.
fn logs() {
    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

    struct Keeps;

    impl log::Log for Keeps {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            LINES.lock().push(record.args().to_string());
        }

        fn flush(&self) {}
    }

    log::set_logger(&Keeps).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    let source = signal(Signal::INT);
    let place = format!("(set at {}:{})", file!(), line!() - 1);
    let outcome = block_on(scope_on(source).run(|_| async {
        say("ready");
        std::future::pending::<()>().await;
    }));
    assert!(outcome.is_cancelled());
    // The scope is told of on the thread that serves the signal, after it was cancelled.
    let told = loop {
        let lines = LINES.lock();
        let placed = lines.iter().filter(|line| line.contains("(set at "));
        let placed: Vec<_> = placed.cloned().collect();
        if placed.len() >= 2 {
            break placed;
        }
        drop(lines);
        std::thread::yield_now();
    };
    let right = told.iter().filter(|line| line.ends_with(&place));
    say(match right.count() == told.len() {
        true => "as asked for",
        false => "elsewhere",
    });
}
