//! The address of a server, and whether a failed connection may succeed later.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

/// The time limit of a try for each address of the name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The limits of the domain name system on a name and on one label of it.
const LONGEST: usize = 253;
const LONGEST_PART: usize = 63;

/// A host and a port, syntactically valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text
            .rsplit_once(':')
            .ok_or("the port is missing: write HOST:PORT")?;
        let port = match port.parse() {
            Ok(port) if port > 0 => port,
            _ => {
                return Err(format!(
                    "{port:?} is not a port: a number from 1 to 65535 is wanted"
                ));
            }
        };
        let host = match host.strip_prefix('[') {
            Some(rest) => check_ipv6(rest)?,
            None if host.contains(':') => {
                return Err("write an IPv6 address in brackets: [ADDRESS]:PORT".to_owned());
            }
            None => check_name(host)?,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// Checks an IPv6 address. `rest` is the text after the opening bracket.
fn check_ipv6(rest: &str) -> Result<&str, String> {
    let address = rest.strip_suffix(']').unwrap_or_default();
    // The text after `%` names a network interface of this machine.
    let (number, _) = address.split_once('%').unwrap_or((address, ""));
    match number.parse::<Ipv6Addr>() {
        Ok(_) => Ok(address),
        Err(_) => Err(format!("\"[{rest}\" is no IPv6 address in brackets")),
    }
}

/// Checks the syntax of a host name.
fn check_name(name: &str) -> Result<&str, String> {
    let whole = name.strip_suffix('.').unwrap_or(name);
    let is_part = |part: &str| {
        let is_letter =
            |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '%');
        !part.is_empty() && part.len() <= LONGEST_PART && part.chars().all(is_letter)
    };
    if whole.is_empty() {
        return Err("the host is missing: write HOST:PORT".to_owned());
    }
    if whole.len() > LONGEST || !whole.split('.').all(is_part) {
        return Err(format!("{name:?} is no name of a host"));
    }
    Ok(name)
}

impl Address {
    /// Connects to the first address of the name that accepts.
    pub(crate) fn connect(&self) -> Result<(), Refused> {
        let addresses = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| Refused::unknown(self, &error))?;
        let mut last = None;
        // If one of several addresses may accept later, the program retries.
        for address in addresses {
            let refused = match connect(address) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            if refused.may_change(false) || last.is_none() {
                last = Some(refused);
            }
        }
        Err(last.unwrap_or_else(|| {
            let error = io::Error::other("the name has no address");
            Refused::new(Hope::WithTheName, error)
        }))
    }

    /// Returns whether the host is a number, or a name that is never assigned.
    fn is_literal(&self) -> bool {
        let host = self.host.strip_suffix('.').unwrap_or(&self.host);
        let last = host.rsplit('.').next().unwrap_or_default();
        let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
        host.contains(':') || is_number || last.eq_ignore_ascii_case("invalid")
    }
}

fn connect(address: SocketAddr) -> Result<(), Refused> {
    let is_for_many = match address.ip() {
        IpAddr::V4(ip) => ip.is_multicast() || ip == Ipv4Addr::BROADCAST,
        IpAddr::V6(ip) => ip.is_multicast(),
    };
    if is_for_many {
        let error = io::Error::other(format!("{} is the address of no one server", address.ip()));
        return Err(Refused::new(Hope::None, error));
    }
    match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
        Ok(_) => Ok(()),
        Err(error) => Err(Refused::new(hope(&error), error)),
    }
}

/// Returns whether a connection may succeed after this error. A network or a server may come up;
/// errors for wrong or forbidden addresses are permanent.
fn hope(error: &io::Error) -> Hope {
    match error.kind() {
        io::ErrorKind::InvalidInput
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::Unsupported => Hope::None,
        _ => Hope::Always,
    }
}

/// The condition under which a failed connection may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hope {
    None,
    /// The name has to be assigned first.
    WithTheName,
    Always,
}

