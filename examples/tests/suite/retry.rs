//! Waiting for a server, with pauses between the tries.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::kit::{Ended, Tree, bin};
#[cfg(unix)]
use crate::running::Running;

/// An address where nobody listens: somebody did, just now.
fn nobody() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn it_connects_where_a_server_listens() {
    let tree = Tree::new();
    let (_listener, address) = nobody();
    let command = tree.command(bin!("retry"), &[&address.to_string()]);
    let ended = Ended::of(command);
    assert_eq!(ended.assert_code(0).stderr, "connected at try 1\n");
}

/// The first pause is one of an hour, and the time is up before.
#[test]
fn the_time_is_up_in_the_middle_of_a_pause() {
    let tree = Tree::new();
    let (listener, address) = nobody();
    drop(listener);
    let address = address.to_string();
    let arguments = [&address, "--pause", "1h", "--timeout", "300ms"];
    let command = tree.command(bin!("retry"), &arguments);
    let ended = Ended::of(command);
    let lines: Vec<_> = ended.assert_code(124).stderr.lines().collect();
    let [tried, ended] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert!(tried.starts_with("try 1: "), "{tried}");
    assert!(tried.ends_with("; again in 1h"), "{tried}");
    assert!(ended.starts_with("waiting cancelled after "), "{ended}");
    assert!(ended.ends_with(": timed out (limit 300 ms)"), "{ended}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_in_the_middle_of_a_pause() {
    let tree = Tree::new();
    let (listener, address) = nobody();
    drop(listener);
    let arguments = [&address.to_string(), "--pause", "1h", "--timeout", "1d"];
    let mut running = Running::start(tree.command(bin!("retry"), &arguments));
    let ended = running.until_it_says(&["again in 1h"]).signal("INT").end();
    let last = ended.assert_died_of(2).stderr.lines().last().unwrap();
    assert!(last.starts_with("waiting cancelled after "), "{last}");
    assert!(last.ends_with(": SIGINT received"), "{last}");
}

/// It goes on trying: a server that comes up meanwhile is found.
#[cfg(unix)]
#[test]
fn it_connects_once_the_server_is_up() {
    let tree = Tree::new();
    let (listener, address) = nobody();
    drop(listener);
    let arguments = [&address.to_string(), "--pause", "10ms", "--timeout", "1d"];
    let mut running = Running::start(tree.command(bin!("retry"), &arguments));
    running.until_it_says(&["again in 20ms"]);
    let _listener = TcpListener::bind(address).unwrap();
    running
        .until_it_says(&["connected at try "])
        .end()
        .assert_code(0);
}

/// The pauses are written as people do, though the crate that makes them counts with floats.
#[cfg(unix)]
#[test]
fn the_pauses_are_those_that_were_asked_for() {
    let tree = Tree::new();
    let (listener, address) = nobody();
    drop(listener);
    let arguments = [&address.to_string(), "--pause", "100us", "--timeout", "1d"];
    let mut running = Running::start(tree.command(bin!("retry"), &arguments));
    for pause in [
        "100us", "200us", "400us", "800us", "2ms", "3ms", "6ms", "13ms",
    ] {
        running.until_it_says(&[&format!("; again in {pause}\n")]);
    }
    running.signal("INT").end();
}

/// The program does not wait for an address that can never accept.
#[test]
fn an_impossible_address_ends_it_at_the_first_try() {
    let tree = Tree::new();
    for (address, code, why) in [
        ("localhost", 2, "the port is missing"),
        ("localhost:65536", 2, "\"65536\" is not a port"),
        ("no-such.invalid:80", 1, "retry: no-such.invalid: "),
        ("999.999.999.999:80", 1, "retry: 999.999.999.999: "),
        (
            "224.0.0.1:80",
            1,
            "224.0.0.1 is the address of no one server",
        ),
    ] {
        let command = tree.command(bin!("retry"), &[address, "--timeout", "1d"]);
        let ended = Ended::of(command);
        ended.assert_code(code).assert_says(why);
        assert!(!ended.stderr.contains("again in"), "{ended:?}");
    }
}
