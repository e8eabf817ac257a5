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
    let lines = Ended::of(command).assert_code(0).lines();
    assert_eq!(lines, ["connected at try 1"]);
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
    let lines = Ended::of(command).assert_code(1).lines();
    let [tried, ended] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert!(tried.starts_with("try 1: "), "{tried}");
    assert!(tried.ends_with("; again in 1h"), "{tried}");
    assert!(ended.starts_with("waiting cancelled after "), "{ended}");
    assert!(
        ended.contains("timed out (limit 300 ms, set at "),
        "{ended}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_in_the_middle_of_a_pause() {
    let tree = Tree::new();
    let (listener, address) = nobody();
    drop(listener);
    let arguments = [&address.to_string(), "--pause", "1h", "--timeout", "1d"];
    let mut running = Running::start(tree.command(bin!("retry"), &arguments));
    let ended = running.until_it_prints("again in 1h").signal("INT").end();
    let lines = ended.assert_code(1).lines();
    let last = lines.last().unwrap();
    assert!(last.starts_with("waiting cancelled after "), "{last}");
    assert!(last.contains(": SIGINT received (set at "), "{last}");
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
    running.until_it_prints("again in 20ms");
    let _listener = TcpListener::bind(address).unwrap();
    running
        .until_it_prints("connected at try ")
        .end()
        .assert_code(0);
}
