//! The server as its users meet it: a real process, connections and signals.
//!
//! A test never sleeps: it waits for a line of the server's log, or for bytes of a response.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::{KEY, Server, get, read, read_until, request};

#[test]
fn a_report_is_cancelled_when_its_client_disconnects() {
    let mut server = Server::start(&[]);
    let report = server.send(&get("/report"));
    server.wait_for_operation("GET /report");
    drop(report);
    server.wait_for("GET /report 499: the client left");
    // The loop of the report sees the cancellation, and its operation ends.
    server.wait_for_end_of("GET /report");
    server.stop_cleanly();
}

#[test]
fn a_payment_finishes_when_its_client_disconnects() {
    let mut server = Server::start(&[]);
    let payment = server.send(&request("POST", "/pay/7", ""));
    server.wait_for_operation("POST /pay/{order}");
    drop(payment);
    server.wait_for("POST /pay/7 499: the client left");
    server.wait_for("order 7 is paid");
    server.wait_for("order 7 is unlocked");
    server.stop_cleanly();
}

#[test]
fn a_stop_of_the_server_waits_for_a_payment() {
    let mut server = Server::start(&["--unready", "0s"]);
    let mut payment = server.send(&request("POST", "/pay/8", ""));
    server.wait_for_operation("POST /pay/{order}");
    server.terminate();
    let response = read(&mut payment);
    assert!(response.ends_with("receipt of order 8\n"), "{response}");
    server.wait_for("order 8 is unlocked");
    let report = server.drained();
    assert!(
        report.contains("1 finished, 0 cancelled, 0 cut"),
        "{report}"
    );
}

#[test]
fn a_token_stream_is_stopped_by_its_key() {
    let mut server = Server::start(&[]);
    let mut tokens = server.send(&request(
        "GET",
        "/tokens",
        &format!("x-request-key: {KEY}\r\n"),
    ));
    read_until(&mut tokens, "data: a");
    let stopped = server.ask(&request("POST", &format!("/requests/{KEY}/stop"), ""));
    assert!(stopped.starts_with("HTTP/1.1 204"), "{stopped}");
    let rest = read_until(&mut tokens, "event: cancelled");
    assert!(rest.contains("event: cancelled"), "{rest}");
    server.wait_for("stopped by its key");
    let unknown = server.ask(&request("POST", "/requests/unknown/stop", ""));
    assert!(unknown.starts_with("HTTP/1.1 404"), "{unknown}");
    server.stop_cleanly();
}

#[test]
fn events_end_with_the_reason_when_the_server_stops() {
    let server = Server::start(&["--unready", "0s", "--finish", "0s"]);
    let mut events = server.send(&get("/events"));
    read_until(&mut events, "event: tick");
    server.terminate();
    let rest = read(&mut events);
    assert!(
        rest.contains("event: cancelled\ndata: shutting_down\n"),
        "{rest}"
    );
    let report = server.drained();
    assert!(
        report.contains("0 finished, 1 cancelled, 0 cut"),
        "{report}"
    );
}

#[test]
fn a_second_signal_skips_ahead_and_a_report_is_answered_in_its_grace() {
    let mut server = Server::start(&["--unready", "1h", "--finish", "0s"]);
    let mut report = server.send(&get("/report"));
    server.wait_for_operation("GET /report");
    server.terminate();
    server.wait_for("the server stops: SIGTERM received; open requests: 1");
    let unready = server.ask(&get("/ready"));
    assert!(unready.starts_with("HTTP/1.1 503"), "{unready}");
    server.interrupt();
    let response = read(&mut report);
    assert!(response.starts_with("HTTP/1.1 503"), "{response}");
    assert!(
        response.contains(r#""type":"urn:cancelable:shutting_down""#),
        "{response}"
    );
    server.wait_for("GET /report 503: shutting down");
    let report = server.drained();
    assert!(
        report.contains("0 finished, 1 cancelled, 0 cut"),
        "{report}"
    );
}

#[test]
fn an_upload_is_hashed_and_a_deadline_of_the_client_holds() {
    let server = Server::start(&[]);
    let ready = server.ask(&get("/ready"));
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    let hash = server.ask(&(request("PUT", "/upload", "content-length: 3\r\n") + "abc"));
    // The example of FIPS 180.
    let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  3 bytes\n";
    assert!(hash.ends_with(wanted), "{hash}");
    let late = server.ask(&request("GET", "/report", "x-request-timeout-ms: 1\r\n"));
    assert!(late.starts_with("HTTP/1.1 504"), "{late}");
    server.stop_cleanly();
}

#[cfg(feature = "ws")]
#[test]
fn a_socket_is_closed_with_code_1001() {
    use std::io::Read;

    let server = Server::start(&["--unready", "0s", "--finish", "0s"]);
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut socket = server.send(&format!("GET /socket HTTP/1.1\r\nhost: a\r\n{upgrade}\r\n"));
    read_until(&mut socket, "\r\n\r\n");
    server.wait_for_operation("socket GET /socket");
    server.terminate();
    // A close frame: its opcode, its length, its code.
    let mut head = [0; 4];
    socket.read_exact(&mut head).unwrap();
    assert_eq!(
        (head[0], u16::from_be_bytes([head[2], head[3]])),
        (0x88, 1001)
    );
    drop(socket);
    server.drained();
}