/// A failed connection.
#[derive(Debug)]
pub(crate) struct Refused {
    hope: Hope,
    error: io::Error,
}

impl Refused {
    fn new(hope: Hope, error: io::Error) -> Self {
        Self { hope, error }
    }

    /// Returns the failure of a name lookup.
    fn unknown(address: &Address, error: &io::Error) -> Self {
        let text = error.to_string();
        // The resolver gives no code, only a message, which is not localised here. These are the
        // messages of glibc and others for a temporary failure, such as a name server that does not
        // answer.
        let is_for_now = text.contains("emporary failure") || text.contains("ry again");
        let hope = match (address.is_literal(), is_for_now, error.raw_os_error()) {
            (true, ..) => Hope::None,
            (false, true, _) | (false, _, Some(_)) => Hope::Always,
            (false, false, None) => Hope::WithTheName,
        };
        let error = io::Error::other(format!("{}: {text}", address.host));
        Self::new(hope, error)
    }

    /// Returns the failure of a thread that ended without a result.
    pub(crate) fn lost(error: impl Error + Send + Sync + 'static) -> Self {
        Self::new(Hope::Always, io::Error::other(error))
    }

    /// Returns whether a later try may succeed. With `names`, a name that is not known yet is a
    /// reason to retry.
    pub(crate) fn may_change(&self, names: bool) -> bool {
        match self.hope {
            Hope::None => false,
            Hope::WithTheName => names,
            Hope::Always => true,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_server_can_have_is_refused_as_it_is_read() {
        for (text, why) in [
            ("localhost", "the port is missing"),
            ("localhost:", "\"\" is not a port"),
            ("localhost:http", "\"http\" is not a port"),
            ("localhost:0", "\"0\" is not a port"),
            ("localhost:65536", "\"65536\" is not a port"),
            (":80", "the host is missing"),
            ("::1:80", "in brackets"),
            ("http://localhost:80", "in brackets"),
            ("[nonsense]:80", "no IPv6 address"),
            ("[::1:80", "no IPv6 address"),
            ("a b:80", "\"a b\" is no name of a host"),
            ("a..b:80", "\"a..b\" is no name of a host"),
            ("a/b:80", "\"a/b\" is no name of a host"),
        ] {
            let refused = text.parse::<Address>().unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
        for text in ["localhost:80", "a-b.example.:1", "[::1]:65535", "127.1:9"] {
            assert!(text.parse::<Address>().is_ok(), "{text}");
        }
    }

    #[test]
    fn an_address_that_can_never_be_is_known_without_waiting() {
        for text in [
            "999.1.1.1:80",
            "no-such.invalid:80",
            "255.255.255.255:80",
            "224.0.0.1:80",
        ] {
            let refused = text.parse::<Address>().unwrap().connect().unwrap_err();
            assert!(!refused.may_change(true), "{text}: {refused}");
        }
    }

    #[test]
    fn an_unknown_name_is_hoped_for_on_request_and_a_resolver_that_is_away_always() {
        let address = "db:80".parse::<Address>().unwrap();
        let refused = |text: &str| Refused::unknown(&address, &io::Error::other(text));
        let unknown = refused("failed to lookup address information: Name or service not known");
        assert!(!unknown.may_change(false) && unknown.may_change(true));
        let away = "failed to lookup address information: Temporary failure in name resolution";
        assert!(refused(away).may_change(false));
    }

    #[test]
    fn nobody_listening_may_change() {
        for (kind, changes) in [
            (io::ErrorKind::ConnectionRefused, true),
            (io::ErrorKind::TimedOut, true),
            (io::ErrorKind::NetworkUnreachable, true),
            (io::ErrorKind::PermissionDenied, false),
            (io::ErrorKind::InvalidInput, false),
        ] {
            assert_eq!(hope(&kind.into()) == Hope::Always, changes, "{kind}");
        }
    }
}
