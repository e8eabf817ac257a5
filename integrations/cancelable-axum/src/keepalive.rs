//! The keepalive of TCP, by which the system notices a client that vanished without closing its connection.

use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;

/// The least interval, because systems count in seconds.
const LEAST: Duration = Duration::from_secs(1);

/// The longest interval that Linux takes.
const MOST: Duration = Duration::from_secs(32_767);

/// Has the system probe a connection that was silent for `span`.
pub(crate) fn keep_alive(stream: &TcpStream, span: Duration) -> io::Result<()> {
    let span = span.clamp(LEAST, MOST);
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(span)
        .with_interval((span / 3).max(LEAST));
    // Windows has a fixed number of probes.
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    // Without it, the system does not probe a connection with unacknowledged bytes, and repeats them for minutes.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(span * 2))?;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::keep_alive;
    use socket2::SockRef;
    use std::time::Duration;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_connection_is_probed_in_the_span_and_in_a_second_at_the_least() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        for (span, time, interval, unacknowledged) in [
            (30, 30, 10, 60),
            (0, 1, 1, 2),
            (u64::MAX, 32_767, 10_922, 65_534),
        ] {
            keep_alive(&stream, Duration::from_secs(span)).unwrap();
            let socket = SockRef::from(&stream);
            assert!(socket.keepalive().unwrap());
            let set = [
                socket.tcp_keepalive_time().unwrap(),
                socket.tcp_keepalive_interval().unwrap(),
                socket.tcp_user_timeout().unwrap().unwrap(),
            ];
            assert_eq!(
                set,
                [time, interval, unacknowledged].map(Duration::from_secs)
            );
        }
    }
}
